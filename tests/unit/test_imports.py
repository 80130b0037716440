"""What is not loaded: the heavy libraries, until somebody needs them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import ytsb_tui

PACKAGE = Path(ytsb_tui.__file__).parent
ONLY_AT_THE_START = {"Settings"}
"""Read before there is a second thread."""
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


def made_when_loaded(module: ast.Module) -> set[str]:
    """The types for which a module makes a decoder when it is loaded."""
    statements = [node for node in module.body if isinstance(node, ast.Assign)]
    calls = [node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return {ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func) == "msgspec.json.Decoder"}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_what_decodes_a_type_is_made_when_its_module_is_loaded(file: Path) -> None:
    """msgspec learns a type when it first meets it, and crashes when two threads have it do so at once."""
    module = ast.parse(file.read_text(encoding="utf-8"))
    known = made_when_loaded(module)
    inside = [
        node for function in ast.walk(module) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)
    ]
    for call in (node for node in inside if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        assert name != "msgspec.json.Decoder"
        assert name != "msgspec.json.decode" or not any(word.arg == "type" for word in call.keywords), ast.unparse(call)
        if name == "msgspec.convert" and ast.unparse(call.args[1]) not in ONLY_AT_THE_START:
            assert ast.unparse(call.args[1]) in known, ast.unparse(call)
