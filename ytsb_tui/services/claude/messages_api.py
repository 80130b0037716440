"""The Messages API: one client for all workers, one call at a time for each.

An answer is streamed by a thread of its own, so that a worker that is told to
stop can go at once, even when the server sends nothing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ytsb_tui.errors import BadStart, StageError, Unfinished
from ytsb_tui.services.claude.api_errors import NoTools, no_messages_api, translated
from ytsb_tui.services.claude.api_key import Server
from ytsb_tui.services.claude.prices import Prices
from ytsb_tui.services.claude.replies import Hearing, Reply
from ytsb_tui.services.errand import GoOn, run_errand

if TYPE_CHECKING:
    import anthropic
    from anthropic.types import MessageParam

    from ytsb_tui.watch import Watch

Request = Mapping[str, Any]
"""The parameters of a message, as the API names them."""
T = TypeVar("T")


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
        """Import the SDK (a second, 80 MB) and make the client, so that the first call is not late.

        Raises `BadSetup` when there is no key.
        """
        self._check_key()
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
                known = self.call(lambda client: client.models.retrieve(self.server.model).max_input_tokens)
            except StageError:  # few servers of one's own answer this question
                if not self.server.own:
                    raise
                known = None
            self._window = known or (32_000 if self.server.own else 200_000)
        return self._window

    def probe(self) -> str:
        """Make the smallest call there is; a sentence about who answered. Raises `StageError`."""
        hello: list[MessageParam] = [{"role": "user", "content": "Hello"}]
        model = self.server.model
        name = self.call(lambda client: client.messages.create(model=model, max_tokens=1, messages=hello).model)
        return f"{self.server.name} answers as {name}."

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
            if hearing.begun:
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
            raise BadStart(
                "There is no API key for Claude.",
                advice="Set ANTHROPIC_API_KEY (or `api_key_command`), or use --author outline, and start again.",
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
                    http_client=anthropic.DefaultHttpxClient(follow_redirects=False),
                )
            return self._client
