"""Tor's service where the daemon is missing, locked, slow, silent, gone, or not tor at all: one sentence each."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.leasing import Office, exit_of, office, patient, pretended
from tests.world.tor_control import FakeTor, Misbehaviour
from ytsb_tui.errors import BadSetup, BadStart, Bug, StageError, TorTrouble
from ytsb_tui.services.tor.daemon import install_hint
from ytsb_tui.services.tor.keeper import Link
from ytsb_tui.services.tor.service import TorService

HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeTor]:
    with pretended(tmp_path) as running:
        yield running


@contextlib.contextmanager
def somebody(says: bytes) -> Iterator[str]:
    """A port of something that is not tor; it says nothing at all where it `says` nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        visitors: list[socket.socket] = []

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    visitor, _ = listening.accept()
                    visitors.append(visitor)
                    if says:
                        visitor.sendall(says)
                        visitor.close()

        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        answering.join(30)
        for visitor in visitors:
            visitor.close()


def trouble(desk: Office, kind: type[StageError]) -> StageError:
    """What somebody who wants a circuit is told; the clock runs on while they wait."""
    desk.runs = 20
    with pytest.raises(kind) as caught, desk.tor.lease(0, desk.waits()):
        pass
    assert type(caught.value) is kind
    return caught.value


def test_a_tor_that_runs_is_used_and_says_what_it_is(fake: FakeTor, tmp_path: Path) -> None:
    with office(fake, tmp_path / "exits.json") as desk:
        desk.take(0)
        state = desk.tor.state
    assert (state.phase, state.origin, state.version, state.exits) == ("ready", "running", "0.4.9.11", 6)
    assert state.words == f"Tor 0.4.9.11 on port {fake.socks_port}, 6 exits."
    assert not [told for told in fake.commands if told.startswith(("SIGNAL", "TAKEOWNERSHIP", "SETCONF"))]


def test_the_control_port_alone_names_the_socks_port(fake: FakeTor, tmp_path: Path) -> None:
    with office(fake, tmp_path / "exits.json", tor_socks="") as desk:
        assert exit_of(desk.take(0)).startswith("127.67.")


def test_a_tor_without_a_control_port_has_circuits_whose_exits_are_unknown(fake: FakeTor, tmp_path: Path) -> None:
    with office(fake, tmp_path / "exits.json", tor_control="") as desk:
        one, other = desk.take(0), desk.take(1)
        assert (one.exit, one.path) == (None, ())
        assert one.name != other.name
        assert desk.tor.state.origin == "socks"
        assert desk.tor.state.words == f"Tor on port {fake.socks_port}; which exits it uses is unknown."
        desk.tor.rotate(0)
        desk.until(lambda: len(desk.moves()) == 3)


NOT_NAMED: dict[str, Any] = {"tor_socks": "", "tor_control": "", "tor_binary": "no-such-tor"}
"""Settings that name no tor, on a machine where none is installed."""


def test_a_tor_that_is_not_installed_is_told_with_the_way_to_get_it(fake: FakeTor, tmp_path: Path) -> None:
    with office(fake, tmp_path / "exits.json", None, (), **NOT_NAMED) as desk:
        error = trouble(desk, BadSetup)
    assert (str(error), error.advice) == ("Tor is not installed, and none is running.", install_hint())


def test_somebody_else_s_tor_on_the_usual_ports_is_found_and_something_else_there_is_not(
    fake: FakeTor, tmp_path: Path
) -> None:
    theirs = f"127.0.0.1:{fake.socks_port}", f"127.0.0.1:{fake.control_port}"
    with (
        somebody(HTTP) as place,
        office(fake, tmp_path / "exits.json", None, [(place, place), theirs], **NOT_NAMED) as desk,
    ):
        assert desk.take(0).exit is not None
        assert desk.tor.state.origin == "running"


def test_somebody_else_s_tor_that_does_not_let_us_in_is_used_without_its_control_port(
    fake: FakeTor, tmp_path: Path
) -> None:
    fake.cookie.unlink()
    theirs = f"127.0.0.1:{fake.socks_port}", f"127.0.0.1:{fake.control_port}"
    with office(fake, tmp_path / "exits.json", None, [theirs], **NOT_NAMED) as desk:
        assert desk.take(0).exit is None
        assert desk.tor.state.words == (
            f"Tor on port {fake.socks_port}; which exits it uses is unknown. "
            f"The cookie of Tor's control port {theirs[1]} cannot be read."
        )


class Clumsy(TorService):
    """A service with a defect that shows the first time."""

    fell = False

    def ready(self, link: Link) -> None:
        if not self.fell:
            self.fell = True
            raise ValueError("nobody expected this")
        super().ready(link)


def test_a_defect_is_told_and_does_not_end_who_keeps_tor(fake: FakeTor, tmp_path: Path) -> None:
    with office(fake, tmp_path / "exits.json", make=Clumsy) as desk:
        assert str(trouble(desk, Bug)) == "ValueError: nobody expected this"
        assert exit_of(desk.take(0)).startswith("127.")


