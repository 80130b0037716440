"""What is killed: caption files, PDFs, videos that Claude writes about, batches."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.blackbox.online import Online, both_worlds, link, video_id
from tests.blackbox.program import TOPICS, Program, srt
from tests.chaos.autopsy import Place
from tests.chaos.blows import AT_BATCHES, AT_PDFS, AT_RANDOM, AT_WRITES, Blow, why_not_aimed
from tests.chaos.campaign import Campaign
from tests.world.catalog import Track, Video
from tests.world.catalog import lecture as youtube_lecture
from tests.world.claude_answers import wants_assessment
from ytsb_tui.transcript import Cue

COURSE = ("--author", "outline", "--subject", "Course")
MANNERS = ("theory", "method", "history", "budget", "engine")


def possible(blows: Sequence[Blow]) -> list[Blow]:
    """Those that can be struck here."""
    return [blow for blow in blows if not blow.calls or not why_not_aimed()]


def captions(program: Program, jobs: int) -> Campaign:
    """Caption files and the outline: every write but those of PDFs."""
    names = _files(program, jobs)
    command = ["run", *names, "--no-pdf", *COURSE]
    return Campaign("captions", command, jobs, 5, possible((*AT_RANDOM, *AT_WRITES)))


def pdfs(program: Program, jobs: int) -> Campaign:
    """The same with PDFs, drawn in processes of their own."""
    names = _files(program, jobs)
    return Campaign("pdfs", ["run", *names, *COURSE], jobs, 6, possible((*AT_RANDOM, *AT_PDFS)))


def _files(program: Program, number: int) -> list[str]:
    for title, sentences in course(number).items():
        (program.desk / f"{title}.srt").write_text(srt(*sentences))
    return [f"{title}.srt" for title in course(number)]


def course(number: int) -> dict[str, tuple[str, ...]]:
    """Lectures that name the one before and the one after them, so that every note is linked, and linked to."""
    titles = [f"{topic} {manner}" for manner in MANNERS for topic in TOPICS][:number]
    return {
        title: (
            f"Welcome to lecture {place}, which is about {title}.",
            f"{title.capitalize()} is defined as what changes while {titles[place - 1]} stays the same.",
            f"The most important mistake about {title} is to measure it only once.",
            f"Because {title} is hard to see, we compare it with {titles[(place + 1) % number]} in a diagram.",
            f"In the end {title} explains observation {place} of the experiment.",
        )
        for place, title in enumerate(titles)
    }


def filmed(place: int, title: str, sentences: Sequence[str]) -> Video:
    """Such a lecture as a video, without its welcome: what is said in the first half minute gets into the notes."""
    whole = youtube_lecture(place)
    said = tuple(Cue(at * 5.0, at * 5.0 + 4.5, sentence) for at, sentence in enumerate(sentences[1:]))
    cues = (*said, *whole.tracks[0].cues[len(said) :])
    return replace(whole, title=title.capitalize(), tracks=(Track("en", cues),))


@contextlib.contextmanager
def videos(program: Program, jobs: int, *, economy: bool = False) -> Iterator[tuple[Campaign, Program]]:
    """Videos, written about by Claude at once or in batches; and the program that can reach both."""
    with both_worlds(program) as online:
        catalog = online.world.youtube.catalog
        catalog.add(*(filmed(place, *lecture) for place, lecture in enumerate(course(jobs).items())))
        if economy:
            online.claude.looks = 0
        command = ["run", *map(link, range(jobs)), "--subject", "Course", *(["--economy"] if economy else [])]
        blows = AT_BATCHES if economy else (*AT_RANDOM, *AT_WRITES)

        def forget() -> None:
            online.world.youtube.journal.clear()
            online.claude.calls.clear()
            online.claude.batches.clear()

        name = "batches" if economy else "videos"
        yield (
            Campaign(name, command, jobs, 5, possible(blows), lambda: paid(online, jobs), forget, sent_once=economy),
            online.program,
        )


def paid(online: Online, jobs: int) -> Counter[Place]:
    """How often each stage was asked for: captions of YouTube, notes and assessments of Claude."""
    titles = {online.world.youtube.catalog.videos[name].title: name for name in map(video_id, range(jobs))}

    def place(request: Mapping[str, Any]) -> Place:
        told: list[str] = request["system"][-1]["text"].splitlines()
        title = next(line.removeprefix("title: ") for line in told if line.startswith("title: "))
        return titles[title], "assessment" if wants_assessment(request) else "notes"

    sent = [item["params"] for batch in online.claude.batches.values() for item in batch.requests]
    asked = sent or [call.request for call in online.claude.calls]
    counted = Counter(map(place, asked))
    counted.update(
        (request.video_id or request.query["v"], "fetch")
        for request in online.world.youtube.journal
        if request.endpoint == "timedtext"
    )
    return counted
