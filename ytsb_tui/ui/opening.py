"""Opening files with the system's program: never through a shell, never outside the vault."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ytsb_tui.errors import UsageError

OPENABLE = (".md", ".pdf")
"""What is shown by the system's program; anything else might be run by it."""
Launch = Callable[[Sequence[str]], object]


def open_file(root: Path, path: Path, launch: Launch | None = None) -> None:
    """Open `root / path`. Raises `UsageError` where there is no such file in the vault, or nothing to open it with."""
    target = (root / path).resolve()
    if not target.is_relative_to(root.resolve()):
        raise UsageError(f"{path} leads out of the vault.")
    if target.suffix.lower() not in OPENABLE:
        raise UsageError(f"{path} is neither a note nor a PDF.", advice="A log from elsewhere may name any file.")
    if not target.is_file():
        raise UsageError(f"{path} is not there any more.", advice="r makes it again.")
    if sys.platform == "win32" and launch is None:
        os.startfile(target)
        return
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    try:
        (launch or _launch)([opener, os.fspath(target)])
    except OSError as error:
        raise UsageError(f"{opener} cannot be run: {error.strerror}.", advice=f"Open {target} yourself.") from error


def _launch(command: Sequence[str]) -> None:
    nowhere = subprocess.DEVNULL
    subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
