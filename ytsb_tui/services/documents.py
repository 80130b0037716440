"""How notes and assessments look as Markdown files.

A file has two parts, split by `USER_MARK`. What is above the mark is ours and
is written anew whenever the job is written again; what is below is the user's
and is kept. That is why an assessment has its spaces for answers below the mark,
each under the beginning of its question: answers survive new questions, and
still say what they answer.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.escape import literal, one_line, tame
from ytsb_tui.study import Assessment, Question
from ytsb_tui.transcript import timestamp

USER_MARK = "%% ytsb: everything below this line is yours and is kept %%"
"""The line under which a file belongs to the user; Obsidian does not show it."""

_NOTES_PLACE = "\n## My Notes\n\n"
_ASKED = re.compile(r"^\*\*Question (\d+)\*\*.*\n\n(.+)$", re.MULTILINE)
_UNLINKABLE = set("[]#^|<>")
_UNSHOWABLE = _UNLINKABLE | set("$`\\")
"""Marks that would end a wikilink's alias or turn part of it into something else."""


class MarkdownDocuments:
    """Notes and assessments for Obsidian, readable in any Markdown viewer."""

    def note(self, job: VideoProcessingJob) -> str:
        """The whole note; see `stages.Documents`."""
        quiz = [wikilink(job.assessment_filepath.stem, "Assessment")] if job.assessment_filepath else []
        parts = [
            frontmatter(_note_properties(job)),
            f"# {literal(_title(job))}",
            " · ".join([*_provenance(job), *quiz]),
            tame(job.study_notes),
            *_related(job.related),
        ]
        return _join(parts) + _NOTES_PLACE

    def assessment(self, job: VideoProcessingJob, assessment: Assessment) -> str:
        """The quiz; see `stages.Documents`. Kinds in order of first appearance, numbered through."""
        kinds = list(dict.fromkeys(question.kind for question in assessment.questions))
        ordered = sorted(assessment.questions, key=lambda question: kinds.index(question.kind))
        numbered = list(enumerate(ordered, 1))
        parts: list[str] = []
        for kind, group in groupby(numbered, key=lambda item: item[1].kind):
            parts.append(f"## {literal(kind)}")
            parts += [_question(job, number, question) for number, question in group]
        if numbered:
            parts += ["---", _answers(numbered)]
        return "\n\n".join(parts)

    def assessment_note(self, job: VideoProcessingJob) -> str:
        """The whole assessment file around `job.assessment_content`."""
        back = [f"Notes: {wikilink(job.notes_filepath.stem, _title(job))}"] if job.notes_filepath else []
        parts = [
            frontmatter(_assessment_properties(job)),
            f"# Assessment: {literal(_title(job))}",
            " · ".join([*back, *_provenance(job)]),
            "Write under *My Answers* at the end: that part is kept when the questions are made again.",
            job.assessment_content,
        ]
        above = _join(parts)
        return above + _answer_places(above)


def split_user_part(text: str) -> tuple[str, str]:
    """A file's text up to and with the line of `USER_MARK`, and the user's text after it.

    Without the mark everything is ours and the user's part is "".
    """
    mark = re.search(rf"^{re.escape(USER_MARK)}[ \t]*\r?\n?", text, re.MULTILINE)
    return (text[: mark.end()], text[mark.end() :]) if mark else (text, "")


def keep_user_part(old: str, new: str) -> str:
    """`new` with what the user wrote in `old`; untouched places for answers follow the new questions."""
    old_above, old_below = split_user_part(old)
    untouched = (_NOTES_PLACE.strip(), _answer_places(old_above).strip(), "")
    if old_below.replace("\r\n", "\n").strip() in untouched:
        return new
    return split_user_part(new)[0] + old_below


def frontmatter(properties: Mapping[str, Any]) -> str:
    """YAML frontmatter of the properties that have a value."""
    known = {name: value for name, value in properties.items() if value not in ("", None, [])}
    dumped = yaml.safe_dump(known, allow_unicode=True, sort_keys=False, width=2**31)
    return f"---\n{dumped}---"


def subject_tag(subject: str) -> list[str]:
    """A subject as an Obsidian tag: words joined by hyphens, and not a mere number."""
    tag = "-".join(re.findall(r"[^\W_]+", subject.lower()))
    return [tag] if re.search(r"[^\d\W_]", tag) else []


def wikilink(stem: str, alias: str) -> str:
    """`[[stem|alias]]`, or the plain alias where Obsidian could not follow the link."""
    if _UNLINKABLE & set(stem):
        return literal(alias)
    shown = "".join(" " if mark in _UNSHOWABLE else mark for mark in one_line(alias)).replace("%%", "%")
    return f"[[{stem}|{' '.join(shown.split()) or stem}]]"


