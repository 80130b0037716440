"""What README promises of trouble is tried by the tests it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8").partition("## What happens when...")[2].partition("\n## ")[0]
LINES = [
    line
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.endswith("| what you get | |")
]  # fmt: skip


def test_there_is_a_page_of_what_happens() -> None:
    assert len(LINES) > 25


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split("|")[1].strip()[:40])
def test_each_line_names_a_test_that_there_is(line: str) -> None:
    named = re.findall(r'\[test\]\(([\w/.]+) "(\w+)"\)', line)
    assert named, "no test is named"
    for file, name in named:
        module = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        assert name in [function.name for function in functions]
        assert name.startswith("test_")
