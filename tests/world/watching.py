"""Somebody who watches a worker, for tests without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ytsb_tui.errors import Cancelled


@dataclass
class Watching:
    """Remembers what it is told, and cancels once `enough()` says so."""

    enough: Callable[[], bool] = lambda: False
    told: list[str] = field(default_factory=list)

    def progress(self, fraction: float | None, text: str = "") -> None:
        self.told.append(text)

    def check(self) -> None:
        if self.enough():
            raise Cancelled("Cancelled.")