def test_a_socks_port_that_nobody_listens_on_is_told(fake: FakeTor, tmp_path: Path) -> None:
    with office(fake, tmp_path / "exits.json", tor_socks="127.0.0.1:9") as desk:
        error = trouble(desk, BadSetup)
    assert (str(error), error.advice) == ("No Tor answers on 127.0.0.1:9.", "Start it, or correct `tor_socks`.")


@pytest.mark.parametrize("says", [HTTP, b"SSH-2.0-OpenSSH_9.2\r\n", b""], ids=["http", "ssh", "mute"])
def test_a_socks_port_of_something_else_is_told(fake: FakeTor, tmp_path: Path, says: bytes) -> None:
    with somebody(says) as place, office(fake, tmp_path / "exits.json", tor_socks=place) as desk:
        error = trouble(desk, BadSetup)
    assert str(error) == f"No Tor answers on {place}."


@pytest.mark.parametrize("says", [HTTP, b"SSH-2.0-OpenSSH_9.2\r\n"], ids=["http", "ssh"])
def test_a_control_port_of_something_else_is_told(fake: FakeTor, tmp_path: Path, says: bytes) -> None:
    with somebody(says) as place, office(fake, tmp_path / "exits.json", tor_control=place) as desk:
        error = trouble(desk, BadSetup)
    assert (str(error), error.advice) == (
        f"What listens on {place} is not Tor's control port.",
        "Correct `tor_control`.",
    )


def test_a_control_port_that_says_nothing_is_told(fake: FakeTor, tmp_path: Path) -> None:
    with somebody(b"") as place, office(fake, tmp_path / "exits.json", tor_control=place) as desk:
        error = trouble(desk, TorTrouble)
    assert str(error) == f"Tor does not answer on its control port {place}."


def test_a_control_port_that_nobody_listens_on_is_told(fake: FakeTor, tmp_path: Path) -> None:
    with office(fake, tmp_path / "exits.json", tor_control="127.0.0.1:9") as desk:
        error = trouble(desk, TorTrouble)
    assert str(error) == "Tor's control port 127.0.0.1:9 cannot be reached."


def test_a_password_opens_the_control_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOR", 'pass "word" \\')
    with (
        pretended(tmp_path, password='pass "word" \\') as fake,
        office(fake, tmp_path / "exits.json", tor_password_env="MY_TOR") as desk,
    ):
        assert desk.take(0).exit is not None


@pytest.mark.parametrize(
    ("given", "said", "advice"),
    [
        (None, "wants a password.", "Name the variable that holds it in `tor_password_env`, and start again."),
        ("wrong", "refused the password.", "Correct the variable that `tor_password_env` names, and start again."),
    ],
)
def test_a_control_port_that_wants_another_password_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, said: str, advice: str
) -> None:
    if given:
        monkeypatch.setenv("MY_TOR", given)
    with (
        pretended(tmp_path, password="right") as fake,
        office(fake, tmp_path / "exits.json", tor_password_env="MY_TOR") as desk,
    ):
        error = trouble(desk, BadStart)
    assert str(error) == f"Tor's control port 127.0.0.1:{fake.control_port} {said}"
    assert error.advice == advice


@pytest.mark.parametrize("left", [None, b"too short", b"?" * 32], ids=["missing", "short", "wrong"])
def test_a_control_port_whose_cookie_is_not_the_one_is_told(fake: FakeTor, tmp_path: Path, left: bytes | None) -> None:
    if left is None:
        fake.cookie.unlink()
    else:
        fake.cookie.write_bytes(left)
    with office(fake, tmp_path / "exits.json") as desk:
        error = trouble(desk, BadSetup)
    place = f"127.0.0.1:{fake.control_port}"
    said, advice = (
        ("cannot be read", "tor_password_env") if left is None else ("is not the one it wants", "tor_control")
    )
    assert str(error) == f"The cookie of Tor's control port {place} {said}."
    assert f"`{advice}`." in error.advice


def test_how_far_it_has_got_is_told_and_jobs_wait(fake: FakeTor, tmp_path: Path) -> None:
    fake.bootstrapped = 45
    with office(fake, tmp_path / "exits.json") as desk:
        desk.tor.start()
        desk.until(lambda: desk.tor.state.phase == "bootstrapping")
        assert desk.tor.state.words == "Tor is starting, 45% (Connecting to a relay)."
        assert desk.tor.state.fraction == 0.45
        watch = patient()

        def goes_on() -> bool:
            if watch.told:
                fake.bootstrap(100)
            return False

        watch.enough = goes_on
        with desk.tor.lease(0, watch):
            assert "Tor is starting, 45% (Connecting to a relay)." in watch.told


def test_a_tor_that_gets_no_further_is_told_after_the_deadline(fake: FakeTor, tmp_path: Path) -> None:
    fake.bootstrapped = 10
    with office(fake, tmp_path / "exits.json", tor_deadline=60) as desk:
        error = trouble(desk, TorTrouble)
    assert str(error) == "Tor got no further than 10% (Connecting to a relay) in 60 seconds."
    assert error.advice == "Check the connection; where Tor is blocked, name bridges in `tor_options`."


