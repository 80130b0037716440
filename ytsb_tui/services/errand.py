"""Errands: blocking calls of libraries that cannot be interrupted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from ytsb_tui.errors import NetworkTrouble
from ytsb_tui.watch import Watch

T = TypeVar("T")

GoOn = Callable[[], None]
"""Raises `Abandoned` once nobody waits for the errand; to be called between requests."""

_POLL = 0.1
"""Seconds between two looks at the watch."""


class Abandoned(Exception):
    """Nobody waits for this errand any longer; ends its thread, and is seen by nobody."""


def run_errand(errand: Callable[[GoOn], T], watch: Watch, seconds: float) -> T:
    """What `errand` returns or raises, waited for at most `seconds` and until `watch` says stop.

    It runs on a thread of its own: no library tells how to interrupt a
    connection that has fallen silent, so the waiting is what can be given up.
    """
    outcome: Future[T] = Future()
    abandoned = threading.Event()

    def go_on() -> None:
        if abandoned.is_set():
            raise Abandoned

    def run() -> None:
        try:
            outcome.set_result(errand(go_on))
        except BaseException as error:  # not handled here: `outcome.result()` raises it where it is waited for
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True, name="errand").start()
    until = time.monotonic() + seconds
    try:
        while not wait((outcome,), _POLL).done:
            watch.check()
            if time.monotonic() >= until:
                raise NetworkTrouble(f"YouTube took longer than {seconds:g} seconds.")
    finally:
        abandoned.set()
    return outcome.result()
