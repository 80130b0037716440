"""Whether a vault is still the folder it was: one that was moved or unplugged is not made anew in its old place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from ytsb_tui.errors import StageError, from_os_error, gone


class Presence:
    """A vault that was there when this was made."""

    def __init__(self, root: Path) -> None:
        """Raises `OSError` where there is none."""
        self._root = root
        self.real = Path(os.path.realpath(root))
        """Its path without symbolic links."""
        self._facts = os.stat(root)

    @property
    def is_there(self) -> bool:
        """Whether that folder is still in its place, and no other."""
        try:
            return os.path.samestat(os.stat(self._root), self._facts)
        except OSError:
            return False

    def check(self) -> None:
        """Raise `Ours` where it is gone."""
        if not self.is_there:
            raise gone(self._root)

    def refusal(self, error: OSError, doing: str) -> StageError:
        """What an error means that came of something done in the vault."""
        return from_os_error(error, doing) if self.is_there else gone(self._root)

    def make(self, folder: Path) -> None:
        """Make a folder of the vault, given by its real path, but never the vault."""
        below = folder.relative_to(self.real)
        for place in [*reversed(below.parents), below][1:]:
            (self.real / place).mkdir(exist_ok=True)

    @contextmanager
    def held(self, lock: FileLock, patience: float) -> Iterator[None]:
        """Hold a lock whose file is in the vault. Raises `Timeout`, `OSError`, and `Ours` where the vault is gone."""
        self.check()
        Path(lock.lock_file).parent.mkdir(mode=0o700, exist_ok=True)
        with lock.acquire(timeout=patience):
            if not self.is_there:
                self._unmake(Path(lock.lock_file))
                raise gone(self._root)
            yield

    def _unmake(self, file: Path) -> None:
        """Remove what filelock makes: the folders around the file of a lock, and that."""
        with suppress(OSError):
            if os.listdir(file.parent) == [file.name]:
                file.unlink()
            file.parent.rmdir()
            self._root.rmdir()
