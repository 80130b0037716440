"""The Messages API: one client for all workers, one call at a time for each.

An answer is streamed by a thread of its own, so that a worker that is told to
stop can go at once, even when the server sends nothing.
"""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ytsb_tui.errors import BadSetup, Permanent, Unfinished
from ytsb_tui.services.api_errors import NoTools, no_messages_api, translated
from ytsb_tui.services.api_key import Server
from ytsb_tui.services.errand import GoOn, run_errand
from ytsb_tui.services.prices import Prices, Tokens
from ytsb_tui.services.tokens import rough_tokens
from ytsb_tui.usage import Usage

if TYPE_CHECKING:
    import anthropic
    import httpx2
    from anthropic.types import Message, MessageDeltaUsage, MessageParam, RawMessageStreamEvent
    from anthropic.types import Usage as CountedTokens

    from ytsb_tui.watch import Watch

Request = Mapping[str, Any]
"""The parameters of a message, as the API names them."""
T = TypeVar("T")

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


class Desk(Protocol):
    """Where requests are handed in: the stream, or a batch."""

    @property
    def server(self) -> Server:
        """Who answers."""

    @property
    def prices(self) -> Prices:
        """What it costs here."""

    def window(self) -> int:
        """How many tokens the model reads and writes in one call."""

    def warm(self) -> None:
        """Do what the first call would have to wait for."""

    def ask(self, request: Request, watch: Watch, expected: int) -> Reply:
        """The answer to a request, of about `expected` characters.

        Raises `Unfinished`, with the text that came as its `partial` and what it cost as its `usage`.
        """


class Hearing:
    """An answer while it comes in: the calling thread adds to it, the worker's thread watches it.

    It is a `Watch` itself: whenever it is asked to check, it tells how far the answer is.
    """

    def __init__(self, watch: Watch, expected: int) -> None:
        """`expected` is about how many characters the answer will have."""
        self._watch = watch
        self._expected = expected
        self._lock = threading.Lock()
        self._response: httpx2.Response | None = None
        self._text: list[str] = []
        self._json: list[str] = []
        self._tokens = Tokens()
        self._stop: str | None = None
        self._explanation = ""
        self.begun = False
        """Whether it is an answer at all."""

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._text)

    def connect(self, response: httpx2.Response) -> None:
        """The server has begun to answer."""
        with self._lock:
            self._response = response

    def take(self, event: RawMessageStreamEvent) -> None:
        """Add an event of the stream."""
        match event.type:
            case "message_start":
                self.begun = True
                self._tokens = tokens_of(event.message.usage)
            case "content_block_delta" if event.delta.type == "text_delta":
                self._text.append(event.delta.text)
            case "content_block_delta" if event.delta.type == "input_json_delta":
                self._json.append(event.delta.partial_json)
            case "message_delta":
                self._tokens = tokens_of(event.usage, self._tokens)
                self._stop = event.delta.stop_reason
                self._explanation = (event.delta.stop_details and event.delta.stop_details.explanation) or ""
            case "message_stop":
                with self._lock:  # the connection is about to serve somebody else
                    self._response = None

    def hang_up(self) -> None:
        """Nobody listens any longer: end the connection, and with it the cost."""
        with self._lock:
            if self._response is not None:
                connection = self._response.extensions["network_stream"].get_extra_info("socket")
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def check(self) -> None:
        """Show how far the answer is; raise `Interrupted` when the user wants to stop."""
        self._watch.check()
        recorded = sum(map(len, self._json))
        done = recorded + sum(map(len, self._text))
        self.progress(min(done / self._expected, 0.99), f"{recorded:,} characters" if recorded else self.text[-_TAIL:])

    def progress(self, fraction: float | None, text: str = "") -> None:
        """Tell the worker's own watch."""
        self._watch.progress(fraction, text)

    def spent(self) -> Tokens:
        """What a broken-off answer used: its last tokens are not counted by anybody, so they are guessed."""
        said = self.text + "".join(self._json)
        return replace(self._tokens, output=max(self._tokens.output, rough_tokens(said) if said else 0))

    def reply(self, prices: Prices, model: str) -> Reply:
        """The answer, as far as it came."""
        tokens = self._tokens if self._stop else self.spent()
        recorded = "".join(self._json) or None
        return Reply(self.text, self._stop, prices.usage(model, tokens), recorded, self._explanation)