@pytest.mark.parametrize(("skew", "said"), [(7200, "120 minutes ahead"), (-86400, "1,440 minutes behind")])
def test_a_clock_that_is_wrong_is_told(fake: FakeTor, tmp_path: Path, skew: int, said: str) -> None:
    fake.bootstrapped = 10
    with office(fake, tmp_path / "exits.json", tor_deadline=60) as desk:
        desk.tor.start()
        desk.until(lambda: desk.tor.state.phase == "bootstrapping")
        fake.tell("STATUS_GENERAL", f"WARN CLOCK_SKEW SKEW={skew} SOURCE=OR:127.67.0.1:9001")
        error = trouble(desk, TorTrouble)
    assert (str(error), error.advice) == (
        f"Tor cannot start: this machine's clock is {said}.",
        "Set the clock right.",
    )


COMMANDS = ("PROTOCOLINFO", "AUTHCHALLENGE", "AUTHENTICATE", "GETINFO", "SETEVENTS", "GETCONF")


COPED = [("AUTHCHALLENGE", "hang up"), ("AUTHCHALLENGE", "garbage"), ("GETCONF", "garbage")]
"""What can be done without."""


@pytest.mark.parametrize(("command", "how"), COPED)
def test_a_control_port_that_misbehaves_where_it_does_not_matter_is_used(
    fake: FakeTor, tmp_path: Path, command: str, how: Misbehaviour
) -> None:
    fake.misbehaves, fake.only_to = how, command
    with office(fake, tmp_path / "exits.json") as desk:
        assert desk.take(0).exit is not None


@pytest.mark.parametrize(
    ("command", "how"), [(one, how) for one in COMMANDS for how in ("hang up", "garbage") if (one, how) not in COPED]
)
def test_a_control_port_that_misbehaves_is_told_and_used_once_it_behaves(
    fake: FakeTor, tmp_path: Path, command: str, how: Misbehaviour
) -> None:
    fake.misbehaves, fake.only_to = how, command
    with office(fake, tmp_path / "exits.json") as desk:
        watch = patient()
        with pytest.raises(StageError) as caught, desk.tor.lease(0, watch):
            pass
        assert re.fullmatch(r"[^\n]{10,200}\.", str(caught.value))
        assert caught.value.advice
        fake.misbehaves = ""
        desk.clock.at += 1
        assert desk.take(0).exit is not None


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_control_port_that_falls_silent_holds_nobody_up(fake: FakeTor, tmp_path: Path, command: str) -> None:
    fake.misbehaves, fake.only_to = "silent", command
    with office(fake, tmp_path / "exits.json") as desk:
        with pytest.raises(TorTrouble, match=r"Tor does not answer on its control port 127\.0\.0\.1:\d+\."):
            desk.take(0)
        fake.misbehaves = ""
        desk.clock.at += 1
        assert desk.take(0).exit is not None
        desk.until(lambda: fake.connections == 1)


@pytest.mark.parametrize("how", ["hang up", "silent"])
def test_a_control_port_that_goes_in_mid_run_is_waited_for(fake: FakeTor, tmp_path: Path, how: Misbehaviour) -> None:
    with office(fake, tmp_path / "exits.json", tor_deadline=3600) as desk:
        first = desk.take(0)
        fake.misbehaves = how
        if how == "hang up":
            fake.hang_up()
        desk.until(lambda: desk.tor.state.phase == "lost")
        assert re.match(r"Tor.* control port 127\.0\.0\.1:\d+", desk.tor.state.words)
        fake.misbehaves = ""
        assert desk.take(0).name != first.name
        assert desk.moves()[-1].why == "broken"


def test_a_control_port_that_does_not_come_back_is_told_after_the_deadline(fake: FakeTor, tmp_path: Path) -> None:
    with office(fake, tmp_path / "exits.json", tor_deadline=60) as desk:
        desk.take(0)
        fake.misbehaves = "hang up"
        fake.hang_up()
        desk.until(lambda: desk.tor.state.phase == "lost")
        error = trouble(desk, TorTrouble)
        assert "control port" in str(error)


def test_exits_that_are_all_dead_are_told_after_the_deadline(fake: FakeTor, tmp_path: Path) -> None:
    fake.dead = {relay.nickname for relay in fake.exits}
    with office(fake, tmp_path / "exits.json", tor_deadline=60) as desk:
        error = trouble(desk, TorTrouble)
    assert str(error).startswith("Tor builds no circuit to YouTube: ")


def test_a_book_of_exits_that_cannot_be_written_is_told_at_once(fake: FakeTor, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    with office(fake, tmp_path / "state" / "exits.json") as desk, pytest.raises(StageError, match=r"exits\.json"):
        desk.take(0)


def test_stem_is_quiet(fake: FakeTor, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with office(fake, tmp_path / "exits.json") as desk:
        desk.take(0)
    assert [record for record in caplog.records if record.name == "stem"] == []
