"""Every way a stream can end: what came is kept, gone on from, and not paid for twice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from anthropic.types import RawContentBlockDeltaEvent, TextDelta

from tests.canned import HandClock
from tests.unit.authoring import Watcher, after, author_at, job_on, talk
from tests.world.claude import Behaviour, Claude
from ytsb_tui.errors import Busy, Cancelled, Incomplete, NetworkTrouble, StageError, Stopped
from ytsb_tui.job import Stage
from ytsb_tui.services.claude.replies import PATIENCE, Hearing


@pytest.fixture
def claude() -> Iterator[Claude]:
    with Claude() as running:
        yield running
    assert running.bugs == []


def test_a_client_that_is_killed_while_it_asks_is_no_defect_of_the_loopback_claude(claude: Claude) -> None:
    host, port = claude.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as client:
        client.sendall(b'POST /v1/messages HTTP/1.1\r\nhost: claude\r\ncontent-length: 1000\r\n\r\n{"model": ')
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b"", "the server has hung up, and is done with it"


def unbroken() -> str:
    """The notes when nothing goes wrong."""
    with Claude() as claude:
        return author_at(claude).notes(job_on(talk()), [], Watcher()).body


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("ending", ["cut", "eof", "error", "garbage"])
def test_notes_that_break_off_are_gone_on_from(claude: Claude, ending: str, fraction: float) -> None:
    author, job = author_at(claude), job_on(talk())
    claude.next.append(Behaviour(ending=ending, after=fraction))  # type: ignore[arg-type]
    with pytest.raises(Busy if ending == "error" else NetworkTrouble) as caught:
        author.notes(job, [], Watcher())
    notes = author.notes(after(job, caught.value), ["Another_Note_By_Now"], Watcher())
    assert notes.body == unbroken()
    first, second = claude.calls
    whole = len(unbroken_answer())
    assert len(first.sent) + len(second.sent) <= whole + 150, "more than a line was paid for twice"
    assert caught.value.usage.output_tokens > 0
    assert notes.usage.output_tokens == second.usage["output_tokens"], "only what this try used"


def unbroken_answer() -> str:
    """All that is sent when nothing goes wrong."""
    with Claude() as claude:
        author_at(claude).notes(job_on(talk()), [], Watcher())
        return claude.calls[0].sent


def test_a_draft_survives_several_breaks(claude: Claude) -> None:
    author, job = author_at(claude), job_on(talk())
    claude.next.extend(Behaviour(ending="cut", after=0.4) for _ in range(3))
    for _ in range(3):
        with pytest.raises(NetworkTrouble) as caught:
            author.notes(job, [], Watcher())
        job = after(job, caught.value)
    assert author.notes(job, [], Watcher()).body == unbroken()
    paid = sum(len(call.sent) for call in claude.calls)
    assert paid <= len(unbroken_answer()) + 3 * 150, "more than a line a break was paid for twice"


def test_a_draft_of_another_model_language_or_transcript_is_not_gone_on_from(claude: Claude) -> None:
    job = job_on(talk())
    claude.next.append(Behaviour(ending="cut", after=0.5))
    with pytest.raises(NetworkTrouble) as caught:
        author_at(claude).notes(job, [], Watcher())
    job = after(job, caught.value)
    author_at(claude, "Deutsch").notes(job, [], Watcher())
    author_at(claude, model="claude-opus-5-5").notes(job, [], Watcher())
    author_at(claude).notes(replace(job, transcript=talk(41)), [], Watcher())
    assert [len(call.request["messages"]) for call in claude.calls] == [1, 1, 1, 1]


def test_an_overloaded_server_keeps_what_came_before(claude: Claude) -> None:
    claude.next.append(Behaviour(ending="error", after=0.5, kind="overloaded_error"))
    with pytest.raises(Busy, match=r"^Claude is overloaded\.$") as caught:
        author_at(claude).notes(job_on(talk()), [], Watcher())
    assert "Core Concepts" in caught.value.partial


def test_the_limit_on_an_answer_is_gone_past_in_a_new_turn(claude: Claude) -> None:
    claude.next.append(Behaviour(stop="max_tokens", after=0.6))
    notes = author_at(claude).notes(job_on(talk()), [], Watcher())
    assert notes.body == unbroken()
    assert [turn["role"] for turn in claude.calls[1].request["messages"]] == ["user", "assistant", "user"]
    assert notes.usage.output_tokens == sum(call.usage["output_tokens"] for call in claude.calls)


def test_notes_that_never_end_are_incomplete_and_kept(claude: Claude) -> None:
    claude.next.extend(Behaviour(stop="max_tokens", after=0.3) for _ in range(3))
    job = job_on(talk())
    with pytest.raises(Incomplete, match="longer than 3 answers") as caught:
        author_at(claude).notes(job, [], Watcher())
    assert author_at(claude).notes(after(job, caught.value), [], Watcher()).body == unbroken()


def test_an_answer_without_end_is_left_and_not_gone_on_from(claude: Claude) -> None:
    claude.next.append(Behaviour(ending="endless", after=0.5))
    job = job_on(talk())
    with pytest.raises(Incomplete, match="has no end") as caught:
        author_at(claude).notes(job, [], Watcher())
    assert caught.value.partial == ""
    assert caught.value.usage.output_tokens > 100_000, "it is paid for all the same"
    assert author_at(claude).notes(after(job, caught.value), [], Watcher()).body


@pytest.mark.parametrize("stop", ["stop_sequence", "pause_turn", "tool_use", "something_new"])
def test_no_other_end_is_success(claude: Claude, stop: str) -> None:
    claude.next.append(Behaviour(stop=stop, after=0.9))
    with pytest.raises(Incomplete, match=stop) as caught:
        author_at(claude).notes(job_on(talk()), [], Watcher())
    assert "Core Concepts" in caught.value.partial


@pytest.mark.parametrize("ending", ["cut", "eof", "error"])
def test_an_assessment_that_breaks_off_is_no_assessment(claude: Claude, ending: str) -> None:
    claude.next.append(Behaviour(ending=ending, after=0.8))  # type: ignore[arg-type]
    with pytest.raises(StageError) as caught:
        author_at(claude).assessment(job_on(talk()), Watcher())
    assert caught.value.policy.retryable
    assert caught.value.usage.output_tokens > 0


def test_an_assessment_that_is_too_long_is_asked_for_once_more(claude: Claude) -> None:
    claude.next.append(Behaviour(stop="max_tokens", after=0.5))
    assert len(author_at(claude).assessment(job_on(talk()), Watcher()).questions) == 6
    assert "be briefer" in claude.calls[1].request["messages"][0]["content"]


@pytest.mark.parametrize("interruption", [Cancelled, Stopped])
@pytest.mark.parametrize("fraction", [0.0, 0.5])
def test_a_silent_stream_is_left_when_the_user_says_so(
    claude: Claude, interruption: type[Cancelled | Stopped], fraction: float
) -> None:
    def stop() -> None:
        if claude.stalled.is_set() and (fraction == 0.0 or any(text for _, text in watcher.told)):
            raise interruption("Enough.")

    watcher = Watcher(stop)
    claude.next.append(Behaviour(ending="stall", after=fraction))
    author, job = author_at(claude), job_on(talk())
    with pytest.raises(interruption) as caught:
        author.notes(job, [], watcher)
    assert claude.hung_up.wait(120), "the connection was left open, and would go on to cost"
    assert fraction == 0.0 or caught.value.usage.cache_write_tokens > 0
    assert author.notes(after(job, caught.value), [], Watcher()).body == unbroken()


def test_an_answer_that_gets_no_further_is_left_though_the_server_says_that_it_lives() -> None:
    clock = HandClock()
    hearing = Hearing(Watcher(), 1_000, clock.ticks)
    word = RawContentBlockDeltaEvent(
        type="content_block_delta", index=0, delta=TextDelta(type="text_delta", text="## Core")
    )
    for _ in range(3):
        clock.at += PATIENCE
        hearing.check()
        hearing.take(word)
    clock.at += PATIENCE + 1
    with pytest.raises(NetworkTrouble, match=r"The answer got no further in 15:00\."):
        hearing.check()
    assert hearing.text == 3 * "## Core"


def test_leaving_a_silent_stream_takes_a_few_looks_not_the_time_limit(claude: Claude) -> None:
    checks = threading.Semaphore(5)

    def stop() -> None:
        if not checks.acquire(blocking=False):
            raise Cancelled("Enough.")

    claude.next.append(Behaviour(ending="stall", after=0.5))
    with pytest.raises(Cancelled):
        author_at(claude).notes(job_on(talk()), [], Watcher(stop))


def test_a_stream_tells_how_far_it_is_and_what_it_says(claude: Claude) -> None:
    def stop() -> None:
        if any(text for _, text in watcher.told):
            raise Cancelled("Seen enough.")

    watcher = Watcher(stop)
    claude.next.append(Behaviour(ending="stall", after=0.5))
    with pytest.raises(Cancelled):
        author_at(claude).notes(job_on(talk()), [], watcher)
    fraction, text = next(told for told in watcher.told if told[1])
    assert fraction is not None
    assert 0 < fraction < 1
    assert text in unbroken_answer()


def test_eight_workers_share_one_client(claude: Claude) -> None:
    author = author_at(claude)
    jobs = [replace(job_on(talk(10)), video_id=f"video{number:06}") for number in range(24)]
    done: dict[str, str] = {}

    def work(mine: list[int]) -> None:
        for number in mine:
            done[jobs[number].video_id] = author.notes(jobs[number], [], Watcher()).body

    workers = [threading.Thread(target=work, args=(list(range(start, 24, 8)),)) for start in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(done) == 24
    assert all(f"https://youtu.be/{video}?t=" in body for video, body in done.items())


@pytest.mark.parametrize("left", ['{"key":"x","parts":[],"text":"## Old\\n"}', "what the outline left", "[]"])
def test_what_something_else_left_is_not_gone_on_from(claude: Claude, left: str) -> None:
    job = replace(job_on(talk()), partials={Stage.NOTES: left})
    assert author_at(claude).notes(job, [], Watcher()).body == unbroken()
