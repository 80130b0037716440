"""Obsidian's Markdown as HTML: what Obsidian shows of a note, without anything that runs or loads.

CommonMark with tables, plus wikilinks (as their words), callouts, task lists,
highlights, and comments (left out). Raw HTML is shown as the text it is;
links lead to the web or to a mail address, or are only text.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from ytsb_tui.services.commonmark import commonmark
from ytsb_tui.services.escape import LONGEST_PARAGRAPH

_COMMENTS = {"%%": "%%", "<!--": "-->"}
_WIKILINK = re.compile(r"!?\[\[([^\[\]\n|\\]+)(?:\\?\|([^\[\]\n]*))?\]\]")
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_HIGHLIGHT = re.compile(r"==(?=\S)([^\n]{0,1000}?\S)==")
_CALLOUT = re.compile(r"\[!([\w-]+)\][ \t]*([+-]?)[ \t]*(.*)(?:\n|$)")
_TASK = re.compile(r"\[(.)\][ \t]+(?=\S)")
_WEB = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_DIRECTIONS = {"L": "ltr", "R": "rtl", "AL": "rtl"}
_ENDLESS = re.compile(r"[!-\u0dff]{200,}")
"""A "word" that takes minutes to break without hints where. Scripts without spaces need none."""
_LONG_IN_CELL = re.compile(r"[!-\u0dff]{17,}")
"""A word that would widen a column until the table leaves the page."""
DEEP = 16
"""The level of lists and quotes below which nothing is indented further: the page would be left."""
MANY_COLUMNS = 5
"""Columns above which all get the same width, however long their words."""


def parser() -> MarkdownIt:
    """A parser whose rendered HTML is safe to lay out."""
    markdown = commonmark({"html": False, "breaks": True, "xhtmlOut": False, "maxNesting": sys.maxsize})
    markdown.enable(["table", "strikethrough"])
    markdown.block.ruler.before("fence", "comment", _comment_block, {"alt": ["paragraph", "blockquote", "list"]})
    markdown.inline.ruler.before("link", "wikilink", _wikilink)
    markdown.inline.ruler.before("link", "comment", _comment)
    markdown.inline.ruler.before("link", "break", _line_break)
    markdown.inline.ruler.before("link", "highlight", _highlight)
    markdown.core.ruler.before("inline", "callouts", _callouts)
    markdown.core.ruler.before("inline", "tasks", _tasks)
    markdown.core.ruler.before("inline", "endless", _endless)
    markdown.core.ruler.push("links", _links)
    markdown.core.ruler.push("directions", _directions)
    markdown.core.ruler.push("depths", _depths)
    markdown.core.ruler.push("tables", _tables)
    markdown.core.ruler.push("long words", _long_words)
    return markdown


def plain(tokens: Sequence[Token] | None) -> str:
    """The words of inline tokens."""
    return "".join(
        " " if token.type in ("softbreak", "hardbreak") else plain(token.children) or token.content
        for token in tokens or ()
    )


def direction(text: str) -> str:
    """Which way the first letter of `text` is read, "ltr" or "rtl"; "" when it has none."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    return next((_DIRECTIONS[kind] for kind in kinds if kind in _DIRECTIONS), "")


