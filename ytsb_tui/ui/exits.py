"""Tor as lines: who leaves by which exit, which exits rest, and how they have fared. Knows no Textual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ytsb_tui.circuits import Circuit, Circuits, Exit, Resting, Score, in_words
from ytsb_tui.clock import Clock
from ytsb_tui.events import CircuitMoved
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.format import NOTHING, bar, countdown, fit
from ytsb_tui.ui.lines import Piece

HIDDEN = "Exits cannot be known: this Tor has no control port. t and T work all the same."
MOST_MOVES = 8
"""Workers that one toast tells of."""
WIDE = 110
"""Cells from which on there is room for a circuit's path."""

Line = str | Circuit | Resting | Score


def moved(moves: Sequence[CircuitMoved]) -> str:
    """Who moved, and from where to where; a worker that moved twice is told once."""
    first: dict[int, CircuitMoved] = {}
    for move in moves:
        first.setdefault(move.worker_id, move)
    last = {move.worker_id: move for move in moves}
    ways = [f"{worker}: {_way(first[worker].before, last[worker].after)}" for worker in sorted(last)]
    if len(ways) == 1:
        return one_line(f"Worker {ways[0]} ({moves[-1].why}).")
    more = f"\nand {len(ways) - MOST_MOVES} more" if len(ways) > MOST_MOVES else ""
    return "\n".join([f"{len(ways)} workers have other circuits.", *ways[:MOST_MOVES]]) + more


def _way(before: Circuit | None, after: Circuit) -> str:
    if after.exit is None:
        return "another circuit, whose exit cannot be known"
    return one_line(f"{in_words(before.exit if before else None)} → {in_words(after.exit)}")


@dataclass
class ExitLines:
    """Everything about Tor at one moment, a line for each circuit and each exit that is known."""

    clock: Clock
    circuits: Circuits | None = None
    lines: list[Line] = field(default_factory=list)

    def take(self, circuits: Circuits) -> None:
        """Show how everything stands now."""
        self.circuits = circuits
        hidden = [HIDDEN] if circuits.state.origin == "socks" else []
        self.lines = [
            *hidden,
            *(circuits.circuits or ["No worker has a circuit yet." if not hidden else ""]),
            *_under("Exits that rest", circuits.resting),
            *_under("How exits have fared", circuits.scores),
        ]

    def __len__(self) -> int:
        return len(self.lines)

    def line_of(self, wanted: object) -> int | None:
        """The line that is about the same as one that was shown before; None when it is gone."""
        keys = (line for line, each in enumerate(self.lines) if _key(each) == wanted)
        return None if wanted is None else next(keys, None)

    def key(self, line: int) -> object:
        """What tells a line from the others, whatever else changes."""
        return _key(self.lines[line]) if line < len(self.lines) else None

    def worker(self, line: int) -> int | None:
        """Whose circuit a line is about, if it is about one."""
        about = self.lines[line] if line < len(self.lines) else ""
        return about.worker_id if isinstance(about, Circuit) else None

    def header(self, width: int) -> Iterable[Piece] | None:
        """The names of the columns."""
        names = f" {'worker':<9} {'exit':<18} {'address':<15}    {'age':>8} {'uses':>5} {'✓':>4} {'✗':>4}"
        return [("header", fit(f"{names}  path" if width >= WIDE else names, width))]

    def pieces(self, line: int, width: int) -> Iterable[Piece]:
        """One line, as far as it fits."""
        about = self.lines[line]
        if isinstance(about, str):
            return [("wait" if about == HIDDEN else "header", fit(f" {about}", width))]
        if isinstance(about, Circuit):
            return self._circuit(about, width)
        if isinstance(about, Resting):
            return self._resting(about)
        return _score(about)

    def _circuit(self, circuit: Circuit, width: int) -> Iterator[Piece]:
        is_ready = circuit.worker_id is None
        yield "quiet" if is_ready else "busy", f" {'ready' if is_ready else f'▸ {circuit.worker_id}':<9} "
        yield "", _exit(circuit.exit)
        age = countdown(self.clock.now() - circuit.since) if circuit.since else NOTHING
        yield "quiet", f" {age:>8} {circuit.uses:>5} "
        yield "good" if circuit.successes else "quiet", f"{circuit.successes:>4} "
        yield "bad" if circuit.refusals else "quiet", f"{circuit.refusals:>4}"
        if width >= WIDE:
            yield "quiet", "  " + one_line(" → ".join(circuit.path) or circuit.name)

    def _resting(self, resting: Resting) -> Iterator[Piece]:
        refused = resting.why == "refused"
        yield "bad" if refused else "quiet", f" {'✗ refused' if refused else '· used':<9} "
        yield "", _exit(resting.exit)
        yield "wait", f" {countdown(resting.until - self.clock.now()):>8} left"


def _exit(relay: Exit | None) -> str:
    if relay is None:
        return fit("unknown", 18 + 15 + 4)
    return f"{fit(one_line(relay.nickname), 18)} {fit(one_line(relay.address), 15)} {fit(one_line(relay.country), 2)}"


def _score(score: Score) -> Iterator[Piece]:
    tried = score.successes + score.refusals + score.failures
    rate = score.successes / tried if tried else 0.0
    yield "good" if rate >= 0.5 else "bad", f" {rate:>4.0%} good "
    yield "", _exit(score.exit)
    yield "quiet", f" {bar(rate, 8)} "
    yield "good" if score.successes else "quiet", f"✓ {score.successes:,} "
    yield "bad" if score.refusals else "quiet", f"✗ {score.refusals:,}"
    if score.failures:
        yield "wait", f"   {score.failures:,} broke off"


def _under(title: str, lines: Iterable[Line]) -> Iterator[Line]:
    """Lines under a title; nothing where there are none."""
    for number, line in enumerate(lines):
        if number == 0:
            yield from ("", title)
        yield line


def _key(line: Line) -> Any:
    if isinstance(line, str):
        return line or None
    if isinstance(line, Circuit):
        return "ready", line.name if line.worker_id is None else line.worker_id
    return type(line), line.exit.fingerprint, line.exit.address
