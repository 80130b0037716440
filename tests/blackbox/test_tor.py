"""The program over real tor: a private network whose exits refuse, die and freeze, and a YouTube that sees who asks."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.blackbox.online import video_id
from tests.blackbox.over_tor import TorRun, campaign, clashes, is_alive, running_over_tor, strike, tor_of, wrong_exits
from tests.blackbox.program import Program, soon
from tests.world.catalog import Playlist, lecture
from tests.world.over_tor import OverTor
from tests.world.tor_network import Node

pytestmark = [pytest.mark.tor, pytest.mark.slow, pytest.mark.xdist_group("tor")]


@pytest.fixture
def run(program: Program, over_tor: OverTor) -> Iterator[TorRun]:
    """The program over Tor; fails for a leaked name, a wrong exit in the log or an address that was not free."""
    with running_over_tor(program, over_tor) as running:
        yield running
    assert wrong_exits(running) == []
    assert clashes(running.events) == ([], [])


def test_no_job_fails_while_three_exits_refuse_and_two_die(run: TorRun) -> None:
    report = campaign(run, 4, 6)
    assert (report.jobs, report.troubles) == (24, [])
    exits = run.over.network.exits
    assert {entry["exit_address"] for entry in run.log} <= {node.address for node in exits[3:]}
    assert {entry["exit_country"] for entry in run.log} <= {node.country for node in exits}


def test_a_tor_that_is_killed_in_the_middle_of_a_fetch_is_started_again(run: TorRun) -> None:
    youtube = run.over.world.youtube
    youtube.goes_wrong("silent", "timedtext", video_id=video_id(8), times=1, seconds=60)
    with run.started(16, 2) as running:
        assert soon(lambda: "timedtext" in youtube.asked(video_id(8)), 60)
        first = tor_of(running)
        strike(first, signal.SIGKILL)
        run.to_the_end(running)
        assert soon(lambda: not is_alive(first))
    phases = [event["phase"] for event in run.events if event["event"] == "tor_changed"]
    assert "lost" in phases or phases.count("starting") > 1


def test_a_tor_that_is_frozen_is_replaced(run: TorRun) -> None:
    with run.started(16, 2) as running:
        run.until(running, "job_ended", 4)
        first = tor_of(running)
        strike(first, signal.SIGSTOP)
        run.to_the_end(running)
        assert soon(lambda: not is_alive(first))


def test_an_exit_that_dies_in_mid_transfer_costs_no_job(run: TorRun) -> None:
    first = struck_in_mid_transfer(run, Node.kill)
    assert run.log[0]["exit_address"] != first


def test_an_exit_that_freezes_in_mid_transfer_costs_no_job(run: TorRun) -> None:
    first = struck_in_mid_transfer(run, Node.freeze)
    assert run.log[0]["exit_address"] != first


def struck_in_mid_transfer(run: TorRun, strike: Callable[[Node], None]) -> str:
    """Strike the exit that a transcript is coming over, and follow to the end; returns its address."""
    youtube = run.over.world.youtube
    youtube.goes_wrong("silent", "timedtext", video_id=video_id(0), times=1, seconds=600)
    with run.started(1, 1) as running:
        assert soon(lambda: "timedtext" in youtube.asked(video_id(0)), 60)
        first = youtube.journal[-1].source
        strike(next(node for node in run.over.network.exits if node.address == first))
        run.to_the_end(running)
    return first


def test_jobs_wait_for_a_tor_that_cannot_reach_its_network_yet(run: TorRun) -> None:
    for node in run.over.network.relays:
        node.freeze()
    with run.started(2, 2) as running:
        run.until(running, "tor_changed", phase="bootstrapping")
        assert run.over.world.youtube.journal == []
        for node in run.over.network.relays:
            node.thaw()
        run.to_the_end(running)


def test_a_tor_that_does_not_reach_its_network_is_told_after_the_deadline(program: Program, over_tor: OverTor) -> None:
    for node in over_tor.network.relays:
        node.freeze()
    with running_over_tor(program, over_tor, YTSB_TOR_DEADLINE="10") as run, run.started(2, 2) as running:
        own: list[int] = []
        for event in run.follow(running):
            if event["event"] == "tor_changed" and event["phase"] == "bootstrapping":
                own = own or [tor_of(running)]
            if event["event"] == "resource_paused":
                break
        assert re.match(r"Tor got no further than \d+% \(.+\) in 10 seconds", event["reason"])
        assert soon(lambda: not is_alive(own[0]), 60)


def test_a_program_that_is_killed_while_tor_starts_leaves_no_tor(run: TorRun) -> None:
    for node in run.over.network.relays:
        node.freeze()
    with run.started(2, 2) as running:
        run.until(running, "tor_changed", phase="bootstrapping")
        own = tor_of(running)
        running.process.kill()
        assert soon(lambda: not is_alive(own), 60)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_tor_of_somebody_else_is_used_and_never_ended(
    program: Program, over_tor: OverTor, how: signal.Signals
) -> None:
    network = over_tor.network
    theirs = {"YTSB_TOR_SOCKS": f"127.0.0.1:{network.socks_port}"}
    theirs["YTSB_TOR_CONTROL"] = f"127.0.0.1:{network.control_port}"
    with running_over_tor(program, over_tor, **theirs) as run, run.started(24, 2) as running:
        run.until(running, "job_ended", 2)
        with pytest.raises(AssertionError, match="no tor of its own"):
            tor_of(running)
        running.process.send_signal(how)
        running.ended()
        assert wrong_exits(run) == []
    assert network.client.is_running
    with running_over_tor(program, over_tor, **theirs) as run, run.started(24, 2) as running:
        run.to_the_end(running)
        assert wrong_exits(run) == []
    assert network.client.is_running


def test_a_killed_program_leaves_no_tor(run: TorRun) -> None:
    with run.started(16, 2) as running:
        run.until(running, "stage_finished")
        own = tor_of(running)
        running.process.kill()
        assert soon(lambda: not is_alive(own), 60)


def test_a_program_that_is_asked_to_end_ends_its_tor(run: TorRun) -> None:
    with run.started(16, 2) as running:
        run.until(running, "stage_finished")
        own = tor_of(running)
        running.process.terminate()
        running.ended()
        assert soon(lambda: not is_alive(own))


def test_the_doctor_says_how_far_tor_gets(run: TorRun) -> None:
    ended = run.program("doctor", "--tor")
    assert re.search(r"✓ Tor +Tor 0\.4\.\S+ of our own, \d+ exits\.", ended.out)


def test_a_list_is_asked_for_over_tor_too(run: TorRun) -> None:
    catalog = run.over.world.youtube.catalog
    catalog.add(lecture(1), lecture(2))
    catalog.playlists["PLnetwork01"] = Playlist("PLnetwork01", "Two lectures", (video_id(1), video_id(2)))
    ended = run.program("run", "--tor", "https://www.youtube.com/playlist?list=PLnetwork01")
    assert (ended.code, len(run.log)) == (0, 2), ended
    assert set(run.over.sources) <= {node.address for node in run.over.network.exits}


def test_without_tor_nothing_is_fetched_beside_it(run: TorRun) -> None:
    ended = run.program(
        "run", "--tor", "https://youtu.be/lect0000001", YTSB_TOR_BINARY="no-such-tor", YTSB_TOR_SOCKS="127.0.0.1:9"
    )
    assert ended.code != 0
    assert run.over.world.youtube.journal == []
