"""Notes of the vault, as the reader finds them. Nothing outside the vault is ever read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ytsb_tui.errors import UsageError
from ytsb_tui.private import kind_of, refusal
from ytsb_tui.services.vault.folder import PDFS
from ytsb_tui.services.vault.names import same_name
from ytsb_tui.services.vault.places import ASSESSMENT

LARGEST = 4_000_000
"""Bytes of a note that are read; what is longer was not written to be read."""


def read_note(root: Path, note: Path) -> str:
    """The text of a note, whose path is relative to the vault. Raises `UsageError` where it cannot be read."""
    try:
        path = Path(os.path.realpath(root / note))
        if not path.is_relative_to(os.path.realpath(root)):
            raise UsageError(f"{note} leads out of the vault.")
        if kind_of(path) not in (stat.S_IFREG, None):  # a pipe would be waited for without end
            raise UsageError(f"{note} is not a file.", advice="Move it away, then retry the job.")
        with path.open("rb") as file:
            return file.read(LARGEST).decode(errors="replace")
    except FileNotFoundError:
        raise UsageError(f"{note} is not there any more.", advice="Retry the job to have it written again.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{note} cannot be read: {refusal(error)}.") from error


def find_note(root: Path, name: str) -> Path:
    """The note that a wikilink means: by its file's name anywhere in the vault, or by its path.

    Raises `UsageError` where there is none.
    """
    wanted = name.partition("#")[0].strip().removesuffix(".md")
    steps = [same_name(step) for step in wanted.split("/")]
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and same_name(each) != PDFS)
        for file in sorted(files):
            path = Path(os.path.relpath(os.path.join(folder, file), root))
            if (
                path.suffix == ".md"
                and [same_name(step) for step in path.with_suffix("").parts[-len(steps) :]] == steps
            ):
                return path
    raise UsageError(f"There is no note “{wanted}” in this vault.", advice="It may not have been written yet.")


def is_assessment(note: Path) -> bool:
    """Whether a note is called as an assessment is."""
    return note.name.startswith(ASSESSMENT)


def counterpart(note: Path) -> Path:
    """The assessment of a note, or the note of an assessment, whether or not it exists."""
    name = note.name.removeprefix(ASSESSMENT) if is_assessment(note) else ASSESSMENT + note.name
    return note.with_name(name)
