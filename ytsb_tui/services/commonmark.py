"""Markdown parsers, also for several threads at once.

markdown-it fills its lists of rules when a parser is first used, and mdurl its
tables when any parser meets a link, both in place: another thread would find
them half full, and see no code where there is some, or fail at a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markdown_it import MarkdownIt


def commonmark(options: Mapping[str, Any] | None = None) -> MarkdownIt:
    """A parser of CommonMark, for one thread at a time."""
    return MarkdownIt("commonmark", dict(options or {}))


def shared(parser: MarkdownIt) -> MarkdownIt:
    """The parser, for any number of threads; its rules must not be changed any more."""
    for ruler in (parser.core.ruler, parser.block.ruler, parser.inline.ruler, parser.inline.ruler2):
        ruler.getRules()
    return parser


def _fill_tables() -> None:
    parser = commonmark()
    parser.normalizeLink("https://example.org")
    parser.normalizeLinkText("https://example.org")


_fill_tables()  # now, since one thread alone imports this, and all others wait for it
