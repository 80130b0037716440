"""The frontmatter of a note, as read from disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

_FRONTMATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)(?:^---[ \t]*(?:\r?\n|\Z))", re.DOTALL | re.MULTILINE)
_VIDEO_ID = re.compile(r"""^video_id:[ \t]*(['"]?)([\w-]+)\1[ \t]*\r?$""", re.MULTILINE)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def split_properties(text: str) -> tuple[Mapping[str, Any], int]:
    """The properties of a note, none if they are no valid YAML, and where its text begins."""
    found = _FRONTMATTER.match(text)
    if found is None:
        return {}, 0
    try:
        properties = yaml.load(found[1], Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, found.end()
    return properties if isinstance(properties, dict) else {}, found.end()


def video_id_of(head: str) -> str:
    """The video a file is about, from its beginning; "" when it does not say."""
    found = _FRONTMATTER.match(head)
    video = _VIDEO_ID.search(found[1]) if found else None
    return video[2] if video else ""


def strings(properties: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A property that is a text or a list of texts."""
    value = properties.get(name)
    listed = value if isinstance(value, list) else [value]
    return tuple(item for item in listed if isinstance(item, str) and item.strip())


def is_assessment(head: str) -> bool:
    """Whether a file says, at its beginning, that it belongs to a note."""
    found = _FRONTMATTER.match(head)
    return found is not None and re.search(r"^note:", found[1], re.MULTILINE) is not None
