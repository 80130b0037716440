"""Opening files with the system's program: never through a shell, never outside the vault; and a browser, if any."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

from ytsb_tui.errors import UsageError
from ytsb_tui.private import kind_of, refusal

OPENABLE = (".md", ".pdf")
"""What is shown by the system's program; anything else might be run by it."""
IN_TERMINALS = {"www-browser", "links", "elinks", "lynx", "w3m"}
"""Browsers that draw in the terminal."""
EARLY = 30.0
"""Seconds within which a program that ends badly has shown nothing."""
Launch = Callable[[Sequence[str]], object]
Complain = Callable[[str], object]
"""What hears, from another thread, that a file was not opened after all."""


def open_file(root: Path, path: Path, complain: Complain, launch: Launch | None = None) -> None:
    """Open `root / path`. Raises `UsageError` where there is no such file in the vault, or nothing to open it with."""
    try:
        target = Path(os.path.realpath(root / path))
        is_inside, is_file = target.is_relative_to(os.path.realpath(root)), kind_of(target) == stat.S_IFREG
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be looked at: {refusal(error)}.") from error
    if not is_inside:
        raise UsageError(f"{path} leads out of the vault.")
    if target.suffix.lower() not in OPENABLE:
        raise UsageError(f"{path} is neither a note nor a PDF.", advice="A log from elsewhere may name any file.")
    if not is_file:
        raise UsageError(f"{path} is not there any more.", advice="r makes it again.")
    if sys.platform == "win32" and launch is None:
        os.startfile(target)
        return
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    command = [opener, os.fspath(target)]
    try:
        if launch is not None:
            launch(command)
        else:
            _launch(command, lambda: complain(f"{opener} found nothing to open {path} with. Open {target} yourself."))
    except OSError as error:
        raise UsageError(f"{opener} cannot be run: {error.strerror}.", advice=f"Open {target} yourself.") from error


def _launch(command: Sequence[str], in_vain: Callable[[], object]) -> None:
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
    began = time.monotonic()

    def wait() -> None:
        if process.wait() and time.monotonic() - began < EARLY:
            in_vain()

    threading.Thread(target=wait, name="opened", daemon=True).start()


def can_browse(get: Callable[[], webbrowser.BaseBrowser] = webbrowser.get) -> bool:
    """Whether there is a browser with a window of its own; one in the terminal would draw over the app."""
    try:
        return os.path.basename(get().name) not in IN_TERMINALS
    except webbrowser.Error:
        return False
