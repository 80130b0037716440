"""Files that are whole: whoever looks at one sees the old or the new, whatever dies when.

What is not finished lies beside its place under a name that nobody can guess,
so that no two writers share it and no link can wait there. Those of a killed
process are known by their names.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

Opener = Callable[[str, int], int]

_AFFIXES = (".ytsb-", ".tmp")


def is_unfinished(name: str) -> bool:
    """Whether a file of this name is one that was never finished."""
    return name.startswith(_AFFIXES[0]) and name.endswith(_AFFIXES[1])


def sweep(folder: Path) -> None:
    """Remove what was never finished in a folder; only for who may write there alone."""
    with os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if is_unfinished(entry.name)]:
            (folder / name).unlink(missing_ok=True)


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A name beside `target` for what is not finished; nothing is left under it when the block ends."""
    temporary = target.with_name(secrets.token_hex(8).join(_AFFIXES))
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing(
    target: Path,
    *,
    opener: Opener | None = None,
    durable: bool = True,
    check: Callable[[], object] | None = None,
) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `target` in one step when the block ends well.

    It is then on the disk, unless it need not be `durable`. It has the
    permissions of the one before it, or those that `opener` gives; see `open`.
    `check` is called in the last moment, and may raise to have all left as it is.
    """
    with unfinished(target) as temporary:
        with open(temporary, "xb", opener=opener) as file:
            yield file
            _flush(file, durable)
        if opener is None:
            with suppress(FileNotFoundError):
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        if check is not None:
            check()
        replace(temporary, target, durable=durable)


@contextmanager
def creating(target: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A new file that gets its name when the block ends well. Raises `FileExistsError` where there is one by then."""
    with unfinished(target) as temporary:
        with open(temporary, "xb") as file:
            yield file
            _flush(file, durable)
        try:
            os.link(temporary, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            target.open("x").close()
            os.replace(temporary, target)
        if durable:
            _sync(target.parent)


def replace(finished: Path, target: Path, *, durable: bool = True) -> None:
    """Give a file that is whole the place of `target`."""
    os.replace(finished, target)
    if durable:
        _sync(target.parent)


def _flush(file: IO[bytes], durable: bool) -> None:
    file.flush()
    if durable:
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Have the disk know a folder's new entry; Windows cannot be asked to."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
