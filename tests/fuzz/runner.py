"""Gives a parser its inputs, and keeps count of what it made of them."""

from __future__ import annotations

import random
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import FrameType

from tests.fuzz.cases import case, endless

PATIENCE = 10.0
"""Seconds of computing after which an input counts as one that never ends."""


class Endless(BaseException):
    """The parser has not come to an end. No `Exception`, so that no parser takes it for one of its own."""


@dataclass(frozen=True)
class Parser:
    """Something that reads text from outside, and what must hold whatever it is given."""

    name: str
    check: Callable[[str], object]
    """Reads a text. Raises `AssertionError`, or whatever the parser should not have raised."""
    pieces: Sequence[str]
    """Words of the language it reads."""
    make_seeds: Callable[[], Sequence[str]] = tuple
    """Sound inputs."""
    dear: int = 1
    """How many times as few inputs it is given, because each takes so long; none of them endless then."""

    @cached_property
    def seeds(self) -> Sequence[str]:
        """The sound inputs, made once."""
        return self.make_seeds()

    def case(self, number: int) -> str:
        """The input of this number, always the same."""
        return case(random.Random(f"{self.name} {number}"), self.seeds, self.pieces)

    def endless(self, size: int, mixed: int) -> Iterable[str]:
        """Inputs that have no end."""
        return endless(random.Random(f"{self.name} endless"), self.seeds, self.pieces, size, mixed)


@dataclass
class Finding:
    """An input that a parser did not bear."""

    text: str
    trace: str


@dataclass
class Outcome:
    """What became of a parser's inputs."""

    cases: int = 0
    slowest: float = 0.0
    """Seconds of computing."""
    slowest_text: str = ""
    findings: list[Finding] = field(default_factory=list)

    def give(self, parser: Parser, text: str) -> None:
        """Give the parser one input."""
        self.cases += 1
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        try:
            parser.check(text)
        except (Exception, Endless):
            self.findings.append(Finding(text, traceback.format_exc(limit=-12)))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        took = time.process_time() - began
        if took > self.slowest:
            self.slowest, self.slowest_text = took, text


def give_up(number: int, frame: FrameType | None) -> None:
    """The handler of SIGPROF."""
    raise Endless(f"no end after {PATIENCE:g} seconds of computing")


def run(parser: Parser, cases: int, *, size: int, mixed: int, enough: int = 20) -> Outcome:
    """Give a parser its first `cases` inputs and the endless ones; stops at `enough` findings."""
    outcome = Outcome()
    before = signal.signal(signal.SIGPROF, give_up)
    try:
        for text in parser.endless(size, mixed) if size else ():
            outcome.give(parser, text)
            if len(outcome.findings) >= enough:
                return outcome
        for number in range(cases):
            outcome.give(parser, parser.case(number))
            if len(outcome.findings) >= enough:
                break
    finally:
        signal.signal(signal.SIGPROF, before)
    return outcome
