"""Where in a note's Markdown a wikilink may stand, and putting it there.

A link is only put where a Markdown parser sees plain words, and only if it sees
everything else unchanged afterwards: each paragraph is parsed again with it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from markdown_it.token import Token

from ytsb_tui.services.commonmark import commonmark, shared
from ytsb_tui.services.documents import split_user_part
from ytsb_tui.services.escape import LONGEST_PARAGRAPH
from ytsb_tui.services.links.mentions import Mention
from ytsb_tui.services.vault.names import same_name
from ytsb_tui.services.vault.properties import split_properties

MOST = 10
"""Wikilinks in the sentences of one note; more would be noise."""

_TRIES = 60
"""Mentions of a note that are tried at most: each has its paragraph parsed twice."""

_PARSER = shared(commonmark().enable(["table", "strikethrough"]))
_BLOCKS = shared(commonmark().enable(["table", "strikethrough"]).disable("inline"))
_LINE = re.compile(r"(.*?)(?:\r\n?|\n|\Z)", re.DOTALL)
_WIKILINK = re.compile(r"\[\[([^\[\]|#^\n]+)[^\[\]\n]*\]\]")
_OFF_LIMITS = (
    re.compile(r"!?\[\[[^\[\]]*\]\]"),
    re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL),
    re.compile(r"%%.*?(?:%%|\Z)", re.DOTALL),
    re.compile(r"<[A-Za-z/!?].*>", re.DOTALL),
    re.compile(r"\[\^[^\]]*\]"),
    re.compile(r"(?:\w+://|www\.)\S+|\S+@\S+"),
    re.compile(r"(?<!\S)[#^]\S+"),
)
"""Wikilinks, formulas, comments, all from the first HTML tag to the last, footnotes, addresses, tags, block names."""
_MARKED_OFF = re.compile(r"^[ \t>]*(\$\$|%%).*?\1", re.DOTALL | re.MULTILINE)
"""A formula or comment that may run over several blocks."""
_UNDER_HEADER = re.compile(r"[\s>]*[-:|][-:|\s]*")
"""A line that makes a table of the line above it, if that has as many bars."""
_TOUCHING = frozenset("![]()#@/\\^&$%=|{}<>`:")
"""Characters next to which two brackets may come to mean something else."""

_UNLINKABLE = frozenset("[]#^|\\")

Find = Callable[[str], Iterable[Mention]]


@dataclass(frozen=True, slots=True)
class Link:
    """Words of a text to be linked."""

    start: int
    end: int
    text: str
    """What takes their place."""
    words: str


@dataclass
class Block:
    """A paragraph's words as the parser gives them, and where each line of them is in the source."""

    content: str
    lines: Sequence[tuple[int, int, int]]
    """For each line: its beginning in `content`, its length, its beginning in the source."""
    links: list[Link]
    off_limits: Sequence[tuple[int, int]]
    """Where nothing may be linked."""

    def source_of(self, start: int, end: int) -> int | None:
        """Where `content[start:end]` begins in the source; None if it is not in one line."""
        for begin, length, source in self.lines:
            if begin <= start and end <= begin + length:
                return source + start - begin
        return None


def with_links(text: str, find: Find) -> tuple[str, list[str]]:
    """`text` with wikilinks to the notes that `find` finds in its sentences, and these notes.

    Each note is linked where it is first named, at most `MOST` in all, nothing
    that is linked already, and only above the user's part and after the title.
    """
    generated, kept = split_user_part(text)
    properties_end = min(split_properties(text)[1], len(generated))
    source = generated[properties_end:]
    env: dict[str, Any] = {}
    tokens = _BLOCKS.parse(source, env)
    blocks = list(_blocks(source, tokens))
    sentences = [found[1] for block in blocks for found in _WIKILINK.finditer(block.content)]
    linked = {same_name(stem.strip()) for stem in sentences}
    room = MOST - len(sentences)
    notes: list[str] = []
    tries = 0
    for block in blocks:
        for mention in find(block.content) if room > len(notes) else ():
            stem = PurePosixPath(mention.note).stem
            if room <= len(notes) or tries >= _TRIES or same_name(stem) in linked:
                continue
            tries += 1
            if _fits(block, mention, stem, env):
                linked.add(same_name(stem))
                notes.append(mention.note)
    return text[:properties_end] + _applied(source, _in_source(blocks)) + kept, notes


