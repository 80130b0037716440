"""The pictures in `screenshots` show the app as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PICTURES = PROJECT / "screenshots"


@pytest.mark.slow
def test_the_pictures_are_those_the_app_draws_today(tmp_path: Path) -> None:
    drawn = subprocess.run(
        [sys.executable, "-m", "screenshots.draw", tmp_path, "--no-png"], cwd=PROJECT, capture_output=True, text=True
    )
    assert drawn.returncode == 0, drawn.stderr
    shown = {picture.name: picture.read_text(encoding="utf-8") for picture in PICTURES.glob("*.svg")}
    now = {picture.name: picture.read_text(encoding="utf-8") for picture in tmp_path.glob("*.svg")}
    stale = sorted(name for name in shown | now if shown.get(name) != now.get(name))
    assert not stale, f"{', '.join(stale)} no longer show the app: run `make screenshots`, and look at them."