def _join(parts: Iterable[str]) -> str:
    """Our part of a file, down to and with the mark. Obsidian's Templater runs `<% ... %>` wherever it stands."""
    return "\n\n".join([*filter(None, parts), USER_MARK]).replace("<%", "< %") + "\n"


def _title(job: VideoProcessingJob) -> str:
    """The title as one clean line; never empty."""
    return one_line(job.title) or job.video_id


def _note_properties(job: VideoProcessingJob) -> dict[str, Any]:
    title = _title(job)
    stem = job.notes_filepath.stem if job.notes_filepath else title
    return {
        "title": title,
        "aliases": [title] if title != stem else [],
        "source": one_line(job.watch_url or job.url),
        "video_id": job.video_id,
        "channel": one_line(job.channel),
        "duration": _length(job),
        "language": one_line(job.language),
        "subject": _subject(job),
        "tags": ["study-notes", *subject_tag(job.subject)],
        "created": _created(job),
        "author": _author(job),
        "concepts": [name for concept in job.concepts if (name := one_line(concept))],
        "coverage": None if job.coverage is None else round(job.coverage, 2),
    }


def _assessment_properties(job: VideoProcessingJob) -> dict[str, Any]:
    return {
        "title": f"Assessment: {_title(job)}",
        "note": wikilink(job.notes_filepath.stem, _title(job)) if job.notes_filepath else "",
        "video_id": job.video_id,
        "subject": _subject(job),
        "tags": ["assessment", *subject_tag(job.subject)],
        "created": _created(job),
        "author": _author(job),
    }


def _subject(job: VideoProcessingJob) -> str:
    """The subject in words; its folder may have underscores."""
    return one_line(job.subject.replace("_", " "))


def _length(job: VideoProcessingJob) -> str:
    return str(timedelta(seconds=int(job.duration))) if job.duration else ""


def _created(job: VideoProcessingJob) -> str:
    """Local time as Obsidian's date-time property wants it: no offset, no fraction."""
    return "" if job.started_at is None else datetime.fromtimestamp(job.started_at).isoformat(timespec="seconds")


def _author(job: VideoProcessingJob) -> str:
    return one_line(f"{job.author} ({job.model})" if job.model else job.author)


def _provenance(job: VideoProcessingJob) -> Iterator[str]:
    """Where it comes from: the video (or file), its channel, its length."""
    yield f"[Watch on YouTube]({job.watch_url})" if job.watch_url else f"From {literal(Path(job.url).name)}"
    if channel := literal(job.channel):
        yield channel
    if job.duration:
        yield timestamp(job.duration)


def _related(stems: Iterable[str]) -> list[str]:
    links = [f"- {wikilink(stem, stem.replace('_', ' '))}" for stem in stems]
    return ["## Related Notes", "\n".join(links)] if links else []


def _question(job: VideoProcessingJob, number: int, question: Question) -> str:
    parts = [f"**Question {number}**{_minute(job, question.at)}", tame(question.prompt)]
    if question.hints:
        parts.append("\n".join(f"- {tame(one_line(hint))}" for hint in question.hints))
    return "\n\n".join(parts)


def _minute(job: VideoProcessingJob, at: float | None) -> str:
    """The time an answer rests on, as a link where there is a video to link to."""
    if at is None:
        return ""
    url = job.time_link(at)
    return f" · [{timestamp(at)}]({url})" if url else f" · {timestamp(at)}"


def _answers(numbered: Iterable[tuple[int, Question]]) -> str:
    """All model answers in a callout that Obsidian shows closed."""
    blocks = []
    for number, question in numbered:
        blocks.append(f"**Question {number}**\n\n{tame(question.answer)}")
        if question.concepts:
            blocks.append(f"*Key concepts: {', '.join(literal(concept) for concept in question.concepts)}*")
    lines = "\n\n".join(["[!success]- Model answers", *blocks]).split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _answer_places(above: str) -> str:
    """An empty place per question found in our part, under the beginning of the question."""
    places = [f"**{number}.** {_beginning(prompt)}\n\n" for number, prompt in _ASKED.findall(above)]
    return "\n## My Answers\n\n" + "\n".join(places)


def _beginning(prompt: str) -> str:
    """A prompt's first line, cut at a word; then without emphasis, whose other half may be gone."""
    short = textwrap.shorten(prompt, 100, placeholder=" …")
    return short if short == prompt else re.sub(r"(?<!\\)[*`]", "", short)
