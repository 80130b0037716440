"""The worlds of an evening, each a process of its own: `python -m tests.soak.worlds NAME VIDEOS QUICKER`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.world import world
from tests.world.apart import hold
from tests.world.catalog import Catalog, lecture
from tests.world.claude import Claude
from tests.world.claude_wire import Behaviour

CALL = 35.0
"""Seconds a real answer streams, on average."""
SHARES = (0.7, 1.1, 0.9, 1.3, 0.8, 1.2, 1.0, 1.0)
MINUTES = 12


class Speaker(Claude):
    """Streams as slowly as a real one, in its own time; now and then it is busy, breaks off or refuses."""

    def __init__(self, quicker: float) -> None:
        super().__init__()
        self._quicker = quicker
        self._number = 0

    def behaviour(self) -> Behaviour:
        with self._lock:
            self._number += 1
            number = self._number
        seconds = CALL * SHARES[number % len(SHARES)] / self._quicker
        if number % 29 == 0:
            return Behaviour(ending="cut", after=0.5, seconds=seconds / 2)
        if number % 41 == 0:
            return Behaviour(529)
        if number % 53 == 0:
            return Behaviour(ending="error", after=0.3, seconds=seconds / 3)
        if number % 97 == 0:
            return Behaviour(stop="refusal", after=0.2, seconds=seconds / 5)
        return Behaviour(seconds=seconds)


def main(name: str, videos: str, quicker: str) -> None:
    with TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        if name == "claude":
            hold(running.enter_context(Speaker(float(quicker))).environment)
            return
        catalog = Catalog()
        catalog.add(*(lecture(number, minutes=MINUTES) for number in range(int(videos))))
        youtube = running.enter_context(world(Path(folder), catalog))
        hold({**youtube.environment, "YTSB_PROXY": youtube.router.socks("me")})


if __name__ == "__main__":
    main(*sys.argv[1:])
