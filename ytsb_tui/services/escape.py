"""Outside text inside Markdown: one-line text shown as it is, and Markdown made harmless.

A note is not only looked at: Obsidian's plugins run code blocks of certain
names, inline code that begins with `=` and `<% ... %>` anywhere, and a click
on `obsidian://` or `file://` does what the address says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST_PARAGRAPH = 20_000
"""Characters. A Markdown parser's time grows with the square of what a paragraph has."""

LONGEST_FOOTNOTE = 60
"""Characters of a footnote's name."""

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Controls and lone surrogates: characters no text needs."""
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])
"""Marks that reorder the text around them, and the byte order mark."""

_BACKSLASHED = re.compile(r"[\\`*_{}\[\]#]")
_ENTITIES = {"<": "&lt;", "$": "&#36;", "%": "&#37;", "^": "&#94;", "~": "&#126;", "=": "&#61;"}
_ENTITY = re.compile(r"[<$]|%(?=%)|\^|~(?=~)|=(?==)")
_AMPERSAND = re.compile(r"&(?=#?\w+;)")
_BLOCK_START = re.compile(r"^(?:([-+>=~:|])|(\d+)([.)]))")

_FENCE = re.compile(r"(`{3,}+|~{3,}+)[ \t]*+([^\s`~]*+).*$", re.MULTILINE)
_CODE = re.compile(r"(?<![`\\])(`++)(?!`).+?(?<!`)\1(?!`)")
_QUERY = re.compile(r"`+\s*\$?=.*\w", re.DOTALL)
"""Inline code that a plugin would run."""
_TAG = re.compile(r"<(?=[A-Za-z/!?%])")
_NAMED_FENCE = re.compile(r"(`{3,}+|~{3,}+)[ \t]*+([^\s`~]++)")
_QUERY_START = re.compile(r"(?<!`)`++(?=\s*\$?=)")
_SCRIPT_START = re.compile(r"(?<!`)`++(?=\s*\$=)")
_ELSEWHERE = r"(?=[(:]\s*+(?!<?https?://|#[\w%-]*\)))"
"""What after a bracket leads neither to the web nor to a heading of the same note."""
_LINK = re.compile(rf"(?<!\\)(\\*+)\]{_ELSEWHERE}", re.IGNORECASE)
_FORMULA = re.compile(r"\$\$.*?\$\$|\$(?=[^\s$])[^$\n]*?(?<=\S)\$")
_MEANT_IN_FORMULAS = re.compile(rf"{_TAG.pattern}|\]{_ELSEWHERE}", re.IGNORECASE)
_LANGUAGE = re.compile(r"[\w+#.-]*")
_ADDRESS = re.compile(r"(?<![A-Za-z0-9+.-])(?!https?:)([A-Za-z][A-Za-z0-9+.-]*+)://", re.IGNORECASE)

_NAMES = (
    "ada agda algorithm apl asm assembly awk bash basic bat bibtex c c# c++ clojure cmake cmd cobol console coq cpp cs "
    "csharp css csv cuda cypher d dart delphi diff docker dockerfile dot elixir elm erb erlang f# fish fortran fsharp "
    "glsl go golang graphql graphviz groovy h haskell hcl hlsl html http ini java javascript jinja js json json5 jsonc "
    "jsx julia kotlin latex lean less lisp llvm lua make makefile markdown math mathematica matlab md mermaid nasm "
    "nginx nim objc objective-c ocaml octave opencl output pascal patch perl php plaintext powershell prolog proto "
    "protobuf ps1 pseudo pseudocode py python python3 r racket rb regex ruby rust sage sass scala scheme scss sed sh "
    "shell sml solidity sparql sql stan svelte svg swift systemverilog tcl terraform tex text toml ts tsx txt "
    "typescript vb verilog vhdl vue wasm xml yaml yml zig zsh"
)
_LANGUAGES = frozenset(_NAMES.split())
"""What a block of code may be called; other names may be a plugin's, which would run it."""


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
    """An author's Markdown without raw HTML, images, embeds or Obsidian comments; code is kept, none is run.

    Links lead to the web or to a heading, or nowhere.

    A fence that is never closed is closed, so that it cannot swallow what follows.
    """
    lines, tamed_lines, done = _clean_lines(markdown), list[str](), 0
    for begin, end, unclosed in _fences(lines):
        tamed_lines += _prose(lines[done:begin])
        tamed_lines += [
            _FENCE.sub(_opening, lines[begin], count=1),
            *map(_inside_code, lines[begin + 1 : end]),
            *unclosed,
        ]
        done = end
    tamed_lines += _prose(lines[done:])
    tamed = "\n".join(tamed_lines).strip("\n")
    return tamed if _is_tame(tamed) else _disarm(tamed)


