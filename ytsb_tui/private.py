"""The program's own folder inside a vault: nobody else's to read, and nothing in it leads elsewhere."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from ytsb_tui.errors import VaultError
from ytsb_tui.settings import PRIVATE

LOGS = "logs"
"""Inside it: what went wrong inside the program."""
LINK_ADVICE = "Somebody may want you to write over another file: delete the link, or put the file itself in its place."


def private_folder(root: Path) -> Path:
    """The program's own folder of the vault at `root`, made if need be, with one for its logs.

    Raises `VaultError` where a symbolic link stands for it or for anything in
    it: a vault from elsewhere must not choose which files are written to. A
    pipe would be waited for without end.
    """
    folder = root / PRIVATE
    refuse_link(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / LOGS).mkdir(mode=0o700, exist_ok=True)
    if os.name != "nt" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        with suppress(PermissionError):  # somebody else's, who lets us write
            folder.chmod(0o700)
    for place in (folder, folder / LOGS):
        for entry in place.iterdir():
            refuse_link(entry)
            if kind_of(entry) not in (stat.S_IFREG, stat.S_IFDIR, None):
                raise VaultError(f"{entry} is not a file.", advice="Delete it; it is made anew.")
    return folder


def kind_of(path: Path) -> int | None:
    """What a path leads to, as `stat.S_IFMT` has it; None where nothing is.

    One look: SQLite removes files while others look at them.
    """
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None


def refusal(error: Exception) -> str:
    """Why a path cannot be looked at: `File name too long`, `embedded null byte`."""
    return (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")


def refuse_link(path: Path) -> None:
    """Raise `VaultError` where `path` is a symbolic link."""
    if path.is_symlink():
        raise VaultError(f"{path} is a symbolic link.", advice=LINK_ADVICE)


def for_owner_only(path: str, flags: int) -> int:
    """An opener for `open` with which a new file is its owner's alone."""
    return os.open(path, flags, 0o600)
