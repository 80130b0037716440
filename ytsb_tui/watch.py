"""A worker's line to whoever watches it."""

from __future__ import annotations

from typing import Protocol


class Watch(Protocol):
    """How long work says how far it is, and hears that it should stop."""

    def progress(self, fraction: float | None, text: str = "") -> None:
        """Say how far the stage is (0..1, None when unknown). Cheap: call it as often as you like."""

    def check(self) -> None:
        """Raise `Interrupted` when the user cancelled the job or the run is ending. Call it often."""
