"""What a note says, apart from where it is and when it was made."""

from __future__ import annotations

import re
from typing import Any

from ytsb_tui.services.documents import split_user_part, subject_tag
from ytsb_tui.services.vault.properties import split_properties, strings

_WIKILINK = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]")
_OF_ITS_PLACE = {"created", "subject", "note"}


def says_the_same(old: str, new: str) -> bool:
    """Whether above the mark one version of a note tells a reader what the other does.

    Wikilinks may differ, and what follows from its folder, its file's name and
    the time it was made.
    """
    return _said(old) == _said(new)


def _said(text: str) -> tuple[dict[str, Any], str]:
    ours, _ = split_user_part(text)
    properties, begin = split_properties(ours)
    said = {name: value for name, value in properties.items() if name not in _OF_ITS_PLACE}
    follow: dict[str, list[Any]] = {
        "tags": subject_tag(next(iter(strings(properties, "subject")), "")),
        "aliases": [properties.get("title")],
    }
    said |= {name: [item for item in strings(properties, name) if item not in follow[name]] for name in follow}
    return said, _WIKILINK.sub(r"\1", ours[begin:]).replace("\r\n", "\n")
