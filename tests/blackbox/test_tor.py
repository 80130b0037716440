"""The program over real tor: a private network whose exits refuse, die and freeze, and a YouTube that sees who asks."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest

from tests.blackbox.online import video_id
from tests.blackbox.over_tor import TorRun, clashes, is_alive, running_over_tor, strike, tor_of, wrong_exits
from tests.blackbox.program import Program, soon
from tests.world.catalog import Playlist, lecture
from tests.world.over_tor import OverTor

pytestmark = [pytest.mark.tor, pytest.mark.slow, pytest.mark.xdist_group("tor")]


@pytest.fixture
def run(program: Program, over_tor: OverTor) -> Iterator[TorRun]:
    """The program over Tor; fails for a leaked name, a wrong exit in the log or an address that was not free."""
    with running_over_tor(program, over_tor) as running:
        yield running
    assert wrong_exits(running) == []
    assert clashes(running.events) == []


def test_no_job_fails_while_three_exits_refuse_and_two_die(run: TorRun) -> None:
    exits = run.over.network.exits
    for node in exits[:3]:
        run.over.world.youtube.goes_wrong("status", source=node.address, status=429)
    with run.started(24, 4) as running:
        run.until(running, "job_ended", 8)
        for node in exits[3:5]:
            node.kill()
        run.to_the_end(running)
    refused = {node.address for node in exits[:3]}
    assert len(run.log) == 24
    assert {entry["exit_address"] for entry in run.log} <= {node.address for node in exits} - refused
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
    assert re.search(r"✓ Tor +Tor 0\.4\.\S+ of our own, 10 exits\.", ended.out)


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
