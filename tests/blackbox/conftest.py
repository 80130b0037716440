"""Fixtures of the tests from outside."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.blackbox.online import Online, both_worlds
from tests.blackbox.program import Program, lecture


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program, in an empty folder."""
    (tmp_path / "desk").mkdir()
    return Program(tmp_path / "desk")


@pytest.fixture
def lectures(program: Program) -> Callable[[int], list[str]]:
    """Writes this many caption files to the desk and names them."""

    def write(number: int) -> list[str]:
        for place in range(number):
            (program.desk / f"lecture {place}.srt").write_text(lecture(place))
        return [f"lecture {place}.srt" for place in range(number)]

    return write


@pytest.fixture
def online(program: Program) -> Iterator[Online]:
    """The program between a YouTube and a Claude of the test's own."""
    with both_worlds(program) as worlds:
        yield worlds


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts, or mounts anew, a small disk with these options; skips where that is not allowed."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> Path:
        how = f"remount,{options}" if os.path.ismount(place) else options
        command = ["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(place)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small disk is not allowed here")
        return place

    yield mount
    if os.path.ismount(place):
        subprocess.run(["umount", "-l", place], check=True)
