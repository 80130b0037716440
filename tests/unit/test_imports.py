"""What is not loaded: the heavy libraries, until somebody needs them."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {"anthropic", "stem", "textual", "weasyprint", "yake", "yt_dlp"}
EVERY_MODULE_BUT_THE_SCREENS = """
import importlib, pkgutil, ytsb_tui
for found in pkgutil.walk_packages(ytsb_tui.__path__, "ytsb_tui."):
    if found.name not in ("ytsb_tui.__main__", "ytsb_tui.ui") and not found.name.startswith("ytsb_tui.ui."):
        importlib.import_module(found.name)
"""
ASKING_THE_VERSION = """
import sys
from ytsb_tui.cli import main
sys.argv = ["ytsb-tui", "--version"]
try:
    main()
except SystemExit as end:
    assert not end.code
"""


def loaded_by(statements: str) -> set[str]:
    """What a new Python has loaded after running these: packages, and modules of our own."""
    script = f"{statements}\nimport json, sys\nprint(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    names = json.loads(done.stdout.splitlines()[-1])
    return {name if name.startswith("ytsb_tui") else name.partition(".")[0] for name in names}


def test_only_screens_and_calls_load_anything_heavy() -> None:
    loaded = loaded_by(EVERY_MODULE_BUT_THE_SCREENS)
    assert {"ytsb_tui.headless", "ytsb_tui.pool", "ytsb_tui.stages", "ytsb_tui.services.claude.author"} <= loaded
    assert not HEAVY & loaded


def test_asking_the_version_loads_next_to_nothing() -> None:
    loaded = loaded_by(ASKING_THE_VERSION)
    assert (
        not (
            HEAVY
            | {"hashlib", "logging", "random", "requests", "rich", "sqlite3", "ytsb_tui.settings", "ytsb_tui.stages"}
        )
        & loaded
    )
