"""Tor on a private network of real tor: leases, rotation, eight workers beside one, and the usual way beside both."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import requests
from stem import Signal
from stem.control import Controller

from tests.world.catalog import Catalog, lecture
from tests.world.fetching import job
from tests.world.over_tor import OverTor, world_over_tor
from tests.world.watching import Watching
from ytsb_tui.clock import SystemClock
from ytsb_tui.events import CircuitMoved, Event
from ytsb_tui.services.tor.route import TorTranscripts
from ytsb_tui.services.tor.service import TorService
from ytsb_tui.services.youtube.transcripts import YouTubeTranscripts
from ytsb_tui.settings import Settings

EXITS = 16
LEASES = 60
"""How often a lease is acquired, and one is rotated."""
DELAY = 0.1
"""Seconds YouTube takes for each of the three answers of a fetch: 300 ms for all."""
TRANSCRIPTS = 200
USUAL = 4
"""Fetches the usual way: each waits for tor to heed another NEWNYM."""
WORKERS = 8
PATIENCE = 60.0


def main() -> None:
    """Print the figures."""
    warnings.simplefilter("ignore")
    catalog = Catalog()
    catalog.add(*(lecture(number) for number in range(TRANSCRIPTS)))
    with tempfile.TemporaryDirectory() as folder, world_over_tor(Path(folder), catalog, EXITS) as over:
        os.environ.update(over.world.environment)
        with service(over, Path(folder)) as tor:
            tor.acquire()
            tor.rotate()
        over.world.youtube.goes_wrong("silent", seconds=DELAY)
        with service(over, Path(folder)) as tor:
            eight = tor.fetch(WORKERS)
            one = tor.fetch(1)
        print(f"{TRANSCRIPTS} transcripts: one lease {one:.1f} s, {WORKERS} leases {eight:.1f} s")
        usual = the_usual_way(over) * TRANSCRIPTS / USUAL
        print(f"the usual way, by {USUAL} of them: {usual:.0f} s")
        print(f"ratios: one to {WORKERS} leases {one / eight:.1f} (target: at least 6), usual {usual / eight:.0f}")


class Leasing:
    """A service that is ready, and what it tells."""

    def __init__(self, tor: TorService, told: list[Event], news: threading.Condition) -> None:
        self.tor = tor
        self._told = told
        self._news = news

    def acquire(self) -> None:
        """How long a lease takes when the queue is warm."""
        took = []
        with self.tor.lease(0, Watching()):  # it is from the first time on that the queue is kept filled
            pass
        for holder in range(1, LEASES):
            self._wait_for_queue()
            began = time.perf_counter()
            with self.tor.lease(holder, Watching()):
                took.append(time.perf_counter() - began)
            self.tor.give_back(holder)
        print(f"acquire with a warm queue: median {1000 * statistics.median(took):.1f} ms (target: under 20)")

    def rotate(self) -> None:
        """How long it takes until a worker has another circuit."""
        took = []
        with self.tor.lease(0, Watching()):
            pass
        for _ in range(LEASES):
            self._wait_for_queue()
            took.append(self.move(0))
        self.tor.give_back(0)
        print(f"rotate one: median {1000 * statistics.median(took):.1f} ms (target: under 100)")

    def move(self, worker: int) -> float:
        """Seconds until a worker has another circuit."""
        moves = self._moves()
        began = time.perf_counter()
        self.tor.rotate(worker)
        with self._news:
            assert self._news.wait_for(lambda: self._moves() > moves, PATIENCE)
        return time.perf_counter() - began

    def fetch(self, workers: int) -> float:
        """Seconds that all the transcripts take."""
        numbers = count()
        began = time.perf_counter()

        def work(holder: int) -> None:
            transcripts = TorTranscripts(
                self.tor, holder, lambda way: YouTubeTranscripts(languages=("en",), proxy=way, deadline=PATIENCE)
            )
            while (number := next(numbers)) < TRANSCRIPTS:
                transcripts.fetch(job(lecture(number).id), Watching())
            self.tor.give_back(holder)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))
        return time.perf_counter() - began

    def _moves(self) -> int:
        return sum(isinstance(event, CircuitMoved) for event in self._told)

    def _wait_for_queue(self) -> None:
        until = time.monotonic() + PATIENCE
        while sum(each.worker_id is None for each in self.tor.circuits().circuits) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)


@contextmanager
def service(over: OverTor, folder: Path) -> Iterator[Leasing]:
    """Tor as the program has it, with exits that hardly rest."""
    told: list[Event] = []
    news = threading.Condition()

    def hear(event: Event) -> None:
        with news:
            told.append(event)
            news.notify_all()

    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")  # where no tor remembers the guards of another network
    options = folder / "torrc"
    options.write_text("\n".join(over.network.joining) + "\n")
    settings = Settings(tor=True, tor_options=options, tor_cooldown_minutes=0.001, tor_uses=0)
    tor = TorService(settings, SystemClock(), folder / "exits.json")
    tor.hear(hear)
    try:
        tor.start()
        yield Leasing(tor, told, news)
    finally:
        tor.close()


def the_usual_way(over: OverTor) -> float:
    """Seconds for a few fetches with one circuit for all: NEWNYM, ask a page for the address, fetch."""
    way = f"socks5h://127.0.0.1:{over.network.socks_port}"
    transcripts = YouTubeTranscripts(languages=("en",), proxy=lambda: way, deadline=PATIENCE)
    began = time.perf_counter()
    with Controller.from_port(port=over.network.control_port) as controller:
        controller.authenticate()
        for number in range(USUAL):
            while wait := controller.get_newnym_wait():
                time.sleep(wait)
            controller.signal(Signal.NEWNYM)
            requests.get("https://www.youtube.com/", proxies={"https": way}, timeout=PATIENCE)
            transcripts.fetch(job(lecture(number).id), Watching())
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
