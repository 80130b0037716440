"""Outside text inside Markdown: one-line text shown as it is, and Markdown made harmless."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST_PARAGRAPH = 20_000
"""Characters. A Markdown parser's time grows with the square of what a paragraph has."""

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Controls and lone surrogates: characters no text needs."""
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])
"""Marks that reorder the text around them, and the byte order mark."""

_BACKSLASHED = re.compile(r"[\\`*_{}\[\]#]")
_ENTITIES = {"<": "&lt;", "$": "&#36;", "%": "&#37;", "^": "&#94;", "~": "&#126;", "=": "&#61;"}
_ENTITY = re.compile(r"[<$]|%(?=%)|\^|~(?=~)|=(?==)")
_AMPERSAND = re.compile(r"&(?=#?\w+;)")
_BLOCK_START = re.compile(r"^(?:([-+>=~:|])|(\d+)([.)]))")

_FENCE = re.compile(r"^ {0,3}(`{3,}+|~{3,}+)[ \t]*+([\w+#.-]*+)[^`]*+$")
_CODE = re.compile(r"(?<![`\\])(`++)(?!`).+?(?<!`)\1(?!`)")
_TAG = re.compile(r"<(?=[A-Za-z/!?%])")


def one_line(text: str) -> str:
    """Outside text as one clean line: no controls, no marks that reorder it, single spaces."""
    return " ".join(_UNWANTED.sub("", " ".join(text.translate(_BIDI).split())).split())


def literal(text: str) -> str:
    """Outside text as Markdown that shows exactly that text, whatever characters it has.

    It becomes no HTML, link, image, wikilink, tag, formula, highlight, comment,
    heading or list: backslashes where every Markdown knows them, entities elsewhere.
    """
    text = _AMPERSAND.sub("&amp;", one_line(text))
    text = _BACKSLASHED.sub(r"\\\g<0>", text).replace("&\\#", "&#")
    text = _ENTITY.sub(lambda match: _ENTITIES[match[0]], text).replace("://", "&#58;//")
    return _BLOCK_START.sub(_unblock, text)


def _unblock(start: re.Match[str]) -> str:
    mark, number, dot = start.groups()
    if mark is None:
        return f"{number}\\{dot}"
    return f"\\{mark}" if mark in "->+" else f"&#{ord(mark)};"


def tame(markdown: str) -> str:
    """An author's Markdown without raw HTML, images, embeds or Obsidian comments; code is kept.

    A fence that is never closed is closed, so that it cannot swallow what follows.
    """
    lines = []
    fence = ""
    for line in _clean_lines(markdown):
        opened = _FENCE.match(line)
        if fence:
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            lines.append(line)
        elif opened:
            fence = opened[1]
            language = "text" if opened[2].lower().startswith("dataview") else opened[2]
            lines.append(fence + language)
        else:
            lines.append(_outside_code(line))
    if fence:
        lines.append(fence)
    tamed = "\n".join(lines).strip("\n")
    return tamed if _is_tame(tamed) else _disarm(tamed)


def _clean_lines(markdown: str) -> list[str]:
    return _UNWANTED.sub("", markdown.replace("\r\n", "\n").translate(_BIDI)).split("\n")


def _outside_code(line: str) -> str:
    """`line` with everything but its code spans disarmed."""
    pieces, done = [], 0
    for code in _CODE.finditer(line):
        pieces += [_disarm(line[done : code.start()]), code[0]]
        done = code.end()
    return "".join([*pieces, _disarm(line[done:])])


def _disarm(text: str) -> str:
    return _TAG.sub("&lt;", text).replace("![", "!\\[").replace("%%", "&#37;&#37;")


def is_parsable(markdown: str) -> bool:
    """Whether a Markdown parser comes to an end with it: nobody writes paragraphs of 20,000 characters."""
    return _are_bearable(_parser().parse(markdown))


def _is_tame(markdown: str) -> bool:
    """Whether a Markdown parser agrees, in bearable time, that nothing but text, links and code is left."""
    parser, definitions = _parser(), dict[str, Any]()
    blocks = parser.parse(markdown, definitions)
    if not _are_bearable(blocks):
        return False
    kinds = {block.type for block in blocks}
    for block in blocks:
        if block.type == "inline":
            kinds |= {token.type for token in parser.inline.parse(block.content, parser, definitions, [])}
    return not kinds & {"html_block", "html_inline", "image"}


@cache
def _parser() -> MarkdownIt:
    """Takes a text apart into blocks, and leaves what is in their lines alone: that may take for ever."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable("inline")


def _are_bearable(blocks: Sequence[Token]) -> bool:
    return all(len(block.content) <= LONGEST_PARAGRAPH for block in blocks if block.type == "inline")
