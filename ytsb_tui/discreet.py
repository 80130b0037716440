"""Words of others, without what nobody may read: they may repeat a key or a password that was sent to them."""

from __future__ import annotations

import re

_SECRET = re.compile(r"\bsk-[\w-]{8,}|(?<=://)[^\s/]+(?=@)")
"""API keys as Anthropic and most others make them, and who logs in to an address."""


def discreet(text: str) -> str:
    """`text` without keys, and without the user name and password of any address."""
    return _SECRET.sub("[secret]", text)
