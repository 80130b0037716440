"""What happens when Tor is missing, locked, late, gone or not Tor at all: one line says what to do, no job is lost."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blackbox.online import video_id
from tests.blackbox.pretending import Pretending, pretending
from tests.blackbox.program import PATIENCE, Json, Program, soon
from tests.unit.test_tor_service import HTTP, somebody

SECRET = "control-password-7ef1"
SOON, PATIENT = {"YTSB_TOR_DEADLINE": "5"}, {"YTSB_TOR_DEADLINE": "600"}


@pytest.fixture
def tor(program: Program, tmp_path: Path) -> Iterator[Pretending]:
    with pretending(program, tmp_path) as running:
        yield running


def stops(tor: Pretending, sentence: str, **variables: str) -> None:
    """It ends with this sentence, on one line, and nothing has been asked of YouTube."""
    ended = tor.run(2, **variables)
    assert ended.code == 1, ended
    lines = [line for line in ended.out.splitlines() if sentence in line]
    assert [line for line in lines if line.startswith("✗ Stopped: ")], ended
    assert tor.world.youtube.journal == []
    assert SECRET not in ended.out + ended.err
    found = tor.program("doctor", "--tor", **variables)
    (line,) = [line for line in found.out.splitlines() if line.startswith("✗ Tor")]
    assert sentence in line


def fails(tor: Pretending, sentence: str, **variables: str) -> None:
    """Jobs wait, and the reason is told; nothing has been asked of YouTube."""
    with tor.started(2, variables=variables) as running:
        paused = tor.until(running, "resource_paused")
        assert sentence in paused["reason"]
        running.process.send_signal(signal.SIGINT)
        assert running.ended().code == 130
    assert tor.world.youtube.journal == []
    found = tor.program("doctor", "--tor", **variables)
    (line,) = [line for line in found.out.splitlines() if line.startswith("✗ Tor")]
    assert sentence in line


def test_when_tor_is_missing_the_run_stops_and_says_how_to_get_it(tor: Pretending) -> None:
    for port in (9050, 9150):
        with socket.socket() as knocking:
            if not knocking.connect_ex(("127.0.0.1", port)):
                pytest.skip("a tor runs here")
    missing = {"YTSB_TOR_BINARY": "no-such-tor", "YTSB_TOR_SOCKS": "", "YTSB_TOR_CONTROL": ""}
    stops(tor, "Tor is not installed, and none is running.", **missing)


def test_when_nobody_listens_where_tor_should_be_the_run_stops_and_says_so(tor: Pretending) -> None:
    stops(tor, "No Tor answers on 127.0.0.1:9. Start it, or correct `tor_socks`.", YTSB_TOR_SOCKS="127.0.0.1:9")


@pytest.mark.parametrize("says", [HTTP, b""], ids=["http", "mute"])
def test_when_something_else_listens_where_tor_should_be_the_run_stops_and_says_so(
    tor: Pretending, says: bytes
) -> None:
    with somebody(says) as place:
        stops(tor, f"No Tor answers on {place}.", YTSB_TOR_SOCKS=place)


def test_when_the_control_port_is_something_else_the_run_stops_and_says_so(tor: Pretending) -> None:
    with somebody(HTTP) as place:
        sentence = f"What listens on {place} is not Tor's control port. Correct `tor_control`."
        stops(tor, sentence, YTSB_TOR_CONTROL=place)


def test_when_the_control_port_says_nothing_jobs_wait_and_it_is_told(tor: Pretending) -> None:
    with somebody(b"") as place:
        fails(tor, f"Tor does not answer on its control port {place}.", YTSB_TOR_CONTROL=place)


def test_when_the_password_is_wrong_the_run_stops_and_says_which_setting_to_correct(
    program: Program, tmp_path: Path
) -> None:
    with pretending(program, tmp_path, password="another") as tor:
        place = f"Tor's control port 127.0.0.1:{tor.fake.control_port}"
        stops(tor, f"{place} wants a password. Name the variable that holds it in `tor_password_env`, and start again.")
        wrong = {"YTSB_TOR_PASSWORD_ENV": "MY_TOR", "MY_TOR": SECRET}
        stops(
            tor,
            f"{place} refused the password. Correct the variable that `tor_password_env` names, and start again.",
            **wrong,
        )


def test_when_the_cookie_is_wrong_the_run_stops_and_says_so(tor: Pretending) -> None:
    tor.fake.cookie.write_bytes(b"?" * 32)
    stops(tor, f"The cookie of Tor's control port 127.0.0.1:{tor.fake.control_port} is not the one it wants.")


def test_when_the_cookie_cannot_be_read_the_run_stops_and_says_so(tor: Pretending) -> None:
    tor.fake.cookie.unlink()
    stops(tor, f"The cookie of Tor's control port 127.0.0.1:{tor.fake.control_port} cannot be read.")


def test_when_tor_is_still_starting_jobs_wait_and_its_progress_is_shown(tor: Pretending) -> None:
    tor.fake.bootstrapped = 45
    with tor.started(2) as running:
        event = tor.until(running, "tor_changed", phase="bootstrapping")
        assert (event["words"], event["fraction"]) == ("Tor is starting, 45% (Connecting to a relay).", 0.45)
        tor.fake.bootstrap(100)
        tor.to_the_end(running)


def test_when_tor_gets_no_further_jobs_wait_and_it_is_told(tor: Pretending) -> None:
    tor.fake.bootstrapped = 10
    sentence = "Tor got no further than 10% (Connecting to a relay) in 5 seconds"
    fails(tor, sentence, **SOON)


def test_when_the_clock_is_wrong_jobs_wait_and_it_is_told(tor: Pretending) -> None:
    tor.fake.bootstrapped, tor.fake.skew = 10, -7200
    fails(tor, "Tor cannot start: this machine's clock is 120 minutes behind", **SOON)


def test_when_the_control_port_goes_in_mid_run_jobs_wait_until_it_is_back(tor: Pretending) -> None:
    youtube = tor.world.youtube
    youtube.goes_wrong("silent", "timedtext", video_id=video_id(2), seconds=600)
    with tor.started(6, variables=PATIENT) as running:
        assert soon(lambda: "timedtext" in youtube.asked(video_id(2)), 60)
        tor.fake.misbehaves = "hang up"
        tor.fake.hang_up()
        lost = tor.until(running, "tor_changed", phase="lost")
        assert lost["words"] == f"Tor's control port 127.0.0.1:{tor.fake.control_port} hung up."
        tor.fake.misbehaves = ""
        youtube.faults.clear()
        tor.to_the_end(running)
    assert "ready" in [event["phase"] for event in tor.events if event["event"] == "tor_changed"]


def test_when_the_control_port_falls_silent_in_mid_run_jobs_wait_until_it_answers(tor: Pretending) -> None:
    youtube = tor.world.youtube
    youtube.goes_wrong("silent", "timedtext", video_id=video_id(2), seconds=600)
    with tor.started(6, variables=PATIENT) as running:
        assert soon(lambda: "timedtext" in youtube.asked(video_id(2)), 60)
        tor.fake.misbehaves = "silent"
        lost = tor.until(running, "tor_changed", phase="lost")
        assert lost["words"] == f"Tor does not answer on its control port 127.0.0.1:{tor.fake.control_port}."
        tor.fake.misbehaves = ""
        youtube.faults.clear()
        tor.to_the_end(running)


def test_when_the_control_port_stays_away_it_is_told_after_the_deadline(tor: Pretending) -> None:
    tor.world.youtube.goes_wrong("silent", "timedtext", video_id=video_id(2), seconds=600)
    with tor.started(6, variables=SOON) as running:
        tor.until(running, "job_ended", 2)
        tor.fake.misbehaves = "hang up"
        tor.fake.hang_up()
        paused = tor.until(running, "resource_paused")
        assert paused["reason"] == f"Tor's control port 127.0.0.1:{tor.fake.control_port} hung up."


def test_when_a_circuit_breaks_in_mid_transfer_the_job_goes_on_over_another(tor: Pretending) -> None:
    youtube = tor.world.youtube
    youtube.goes_wrong("silent", "timedtext", video_id=video_id(0), times=1, seconds=600)
    with tor.started(1) as running:
        assert soon(lambda: "timedtext" in youtube.asked(video_id(0)), 60)
        first = youtube.journal[-1].source
        (circuit,) = [one for one in tuple(tor.fake.circuits.values()) if one.exit.address == first]
        tor.fake.close(circuit)
        tor.to_the_end(running)
    (entry,) = tor.log
    assert entry["exit_address"] != first


def test_when_exits_refuse_the_job_goes_on_over_others(tor: Pretending) -> None:
    refusing = [relay.address for relay in tor.fake.exits[:3]]
    for address in refusing:
        tor.world.youtube.goes_wrong("status", source=address, status=429)
    with tor.started(3) as running:
        tor.to_the_end(running)
    assert not {entry["exit_address"] for entry in tor.log} & set(refusing)


def test_when_all_exits_rest_jobs_wait_and_the_time_is_shown(program: Program, tmp_path: Path) -> None:
    brief = {"YTSB_TOR_USES": "1", "YTSB_TOR_COOLDOWN_MINUTES": "0.15"}
    with pretending(program, tmp_path, 1, **brief) as tor, tor.started(2) as running:
        tor.to_the_end(running)
        waits = [event["text"] for event in tor.events if event["event"] == "stage_progress"]
        assert [words for words in waits if words.startswith("No Tor exit is free: 0 in use, 1 at rest; the first is ")]


def test_when_all_exits_rest_for_long_the_run_can_be_ended_at_once(program: Program, tmp_path: Path) -> None:
    with pretending(program, tmp_path, 1, YTSB_TOR_USES="1") as tor, tor.started(2) as running:
        for event in tor.follow(running):
            if event["event"] == "stage_progress" and "No Tor exit is free" in event["text"]:
                break
        running.process.send_signal(signal.SIGINT)
        assert running.ended().code == 130


def test_when_all_exits_rest_the_one_that_rested_longest_is_reused_if_the_setting_says_so(
    program: Program, tmp_path: Path
) -> None:
    again = {"YTSB_TOR_USES": "1", "YTSB_TOR_REUSE": "true"}
    with pretending(program, tmp_path, 2, **again) as tor, tor.started(5) as running:
        tor.to_the_end(running)
        assert len(tor.log) == 5


def test_somebody_else_s_tor_is_told_nothing_but_questions(tor: Pretending) -> None:
    with tor.started(3) as running:
        tor.to_the_end(running)
    asked = {told.split()[0] for told in tor.fake.commands}
    assert asked <= {
        "PROTOCOLINFO",
        "AUTHCHALLENGE",
        "AUTHENTICATE",
        "GETINFO",
        "GETCONF",
        "SETEVENTS",
        "CLOSECIRCUIT",
        "QUIT",
    }


def test_two_programs_on_one_machine_never_leave_by_one_exit(program: Program, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pretending(program, tmp_path, 12) as tor:
        other = Pretending(tor.world, tor.fake, Program(tmp_path / "other", tor.program.environment))
        with tor.started(6, 2) as one, other.started(6, 2) as two:
            tor.to_the_end(one)
            other.to_the_end(two)
    mine, theirs = addresses(tor.events), addresses(other.events)
    assert mine
    assert theirs
    assert not mine & theirs


def test_a_program_that_was_killed_leaves_its_exits_resting_for_their_hour(tor: Pretending) -> None:
    youtube = tor.world.youtube
    youtube.goes_wrong("silent", "timedtext", video_id=video_id(2), times=1, seconds=600)
    with tor.started(6) as running:
        tor.until(running, "job_ended", 2)
        assert soon(lambda: "timedtext" in youtube.asked(video_id(2)), 60)
        running.process.kill()
        running.process.wait(PATIENCE)
    killed = addresses(tor.events)
    tor.events.clear()
    with tor.started(6) as running:
        tor.to_the_end(running)
    assert killed
    assert not killed & addresses(tor.events)


def addresses(events: list[Json]) -> set[str]:
    """The exits that workers were given."""
    return {event["after"]["exit"]["address"] for event in events if event["event"] == "circuit_moved"}
