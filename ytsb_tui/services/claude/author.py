"""Claude as an author: notes and an assessment from the whole transcript, which is read once and cached.

Both calls begin with the same bytes (tools, rules, transcript), so the second
reads them from the prompt cache. Only a whole answer is an answer: what breaks
off is kept as the error's `partial`, and the next try goes on from it.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ytsb_tui.errors import BadSetup, Incomplete
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.services.claude import long_transcripts, prompts
from ytsb_tui.services.claude.answers import Item, Quiz, quiz_schema, read_notes, read_quiz
from ytsb_tui.services.claude.api_errors import TooLong
from ytsb_tui.services.claude.api_key import Server
from ytsb_tui.services.claude.batches import BatchDesk
from ytsb_tui.services.claude.messages_api import Desk, MessagesApi
from ytsb_tui.services.claude.prices import Prices, Tokens
from ytsb_tui.services.claude.replies import Reply
from ytsb_tui.services.claude.sittings import Sitting
from ytsb_tui.services.claude.time_links import TimeLinks
from ytsb_tui.services.claude.tokens import rough_tokens
from ytsb_tui.settings import Settings
from ytsb_tui.study import Assessment, Notes, Question
from ytsb_tui.transcript import Transcript
from ytsb_tui.usage import Usage

if TYPE_CHECKING:
    from ytsb_tui.watch import Watch

T = TypeVar("T")

log = logging.getLogger(__name__)

FEWEST_QUESTIONS = 5

_SURELY_FITS = 16_000
"""Tokens of a transcript that every model reads at once; for more, its window is asked for."""
_SURELY_CACHED = 8_000
"""Tokens of a transcript that no model finds too few to cache."""
_TOO_SMALL = 2_000
"""Tokens of a part that would not be split any further."""
_QUIZ_LENGTH = 9_000
"""Characters of a recorded assessment, about."""
_ASKED_TOKENS = 800
_QUIZ_TOKENS = 3_000
_TOKENS_PER_MINUTE = 300


class ClaudeAuthor:
    """Writes notes and assessments with a model that speaks the Messages API."""

    name = "claude"

    def __init__(self, desk: Desk, notes_language: str = "") -> None:
        """`desk` takes the requests: `MessagesApi` at once, `BatchDesk` at half the price."""
        self._desk = desk
        self._notes_language = notes_language
        self._max_tokens = 8_000 if desk.server.own else 32_000
        self._tool = prompts.tool()

    @property
    def model(self) -> str:
        """The model's id."""
        return self._desk.server.model

    def warm(self) -> None:
        """Do what the first call would have to wait for: import the SDK, a second."""
        self._desk.warm()

    def notes(self, job: VideoProcessingJob, related: Sequence[str], watch: Watch) -> Notes:
        """Study notes; see `stages.Author`."""
        transcript = _spoken(job)
        with Sitting(self._desk, watch, job.partials.get(Stage.NOTES, "")) as sitting:
            written = self._in_parts(transcript, sitting, lambda parts: self._write(parts, related, sitting))
            answer = read_notes(written)
        links = TimeLinks(transcript, job.time_link)
        linked = links.checked(answer.body)
        return Notes(linked.text, answer.title, answer.subject, answer.concepts, links.coverage(linked), sitting.usage)

    def assessment(self, job: VideoProcessingJob, watch: Watch) -> Assessment:
        """Five to seven questions, more on a video that is read in parts; see `stages.Author`."""
        transcript = _spoken(job)
        with Sitting(self._desk, watch, job.partials.get(Stage.ASSESSMENT, "")) as sitting:
            items = self._in_parts(transcript, sitting, lambda parts: self._quiz(parts, job.study_notes, sitting))
        if long_transcripts.transcript_tokens(transcript) > _SURELY_CACHED and not sitting.usage.cache_read_tokens:
            log.warning("%s: the transcript was not in the prompt cache", job.video_id)
        links = TimeLinks(transcript, job.time_link)
        questions = tuple(
            Question(
                kind=item.kind,
                prompt=links.checked(item.question).text,
                answer=links.checked(item.answer).text,
                concepts=tuple(item.concepts),
                at=links.second(item.time),
            )
            for item in items
        )
        return Assessment(questions, sitting.usage)

    def estimate(self, job: VideoProcessingJob, stage: Stage) -> Usage:
        """About what `stage` will use; of unknown cost while not even the length of the video is known."""
        if job.transcript:
            prefix = rough_tokens(prompts.material(job.transcript))
        elif job.duration:
            prefix = int(job.duration / 60 * _TOKENS_PER_MINUTE)
        else:
            return Usage(cost=None)
        if stage is Stage.NOTES:
            tokens = Tokens(input=_ASKED_TOKENS, cache_write_5m=prefix, output=_notes_tokens(prefix))
        else:
            notes = rough_tokens(job.study_notes) if job.study_notes else _notes_tokens(prefix)
            tokens = Tokens(input=_ASKED_TOKENS + notes, cache_read=prefix, output=_QUIZ_TOKENS)
        return self._desk.prices.usage(self.model, tokens)

    def _in_parts(self, transcript: Transcript, sitting: Sitting, work: Callable[[list[Transcript]], T]) -> T:
        """Do `work` with the transcript in one part, or in as few as the model can read."""
        whole = long_transcripts.transcript_tokens(transcript)
        limit = whole if whole <= _SURELY_FITS else self._room()
        while True:
            parts = long_transcripts.parts(transcript, limit)
            sitting.resume(self._key(parts))
            try:
                return work(parts)
            except TooLong:
                limit = min(limit, whole) * 3 // 5
                if limit < _TOO_SMALL:
                    raise

    def _room(self) -> int:
        """Tokens of a transcript that fit beside what is asked and answered."""
        window = self._desk.window()
        return max(window - self._max_tokens - 4_000, window // 2)

    def _key(self, parts: Sequence[Transcript]) -> str:
        """Tells apart what answers depend on."""
        hashed = hashlib.sha256(f"{self.model}\n{self._notes_language}\n{prompts.RULES}".encode())
        for part in parts:
            hashed.update(prompts.material(part).encode())
        return hashed.hexdigest()

    def _write(self, parts: Sequence[Transcript], related: Sequence[str], sitting: Sitting) -> str:
        """The notes as they are answered; those on several parts are merged by one last call."""
        language, count = self._language(parts[0]), len(parts)
        if count == 1:
            return sitting.write(
                self._request(prompts.material(parts[0]), prompts.notes(language, related)), _length(parts)
            )
        finished = sitting.draft.parts
        for number, part in enumerate(parts[len(finished) :], len(finished) + 1):
            asked = prompts.notes(language, [], prompts.part(number, count, part))
            finished.append(sitting.write(self._request(prompts.material(part), asked), _length([part])))
        try:
            request = self._request(prompts.parts(finished), prompts.merge(count, language, related))
            return sitting.write(request, _length(parts))
        except TooLong as error:  # smaller parts would not make the notes on them shorter
            raise Incomplete(f"The notes on the {count} parts of the video are too long to be merged.") from error

    def _quiz(self, parts: Sequence[Transcript], notes: str, sitting: Sitting) -> list[Item]:
        """The questions; of a video in several parts, some on each."""
        count = len(parts)
        fewest = FEWEST_QUESTIONS if count == 1 else max(2, math.ceil(6 / count))
        finished = sitting.draft.parts
        for number, part in enumerate(parts[len(finished) :], len(finished) + 1):
            which = prompts.part(number, count, part) if count > 1 else ""
            quiz = self._recorded(part, notes, fewest, which, sitting)
            finished.append(msgspec.json.encode(quiz).decode())
        return [item for quiz in finished for item in read_quiz(quiz, fewest).questions]

    def _recorded(self, part: Transcript, notes: str, fewest: int, which: str, sitting: Sitting) -> Quiz:
        """An assessment that is what was asked for, at the second try if need be."""
        count = f"{fewest} to {fewest + 2}"
        why = ""
        for as_json in (False, self._desk.server.own):
            asked = prompts.assessment(notes, self._language(part), count, which, why, as_json=as_json)
            request = self._request(prompts.material(part), asked)
            if as_json:
                del request["tools"]
                request["output_config"] = {"format": {"type": "json_schema", "schema": quiz_schema()}}
            try:
                return read_quiz(_json_of(sitting.ask(request, _QUIZ_LENGTH), as_json=as_json), fewest)
            except ValueError as error:
                why = str(error)
        raise Incomplete(f"{self._desk.server.name} recorded no usable assessment, asked twice: {why}.")

    def _request(self, material: str, asked: str) -> dict[str, Any]:
        """A call; all but its messages is the same for both calls on a transcript, to the byte."""
        return {
            "model": self.model,
            "max_tokens": self._max_tokens,
            "tools": [self._tool],
            "system": [
                {"type": "text", "text": prompts.RULES},
                {"type": "text", "text": material, "cache_control": {"type": "ephemeral"}},
            ],
            "messages": [{"role": "user", "content": asked}],
        }

    def _language(self, transcript: Transcript) -> str:
        spoken = f" ({transcript.language})" if transcript.language else ""
        return self._notes_language or f"the language of the transcript{spoken}"


def claude_author(settings: Settings, server: Server, state: Path) -> ClaudeAuthor:
    """The author the settings ask for; `state` is the vault's `.ytsb`. Makes no call.

    Raises `BadSetup` for what `server` cannot do, `UsageError` for a broken price file.
    """
    api = messages_api(settings, server)
    if settings.economy and api.server.own:
        raise BadSetup(f"{api.server.name} has no batches.", advice="Use --economy without `base_url`.")
    desk = BatchDesk(api, state / "batches.json") if settings.economy else api
    return ClaudeAuthor(desk, settings.notes_language)


def messages_api(settings: Settings, server: Server) -> MessagesApi:
    """The API of a server; its `probe()` says whether it answers."""
    return MessagesApi(server, Prices.load(settings.prices, built_in=not server.own))


def _spoken(job: VideoProcessingJob) -> Transcript:
    if job.transcript is None or not job.transcript.cues:
        raise Incomplete("There is no transcript to write about.", advice="Fetch the video again.")
    return job.transcript


def _json_of(reply: Reply, *, as_json: bool) -> str:
    """The JSON of a recorded assessment. Raises `ValueError` saying what is wrong, for the model to read."""
    if reply.stop == "max_tokens":
        raise ValueError("it was too long to be finished, so be briefer")
    if as_json:
        return reply.text
    if reply.recorded is None:
        raise ValueError("it was not recorded with the tool")
    return reply.recorded


def _notes_tokens(transcript_tokens: int) -> int:
    """Notes grow with the transcript, but ever more slowly."""
    return 1_000 + int(12 * math.sqrt(transcript_tokens))


def _length(parts: Sequence[Transcript]) -> int:
    """Characters of notes on the parts, about."""
    return 4 * _notes_tokens(sum(map(long_transcripts.transcript_tokens, parts)))
