"""Pango, the library that PDFs are drawn with: whether it is here, and how to get it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from ctypes.util import find_library
from pathlib import Path

from ytsb_tui.errors import NoRenderer
from ytsb_tui.services.distributions import linux_hint

_LIBRARIES = {"gobject-2.0": 0, "pango-1.0": 0, "harfbuzz": 0, "fontconfig": 1, "pangoft2-1.0": 0}
"""What WeasyPrint loads, with the number of each interface."""

_COMMANDS = {
    "debian": "sudo apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
    "fedora": "sudo dnf install pango",
    "rhel": "sudo dnf install pango",
    "arch": "sudo pacman -S pango",
    "alpine": "sudo apk add so:libpango-1.0.so.0 so:libpangoft2-1.0.so.0 so:libharfbuzz-subset.so.0 font-noto",
    "suse": "sudo zypper install libpango-1_0-0 libharfbuzz-subset0",
}
_HOMEBREW = (Path("/opt/homebrew/lib"), Path("/usr/local/lib"))
_MSYS2 = r"C:\msys64\ucrt64\bin;C:\msys64\mingw64\bin"


def missing() -> NoRenderer | None:
    """What to raise when a library that draws PDFs is not installed; takes a few milliseconds."""
    absent = [name for name, number in _LIBRARIES.items() if not _is_here(name, number)]
    return no_renderer(f"{', '.join(absent)} not found") if absent else None


def no_renderer(reason: str) -> NoRenderer:
    """The error for a machine that cannot draw PDFs, with the command that helps."""
    return NoRenderer(f"PDFs cannot be drawn: {reason}.", advice=f"{install_hint()} Or use --no-pdf.")


def install_hint() -> str:
    """A sentence that says how to install pango on this machine."""
    if sys.platform == "darwin":
        return "Run: brew install pango."
    if sys.platform == "win32":
        return "Install MSYS2, and run in its UCRT64 shell: pacman -S mingw-w64-ucrt-x86_64-pango."
    return linux_hint(_COMMANDS, "Install pango 1.44 or newer with your system's package manager.")


def child_environment() -> Mapping[str, str]:
    """The environment in which a child finds the libraries: macOS does not look where Homebrew puts them."""
    if sys.platform != "darwin":
        return os.environ
    looked_at = os.environ.get("DYLD_FALLBACK_LIBRARY_PATH", "")
    folders = [*filter(None, [looked_at]), *(str(folder) for folder in _HOMEBREW if folder.is_dir()), "/usr/lib"]
    return {**os.environ, "DYLD_FALLBACK_LIBRARY_PATH": os.pathsep.join(folders)}


def _is_here(name: str, number: int) -> bool:
    if sys.platform == "win32":
        folders = os.environ.get("WEASYPRINT_DLL_DIRECTORIES", _MSYS2).split(";")
        return bool(find_library(f"lib{name}-{number}")) or any(
            Path(folder, f"lib{name}-{number}.dll").is_file() for folder in folders
        )
    if sys.platform == "darwin":
        return bool(find_library(name)) or any((folder / f"lib{name}.dylib").exists() for folder in _HOMEBREW)
    try:
        ctypes.CDLL(f"lib{name}.so.{number}")
    except OSError:
        return False
    return True