def _comment_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A comment that begins a line; an unclosed one is text."""
    begin = state.bMarks[start] + state.tShift[start]
    opening = next((mark for mark in _COMMENTS if state.src.startswith(mark, begin)), None)
    if opening is None or state.is_code_block(start):
        return False
    closing = _COMMENTS[opening]
    at = _find(state, closing, begin + len(opening), state.eMarks[end - 1])
    if at < 0:
        return False
    line = bisect_right(state.bMarks, at, start, end) - 1
    if state.src[at + len(closing) : state.eMarks[line]].strip():
        return False
    if not silent:
        state.line = line + 1
    return True


def _find(state: StateBlock | StateInline, closing: str, begin: int, limit: int) -> int:
    """As `str.find`, but what was found, or not, for an earlier beginning is not looked for again."""
    known: dict[tuple[str, str, int], tuple[int, int]] = state.env.setdefault("closings", {})
    since, at = known.get((closing, state.src, limit), (limit + 1, -1))
    if begin < since or -1 < at < begin:
        since, at = known[closing, state.src, limit] = begin, state.src.find(closing, begin, limit)
    return at


def _comment(state: StateInline, silent: bool) -> bool:
    opening = next((mark for mark in _COMMENTS if state.src.startswith(mark, state.pos)), None)
    if opening is None:
        return False
    closing = _COMMENTS[opening]
    end = _find(state, closing, state.pos + len(opening), state.posMax)
    if end < 0:
        return False
    state.pos = end + len(closing)
    return True


def _wikilink(state: StateInline, silent: bool) -> bool:
    match = _WIKILINK.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        stem, words = match.groups()
        opening = state.push("wikilink_open", "span", 1)
        opening.attrs["class"] = "wikilink"
        opening.meta["stem"] = stem
        state.push("text", "", 0).content = words or " › ".join(part for part in stem.split("#") if part)
        state.push("wikilink_close", "span", -1)
    state.pos = match.end()
    return True


def _line_break(state: StateInline, silent: bool) -> bool:
    match = _BREAK.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = match.end()
    return True


def _highlight(state: StateInline, silent: bool) -> bool:
    match = _HIGHLIGHT.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        after = state.posMax
        state.push("mark_open", "mark", 1)
        state.pos, state.posMax = match.span(1)
        state.md.inline.tokenize(state)
        state.posMax = after
        state.push("mark_close", "mark", -1)
    state.pos = match.end()
    return True


def _callouts(state: StateCore) -> None:
    """Turn each quote that begins with `[!kind]` into a titled box."""
    tokens: list[Token] = []
    closing: list[str] = []
    for token in state.tokens:
        callout = _CALLOUT.match(token.content) if _opens_quote(tokens, token) else None
        if token.type == "blockquote_open":
            closing.append("blockquote")
        elif token.type == "blockquote_close":
            token.tag = closing.pop()
        tokens.append(token)
        if callout:
            kind, fold, title = callout.groups()
            closing[-1] = tokens[-3].tag = "div"
            tokens[-3].attrs["class"] = f"callout callout-{kind.lower()}{' folded' if fold == '-' else ''}"
            tokens[-2].attrs["class"] = "callout-title"
            rest = token.content[callout.end() :]
            token.content = title or kind.replace("-", " ").capitalize()
            if rest:
                tokens += [
                    Token("paragraph_close", "p", -1, block=True, level=token.level - 1),
                    Token("paragraph_open", "p", 1, block=True, level=token.level - 1),
                    Token("inline", "", 0, block=True, level=token.level, content=rest, children=[]),
                ]
    state.tokens = tokens


def _opens_quote(before: Sequence[Token], token: Token) -> bool:
    kinds = [other.type for other in before[-2:]]
    return token.type == "inline" and kinds == ["blockquote_open", "paragraph_open"]


def _tasks(state: StateCore) -> None:
    """Mark list items that begin with `[ ]` or `[x]`."""
    for item, paragraph, inline in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if (item.type, paragraph.type, inline.type) == ("list_item_open", "paragraph_open", "inline") and (
            task := _TASK.match(inline.content)
        ):
            item.attrs["class"] = "task" if task[1] == " " else "task done"
            inline.content = inline.content[task.end() :]


def _endless(state: StateCore) -> None:
    """Leave a paragraph that would take minutes to parse as it is written."""
    for token in state.tokens:
        if token.type == "inline" and len(token.content) > LONGEST_PARAGRAPH:
            token.children = [Token("text", "", 0, content=token.content)]
            token.content = ""


def _links(state: StateCore) -> None:
    """Leave links to the web; others would lead nowhere from a PDF."""
    for inline in state.tokens:
        dropped: list[bool] = []
        for token in inline.children or ():
            if token.type == "link_open":
                dropped.append(not _WEB.match(str(token.attrs["href"])))
                if dropped[-1]:
                    token.tag, token.attrs = "span", {}
            elif token.type == "link_close" and dropped.pop():
                token.tag = "span"


def _directions(state: StateCore) -> None:
    """Give every block the direction of its first letter, in notes that have letters read from right to left."""
    if not _RIGHT_TO_LEFT.search(state.src):
        return
    undecided: list[Token] = []
    for token in state.tokens:
        if token.nesting == 1:
            undecided.append(token)
        elif token.type == "inline" and (way := direction(plain(token.children))):
            for block in undecided:
                block.attrs["dir"] = way
            undecided.clear()
        elif token.nesting == -1 and undecided:
            undecided.pop()


def _depths(state: StateCore) -> None:
    """Mark lists and quotes that lie deep within others."""
    for token in state.tokens:
        if token.level >= DEEP and token.type in ("bullet_list_open", "ordered_list_open", "blockquote_open"):
            token.attrJoin("class", "deep")


def _tables(state: StateCore) -> None:
    """Mark tables of many columns."""
    for index, token in enumerate(state.tokens):
        if token.type == "table_open":
            row_end = next(i for i in range(index, len(state.tokens)) if state.tokens[i].type == "tr_close")
            if sum(other.type == "th_open" for other in state.tokens[index:row_end]) > MANY_COLUMNS:
                token.attrs["class"] = "wide"


def _long_words(state: StateCore) -> None:
    """Let long words be broken where nothing else would keep them on the page."""
    cell = False
    for block in state.tokens:
        if block.type in ("th_open", "td_open", "th_close", "td_close"):
            cell = block.nesting == 1
        for token in (block, *(block.children or ())):
            if token.type != "inline":
                token.content = (_LONG_IN_CELL if cell else _ENDLESS).sub(_breakable, token.content)


def _breakable(word: re.Match[str]) -> str:
    return re.sub(".{12}", "\\g<0>\u200b", word[0])