class MessagesApi:
    """The API at Anthropic, or at another server that speaks it. Safe to use from many threads."""

    def __init__(self, server: Server, prices: Prices) -> None:
        """Nothing is imported or asked yet."""
        self.server = server
        self.prices = prices
        self._client: anthropic.Anthropic | None = None
        self._opening = threading.Lock()
        self._window = 0
        self._has_tools = True

    def warm(self) -> None:
        """Import the SDK (a second, 80 MB) and make the client, so that the first call is not late."""
        self._open()

    def close(self) -> None:
        """End the connections; no call may follow."""
        if self._client:
            self._client.close()

    def ask(self, request: Request, watch: Watch, expected: int) -> Reply:
        """Stream an answer; see `Desk`. A server without tools is asked without them from then on."""
        if self._has_tools:
            try:
                return self._ask(request, watch, expected)
            except NoTools:
                self._has_tools = False
        return self._ask({name: value for name, value in request.items() if name != "tools"}, watch, expected)

    def window(self) -> int:
        """How many tokens the model reads and writes in one call; asked once, guessed where nobody says."""
        if not self._window:
            try:
                self._window = self.call(lambda client: client.models.retrieve(self.server.model)).max_input_tokens or 0
            except (BadSetup, Permanent):  # few servers of one's own answer this question
                if not self.server.own:
                    raise
            self._window = self._window or (32_000 if self.server.own else 200_000)
        return self._window

    def probe(self) -> str:
        """Make the smallest call there is; a sentence about who answered. Raises `StageError`."""
        hello: list[MessageParam] = [{"role": "user", "content": "Hello"}]
        reply = self.call(lambda client: client.messages.create(model=self.server.model, max_tokens=1, messages=hello))
        return f"{self.server.name} answers as {reply.model}."

    def call(self, what: Callable[[anthropic.Anthropic], T]) -> T:
        """Make any other call of the SDK, its errors translated."""
        self._check_key()
        with translated(self.server):
            return what(self._open())

    def _ask(self, request: Request, watch: Watch, expected: int) -> Reply:
        self._check_key()
        watch.check()
        hearing = Hearing(watch, expected)
        try:
            run_errand(lambda go_on: self._stream(request, hearing, go_on), hearing, math.inf)
        except Unfinished as unfinished:
            hearing.hang_up()
            unfinished.partial = hearing.text
            unfinished.usage = self.prices.usage(self.server.model, hearing.spent())
            raise
        if not hearing.begun:
            raise no_messages_api(self.server)
        return hearing.reply(self.prices, self.server.model)

    def _stream(self, request: Request, hearing: Hearing, go_on: GoOn) -> None:
        with translated(self.server), self._open().messages.create(**request, stream=True) as events:
            hearing.connect(events.response)
            for event in events:
                go_on()
                hearing.take(event)

    def _check_key(self) -> None:
        if not self.server.key:
            raise BadSetup(
                "There is no API key for Claude.",
                advice="Set ANTHROPIC_API_KEY (or `api_key_command`), or use --author outline.",
            )

    def _open(self) -> anthropic.Anthropic:
        with self._opening:
            if self._client is None:
                import anthropic
                import httpx2

                # A model on the user's own machine may read a long prompt for minutes before its first word.
                silence = 600.0 if self.server.own else 120.0
                self._client = anthropic.Anthropic(
                    api_key=self.server.key,
                    base_url=self.server.url or None,
                    max_retries=0,
                    timeout=httpx2.Timeout(connect=10.0, read=silence, write=60.0, pool=60.0),
                )
            return self._client


def reply_of(message: Message, prices: Prices, model: str) -> Reply:
    """A message that came in one piece."""
    import msgspec

    recorded = next((block.input for block in message.content if block.type == "tool_use"), None)
    return Reply(
        text="".join(block.text for block in message.content if block.type == "text"),
        stop=message.stop_reason,
        usage=prices.usage(model, tokens_of(message.usage)),
        recorded=None if recorded is None else msgspec.json.encode(recorded).decode(),
        explanation=(message.stop_details and message.stop_details.explanation) or "",
    )


def tokens_of(counted: CountedTokens | MessageDeltaUsage, before: Tokens = _NOTHING) -> Tokens:
    """Tokens as the server counts them; it may leave out what has not changed since `before`."""
    ages = getattr(counted, "cache_creation", None)
    hour = ages.ephemeral_1h_input_tokens if ages else before.cache_write_1h
    written = counted.cache_creation_input_tokens
    return Tokens(
        input=before.input if counted.input_tokens is None else counted.input_tokens,
        output=counted.output_tokens,
        cache_read=before.cache_read if counted.cache_read_input_tokens is None else counted.cache_read_input_tokens,
        cache_write_5m=before.cache_write_5m if written is None else written - hour,
        cache_write_1h=hour,
    )
