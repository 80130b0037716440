"""Gates: how many workers may use a costly resource at once, and when nobody may."""

from __future__ import annotations

import bisect
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from ytsb_tui.clock import Clock

LOOK = 0.2
"""Seconds between two looks at whether a waiting worker should give up."""
NOTICEABLE = 1.0
"""Seconds by which a pause has to be lengthened for it to be news."""


class Gate:
    """A way into one resource ("fetch", "files", "generate", "vault", "links", "export").

    Who is furthest on in the pipeline goes first, so that jobs are finished
    rather than begun. After a pause one worker goes ahead alone: only when it
    succeeds does the gate open for all, so a server that still refuses is asked
    once and not by everybody.
    """

    def __init__(self, name: str, capacity: int, clock: Clock) -> None:
        self.name = name
        self._capacity = capacity
        self._clock = clock
        self._inside = 0
        self._waiting: list[tuple[int, int]] = []
        self._arrivals = 0
        self._opens_at = 0.0
        self._refusals: Counter[Hashable] = Counter()
        self._is_news = False
        self._probe: tuple[int, int] | None = None
        self._changed = threading.Condition()

    @property
    def is_open(self) -> bool:
        """Whether nobody was refused since somebody was served."""
        with self._changed:
            return not self._refusals

    @contextmanager
    def turn(self, rank: int, check: Callable[[], None]) -> Iterator[None]:
        """Wait for a turn, lower `rank` first, and hold it. `check` may raise to give up waiting."""
        with self._changed:
            self._arrivals += 1
            ticket = (rank, self._arrivals)
            bisect.insort(self._waiting, ticket)
            try:
                while not self._may_enter(ticket):
                    check()
                    self._changed.wait(LOOK)
                self._inside += 1
                if self._refusals:
                    self._probe = ticket
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                if self._probe == ticket:
                    self._probe = None
                self._changed.notify_all()

    def _may_enter(self, ticket: tuple[int, int]) -> bool:
        room = self._inside < self._capacity and not (self._refusals and self._probe)
        return room and self._waiting[0] == ticket and self._clock.ticks() >= self._opens_at

    def refused(self, pause: Callable[[int], float], kind: Hashable = None) -> float:
        """The resource refused somebody: close for `pause(n)` seconds at its n-th refusal of a kind in a row.

        Kinds have pauses of very different lengths, so they are counted apart.
        Refusals that arrive while the gate is closed belong to calls that were
        on their way already: they may lengthen the pause but do not count.
        Returns the seconds from now until the gate opens.
        """
        with self._changed:
            now = self._clock.ticks()
            if now >= self._opens_at:
                self._refusals[kind] += 1
                self._probe = None
                self._is_news = True
            until = max(self._opens_at, now + pause(max(1, self._refusals[kind])))
            self._is_news |= until > self._opens_at + NOTICEABLE
            self._opens_at = until
            return until - now

    def take_news(self) -> bool:
        """Whether it closed, or for noticeably longer, since this was last asked; of refusals at once, one is news."""
        with self._changed:
            news, self._is_news = self._is_news, False
            return news

    def reopen(self) -> bool:
        """Let one worker ask again now, however long the pause was to last; whether it was closed."""
        with self._changed:
            now = self._clock.ticks()
            closed = self._opens_at > now
            self._opens_at = min(self._opens_at, now)
            self._changed.notify_all()
            return closed

    def accepted(self) -> None:
        """The resource served somebody: open for all."""
        with self._changed:
            if self._refusals and self._clock.ticks() >= self._opens_at:
                self._refusals.clear()
                self._changed.notify_all()

    def wait(self, seconds: float, check: Callable[[], None]) -> None:
        """Let `seconds` pass on this worker alone; `check` may raise to give up."""
        until = self._clock.ticks() + seconds
        with self._changed:
            while (left := until - self._clock.ticks()) > 0:
                check()
                self._changed.wait(min(left, LOOK))
