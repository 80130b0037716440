"""A parser that many threads use makes everything it needs before the first of them."""

from __future__ import annotations

import subprocess
import sys

LATE = """
from ytsb_tui.services.commonmark import commonmark, shared
from mdurl import _decode, _encode

parser = shared(commonmark().enable("table").disable("inline"))

def made():
    rulers = (parser.core.ruler, parser.block.ruler, parser.inline.ruler, parser.inline.ruler2)
    rules = [{chain: list(rules) for chain, rules in ruler.__cache__.items()} for ruler in rulers]
    return rules, {**_encode.encode_cache}, {**_decode.decode_cache}

before = made()
assert all(before[0]) and before[1] and before[2], before
assert all(len(table) == 128 for tables in before[1:] for table in tables.values())
text = "# A\\n\\n- `b` <https://example.org/a%20b>\\n\\n> c\\n\\n|d|e|\\n|-|-|\\n|f|g|\\n\\n~~~\\nh\\n~~~\\n"
tokens = parser.parse(text)
for block in tokens:
    if block.type == "inline":
        parser.inline.parse(block.content + " [i](<http://ü.org/%zz> 'j') ![k](l) **m**", parser, {}, [])
assert made() == before
"""


def test_nothing_is_made_by_whoever_parses_first() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
