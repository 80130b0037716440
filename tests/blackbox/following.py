"""Following a program that is at work, event by event, with all of them remembered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.blackbox.program import Json, Running


class Follower:
    """Who follows; `events` are what was seen so far."""

    events: list[Json]

    def follow(self, running: Running) -> Iterator[Json]:
        """Every event, which is remembered."""
        for event in running.events():
            self.events.append(event)
            yield event

    def until(self, running: Running, name: str, number: int = 1, **facts: object) -> Json:
        """Follow up to the `number`-th event of this name with these facts."""
        for event in self.follow(running):
            number -= event["event"] == name and facts.items() <= event.items()
            if not number:
                return event
        raise AssertionError(f"it ended without {name}: {running.ended()}")

    def to_the_end(self, running: Running) -> None:
        """Follow until all is done; nothing may have failed."""
        for _ in self.follow(running):
            pass
        ended = running.ended()
        assert (ended.code, self.failures()) == (0, []), ended.err

    def failures(self) -> list[str]:
        """Why jobs failed."""
        return [event["error"] for event in self.events if event["event"] == "job_ended" and not event["success"]]


@contextmanager
def guarded(running: Running, patience: float) -> Iterator[Running]:
    """A program that is killed when the block lasts longer than so many seconds."""
    watchdog = threading.Timer(patience, running.process.kill)
    watchdog.start()
    try:
        yield running
    finally:
        watchdog.cancel()
