"""Tor as it stands in the evening: three workers' circuits, and what became of the exits before."""

from __future__ import annotations

from dataclasses import dataclass

from ytsb_tui.circuits import Circuit, Circuits, Exit, Resting, Score, TorState

EXITS = [
    Exit(f"{number:040X}", nickname, address, country)
    for number, (nickname, address, country) in enumerate(
        (
            ("marrowbone", "192.0.2.17", "DE"),
            ("lanternfish", "198.51.100.4", "NL"),
            ("quietharbour", "203.0.113.80", "SE"),
            ("heronsgate", "192.0.2.201", "FR"),
            ("oldmilltor", "198.51.100.92", "AT"),
            ("saltmarsh", "203.0.113.9", "CH"),
            ("driftwood", "198.51.100.33", "US"),
        )
    )
]


@dataclass(frozen=True)
class PlayedTor:
    """Everything stands still at `now`."""

    now: float

    def circuits(self) -> Circuits:
        """How everything stands."""
        first, second, third, fourth, fifth, *rest = EXITS
        return Circuits(
            TorState("ready", "Tor 0.4.9.11 of our own, 1,204 exits", 1.0, "0.4.9.11", "own", 1204),
            (
                self._circuit(0, first, "coppice", 232, 3, 2),
                self._circuit(1, second, "byreford", 118, 2, 2),
                self._circuit(2, third, "windlass", 41, 1, 0),
                self._circuit(None, fourth, "coppice", 37, 0, 0),
                self._circuit(None, fifth, "tallow", 12, 0, 0),
            ),
            (Resting(rest[0], self.now + 3_480, "used"), Resting(rest[1], self.now + 86_200, "refused")),
            (Score(first, 41, 2), Score(second, 28, 1, 1), Score(rest[0], 17, 0), Score(rest[1], 1, 9, 2)),
        )

    def rotate(self, worker_id: int) -> None:
        """Nothing moves."""

    def rotate_all(self) -> None:
        """Nothing moves."""

    def _circuit(
        self, worker: int | None, leaves_by: Exit, middle: str, age: float, uses: int, successes: int
    ) -> Circuit:
        path = ("ferryman", middle, leaves_by.nickname)
        return Circuit(leaves_by.nickname, worker, leaves_by, path, self.now - age, uses, successes, 0)
