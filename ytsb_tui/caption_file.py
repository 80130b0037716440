"""A caption file the user named: where it is, and what is in it."""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path
from urllib.parse import unquote

from ytsb_tui.errors import BadCaptions

SUFFIXES = (".srt", ".vtt", ".json3", ".json", ".srv1", ".srv2", ".srv3", ".xml", ".ttml", ".txt")
"""What the name of a caption file ends in, in lower case."""
LIMIT = 20_000_000
"""Bytes. A hundred hours of captions are smaller; what is larger is something else."""

DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def named(name: str, base: Path) -> Path:
    """The absolute path that `name` stands for: a path, `~`, or `file://`; relative to `base`."""
    if name.lower().startswith("file://"):
        name = "/" + unquote(name[7:]).partition("/")[2]
        name = name[1:] if DRIVE.match(name, 1) else name
    try:
        return (base / Path(name).expanduser()).absolute()
    except RuntimeError:  # ~somebody who does not exist
        return (base / name).absolute()


def load(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> bytes:
    """What is in a file of one of these names. Raises `BadCaptions`: no such file, a folder, too large, empty, ..."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise BadCaptions(f"{path.name or path} is a folder: name the caption files in it.")
        if path.suffix.lower() not in suffixes:
            raise BadCaptions(f"{path.name} is no caption file: those end in {', '.join(suffixes)}.")
        if not stat.S_ISREG(found.st_mode):
            raise BadCaptions(f"{path.name} is not a regular file.")
        if found.st_size > LIMIT:
            raise BadCaptions(f"{path.name} is larger than {LIMIT // 1_000_000} MB: no captions are.")
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BadCaptions(f"There is no file {path}.", advice="Check the path, or drop the file again.") from None
    except PermissionError:
        raise BadCaptions(f"{path} may not be read.", advice="Give yourself read permission on it.") from None
    except (OSError, ValueError) as error:
        raise BadCaptions(f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if not data.strip():
        raise BadCaptions(f"{path.name} is empty.")
    return data


def fingerprint(data: bytes) -> str:
    """The id of captions whose video is unknown."""
    return f"file-{hashlib.sha256(data).hexdigest()[:12]}"
