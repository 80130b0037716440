"""What is known of exits: who rests, who is in use, and how each has fared."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeGuard

import msgspec
from filelock import FileLock, Timeout

from ytsb_tui.circuits import Exit, Resting, Score
from ytsb_tui.clock import Clock
from ytsb_tui.errors import TorTrouble, from_os_error
from ytsb_tui.private import for_owner_only
from ytsb_tui.whole_file import replacing, sweep

LOCK_SECONDS = 10.0
MOST_SCORES = 5_000
"""Exits whose fate is remembered; there are about 2,000 in the network."""


class Reserved(msgspec.Struct):
    """Why nobody else may take an address, and until when."""

    exit: Exit
    until: float
    why: Literal["held", "used", "refused"]
    """"held" by a circuit; the others rest."""
    by: str = ""
    """Which book holds it."""
    at_last: float = 0.0
    """When an address that is held has rested at the latest, unless its holder is killed."""


class Page(msgspec.Struct):
    """The file."""

    addresses: dict[str, Reserved] = {}
    scores: dict[str, Score] = {}
    """By fingerprint, the one that was used last at the end."""


_page = msgspec.json.Decoder(Page)
_DAMAGED = (msgspec.DecodeError, UnicodeDecodeError)


class ExitBook:
    """One file for all processes of this user, so that no two of them leave by the same exit.

    An address is written down before it is used, for as long as it would have
    to rest and a little longer, and again and again while its circuit lives:
    whoever is killed leaves it resting, neither free nor taken.
    """

    def __init__(self, file: Path, clock: Clock, longest: float, say: Callable[[str], object]) -> None:
        """`longest`: seconds beyond which no address is reserved, should a clock be set back; `say` hears of damage."""
        self._file = file
        self._clock = clock
        self._longest = longest
        self._say = say
        self._turn = threading.Lock()
        self._lock = FileLock(file.with_suffix(".lock"), thread_local=False)
        self._page = Page()
        self._me = secrets.token_hex(8)

    def hold(self, relay: Exit, until: float, at_last: float = 0.0, *, even_if_used: bool = False) -> Reserved | None:
        """Reserve the exit's address for a circuit. None when it is ours, else what stands in the way.

        `even_if_used`: take it though it rests after use; never one that refused us or is in use.
        """
        with self._open() as page:
            there = page.addresses.get(relay.address)
            if there is not None and not (even_if_used and there.why == "used"):
                return there
            page.addresses[relay.address] = Reserved(relay, until, "held", self._me, at_last)
            return None

    def renew(self, addresses: Iterable[str], until: float) -> frozenset[str]:
        """Hold these addresses for longer; returns those that are ours no more, as after a clock was put on."""
        lost = set()
        with self._open() as page:
            for address in addresses:
                there = page.addresses.get(address)
                if self._holds(there):
                    there.until = until
                elif there is None or there.why != "refused":
                    lost.add(address)
        return frozenset(lost)

    def release(self, relay: Exit) -> None:
        """Free an address nobody has used."""
        with self._open() as page:
            if self._holds(page.addresses.get(relay.address)):
                del page.addresses[relay.address]

    def rest(self, relay: Exit, until: float, why: Literal["used", "refused"]) -> None:
        """Leave an address alone; neither a refusal nor what another process holds is shortened by a return."""
        with self._open() as page:
            there = page.addresses.get(relay.address)
            if there is None or self._holds(there) or until > there.until:
                page.addresses[relay.address] = Reserved(relay, until, why)

    def _holds(self, there: Reserved | None) -> TypeGuard[Reserved]:
        return there is not None and (there.why, there.by) == ("held", self._me)

    def score(self, relay: Exit, *, successes: int = 0, refusals: int = 0, failures: int = 0) -> None:
        """Note how fetches went."""
        with self._open() as page:
            old = page.scores.pop(relay.fingerprint, Score(relay))
            page.scores[relay.fingerprint] = replace(
                old,
                exit=relay,
                successes=old.successes + successes,
                refusals=old.refusals + refusals,
                failures=old.failures + failures,
            )
            while len(page.scores) > MOST_SCORES:
                del page.scores[next(iter(page.scores))]

    def reserved(self) -> dict[str, Reserved]:
        """Every address that may not be taken, as last read."""
        now = self._clock.now()
        return {address: one for address, one in self._page.addresses.items() if one.until > now}

    def held(self) -> tuple[float, ...]:
        """For each address that a circuit of any process holds: when it has rested at the latest."""
        return tuple(max(one.until, one.at_last) for one in self.reserved().values() if one.why == "held")

    def resting(self) -> tuple[Resting, ...]:
        """Addresses that are left alone, soonest back first."""
        found = [Resting(one.exit, one.until, one.why) for one in self.reserved().values() if one.why != "held"]
        return tuple(sorted(found, key=lambda one: one.until))

    def scores(self) -> tuple[Score, ...]:
        """How exits have fared, most used first."""
        return tuple(sorted(self._page.scores.values(), key=lambda one: -(one.successes + one.refusals + one.failures)))

    def refresh(self) -> None:
        """See what other processes have written; a damaged file is left to who writes next, and holds it alone."""
        try:
            with suppress(*_DAMAGED):
                self._page = self._read()
        except OSError as error:
            raise from_os_error(error, f"reading {self._file}") from error

    @contextmanager
    def _open(self) -> Iterator[Page]:
        """The page to change, which is then written whole, in one step."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._turn, self._lock.acquire(LOCK_SECONDS, poll_interval=0.005):
                sweep(self._file.parent)
                try:
                    page = self._read()
                except _DAMAGED:
                    self._set_aside()
                    page = Page()
                yield page
                self._write(page)
                self._page = page
        except Timeout:
            raise TorTrouble(f"Another process does not let go of {self._file}.") from None
        except OSError as error:
            raise from_os_error(error, f"writing {self._file}") from error

    def _read(self) -> Page:
        try:
            page = _page.decode(self._file.read_bytes())
        except FileNotFoundError:
            return Page()
        now = self._clock.now()
        page.addresses = {address: one for address, one in page.addresses.items() if now < one.until}
        for one in page.addresses.values():
            one.until = min(one.until, now + self._longest)
        return page

    def _set_aside(self) -> None:
        kept = self._file.with_name(f"{self._file.name}.damaged-{datetime.now():%Y%m%d-%H%M%S}")
        self._file.replace(kept)
        self._say(f"The list of Tor exits was damaged and is begun anew; it is kept as {kept}.")

    def _write(self, page: Page) -> None:
        with replacing(self._file, opener=for_owner_only, durable=False) as file:
            file.write(msgspec.json.encode(page))
