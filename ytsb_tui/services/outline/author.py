"""The author that needs no model: it quotes what the speaker says best."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice, pairwise

from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.services.escape import literal
from ytsb_tui.services.outline.digest import SHORT, TELLING, Definition, Digest, Role, digest, leans
from ytsb_tui.services.outline.fields import field_of
from ytsb_tui.services.outline.quiz import questions
from ytsb_tui.services.outline.quotes import quote, shortened, time_mark
from ytsb_tui.services.outline.sentences import Sentence
from ytsb_tui.study import Assessment, Notes
from ytsb_tui.transcript import Transcript, timestamp
from ytsb_tui.usage import Usage
from ytsb_tui.watch import Watch

ORIGIN = "> [!info] Outline\n> Made from the transcript without a language model: sentences are the speaker's own."
PART = 600.0
"""Seconds of the parts into which the key points of a long video without chapters are grouped."""
_SECTIONS = (
    ("Examples & Applications", Role.EXAMPLE, 6),
    ("Definitions & Terminology", None, 8),
    ("Connections & Relationships", Role.CONNECTION, 4),
    ("Questions for Further Study", Role.QUESTION, 5),
    ("Action Items & Practice", Role.ACTION, 4),
    ("Critical Analysis", Role.CRITIQUE, 4),
)
"""The sections after the key points: the role of their sentences (None: definitions), and how many they take."""


class OutlineAuthor:
    """Notes and questions in the speaker's own words: no key, no network, always the same."""

    name = "outline"
    model = ""

    def notes(self, job: VideoProcessingJob, related: Sequence[str], watch: Watch) -> Notes:
        """An outline of `job.transcript`; see `stages.Author`."""
        transcript = job.transcript or Transcript(())
        lecture = _digest(transcript, watch)
        outline = _Outline(job, transcript, lecture, related)
        return Notes(
            body="\n\n".join([ORIGIN, *outline.sections()]),
            concepts=tuple(concept.name for concept in lecture.concepts),
            subject=field_of(lecture.speech),
            coverage=outline.coverage(),
        )

    def assessment(self, job: VideoProcessingJob, watch: Watch) -> Assessment:
        """Questions on `job.transcript`, some about what `job.study_notes` leave out."""
        transcript = job.transcript or Transcript(())
        ours = job.study_notes if job.author in ("", self.name) else ""
        return Assessment(tuple(questions(_digest(transcript, watch), transcript.timed, ours)))

    def estimate(self, job: VideoProcessingJob, stage: Stage) -> Usage:
        """Nothing: it is free."""
        return Usage()


def _digest(transcript: Transcript, watch: Watch) -> Digest:
    return digest(transcript, watch.check, lambda fraction: watch.progress(fraction, "reading the transcript"))


