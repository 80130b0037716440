"""Inputs nobody would write: sound ones with damage done to them, words of a language in no order, and endless ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

ODD = (
    *"\0\x07\t\x0b\x0c\x1b\x7f\x85\x9b\xa0\xad\u0301\u061c\u200b\u200d\u2028\u202e\u2066\u3000\ufeff\ufffd",
    *"\ud800\udfff٣अ字한ạﷺ🙂🏽\U000e0041",
    *"\"'`\\/<>[](){}|#^*_~=-+:;,.?!$%&@ 0123456789eE",
    *("\n", "\r\n", "\r", "\n\n", "  ", "\x1b[31m", "\x1b]0;x\x07", "99999999999999999999", "1e999", "-1", "NaN"),
    *("../", "\\u0000", "\\ud83d", "null", "true", "&#0;", "&amp;", "%00", "file:///etc/passwd", "javascript:x"),
)
"""What parsers do not expect, or expect elsewhere."""
LONGEST_SEED = 3000
"""Characters of a sound input that damage is done to: in a longer one it would drown."""
ENDLESS = 200_000
"""Characters of an endless input."""


def case(rng: random.Random, seeds: Sequence[str], pieces: Sequence[str]) -> str:
    """One input; the same for the same `rng`."""
    if seeds and rng.random() < 0.6:
        return _damaged(rng, seeds, pieces)
    return "".join(_piece(rng, pieces) for _ in range(rng.randint(0, 40)))


def endless(rng: random.Random, seeds: Sequence[str], pieces: Sequence[str], size: int, mixed: int) -> Iterator[str]:
    """Inputs of `size` characters in which something begins again and again; `mixed` of them of several pieces."""
    for piece in dict.fromkeys((*pieces, *"\"'`\\<[({ \n\t>=-#*_~%$&|!:.,0a")):
        yield piece * (size // len(piece))
        yield f"a {piece * (size // len(piece))} a"
    for _ in range(mixed):
        first, second, third = (_piece(rng, pieces) for _ in range(3))
        repeated = first + second
        yield repeated * (size // len(repeated)) + third
        yield first * (size // 2 // len(first)) + second * (size // 2 // len(second)) + third
        start = rng.choice(seeds)[:LONGEST_SEED] if seeds else third
        yield start + repeated * (size // len(repeated))


def _piece(rng: random.Random, pieces: Sequence[str]) -> str:
    kind = rng.random()
    if kind < 0.7 and pieces:
        return rng.choice(pieces)
    return rng.choice(ODD) if kind < 0.95 else chr(rng.randrange(0x110000))


def _damaged(rng: random.Random, seeds: Sequence[str], pieces: Sequence[str]) -> str:
    text = rng.choice(seeds)
    if len(text) > LONGEST_SEED:
        start = rng.choice((0, rng.randrange(len(text) - LONGEST_SEED // 2)))
        text = text[start : start + LONGEST_SEED]
    for _ in range(rng.choice((1, 1, 2, 3, 6, 12))):
        at = rng.randint(0, len(text))
        end = min(len(text), at + int(rng.paretovariate(0.7)))
        match rng.randrange(5):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:at] + _piece(rng, pieces) + text[end:]
            case 2:
                text = text[:at] + _piece(rng, pieces) * rng.choice((1, 1, 2, 50)) + text[at:]
            case 3:
                text = text[:end] + text[at:]
            case _:
                other = rng.choice(seeds)
                begin = rng.randint(0, len(other))
                text = text[:at] + other[begin : begin + rng.randint(0, 200)] + text[end:]
    return text
