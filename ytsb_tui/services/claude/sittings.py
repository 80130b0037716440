"""One try at a stage: the calls it makes, what they use, and what the next try could go on from."""

from __future__ import annotations

import re
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from ytsb_tui.errors import Incomplete, NetworkTrouble, Refused, Unfinished
from ytsb_tui.services.claude import prompts
from ytsb_tui.services.claude.api_errors import TooLong
from ytsb_tui.services.claude.messages_api import Desk, Request
from ytsb_tui.services.claude.replies import Reply
from ytsb_tui.usage import Usage

if TYPE_CHECKING:
    from ytsb_tui.watch import Watch

PIECES = 3
"""Answers that one text may be made of."""


class Draft(msgspec.Struct):
    """What an unfinished stage has so far; travels as an error's `partial`."""

    key: str = ""
    """Tells whether it still belongs to the transcript, model and language at hand."""
    parts: list[str] = []
    """Finished answers on the first parts of a long video."""
    text: str = ""
    """Whole lines of the answer that broke off."""


_draft = msgspec.json.Decoder(Draft)


class Sitting:
    """A context: an `Unfinished` that leaves it says what all its calls used, and carries the draft."""

    def __init__(self, desk: Desk, watch: Watch, partial: str) -> None:
        """`partial` is what an earlier try left, "" if there was none."""
        self._desk = desk
        self._watch = watch
        self._partial = partial
        self.draft = Draft()
        self.usage = Usage()
        """What the finished calls used."""

    def __enter__(self) -> Sitting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Unfinished):
            error.usage = self.usage + error.usage
            kept = self.draft.parts or self.draft.text
            error.partial = msgspec.json.encode(self.draft).decode() if kept else ""

    def resume(self, key: str) -> None:
        """Go on from what an earlier try left under the same key; begin anew if that was something else."""
        try:
            earlier = _draft.decode(self._partial)
        except msgspec.MsgspecError:  # nothing, or what another author left
            earlier = Draft()
        self.draft = earlier if earlier.key == key else Draft(key)

    def ask(self, request: Request, expected: int) -> Reply:
        """One call; only an answer that the model ended by itself, or at `max_tokens`, comes back."""
        server = self._desk.server
        reply = self._desk.ask(request, self._watch, expected)
        self.usage += reply.usage
        match reply.stop:
            case None:
                raise NetworkTrouble(f"{server.name} broke off in the middle of its answer.", partial=reply.text)
            case "refusal":
                because = f": {server.redacted(' '.join(reply.explanation.split()))}" if reply.explanation else "."
                raise Refused(f"{server.name} declined to write about this transcript{because}")
            case "model_context_window_exceeded":
                raise TooLong(f"The transcript is too long for {server.model}.")
        return reply

    def write(self, request: Request, expected: int) -> str:
        """A whole text, in several answers where one cannot hold it, begun with what the draft has."""
        for _ in range(PIECES):
            try:
                reply = self.ask(_going_on(request, self.draft.text), expected)
            except Unfinished as unfinished:
                self.draft.text = _whole_lines(_joined(self.draft.text, unfinished.partial))
                raise
            text = _joined(self.draft.text, reply.text)
            if reply.stop == "end_turn":
                self.draft.text = ""
                return text
            self.draft.text = _whole_lines(text)
            if reply.stop != "max_tokens":
                raise Incomplete(f"{self._desk.server.name} ended its notes early ({reply.stop}).")
        raise Incomplete(f"The notes are longer than {PIECES} answers of {request['max_tokens']:,} tokens.")


def _going_on(request: Request, text: str) -> dict[str, Any]:
    """The request for what follows `text`; current models refuse to have their own last turn begun for them."""
    if not text:
        return dict(request)
    turns = [{"role": "assistant", "content": text.rstrip()}, {"role": "user", "content": prompts.GO_ON}]
    return {**request, "messages": [*request["messages"], *turns]}


def _joined(kept: str, new: str) -> str:
    """Whole lines and what follows them, without the last kept line where the new text repeats it."""
    if not kept:
        return new
    last, new = kept.rstrip().rpartition("\n")[2], new.lstrip("\n")
    if new.startswith(f"{last}\n"):
        new = new.removeprefix(f"{last}\n").lstrip("\n")
    if not kept.endswith("\n\n") and (new.startswith("#") or _kind(new) != _kind(last)):
        return f"{kept}\n{new}"
    return kept + new


def _kind(text: str) -> str:
    """What Markdown block a text begins with, as far as a blank line has to stand before it."""
    block = re.match(r"\s*(?:([-*+]|\d+\.) |(#|>|\||```))", text)
    return "" if block is None else "list" if block[1] else block[2]


def _whole_lines(text: str) -> str:
    """`text` up to its last line break: a line that broke off is asked for again."""
    return text[: text.rfind("\n") + 1]
