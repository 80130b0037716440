"""What is installed is what was looked at: every version pinned, every file known by its hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def requirements() -> list[str]:
    """Each requirement of the lock with the lines that belong to it."""
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_every_requirement_has_a_version_and_hashes() -> None:
    assert len(requirements()) > 20
    for line in requirements():
        assert re.match(r"[A-Za-z0-9._-]+==\d\S* ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line


def test_every_dependency_is_in_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    assert {name(requirement) for requirement in wanted} <= {name(requirement) for requirement in requirements()}
