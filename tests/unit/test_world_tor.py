"""The private Tor network and the tor that only pretends: what holds for one must hold for the other."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import stem
import stem.connection
from stem.control import Controller

from tests.blackbox.over_tor import clashes
from tests.blackbox.program import soon
from tests.world import World, world
from tests.world.over_tor import OverTor
from tests.world.tor_control import FakeTor, exits
from ytsb_tui.clock import iso

LOCAL = "127.0.0.1"
PATIENCE = 60.0


@dataclass
class Either:
    """A tor, real or not, its network's YouTube, and a controller that listens."""

    world: World
    socks_port: int
    controller: Controller
    exits: dict[str, str]
    """Address by nickname."""
    told: queue.Queue[Any] = field(default_factory=queue.Queue)

    def get(self, user: str) -> str:
        """Ask for a page over the circuit of `user`; the address YouTube saw."""
        proxy = f"socks5h://{user}:x@{LOCAL}:{self.socks_port}"
        with requests.Session() as session:
            session.get("https://www.youtube.com/watch", proxies={"https": proxy}, verify=str(self.world.bundle),
                        timeout=PATIENCE).raise_for_status()  # fmt: skip
        return self.world.youtube.journal[-1].source

    def until(self, kind: str, status: str, **facts: str) -> Any:
        """The next event of this kind and status, with these facts in it."""
        while True:
            event = self.told.get(timeout=PATIENCE)
            given = {name: value.strip('"') for name, value in event.keyword_args.items()}
            if (event.type, event.status) == (kind, status) and facts.items() <= given.items():
                return event


@contextlib.contextmanager
def pretended(folder: Path) -> Iterator[Either]:
    with (
        world(folder) as running,
        FakeTor(exits(6), running.router.table, folder) as tor,
        listening(tor.control_port) as controller,
    ):
        yield Either(running, tor.socks_port, controller, {each.nickname: each.address for each in tor.exits})


@contextlib.contextmanager
def real(over_tor: OverTor) -> Iterator[Either]:
    network = over_tor.network
    with listening(network.control_port) as controller:
        yield Either(over_tor.world, network.socks_port, controller, {n.nickname: n.address for n in network.exits})


@contextlib.contextmanager
def listening(port: int) -> Iterator[Controller]:
    with Controller.from_port(port=port) as controller:
        controller.authenticate()
        yield controller


@pytest.fixture(params=["pretended", pytest.param("real", marks=[pytest.mark.tor, pytest.mark.xdist_group("tor")])])
def tor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Either]:
    way = pretended(tmp_path) if request.param == "pretended" else real(request.getfixturevalue("over_tor"))
    with way as either:
        either.controller.add_event_listener(either.told.put, "CIRC", "STREAM")
        yield either


def test_it_says_what_it_is_and_which_exits_it_knows(tor: Either) -> None:
    phase = tor.controller.get_info("status/bootstrap-phase")
    assert "PROGRESS=100 TAG=done" in phase
    assert str(tor.controller.get_version()).startswith("0.4.")
    known = {one.nickname: one for one in tor.controller.get_network_statuses() if "Exit" in one.flags}
    assert {name: one.address for name, one in known.items()} == tor.exits
    one = tor.controller.get_network_status(known["exit1"].fingerprint)
    assert (one.nickname, one.address) == ("exit1", tor.exits["exit1"])
    assert tor.controller.get_info(f"ip-to-country/{tor.exits['exit1']}") == "fr"


def test_each_credential_has_a_circuit_whose_last_relay_is_the_exit_youtube_sees(tor: Either) -> None:
    for user in ("ann", "bob"):
        source = tor.get(user)
        circuit = tor.until("STREAM", "SUCCEEDED", SOCKS_USERNAME=user).circ_id
        path = next(one.path for one in tor.controller.get_circuits() if one.id == circuit)
        assert tor.exits[path[-1][1]] == source
        assert tor.get(user) == source
        assert tor.until("STREAM", "SUCCEEDED", SOCKS_USERNAME=user).circ_id == circuit


def test_a_closed_circuit_is_told_and_replaced(tor: Either) -> None:
    tor.get("carol")
    circuit = tor.until("STREAM", "SUCCEEDED", SOCKS_USERNAME="carol").circ_id
    tor.controller.close_circuit(circuit)
    while tor.until("CIRC", "CLOSED").id != circuit:
        pass
    tor.get("carol")
    assert tor.until("STREAM", "SUCCEEDED", SOCKS_USERNAME="carol").circ_id != circuit


def test_what_it_does_not_know_it_refuses_as_tor_does(tor: Either) -> None:
    with pytest.raises(stem.InvalidArguments):
        tor.controller.get_info("nonsense")
    with pytest.raises(stem.InvalidArguments):
        tor.controller.close_circuit("99999")
    assert tor.controller.msg("NONSENSE").content()[0][0] == "510"
    assert tor.controller.get_info(f"ns/id/{'A' * 40}", "none") == "none"


