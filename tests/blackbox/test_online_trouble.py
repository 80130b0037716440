"""When YouTube blocks and Claude is busy: everybody waits once, nothing is paid for twice, and the user is told."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.blackbox.online import THREE, Online, events, kinds, link, spoken, video_id
from tests.world.claude import Behaviour

TEN = [link(number) for number in range(10)]
BUSY = Behaviour(429, "Slow down.", headers={"retry-after": "3"})


def test_of_ten_calls_at_once_one_is_rationed_and_all_wait_once(online: Online) -> None:
    online.claude.next.extend([Behaviour(), BUSY])
    told = online.run(*TEN, "--json", "--workers", "10", YTSB_GENERATE_LIMIT="10", YTSB_FETCH_LIMIT="10")
    assert told.code == 0, told
    (pause,) = events(told, "resource_paused")
    begun = datetime.fromisoformat(pause["at"])
    until = datetime.fromisoformat(pause["until"])
    assert pause["resource"] == "generate"
    assert (until - begun).total_seconds() == pytest.approx(3, abs=0.01)
    assert [event["tries"] for event in events(told, "stage_retried")] == [1]
    came: dict[int, datetime] = {}
    for event in told.events:
        at = datetime.fromisoformat(event["at"])
        if event["event"] == "stage_waiting":
            came[event["worker_id"]] = at
        elif event["event"] == "stage_started" and came[event["worker_id"]] > begun:
            assert event["stage"] not in ("notes", "assessment") or at >= until, (
                "who comes in the pause waits for its end"
            )
    assert len(events(told, "job_ended")) == 10
    assert online.claude.requests["/v1/messages"] == 21


def test_a_storm_of_overload_is_met_by_one_call_at_a_time(online: Online) -> None:
    storm = 4
    online.claude.next.extend([Behaviour(529, headers={"retry-after": "0.5"})] * storm)
    told = online.run(*TEN[:5], "--json", "--workers", "1")
    assert told.code == 0, told
    assert len(events(told, "resource_paused")) == storm
    assert online.claude.requests["/v1/messages"] == 10 + storm
    assert all(event["success"] for event in events(told, "job_ended"))


@pytest.mark.parametrize("ending", ["cut", "eof"])
def test_a_stream_that_is_cut_is_continued_and_not_paid_for_twice(online: Online, ending: str) -> None:
    online.claude.next.append(Behaviour(ending="cut" if ending == "cut" else "eof", after=0.5))
    told = online.run(link(0))
    assert told.code == 0, told
    assert "Trying again in" in told.out
    first, second, _ = online.calls(0)
    assert first.sent.startswith(spoken(second))
    assert len(spoken(second)) > 0.8 * len(first.sent)
    whole = len(first.sent) + len(second.sent)
    assert len(second.sent) < 0.6 * whole, "the first half is written again"
    text = (online.vault / "Lectures" / "Lecture_0_entropy.md").read_text()
    assert text.count("## Key Points") == 1
    assert online.log[-1]["coverage"] == 1.0


def test_an_error_in_the_middle_of_a_stream_is_an_error(online: Online) -> None:
    error = Behaviour(ending="error", after=0.3, kind="overloaded_error")
    online.claude.next.append(error)
    told = online.run(link(0), "--json")
    assert told.code == 0, told
    (retried,) = events(told, "stage_retried")
    assert retried["error"] == "Claude is overloaded."
    first, second, _ = online.calls(0)
    assert spoken(second)
    assert first.sent.startswith(spoken(second))


def test_a_network_that_is_gone_and_back_costs_waiting_and_no_job(online: Online) -> None:
    ten = [*TEN, "--workers", "4", "--author", "outline"]
    with online.started(*ten, in_step=True) as running:
        running.until("stage_finished")
        online.world.router.goes_dark()
        pause = running.until("resource_paused", 2)
        online.world.router.dead = False
        told = running.ended()
    proxy = f"The proxy 127.0.0.1:{online.world.router.port}"
    assert (pause["resource"], pause["reason"]) == ("fetch", f"{proxy} does not let us through to YouTube.")
    assert told.code == 0, told
    assert [entry["success"] for entry in online.log] == [True] * 10
    assert len({entry["video_id"] for entry in online.log}) == 10


@pytest.mark.parametrize("how", ["429", "captcha"])
def test_a_block_pauses_fetching_for_all_until_one_has_asked(online: Online, how: str) -> None:
    world = online.world.youtube
    if how == "429":
        world.goes_wrong("status", "player", status=429, retry_after="2", times=4)
    else:
        world.goes_wrong("captcha", "watch", retry_after="2", times=4)
    jobs = [link(number) for number in range(4)]
    if how == "captcha":
        # Nobody says how long: five minutes, too long for a test that waits for them.
        with online.started(*jobs, "--workers", "4", "--author", "outline") as running:
            pause = running.until("resource_paused")
        assert pause["reason"] == "YouTube blocked this address (captcha)."
        assert 295 < _seconds(pause["at"], pause["until"]) <= 300
        return
    told = online.run(*jobs, "--workers", "4", "--author", "outline")
    assert told.code == 0, told
    lines = [line for line in told.out.splitlines() if "pauses for all workers" in line]
    assert lines
    assert all("YouTube blocked this address (429)." in line for line in lines)
    assert "Trying again" not in told.out, "each job tells of the pause again"
    assert "4 done" in told.out


def test_a_block_of_more_than_ten_minutes_stops_the_run_and_says_until_when(online: Online) -> None:
    online.world.youtube.goes_wrong("status", "player", status=429, retry_after="1800")
    told = online.run(*TEN[:6], "--workers", "2")
    assert told.code == 1, told
    assert "YouTube blocked this address (429). That pause would last until" in told.out
    assert "Start again then; nothing that is done is lost." in told.out
    assert online.world.youtube.asked().count("player") <= 2
    online.world.youtube.faults.clear()
    assert online.run(*TEN[:6]).code == 0


def test_a_failed_job_is_retried_by_itself_when_its_time_has_come(online: Online) -> None:
    fault = online.world.youtube.goes_wrong("reset", "timedtext", video_id=video_id(0))
    failed = online.run(link(0), link(1), YTSB_RETRY_MINUTES="0.05")
    elsewhere = online.run(link(0), "--out", "my vault").out
    assert "`ytsb-tui retry --failed --out 'my vault'` tries the failed ones again now" in elsewhere
    assert failed.code == 1, failed
    assert "1 done, 1 failed" in failed.out
    assert "The next automatic retry is due at" in failed.out
    (entry,) = (entry for entry in online.log if not entry["success"])
    assert entry["stage"] == "fetching_transcript"
    assert entry["is_retryable"]
    assert _seconds(entry["end_time"], entry["next_retry_time"]) == pytest.approx(3, abs=0.002)
    online.world.youtube.faults.remove(fault)
    asked = len(online.world.youtube.journal)
    watched = online.program("retry", "--watch", "--json", YTSB_RETRY_MINUTES="0.05")
    assert watched.code == 0, watched
    assert [(event["video_id"], event["attempt"]) for event in events(watched, "job_ended")] == [(video_id(0), 2)]
    assert [request.endpoint for request in online.world.youtube.journal[asked:]] == THREE
    assert kinds(online.calls(0)) == {"notes": 1, "assessment": 1}


def _seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
