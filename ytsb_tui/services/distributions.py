"""Which Linux this is, for advice on what to install."""

from __future__ import annotations

import platform
from collections.abc import Mapping


def linux_hint(commands: Mapping[str, str], otherwise: str) -> str:
    """A sentence with the command for this Linux, or for the nearest it descends from; `otherwise` where none is known.

    `commands` are by the names of distributions, as in os-release.
    """
    command = next((commands[name] for name in _distributions() if name in commands), None)
    return f"Run: {command}." if command else otherwise


def _distributions() -> list[str]:
    """This Linux and those it descends from, nearest first; [] elsewhere."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return []
    return [release["ID"], *release.get("ID_LIKE", "").split()]
