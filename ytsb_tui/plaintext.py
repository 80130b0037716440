"""Text from outside: out of bytes of any encoding, and without what cannot be seen."""

from __future__ import annotations

import codecs
import re

from ytsb_tui.errors import BadCaptions

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""UTF-32 first: its little-endian mark begins with that of UTF-16."""

HIDDEN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|"
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Terminal sequences, control, direction, zero-width and tag characters, half surrogates; no joiners of scripts."""


def visible(text: str) -> str:
    """The text without characters that are not seen but steer terminals, hide words or turn lines around."""
    return HIDDEN.sub("", text)


def one_line(text: str) -> str:
    """The visible text with every run of white space as one blank."""
    return " ".join(visible(text).split())


def decode(data: bytes) -> str:
    """The text of a file in whatever encoding it is. Raises `BadCaptions` when it is no text.

    A byte order mark says it; UTF-16 without one shows by its zero bytes;
    text that is UTF-8 but for a few broken bytes is UTF-8. What is left is an
    old single- or double-byte encoding: where bytes beyond ASCII mostly stand
    alone or in pairs it is a western language's (detection by statistics fails
    on those), else statistics decide.
    """
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    if b"\0" in data:
        return data.decode(_wide(data), errors="replace")
    text = data.decode("utf-8", errors="replace")
    beyond = len(text) - len(text.encode("ascii", errors="ignore"))
    if text.count("\ufffd") * 4 <= beyond:
        return text
    high = len(re.findall(rb"[\x80-\xff]", data))
    if sum(map(len, re.findall(rb"[\x80-\xff]{3,}", data))) * 2 < high:
        return data.decode("cp1252", errors="replace")
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        raise BadCaptions("The file is not text, or in an unknown encoding; save it as UTF-8.")
    return str(best)


def _wide(data: bytes) -> str:
    """Which UTF-16 this is: digits, spaces and line ends leave zero bytes on one side only."""
    sample = data[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > 8 * even and odd * 10 > len(sample):
        return "utf-16-le"
    if even > 8 * odd and even * 10 > len(sample):
        return "utf-16-be"
    raise BadCaptions("The file is binary, not text.")
