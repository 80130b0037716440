"""Where in a note's Markdown a wikilink may stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ytsb_tui.services.documents import USER_MARK
from ytsb_tui.services.links.mentions import Mention, Names, names_of
from ytsb_tui.services.links.prose import with_links
from ytsb_tui.services.pdf.obsidian import parser

TITLES = {
    "Hash_Tables": "Hash Tables",
    "Gradient_Descent": "Gradient Descent",
    "深度学习": "深度学习",
    "Foo_(b)_*": "Foo Bar",
}
OURS = re.compile(r"\[\[(?:Hash_Tables|Gradient_Descent|深度学习|Foo_\(b\)_\*)(?:\|([^\[\]]*))?\]\]")
PLAIN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def find(text: str) -> Iterator[Mention]:
    names = Names()
    for stem, title in TITLES.items():
        names.put(f"CS/{stem}.md", names_of(title, (), ()))
    return names.find(text)


def unlinked(text: object) -> str:
    """A text with our links taken for their words."""
    return OURS.sub(lambda link: link[1] or link[0][2:-2], str(text))


@pytest.mark.parametrize(
    "untouchable",
    [
        "`hash tables`",
        "```\nhash tables\n```",
        "    hash tables",
        "[hash tables](https://example.com)",
        "[about hash tables here](https://example.com)",
        "![hash tables](image.png)",
        "[[hash tables]]",
        "[[Other|hash tables]]",
        "![[hash tables]]",
        "### Hash tables",
        "Hash tables\n---",
        "https://example.com/hash tables",
        "<https://example.com/hash-tables>",
        "www.example.com/hash-tables",
        "<b>hash tables</b>",
        "<div>\nhash tables\n</div>",
        "<!-- hash tables -->",
        "$hash tables$",
        "$$\nhash tables\n$$",
        "$$\nx\n\nhash tables\n\n$$",
        "%% hash tables %%",
        "%%\nhash\n\nhash tables\n%%",
        "| hash tables | x |\n|---|---|\n| hash tables | y |",
        "> [!note] Hash tables\n> are meant.",
        "#hash-tables",
        "[^hash tables]",
        "hash tables@example.com",
        "hash\ntables",
    ],
)
def test_only_plain_words_are_linked(untouchable: str) -> None:
    assert with_links(untouchable, find) == (untouchable, [])
    assert with_links(f"## Section\n\n{untouchable}\n", find) == (f"## Section\n\n{untouchable}\n", [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- **Hash tables** are fast.", "- **[[Hash_Tables|Hash tables]]** are fast."),
        ("1. a\n   > *hash tables*", "1. a\n   > *[[Hash_Tables|hash tables]]*"),
        ("> [!note] Title\n> Hash tables.", "> [!note] Title\n> [[Hash_Tables|Hash tables]]."),
        ("`x` and hash tables\nand $y$", "`x` and [[Hash_Tables|hash tables]]\nand $y$"),
        ("Line\r\nhash tables\r\nend", "Line\r\n[[Hash_Tables|hash tables]]\r\nend"),
        ("```\n%%time\n```\n\nhash tables", "```\n%%time\n```\n\n[[Hash_Tables|hash tables]]"),
    ],
)
def test_plain_words_are_linked_wherever_they_are(before: str, after: str) -> None:
    assert with_links(before, find) == (after, ["CS/Hash_Tables.md"])


WORDS = ("hash tables", "Gradient descent", "深度学习", "foo bar", "hash", "tables", "a", "https://", "&amp;")
SPACES = (" ", "\n", "\n\n", "\r\n", "\t", "    ")
INLINE = (
    "*",
    "**",
    "_",
    "`",
    "``",
    "~~",
    "==",
    "[",
    "]",
    "](x)",
    "[[",
    "]]",
    "!",
    "(",
    ")",
    "|",
    "\\",
    "$",
    "$$",
    "%%",
    ":",
)
HTML = ("<", ">", "<b>", "</b>", "<a href='", "<!--", "-->")
BLOCKS = (
    "```\n",
    "---",
    "===",
    "- ",
    "1. ",
    "> ",
    "# ",
    "> [!note] ",
    "|-|-|",
    "-|-\n",
    ":-:",
    "[hash tables]: /url\n",
)
PIECES = st.sampled_from((*WORDS, *SPACES, *INLINE, *HTML, *BLOCKS))


def everything(tokens: list[Token]) -> list[tuple[object, ...]]:
    """What a parser sees: every token, with our links taken for their words."""
    seen: list[tuple[object, ...]] = []
    for token in tokens:
        if token.type == "text" and seen and seen[-1][0] == "text":
            seen[-1] = ("text", f"{seen[-1][1]}{token.content}")
        elif token.type == "text":
            seen.append(("text", token.content))
        elif not token.type.startswith("wikilink"):
            text = "" if token.type == "inline" else token.content
            seen.append((token.type, token.tag, token.map, token.markup, str(token.attrs), token.info, text))
        seen += everything(token.children or [])
    return [("text", unlinked(item[1])) if item[0] == "text" else item for item in seen]


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES | st.text(max_size=3), max_size=40))
def test_links_change_nothing_else_that_a_parser_sees(pieces: list[str]) -> None:
    text = "".join(pieces)
    linked, notes = with_links(text, find)
    assert (linked == text) == (not notes)
    assert unlinked(linked) == unlinked(text)
    assert everything(PLAIN.parse(linked)) == everything(PLAIN.parse(text))
    if "<" not in text and "==" not in text:  # the PDF's parser takes HTML for text, and highlights over code
        assert everything(parser().parse(linked)) == everything(parser().parse(text))


def test_nothing_is_linked_before_the_first_section_or_below_the_users_mark() -> None:
    text = f"---\ntitle: hash tables\n---\n# T\n\nhash tables\n\n## S\n\nx\n\n{USER_MARK}\n\nhash tables\n"
    assert with_links(text, find) == (text, [])


def test_a_list_of_links_does_not_stand_in_for_a_link_in_a_sentence() -> None:
    text = "## Core\n\nhash tables\n\n## Related\n\n- [[Hash_Tables|Hash Tables]]\n"
    assert with_links(text, find)[0] == text.replace("hash tables", "[[Hash_Tables|hash tables]]")
