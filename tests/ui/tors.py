"""A Tor for screen tests: it says what it is told to say, and remembers what it was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ytsb_tui.circuits import Circuit, Circuits, Exit, Resting, Score, TorState

NOW = 1_700_000_000.0
READY = TorState("ready", "Tor 0.4.9.11 of our own, 1,204 exits", 1.0, "0.4.9.11", "own", 1204)


def leaving(number: int) -> Exit:
    """One of a few exits."""
    names = ("quetzal", "heron", "[b]finch", "plover", "swift", "a-nickname-as-long-as")
    countries = ("DE", "FR", "NL", "SE", "", "US")
    return Exit(f"{number:040X}", names[number % 6], f"192.0.2.{10 + number}", countries[number % 6])


def circuit(worker: int | None, number: int, **fields: object) -> Circuit:
    """A circuit that leaves by that exit, ten minutes old."""
    node = leaving(number)
    made = Circuit(f"c{number}", worker, node, ("guard", f"middle{number}", node.nickname), NOW - 600)
    return replace(made, **fields)  # type: ignore[arg-type]


BUSY = Circuits(
    READY,
    (
        circuit(0, 0, uses=12, successes=11, refusals=1),
        circuit(1, 1, uses=3, successes=3),
        circuit(None, 2, since=NOW - 20),
    ),
    (Resting(leaving(3), NOW + 754, "used"), Resting(leaving(4), NOW + 84_000, "refused")),
    (Score(leaving(0), 41, 1), Score(leaving(4), 2, 7, 3)),
)


@dataclass
class CannedTor:
    """Everything stands as `now` says."""

    now: Circuits = BUSY
    rotated: list[int] = field(default_factory=list)
    rotated_all: int = 0
    asked: int = 0

    def circuits(self) -> Circuits:
        self.asked += 1
        return self.now

    def rotate(self, worker_id: int) -> None:
        self.rotated.append(worker_id)

    def rotate_all(self) -> None:
        self.rotated_all += 1
