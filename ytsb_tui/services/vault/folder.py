"""A folder on disk that nothing leads out of, with one lock for all who write to it."""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ytsb_tui.errors import NotWritable, Ours, VaultError, from_os_error
from ytsb_tui.presence import Presence
from ytsb_tui.private import private_folder
from ytsb_tui.services.vault.names import same_name
from ytsb_tui.settings import PRIVATE
from ytsb_tui.whole_file import creating, is_unfinished, replacing

PDFS = "pdfs"
"""The folder beside notes that holds their PDFs."""

_PATIENCE = 60.0
"""Seconds to wait for another process that writes."""
_FOREIGN_SURROGATES = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class _Changed(Exception):
    """Somebody else has written to a file since it was read."""


class Folder:
    """The files of a vault. Every path is relative to its root."""

    def __init__(self, root: Path) -> None:
        """Open the folder at `root`, making it if need be. Raises `VaultError`."""
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True)
            private_folder(root)
            self._presence = Presence(root)
        except (FileExistsError, NotADirectoryError) as error:
            where = next(place for place in (root, *root.parents) if os.path.lexists(place))
            raise VaultError(f"{where} is a file, not a folder.", advice="Choose a folder with --out.") from error
        except OSError as error:
            failure = from_os_error(error, f"opening the vault {root}")
            raise VaultError(str(failure), advice=failure.advice) from error
        if not os.access(root, os.W_OK | os.X_OK):
            raise VaultError(f"No permission to write to the vault {root}.", advice=NotWritable.advice)
        self._thread_lock = threading.Lock()
        self._process_lock = FileLock(root / PRIVATE / "vault.lock", thread_local=False)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep every other thread and process from writing. Hold it for writes only; it does not nest."""
        with self._thread_lock, ExitStack() as stack:
            try:
                stack.enter_context(self._presence.held(self._process_lock, _PATIENCE))
            except Timeout as error:
                raise Ours(
                    f"Another program has been writing to the vault for {_PATIENCE:.0f} seconds.",
                    advice="End the other ytsb-tui that works on this vault, then retry.",
                ) from error
            except OSError as error:
                raise self._presence.refusal(error, f"locking the vault {self.root}") from error
            yield

    def folders(self) -> list[str]:
        """The names of its own folders for notes: neither hidden, nor links, nor `pdfs`."""
        try:
            with os.scandir(self.root) as entries:
                return sorted(entry.name for entry in entries if _may_hold_notes(entry))
        except OSError as error:
            raise self._presence.refusal(error, f"reading the vault {self.root}") from error

    def notes(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Every Markdown file."""
        for entry in self._files():
            if entry.name.endswith(".md"):
                try:
                    yield Path(os.path.relpath(entry.path, self.root)), entry.stat()
                except (FileNotFoundError, PermissionError):
                    continue

    def changed(self, path: Path) -> datetime:
        """When a file was last changed, in local time."""
        try:
            return datetime.fromtimestamp(self.target(path).stat().st_mtime)
        except OSError as error:
            raise from_os_error(error, f"reading {path}") from error

    def exists(self, path: Path | str) -> bool:
        """Whether something is there."""
        return os.path.lexists(self.root / path)

    def read(self, path: Path) -> str:
        """A file's text; bytes that are no UTF-8 come as lone surrogates. Raises `FileNotFoundError`."""
        try:
            return self.head(path, -1)
        except PermissionError as error:
            raise from_os_error(error, f"reading {path}") from error

    def text(self, path: Path) -> str | None:
        """A file's text, as `read` has it; None where there is no file."""
        try:
            return self.read(path)
        except FileNotFoundError:
            return None

    def head(self, path: Path, size: int) -> str:
        """The text of its first `size` bytes. A folder or a pipe of that name is no file: `FileNotFoundError`.

        Raises `PermissionError` where it may not be read.
        """
        target = self.target(path)
        try:
            if not stat.S_ISREG(target.stat().st_mode):
                raise FileNotFoundError(target)
            with target.open("rb") as file:
                return file.read(size).decode(errors="surrogateescape")
        except (FileNotFoundError, PermissionError):
            raise
        except OSError as error:
            raise from_os_error(error, f"reading {path}") from error

    def create(self, path: Path, text: str, *, durable: bool = False) -> bool:
        """Make a new file, with its text from the first moment; whether there was none of that name."""
        target = self.target(path)
        try:
            self._presence.make(target.parent)
            with creating(target, durable=durable) as file:
                file.write(text.encode(errors="surrogateescape"))
        except FileExistsError:
            if target.parent.is_dir():
                return False
            raise NotWritable(
                f"{path.parent} is a file, not a folder.", advice="Rename that file, or choose another subject."
            ) from None
        except OSError as error:
            raise self._presence.refusal(error, f"writing {path}") from error
        return True

    def exchange(self, path: Path, old: str | None, new: str) -> bool:
        """Put a file that reads `new` in the place of one that still reads `old` (None: of none); whether it did.

        In one step, and on the disk when this returns. Editors hold no lock,
        so the old one is read when the new one is on the disk already and only
        has to be given its name.
        """

        def check() -> None:
            if self.text(path) != old:
                raise _Changed

        target = self.target(path)
        try:
            self._presence.make(target.parent)
            with replacing(target, check=check) as file:
                file.write(_FOREIGN_SURROGATES.sub("?", new).encode(errors="surrogateescape"))
        except _Changed:
            return False
        except OSError as error:
            raise self._presence.refusal(error, f"writing {path}") from error
        return True

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        _remove(self.target(path))

    def sweep(self) -> None:
        """Remove the half-written files, PDFs among them, of a killed process. Hold the lock."""
        for place, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name == PRIVATE or not name.startswith(".")]
            for name in names:
                if is_unfinished(name):
                    _remove(Path(place, name))

    def target(self, path: Path) -> Path:
        """`path` on the disk. Raises `NotWritable` if it leads out of the vault, by `..` or a symbolic link."""
        real = Path(os.path.realpath(self.root / path))
        if not real.is_relative_to(self._presence.real):
            raise NotWritable(
                f"{path} leads out of the vault.", advice="Put a real folder in the place of the link, then retry."
            )
        return real

    def _files(self) -> Iterator[os.DirEntry[str]]:
        """The files in its folders for notes, at any depth; those of others, which may not be looked into, are none."""
        folders = [os.fspath(self.root)]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if _may_hold_notes(entry):
                            folders.append(entry.path)
                        elif entry.is_file(follow_symlinks=False):
                            yield entry
            except FileNotFoundError:
                continue
            except OSError as error:
                if isinstance(error, PermissionError) and folder != os.fspath(self.root):
                    continue
                raise from_os_error(error, f"reading the vault {self.root}") from error


def _may_hold_notes(entry: os.DirEntry[str]) -> bool:
    is_folder = entry.is_dir(follow_symlinks=False)
    return is_folder and not entry.name.startswith(".") and same_name(entry.name) != PDFS


def _remove(file: Path) -> None:
    """Remove a file, or the link that stands there, if there is one."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise from_os_error(error, f"removing {file}") from error