@pytest.mark.tor
@pytest.mark.xdist_group("tor")
def test_a_name_that_is_not_youtubes_and_an_address_are_leaks(over_tor: OverTor) -> None:
    way = f"socks5h://dave:x@{LOCAL}:{over_tor.network.socks_port}"
    for scheme, url in (("socks5h", "https://leak.example/"), ("socks5", f"https://{LOCAL}/")):
        with pytest.raises(requests.ConnectionError):
            requests.get(url, proxies={"https": way.replace("socks5h", scheme)}, timeout=PATIENCE)
    leaked = over_tor.network.leaked
    assert {"leak.example", "an address"} <= set(leaked)
    over_tor.network.forget()


@pytest.mark.tor
@pytest.mark.xdist_group("tor")
def test_a_dead_exit_comes_back_and_a_frozen_one_goes_on(over_tor: OverTor) -> None:
    one, other = over_tor.network.exits[:2]
    one.kill()
    other.freeze()
    assert not one.is_running
    other.thaw()
    over_tor.network.restart(one)
    assert one.is_running
    assert other.is_running


def fake(folder: Path, **options: Any) -> FakeTor:
    return FakeTor(exits(3), {}, folder, **options)


def test_a_wrong_password_and_a_wrong_cookie_are_refused(tmp_path: Path) -> None:
    with fake(tmp_path, password='s"cret') as tor, Controller.from_port(port=tor.control_port) as controller:
        with pytest.raises(stem.connection.MissingPassword):
            controller.authenticate()
        with pytest.raises(stem.connection.IncorrectPassword):
            controller.authenticate(password="other")
        controller.authenticate(password='s"cret')
        assert "AUTHENTICATE" in tor.commands
    with fake(tmp_path) as tor, Controller.from_port(port=tor.control_port) as controller:
        cookie = tor.cookie.read_bytes()
        tor.cookie.write_bytes(bytes(31))
        with pytest.raises(stem.connection.IncorrectCookieSize):
            controller.authenticate()
        tor.cookie.write_bytes(cookie)
        controller.authenticate()


def test_it_can_fall_silent_talk_rubbish_and_hang_up(tmp_path: Path) -> None:
    with fake(tmp_path) as tor:
        with listening(tor.control_port) as controller:
            tor.misbehaves, tor.only_to = "garbage", "GETINFO"
            with pytest.raises(stem.ControllerError):
                controller.get_info("status/bootstrap-phase")
        tor.misbehaves = ""
        with listening(tor.control_port) as controller:
            tor.misbehaves = "hang up"
            with pytest.raises(stem.SocketClosed):
                controller.get_info("status/bootstrap-phase")
        tor.misbehaves = ""
        with listening(tor.control_port) as controller:
            tor.misbehaves = "silent"
            asking = threading.Thread(target=ask, args=(controller,))
            asking.start()
            assert soon(lambda: tor.commands[-1] == "GETINFO version")
            assert asking.is_alive()
            controller.close()
            asking.join(PATIENCE)
            assert not asking.is_alive()


def ask(controller: Controller) -> None:
    with contextlib.suppress(stem.SocketClosed):
        controller.get_info("version")


def test_progress_is_told(tmp_path: Path) -> None:
    told: queue.Queue[Any] = queue.Queue()
    with fake(tmp_path) as tor, listening(tor.control_port) as controller:
        controller.add_event_listener(told.put, "STATUS_CLIENT")
        tor.bootstrap(45)
        event = told.get(timeout=PATIENCE)
        assert (event.action, event.arguments["PROGRESS"]) == ("BOOTSTRAP", "45")
        assert "PROGRESS=45" in controller.get_info("status/bootstrap-phase")


def test_its_exits_follow_the_plan(tmp_path: Path) -> None:
    with world(tmp_path) as running, FakeTor(exits(3), running.router.table, tmp_path) as tor:
        tor.plan.extend(["exit2", "exit0"])
        tor.dead.add("exit0")
        way = f"socks5h://{{}}:x@{LOCAL}:{tor.socks_port}"
        for user in "ab":
            with contextlib.suppress(requests.ConnectionError), requests.Session() as session:
                session.get("https://www.youtube.com/watch", proxies={"https": way.format(user)},
                            verify=str(running.bundle), timeout=PATIENCE)  # fmt: skip
        assert [circuit.exit.nickname for circuit in tor.circuits.values()] == ["exit2", "exit0"]
        assert [request.source for request in running.youtube.journal] == [tor.exits[2].address]


def test_exits_that_are_shared_or_used_too_early_are_found() -> None:
    def moved(at: int, worker: int, address: str) -> dict[str, Any]:
        exit_ = {"exit": {"address": address}, "since": float(at)}
        return {"event": "circuit_moved", "at": iso(at), "worker_id": worker, "after": exit_}

    def fetched(at: int, worker: int) -> dict[str, Any]:
        return {"event": "stage_finished", "stage": "fetch", "at": iso(at), "worker_id": worker}

    good = [moved(0, 0, "one"), moved(0, 1, "two"), fetched(5, 0), moved(6, 0, "three"), moved(8, 1, "one")]
    assert clashes(good, 3.0) == ([], [])
    assert clashes([*good, moved(9, 2, "three"), fetched(10, 0)], 3.0) == (["three had workers 0 and 2 at once"], [])
    assert clashes([*good, fetched(9, 0), moved(10, 2, "three")], 3.0) == (
        [],
        ["three was used again after 1.000 s"],
    )
