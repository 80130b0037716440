"""How many tokens a text is, without asking anybody."""

from __future__ import annotations

import re

_WIDE = re.compile(r"[\u2e80-\uffdc\U00020000-\U0003ffff]")


def rough_tokens(text: str) -> int:
    """An upper-ish guess: a token for three characters, or for each Chinese, Japanese or Korean one."""
    wide = len(_WIDE.findall(text))
    return wide + (len(text) - wide) // 3 + 1
