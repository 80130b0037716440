"""A Markdown file as one printable page of HTML: title block, table of contents, text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import pairwise

import yaml
from markdown_it.token import Token

from ytsb_tui.services.pdf.obsidian import direction, parser, plain

_FRONTMATTER = re.compile(r"\A---[ \t]*\n(.*?\n)??---[ \t]*(?:\n|\Z)", re.DOTALL)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*\Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"(?:\d+:)?\d{1,2}:\d{2}\Z")
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff]")
_NUMBERED = re.compile(r"\*\*\d+\.\*\* ")

LABEL = 40
"""Characters to which a paragraph that begins bold is taken for a label of the next."""
LONG = 10_000
"""Characters, wide ones counted twice, from which a table of contents helps: about four pages."""
MANY = 16
"""Headings from which it helps in a shorter text too."""
FEW = 4
"""Headings below which it says nothing."""


@dataclass(frozen=True)
class Heading:
    """A heading below the title."""

    level: int
    words: str
    anchor: str


def page(text: str, name: str) -> str:
    """HTML of the Markdown `text`; `name` is its title when it has none of its own."""
    properties, body = _split(text.replace("\r\n", "\n"))
    markdown = parser()
    tokens = markdown.parse(body)
    if not (tokens and tokens[0].tag == "h1"):
        tokens = [*_title(properties.get("title") or name), *tokens]
    title = plain(tokens[1].children)
    way = direction(title)
    head_end = 3
    if "video_id" in properties and len(tokens) > head_end and tokens[head_end].type == "paragraph_open":
        tokens[head_end].attrs |= {"class": "provenance", "dir": way}
        head_end += 3
    headings = list(_headings(tokens[head_end:]))
    _set_answers_apart(tokens)
    _classify_paragraphs(tokens[head_end:])
    _classify_links(tokens, head_end)

    def html(part: Sequence[Token]) -> str:
        return str(markdown.renderer.render(part, markdown.options, {}))

    language = properties.get("language", "")
    return f"""<!DOCTYPE html>
<html{f' lang="{language}"' if _LANGUAGE.match(language) else ""}>
<head><meta charset="utf-8"><title>{escape(title)}</title><meta name="author" content="ytsb-tui"></head>
<body>
<header dir="{way}">
{_eyebrow(properties)}{html(tokens[:head_end])}</header>
{_contents(headings) if _wants_contents(headings, body) else ""}<main>
{html(tokens[head_end:])}</main>
</body>
</html>"""


def _title(title: str) -> list[Token]:
    words = Token("text", "", 0, content=title)
    return [
        Token("heading_open", "h1", 1, attrs={"dir": direction(title)}, block=True),
        Token("inline", "", 0, children=[words], content=title, block=True),
        Token("heading_close", "h1", -1, block=True),
    ]


def _split(text: str) -> tuple[Mapping[str, str], str]:
    """The properties that are one value each, and the body; frontmatter that is not YAML says nothing."""
    block = _FRONTMATTER.match(text)
    if block is None:
        return {}, text
    try:
        properties = yaml.safe_load(block[1] or "")
    except (yaml.YAMLError, ValueError, RecursionError):
        properties = None
    if not isinstance(properties, dict):
        properties = {}
    simple = {name: str(value) for name, value in properties.items() if isinstance(value, (str, int, float, date))}
    return simple, text[block.end() :]


def _eyebrow(properties: Mapping[str, str]) -> str:
    """The line above the title: subject and day."""
    day = _DAY.match(properties.get("created", ""))
    facts = [properties.get("subject", ""), day[0] if day else ""]
    return f'<p class="eyebrow">{escape(" · ".join(filter(None, facts)))}</p>\n' if any(facts) else ""


def _headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    """The headings, each given an anchor to link to."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            anchor = f"h{opening.map[0]}" if opening.map else "h"
            opening.attrs["id"] = anchor
            yield Heading(int(opening.tag[1]), plain(inline.children), anchor)


def _wants_contents(headings: Sequence[Heading], body: str) -> bool:
    """Whether a table of contents is worth its space, told before anything is laid out."""
    return len(headings) >= MANY or (len(headings) >= FEW and len(body) + len(_WIDE.findall(body)) >= LONG)


def _contents(headings: Sequence[Heading]) -> str:
    lines = [
        f'<li class="level-{heading.level}" dir="{direction(heading.words)}">'
        f'<a href="#{heading.anchor}">{escape(heading.words)}</a></li>'
        for heading in headings
        if heading.level <= 3 and heading.words
    ]
    return "\n".join(["<nav><ol>", *lines, "</ol></nav>\n"])


def _set_answers_apart(tokens: Sequence[Token]) -> None:
    """Begin a page at answers that Obsidian shows closed, and another after them."""
    for index, token in enumerate(tokens):
        if token.attrs.get("class") == "callout callout-success folded":
            start = index - 3 if tokens[index - 1].type == "heading_close" else index
            tokens[start - 1].hidden |= tokens[start - 1].type == "hr"
            after = next(i for i in range(index + 1, len(tokens)) if tokens[i].level == token.level) + 1
            for opening in (tokens[start], *tokens[after : after + 1]):
                opening.attrJoin("class", "apart")


def _classify_paragraphs(tokens: Sequence[Token]) -> None:
    """Keep `**Question 1**` with what follows, and leave room to write below `**1.** ...` that nothing follows."""
    for index, (opening, inline) in enumerate(pairwise(tokens)):
        if opening.type == "paragraph_open" and not opening.hidden and inline.content.startswith("**"):
            following = [token.content for token in tokens[index + 3 : index + 5]]
            if _NUMBERED.match(inline.content) and (not following or _NUMBERED.match(following[-1])):
                opening.attrJoin("class", "unanswered")
            elif len(plain(inline.children)) <= LABEL:
                opening.attrJoin("class", "label")


def _classify_links(tokens: Sequence[Token], head_end: int) -> None:
    """Draw the link to the video as a button, and links to its minutes as such."""
    for index, inline in enumerate(tokens):
        children = inline.children or ()
        for link, words in pairwise(children):
            if link.type == "link_open" and link.tag == "a":
                if _TIME.match(words.content):
                    link.attrs["class"] = "time"
                elif index < head_end:
                    link.attrs["class"] = "button"
