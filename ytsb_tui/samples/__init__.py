"""Three short lectures of our own, for `ytsb-tui demo`; each mentions the others."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def samples() -> tuple[Path, ...]:
    """The caption files, in the order of their names."""
    folder = Path(str(files(__package__)))
    return tuple(sorted(folder.glob("*.vtt")))