def _fences(lines: Sequence[str]) -> Iterator[tuple[int, int, Sequence[str]]]:
    """Where blocks of code begin and end, in lists and quotes too; and the end that one lacks which is never closed."""
    text = "\n".join(lines)
    for block in _parser().parse(text) if _FENCE.search(text) else ():
        if block.type == "fence" and block.map:
            begin, end = block.map
            last = lines[end - 1].strip() if end - 1 > begin else ""
            is_closed = last.startswith(block.markup) and not last.strip(block.markup[0])
            yield begin, end, () if block.level or is_closed else (block.markup,)


def _opening(fence: re.Match[str]) -> str:
    return fence[1] + _language(fence[2])


def _inside_code(line: str) -> str:
    """`line` of a block of code, and harmless where others see none."""
    return _unnamed(_SCRIPT_START.sub("", line))


def _clean_lines(markdown: str) -> list[str]:
    return _UNWANTED.sub("", markdown.replace("\r\n", "\n").translate(_BIDI)).split("\n")


def _prose(lines: Iterable[str]) -> Iterator[str]:
    """Lines outside blocks of code; a formula may go over several."""
    in_formula = False
    for line in lines:
        begins_or_ends = line.count("$$") % 2 == 1
        yield _outside_code(_spaced(line) if in_formula or begins_or_ends else line)
        in_formula = in_formula != begins_or_ends and bool(line.strip())


def _spaced(formula: str) -> str:
    """A formula in which nothing can be a tag or link: by blanks, for escapes would be read as a part of it."""
    return _MEANT_IN_FORMULAS.sub(r"\g<0> ", formula)


def _outside_code(line: str) -> str:
    """`line` with everything but its code spans disarmed."""
    pieces, done = [], 0
    for code in _CODE.finditer(line):
        is_query = _QUERY.match(code[0])
        pieces += [_disarm(line[done : code.start()]), literal(code[0].strip("`")) if is_query else code[0]]
        done = code.end()
    return "".join([*pieces, _disarm(line[done:])])


def _disarm(text: str) -> str:
    text = _FORMULA.sub(lambda formula: _spaced(formula[0]), text)
    text = _TAG.sub("&lt;", text).replace("![", "!\\[").replace("%%", "&#37;&#37;")
    text = _unnamed(text)
    text = _QUERY_START.sub(lambda ticks: "\\`" * len(ticks[0]), text)
    text = _LINK.sub(_unlinked, text)
    return _ADDRESS.sub(r"\1&#58;//", text)


def _unlinked(end: re.Match[str]) -> str:
    """The bracket that ends a link's words, escaped unless it is already, or ends the name of a footnote."""
    before = end.string[max(0, end.start() - LONGEST_FOOTNOTE) : end.start()].rpartition("[^")
    is_footnote = end.string[end.end()] == ":" and before[1] and not {"]", "\n"} & set(before[2])
    return end[0] if is_footnote or len(end[1]) % 2 else f"{end[1]}\\]"


def _unnamed(text: str) -> str:
    """`text` with no block of code in it that a plugin would take for its own."""
    return _NAMED_FENCE.sub(_opening, text)


def _language(name: str) -> str:
    """What a block of code that is called `name` may be called; one without a name has none."""
    known = _LANGUAGE.match(name)
    return known[0] if known and (not name or known[0].lower() in _LANGUAGES) else "text"


def is_parsable(markdown: str) -> bool:
    """Whether a Markdown parser comes to an end with it: nobody writes paragraphs of 20,000 characters."""
    return _are_bearable(_parser().parse(markdown))


def _is_tame(markdown: str) -> bool:
    """Whether a Markdown parser agrees, in bearable time, that nothing but text, links and idle code is left."""
    parser, definitions = _parser(), dict[str, Any]()
    blocks = parser.parse(markdown, definitions)
    if not _are_bearable(blocks):
        return False
    tokens = list(blocks)
    for block in blocks:
        if block.type == "inline":
            tokens += parser.inline.parse(block.content, parser, definitions, [])
    return not any(map(_is_active, tokens))


def _is_active(token: Token) -> bool:
    match token.type:
        case "html_block" | "html_inline" | "image":
            return True
        case "fence":
            name = token.info.split(maxsplit=1)[:1]
            return bool(name) and _language(name[0]) != name[0]
        case "code_inline":
            return _QUERY.match(f"`{token.content}") is not None
        case "link_open":
            return not str(token.attrs["href"]).lower().startswith(("http://", "https://", "#"))
    return False


@cache
def _parser() -> MarkdownIt:
    """Takes a text apart into blocks, and leaves what is in their lines alone: that may take for ever."""
    from ytsb_tui.services.commonmark import commonmark, shared

    parser = commonmark().disable("inline")
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return shared(parser)


def _are_bearable(blocks: Sequence[Token]) -> bool:
    return all(len(block.content) <= LONGEST_PARAGRAPH for block in blocks if block.type == "inline")