def _blocks(source: str, tokens: Sequence[Token]) -> Iterator[Block]:
    """The paragraphs of sentences: after the first section heading if there is one, outside tables and formulas."""
    lines = [match.span(1) for match in _LINE.finditer(source)]
    sections = (token.map[0] for token in tokens if token.type == "heading_open" and token.tag != "h1" and token.map)
    first = next(sections, 0)
    closed = _marked_off(source, tokens, lines)
    for before, token in pairwise(tokens):
        if token.type != "inline" or before.type != "paragraph_open" or token.map is None or token.map[0] < first:
            continue
        if _WIKILINK.fullmatch(token.content.strip()):
            continue
        if len(token.content) <= LONGEST_PARAGRAPH:
            off_limits = [span for pattern in _OFF_LIMITS for span in _spans(pattern, token.content)]
            yield Block(token.content, list(_places(source, token, lines, closed)), [], off_limits)


def _places(
    source: str, token: Token, lines: Sequence[tuple[int, int]], closed: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, int]]:
    """For each line of a paragraph that is found in the source again: where, without the title of a callout."""
    assert token.map is not None
    begin = 0
    for number, line in enumerate(token.content.split("\n"), token.map[0]):
        start, end = lines[number]
        at = source.rfind(line, start, end)
        is_whole = at >= 0 and not source[at + len(line) : end].strip()
        is_title = begin == 0 and line.startswith("[!")
        is_header = number + 1 < len(lines) and _UNDER_HEADER.fullmatch(source, *lines[number + 1])
        nearest = bisect_left(closed, (end, 0)) - 1
        is_closed = nearest >= 0 and at < closed[nearest][1]
        if line and is_whole and not (is_title or is_header or is_closed):
            yield begin, len(line), at
        begin += len(line) + 1


def _marked_off(source: str, tokens: Sequence[Token], lines: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where formulas and comments are that may run over blocks; marks in code do not count."""
    pieces, done = [], 0
    for token in tokens:
        if token.type in ("fence", "code_block") and token.map:
            start, end = lines[token.map[0]][0], lines[min(token.map[1], len(lines)) - 1][1]
            pieces += [source[done:start], " " * (end - start)]
            done = end
    return [match.span() for match in _MARKED_OFF.finditer("".join([*pieces, source[done:]]))]


def _fits(block: Block, mention: Mention, stem: str, env: dict[str, Any]) -> bool:
    """Put a link over the mention, if it is in plain words; whether it was."""
    start, end = mention.start, mention.end
    content = block.content
    words = content[start:end]
    if (
        _UNLINKABLE & set(stem)
        or block.source_of(start, end) is None
        or _TOUCHING & {content[start - 1 : start], content[end : end + 1]}
    ):
        return False
    if any(at < end and start < after for at, after in block.off_limits):
        return False
    inner = stem if words == stem else f"{stem}|{words}"
    links = [*block.links, Link(start, end, f"[[{inner}]]", words)]
    if _skeleton(_applied(content, links), env, links) != _skeleton(content, env, ()):
        return False
    block.links = links
    return True


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in pattern.finditer(text))


def _applied(text: str, links: Iterable[Link]) -> str:
    for link in sorted(links, key=lambda link: -link.start):
        text = text[: link.start] + link.text + text[link.end :]
    return text


def _in_source(blocks: Iterable[Block]) -> Iterator[Link]:
    for block in blocks:
        for link in block.links:
            start = block.source_of(link.start, link.end)
            assert start is not None
            yield Link(start, start + link.end - link.start, link.text, link.words)


def _skeleton(content: str, env: dict[str, Any], links: Sequence[Link]) -> list[tuple[str, ...]]:
    """What the parser sees in a paragraph, with `links` taken for their words unless they are inside another link."""
    tokens: list[Token] = []
    _PARSER.inline.parse(content, _PARSER, env, tokens)
    seen: list[tuple[str, ...]] = []
    inside = 0
    for token in tokens:
        inside += token.nesting if token.type in ("link_open", "link_close") else 0
        if token.type != "text" or inside:
            seen.append((token.type, token.content, token.markup, str(token.attrs), str(token.children)))
        elif seen and seen[-1][0] == "plain":
            seen[-1] = ("plain", seen[-1][1] + token.content)
        else:
            seen.append(("plain", token.content))
    return [("plain", _reduced(item[1], links)) if item[0] == "plain" else item for item in seen]


def _reduced(text: str, links: Iterable[Link]) -> str:
    for link in links:
        text = text.replace(link.text, link.words, 1)
    return text
