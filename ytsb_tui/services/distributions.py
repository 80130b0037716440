"""Which Linux this is, for advice on what to install."""

from __future__ import annotations

import platform


def distributions() -> list[str]:
    """This Linux and those it descends from, nearest first; [] elsewhere."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return []
    return [release["ID"], *release.get("ID_LIKE", "").split()]
