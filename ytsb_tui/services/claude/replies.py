"""What comes back from the Messages API: an answer while it comes in, and when it is there."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ytsb_tui.clock import spell
from ytsb_tui.errors import Incomplete, NetworkTrouble
from ytsb_tui.services.claude.prices import Prices, Tokens
from ytsb_tui.services.claude.tokens import rough_tokens
from ytsb_tui.usage import Usage

if TYPE_CHECKING:
    import httpx2
    from anthropic.types import Message, MessageDeltaUsage, RawMessageStreamEvent
    from anthropic.types import Usage as CountedTokens

    from ytsb_tui.watch import Watch

LONGEST = 4_000_000
"""Characters; no model writes a twentieth of that in one answer."""
PATIENCE = 900.0
"""Seconds in which an answer must get any further. A server that only says that it lives is not silent."""
_TAIL = 400
"""Characters of the newest text that are shown."""
_NOTHING = Tokens()


@dataclass(frozen=True)
class Reply:
    """What came of a call."""

    text: str
    stop: str | None
    """Why the model stopped; None when the answer broke off instead."""
    usage: Usage
    recorded: str | None = None
    """The JSON given to a tool."""
    explanation: str = ""
    """Why the model declined, where it says so."""


class Hearing:
    """An answer while it comes in: the calling thread adds to it, the worker's thread watches it.

    It is a `Watch` itself: whenever it is asked to check, it tells how far the answer is.
    """

    def __init__(self, watch: Watch, expected: int, ticks: Callable[[], float] = time.monotonic) -> None:
        """`expected` is about how many characters the answer will have."""
        self._watch = watch
        self._expected = expected
        self._ticks = ticks
        self._heard = ticks()
        self._lock = threading.Lock()
        self._response: httpx2.Response | None = None
        self._text: list[str] = []
        self._json: list[str] = []
        self._length = 0
        self._tokens = Tokens()
        self._stop: str | None = None
        self._explanation = ""
        self.begun = False
        """Whether it is an answer at all."""

    @property
    def text(self) -> str:
        """The answer so far; of one without end nothing, for nobody should go on from there."""
        return "" if self._length > LONGEST else _whole("".join(self._text))

    def connect(self, response: httpx2.Response) -> None:
        """The server has begun to answer."""
        with self._lock:
            self._response = response

    def take(self, event: RawMessageStreamEvent) -> None:
        """Add an event of the stream."""
        self._heard = self._ticks()
        match event.type:
            case "message_start":
                self.begun = True
                self._tokens = tokens_of(event.message.usage)
            case "content_block_delta" if event.delta.type == "text_delta":
                self._hear(self._text, event.delta.text)
            case "content_block_delta" if event.delta.type == "input_json_delta":
                self._hear(self._json, event.delta.partial_json)
            case "message_delta":
                self._tokens = tokens_of(event.usage, self._tokens)
                self._stop = event.delta.stop_reason
                self._explanation = _words((event.delta.stop_details and event.delta.stop_details.explanation) or "")
            case "message_stop":
                with self._lock:  # the connection is about to serve somebody else
                    self._response = None

    def _hear(self, pieces: list[str], told: object) -> None:
        pieces.append(words := _words(told))
        self._length += len(words)
        if self._length > LONGEST:
            raise Incomplete("The answer has no end.", advice="Try another model.")

    def hang_up(self) -> None:
        """Nobody listens any longer: end the connection, and with it the cost."""
        with self._lock:
            if self._response is not None:
                connection = self._response.extensions["network_stream"].get_extra_info("socket")
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def check(self) -> None:
        """Show how far the answer is; raise `Interrupted` when the user wants to stop, `NetworkTrouble` in vain."""
        self._watch.check()
        if self._ticks() - self._heard > PATIENCE:
            raise NetworkTrouble(f"The answer got no further in {spell(PATIENCE)}.")
        recorded = sum(map(len, self._json))
        done = recorded + sum(map(len, self._text))
        self.progress(min(done / self._expected, 0.99), f"{recorded:,} characters" if recorded else self.text[-_TAIL:])

    def progress(self, fraction: float | None, text: str = "") -> None:
        """Tell the worker's own watch."""
        self._watch.progress(fraction, text)

    def spent(self) -> Tokens:
        """What a broken-off answer used: its last tokens are not counted by anybody, so they are guessed."""
        said = "".join((*self._text, *self._json))
        return replace(self._tokens, output=max(self._tokens.output, rough_tokens(said) if said else 0))

    def reply(self, prices: Prices, model: str) -> Reply:
        """The answer, as far as it came."""
        tokens = self._tokens if self._stop else self.spent()
        recorded = _whole("".join(self._json)) or None
        return Reply(self.text, self._stop, prices.usage(model, tokens), recorded, self._explanation)


def _whole(text: str) -> str:
    """`text` with the halves of characters put together that came in two pieces; a lone half becomes `�`."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def reply_of(message: Message, prices: Prices, model: str) -> Reply:
    """A message that came in one piece."""
    recorded = next((block.input for block in message.content if block.type == "tool_use"), None)
    return Reply(
        text=_whole("".join(block.text for block in message.content if block.type == "text")),
        stop=message.stop_reason,
        usage=prices.usage(model, tokens_of(message.usage)),
        recorded=None if recorded is None else _whole(json.dumps(recorded, ensure_ascii=False)),
        explanation=(message.stop_details and message.stop_details.explanation) or "",
    )


def tokens_of(counted: CountedTokens | MessageDeltaUsage, before: Tokens = _NOTHING) -> Tokens:
    """Tokens as the server counts them; it may leave out what has not changed since `before`."""
    ages = getattr(counted, "cache_creation", None)
    hour = _count(ages and ages.ephemeral_1h_input_tokens, before.cache_write_1h)
    written = _count(counted.cache_creation_input_tokens, before.cache_write_5m + hour)
    return Tokens(
        input=_count(counted.input_tokens, before.input),
        output=_count(counted.output_tokens, before.output),
        cache_read=_count(counted.cache_read_input_tokens, before.cache_read),
        cache_write_5m=max(written - hour, 0),
        cache_write_1h=hour,
    )


def _count(told: object, before: int) -> int:
    """A number of tokens; the SDK takes over whatever a server sends."""
    if told is None:
        return before
    if not isinstance(told, int):
        raise TypeError("tokens are counted in numbers")
    return max(told, 0)


def _words(told: object) -> str:
    """A piece of text; likewise."""
    if not isinstance(told, str):
        raise TypeError("answers are text")
    return told
