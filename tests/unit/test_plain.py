"""What the headless front ends promise: stable names for programs, plain sentences for people, nothing that steers."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.canned import PLAN, HandClock
from ytsb_tui.circuits import Circuit, Exit, TorState
from ytsb_tui.errors import Blocked, Busy
from ytsb_tui.events import (
    CircuitMoved,
    Event,
    JobEnded,
    JobEvent,
    JobQueued,
    JobStopped,
    ResourcePaused,
    RunStopped,
    StageFinished,
    StageProgress,
    StageRetried,
    StageStarted,
    StageWaiting,
    TorChanged,
)
from ytsb_tui.job import Failure, Stage, VideoProcessingJob
from ytsb_tui.live import Live
from ytsb_tui.plain import EVENT_NAMES, JsonLines, Lines, Outcome, record

AT = 1_760_000_000.0
JOB = VideoProcessingJob("dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ", video_title="Entropy", worker_id=1)
DONE = replace(JOB, stage="completed", processing_duration=8.34, seconds=dict.fromkeys(PLAN, 1.2345))
FAILED = replace(JOB, failure=Failure.of(Stage.FETCH, Blocked("YouTube blocked this address (429).")))
TROUBLE = Failure.of(Stage.NOTES, Busy("Claude asks for patience (529)."))
LONDON = Exit("A" * 40, "london", "192.0.2.7", "GB")

EVENTS: list[Event] = [
    JobQueued(JOB, AT),
    StageWaiting(JOB, AT, Stage.NOTES, 1),
    StageStarted(JOB, AT, Stage.NOTES, 1),
    StageProgress(JOB, AT, Stage.NOTES, 1, 0.5, "1,240 characters"),
    StageProgress(JOB, AT, Stage.NOTES, 1, None, ""),
    StageRetried(JOB, AT, Stage.NOTES, 1, TROUBLE, 2, AT + 8),
    StageFinished(JOB, AT, Stage.NOTES, 1, 20.12345),
    JobEnded(DONE, AT, 1),
    JobEnded(FAILED, AT, 1),
    JobStopped(JOB, AT, 1),
    ResourcePaused("generate", AT + 30, "Claude asks for patience (529).", AT),
    RunStopped("The disk is full (writing AI/Entropy.md).", "Free some space.", AT),
    CircuitMoved(1, Circuit("c1", 1, LONDON), Circuit("c2", 1, None), "refused", AT),
    TorChanged(TorState("bootstrapping", "Tor is starting, 45 %", 0.45), AT),
]
OF_A_JOB = {"event", "at", "video_id", "title", "url"}
OF_A_STAGE = OF_A_JOB | {"worker_id", "stage"}
FIELDS = {
    "job_queued": OF_A_JOB,
    "stage_waiting": OF_A_STAGE,
    "stage_started": OF_A_STAGE,
    "stage_progress": OF_A_STAGE | {"fraction", "text"},
    "stage_retried": OF_A_STAGE | {"error", "tries", "until"},
    "stage_finished": OF_A_STAGE | {"seconds"},
    "job_ended": OF_A_STAGE
    | {"attempt", "success", "error", "error_class", "advice", "is_retryable", "next_retry_time"}
    | {"processing_duration", "timings", "files_created", "replaced_files", "cost"},
    "job_stopped": OF_A_JOB | {"worker_id"},
    "resource_paused": {"event", "at", "resource", "until", "reason"},
    "run_stopped": {"event", "at", "reason", "advice"},
    "circuit_moved": {"event", "at", "worker_id", "before", "after", "why"},
    "tor_changed": {"event", "at", "phase", "words", "fraction", "version", "origin", "exits"},
}

NASTY = {
    "markup": "[bold red]free[/] money [/b] [link=https://evil.example]here[/link]",
    "escape": "\x1b]0;owned\x07 \x1b[2J\x1b[31mred\x9b31m",
    "lines": "one\r\ntwo\x0bthree\x85four",
    "bidi": "\u202egpj.exe\u2066 \u200bzero",
}
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]")
"""Characters that no line of ours may hold."""


def classes(base: type[object]) -> Iterator[type[object]]:
    """The classes below `base` that no others are made of."""
    below = base.__subclasses__()
    yield from [base] if not below else [each for child in below for each in classes(child)]


def piped(*events: Event, total: int = 2) -> str:
    """What `Lines` writes to a pipe."""
    out = io.StringIO()
    with Lines(Console(file=out, highlight=False, width=40), total) as lines:
        for event in events:
            lines(event)
    return out.getvalue()


def test_who_waits_for_long_is_told_again_and_again_but_less_and_less_often() -> None:
    out, clock = io.StringIO(), HandClock()
    lines = Lines(Console(file=out, highlight=False, width=40), 3, clock)

    def minutes(number: int) -> list[str]:
        """What is printed within so many minutes."""
        before = len(out.getvalue())
        for _ in range(60 * number):
            clock.at += 1
            lines.remind()
        return out.getvalue()[before:].splitlines()

    place = "batch msgbatch_1 in progress, 0 of 2 done, since 14:02"
    for worker, words in enumerate((place, place, "waits for the next batch")):
        lines(StageProgress(JOB, AT, Stage.NOTES, worker, None, words))
    assert minutes(1) == ["… 2 jobs: " + place, "… 1 job: waits for the next batch"]
    assert len(minutes(59)) == 2 * 6
    lines(JobEnded(DONE, AT, 0))
    assert minutes(1) == ["… 1 job: " + place, "… 1 job: waits for the next batch"]
    for worker in (1, 2):
        lines(StageProgress(JOB, AT, Stage.NOTES, worker, 0.5, "1,240 characters"))
    assert minutes(60) == []


def test_a_terminal_shows_what_a_worker_waits_for() -> None:
    waits = StageProgress(JOB, AT, Stage.NOTES, 1, None, "waits for the next batch")
    assert re.search(
        "notes +Entropy +waits for the next batch", on_a_terminal(StageStarted(JOB, AT, Stage.NOTES, 1), waits)
    )


def test_what_is_waited_for_is_told_by_itself() -> None:
    with Lines(Console(file=io.StringIO()), 1, HandClock()):
        assert [thread.name for thread in threading.enumerate()].count("reminder") == 1
    assert [thread.name for thread in threading.enumerate()].count("reminder") == 0


def on_a_terminal(*events: Event, total: int = 2) -> str:
    """What `Live` draws on a terminal, without the colours and movements."""
    out = io.StringIO()
    console = Console(file=out, highlight=False, width=100, height=30, force_terminal=True, legacy_windows=False)
    with Live(console, total, PLAN, 2, HandClock()) as live:
        for event in events:
            live(event)
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", out.getvalue())


# For programs


def test_every_event_has_a_name_and_an_example_here() -> None:
    every = {
        each.__name__
        for base in (JobEvent, ResourcePaused, RunStopped, CircuitMoved, TorChanged)
        for each in classes(base)
        if each.__module__ == "ytsb_tui.events"
    }
    assert every == EVENT_NAMES.keys() == {type(event).__name__ for event in EVENTS}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_recorded_under_its_promised_names(event: Event) -> None:
    fields = json.loads(json.dumps(record(event)))
    assert fields.keys() == FIELDS[fields["event"]]
    assert fields["at"].startswith("2025-10-")


def test_a_job_that_ended_is_recorded_as_in_the_log() -> None:
    entry = json.loads(json.dumps(record(JobEnded(FAILED, AT, 1))))
    assert (entry["success"], entry["error"], entry["error_class"], entry["is_retryable"]) == (
        False,
        "YouTube blocked this address (429).",
        "Blocked",
        True,
    )
    assert record(JobEnded(DONE, AT, 1))["timings"]["generate_notes"] == 1.234


def test_json_is_one_object_a_line_whatever_the_title() -> None:
    out = io.StringIO()
    with JsonLines(out) as lines:
        for title in NASTY.values():
            lines(JobEnded(replace(DONE, video_title=title), AT, 1))
    assert [json.loads(line)["title"] for line in out.getvalue().split("\n")[:-1]] == list(NASTY.values())


# For people


def test_a_pipe_gets_one_line_for_what_matters_and_none_for_the_rest() -> None:
    lines = piped(*EVENTS).splitlines()
    assert [line.partition("  ")[0] for line in lines if "pauses" not in line] == [
        "↻ Entropy",
        "[1/2] ✓ Entropy",
        "[1/2] ✗ Entropy",
        "✗ Stopped: The disk is full (writing AI/Entropy.md). Free some space.",
        "⇄ worker 1: london (192.0.2.7, GB) → an unknown exit (refused)",
        "⇄ Tor is starting, 45 %",
    ]
    assert "notes: Claude asks for patience (529). Trying again in 8.0 s." in lines[0]
    assert lines[1].endswith("8.3 s")
    assert f"fetch: YouTube blocked this address (429). {Blocked.advice}" in lines[2]
    assert re.fullmatch(r"… generate pauses for all workers until \d\d:\d\d:\d\d: Claude asks .*", lines[3])
    assert len(lines) == 7


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_text_from_outside_is_shown_literally_and_steers_nothing(text: str) -> None:
    job = replace(JOB, video_title=text)
    failure = Failure(Stage.NOTES, "Busy", text, text, True)
    told: list[Event] = [
        StageStarted(job, AT, Stage.NOTES, 1),
        StageRetried(job, AT, Stage.NOTES, 1, failure, 1, AT + 1),
        JobEnded(replace(job, failure=failure), AT, 1),
        ResourcePaused("generate", AT + 30, text, AT),
        RunStopped(text, text, AT),
    ]
    shown = piped(*told)
    assert not STEERS.search(shown)
    assert len(shown.splitlines()) == 4
    assert not STEERS.search(on_a_terminal(*told).replace("\r", ""))
    if text is NASTY["markup"]:
        assert shown.count(text) == 8


def test_a_terminal_shows_each_worker_and_how_far_all_of_them_are() -> None:
    other = replace(JOB, video_id="other", video_title="Bayes [live]")
    shown = on_a_terminal(
        StageStarted(other, AT, Stage.FETCH, 0),
        StageWaiting(JOB, AT, Stage.ASSESSMENT, 1),
        total=41,
    )
    assert re.search(r"0 +fetching +Bayes \[live\]", shown)
    assert re.search(r"1 +assessment +Entropy +waiting", shown)
    assert "0 of 41" in shown


def test_a_frame_can_be_drawn_while_a_line_is_being_printed() -> None:
    """Else the two wait for each other: rich lets nobody print during a frame."""
    printing, go_on = threading.Event(), threading.Event()

    class Slow(Console):
        def print(self, *objects: object, **how: Any) -> None:
            printing.set()
            go_on.wait(60)

    live = Live(Slow(file=io.StringIO(), force_terminal=True), 3, PLAN, 2, HandClock())
    worker = threading.Thread(target=live, args=(JobEnded(DONE, AT, 1),), daemon=True)
    worker.start()
    assert printing.wait(60)
    artist = threading.Thread(target=live._draw, daemon=True)
    artist.start()
    artist.join(60)
    assert not artist.is_alive()
    go_on.set()
    worker.join(60)


def test_a_terminal_says_how_long_the_rest_will_take_once_one_is_done() -> None:
    done = replace(DONE, processing_duration=60.0)
    assert not re.search("about .* left", on_a_terminal(StageStarted(JOB, AT, Stage.FETCH, 1), total=5))
    assert "about 2:00 left" in on_a_terminal(JobEnded(done, AT, 1), total=5)


def test_a_terminal_shows_every_event_and_a_worker_without_a_job_as_idle() -> None:
    shown = on_a_terminal(*EVENTS)
    assert "✓ Entropy" in shown
    assert re.search(r"1 +idle", shown)


# Counting


def test_an_outcome_counts_each_job_where_its_last_attempt_belongs(tmp_path: Path) -> None:
    outcome = Outcome(4)
    for job in (FAILED, replace(FAILED, video_id="other"), DONE):
        outcome(JobEnded(job, AT, 1))
    outcome(JobStopped(JOB, AT, 1))
    assert (list(outcome.done), list(outcome.failed), outcome.waiting) == ([JOB.video_id], ["other"], 2)
    assert outcome.stopped is None
    stop = RunStopped("The disk is full.", "", AT)
    outcome(stop)
    assert outcome.stopped is stop