class _Outline:
    """The sections of one job's notes; no sentence is shown twice."""

    def __init__(
        self, job: VideoProcessingJob, transcript: Transcript, lecture: Digest, related: Sequence[str]
    ) -> None:
        self.job = job
        self.others = [stem.replace("_", " ").lower() for stem in related]
        self.transcript = transcript
        self.lecture = lecture
        self.shown: dict[Sentence, set[str]] = {}
        """The sentences shown so far, with the words of each."""

    def sections(self) -> Iterator[str]:
        """Each section that has something to say, in the order readers know."""
        if not self.lecture.sentences:
            yield "## Key Points\n\nNothing is said in this video."
            return
        if self.lecture.concepts:
            yield "\n".join(["## Core Concepts", "", *self._concepts()])
        yield "\n".join(["## Key Points", "", *self._key_points()])
        for heading, role, most in _SECTIONS:
            lines = self._definitions(most) if role is None else self._of_role(role, most)
            if lines:
                yield "\n".join([f"## {heading}", "", *lines])

    def coverage(self) -> float | None:
        """The share of the video's minutes that some shown sentence links to."""
        cues = self.transcript.cues
        if not self.transcript.timed or not cues:
            return None
        minutes = math.ceil(max(self.transcript.duration, cues[-1].end) / 60)
        return len({int(sentence.start // 60) for sentence in self.shown}) / minutes if minutes else None

    def _concepts(self) -> Iterator[str]:
        for concept in self.lecture.concepts:
            best = self.lecture.explanations.get(concept.name)
            if best is None:
                yield f"- **{literal(concept.name)}** – said {_times(concept.times)}"
            else:
                yield self._bullet(best, concept.name)

    def _key_points(self) -> Iterator[str]:
        """The sentences that say most, from every stretch of the video, in its order."""
        sentences = self.lecture.sentences
        words = sum(len(each.text) for each in sentences) * (3 if self.lecture.speech.spaceless else 1) / 5.5
        wanted = min(40, max(3, round(words / 80)))
        heading = None
        for title, part in self._parts():
            share = max(1, round(wanted * len(part) / len(sentences)))
            size = math.ceil(len(part) / share)
            chosen = [self._best(part[at : at + size]) for at in range(0, len(part), size)]
            lines = [self._bullet(sentence) for sentence in chosen if sentence]
            if title and lines:
                yield from ["", f"### {title}", ""] if heading else [f"### {title}", ""]
                heading = title
            yield from lines
        if not any(self.lecture.weight(each) for each in self.shown):
            yield self._bullet(sentences[0])

    def _parts(self) -> list[tuple[str, list[Sentence]]]:
        """The sentences by chapter; else, in a long video, by stretches of `PART`."""
        sentences = list(self.lecture.sentences)
        if not self.transcript.timed:
            return [("", sentences)]
        if self.transcript.chapters:
            borders = [(chapter.start, literal(chapter.title)) for chapter in self.transcript.chapters]
        elif self.transcript.duration >= 2 * PART:
            count = min(12, round(self.transcript.duration / PART))
            starts = [self.transcript.duration / count * place for place in range(count + 1)]
            borders = [(start, f"{timestamp(start)} – {timestamp(end)}") for start, end in pairwise(starts)]
        else:
            return [("", sentences)]

        def title(sentence: Sentence) -> str:
            return next((name for start, name in reversed(borders) if start <= sentence.start), "")

        return [(name, list(part)) for name, part in groupby(sentences, key=title)]

    def _best(self, sentences: Iterable[Sentence]) -> Sentence | None:
        """The sentence that says most, of those that are new and make a point."""
        points = [
            each
            for each in sentences
            if self.lecture.roles[each.place] in (Role.STATEMENT, Role.CRITIQUE, Role.CONNECTION)
            and self.lecture.weight(each) >= TELLING
        ]
        ranked = sorted(points, key=lambda each: (-self.lecture.weight(each), each.place))
        return next(filter(self._is_new, ranked), None)

    def _definitions(self, most: int) -> list[str]:
        """What else is defined: the weightiest, in order of time."""
        explained = [each for each in self.lecture.concepts if each.name in self.lecture.explanations]
        terms: dict[str, Definition] = {}
        for each in sorted(self.lecture.definitions, key=lambda each: -self.lecture.weight(each.sentence)):
            known = any(concept.pattern.fullmatch(each.term) for concept in explained)
            if not known and each.term.lower() not in terms and self._is_new(each.sentence) and len(terms) < most:
                terms[each.term.lower()] = each
        return [self._definition(each) for each in sorted(terms.values(), key=lambda each: each.sentence.place)]

    def _definition(self, definition: Definition) -> str:
        """A definition; behind the sentence before, where it leans on that or only gives a name."""
        sentence = definition.sentence
        alone = not leans(sentence.text) and len(sentence.text) > SHORT
        if alone or not sentence.place or self.lecture.speech.spaceless:
            return self._bullet(sentence, definition.term)
        before = self.lecture.sentences[sentence.place - 1]
        self.shown[sentence] = _words(sentence)
        return self._bullet(replace(before, text=f"{shortened(before.text)} {sentence.text}"), definition.term)

    def _of_role(self, role: Role, most: int) -> list[str]:
        """The weightiest sentences of a role; among connections those first that point to other lectures."""
        sentences = self.lecture.sentences
        elsewhere = self._pointing_elsewhere() if role is Role.CONNECTION else set()
        telling = {each.place for each in self.lecture.having(role) if self.lecture.weight(each) >= TELLING}
        ranked = sorted(
            telling | elsewhere, key=lambda place: (place not in elsewhere, -self.lecture.weights[place], place)
        )
        best = list(islice((sentences[place] for place in ranked if self._is_new(sentences[place])), most))
        return [self._bullet(each) for each in sorted(best, key=lambda each: each.place)]

    def _pointing_elsewhere(self) -> set[int]:
        """The places of sentences that speak of another lecture, or of an earlier note by its name."""
        named = {
            each.place for each in self.lecture.sentences if any(name in each.text.lower() for name in self.others)
        }
        return named | {each.place for each in self.lecture.having(Role.REFERENCE)}

    def _is_new(self, sentence: Sentence) -> bool:
        """Whether nothing shown says (nearly) the same."""
        words = _words(sentence)
        return not any(len(words & other) > 0.6 * min(len(words), len(other)) for other in self.shown.values())

    def _bullet(self, sentence: Sentence, term: str = "") -> str:
        self.shown[sentence] = _words(sentence)
        name = f"**{literal(term)}** – " if term else ""
        mark = f" {time_mark(self.job, sentence.start)}" if self.transcript.timed else ""
        return f"- {name}{quote(sentence.text)}{mark}"


def _words(sentence: Sentence) -> set[str]:
    return set(re.findall(r"\w+", sentence.text.lower()))


def _times(times: int) -> str:
    return "once" if times == 1 else f"{times} times"
