"""Markdown drawn as lines of a terminal, as Obsidian would show it; readable without colours."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from markdown_it.tree import SyntaxTreeNode
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.strip import Strip

from ytsb_tui.plaintext import visible
from ytsb_tui.services.pdf.obsidian import parser
from ytsb_tui.services.vault.properties import split_properties
from ytsb_tui.ui.page import BAR, Link, Page, Spot

NARROWEST = 12
"""Cells that a text keeps however deep it is nested."""
LEAST_COLUMN = 4
STYLES = (
    *("h1", "h2", "h3", "strong", "em", "s", "code", "mark", "quiet", "web", "note"),
    *("info", "good", "wait", "bad"),
)
"""What a drawing has to be given a style for."""
TONES = {
    **dict.fromkeys(("success", "check", "done", "tip", "hint"), "good"),
    **dict.fromkeys(("warning", "caution", "attention", "question", "help", "faq"), "wait"),
    **dict.fromkeys(("failure", "fail", "missing", "danger", "error", "bug"), "bad"),
}
"""The styles of kinds of callouts; all others are information."""
ONLY_FOR_PAPER = ["directions", "depths", "tables", "long words"]
"""Rules of the parser that prepare for a page of fixed size."""

Line = list[Segment]


def draw(text: str, width: int, styles: Mapping[str, Style], unfolded: frozenset[int] = frozenset()) -> Page:
    """The page of a Markdown file, `width` cells wide.

    Properties and comments are left out. A callout that begins folded shows
    its title only, unless the line of the source it begins on is `unfolded`.
    What is nested too deeply to be laid out is shown as it is written.
    """
    text = text.replace("\r\n", "\n")
    _, begin = split_properties(text)
    drawing = Drawing(styles, unfolded, text.count("\n", 0, begin))
    width = max(width, NARROWEST)
    try:
        markdown = parser()
        markdown.disable(ONLY_FOR_PAPER)
        drawn = list(drawing.page(SyntaxTreeNode(markdown.parse(text[begin:])), width))
    except RecursionError:
        drawing.links.clear()
        drawn = [(0, line) for line in drawing.broken(Text(visible(text[begin:])), width)]
    spots: list[list[Spot]] = [[] for _ in drawing.links]
    for number, (_, line) in enumerate(drawn):
        for link, spot in _linked(number, line):
            spots[link].append(spot)
    return Page(
        tuple(Strip(line) for _, line in drawn),
        tuple(drawing.links),
        tuple(map(tuple, spots)),
        tuple(origin for origin, _ in drawn),
    )


def _linked(number: int, line: Line) -> Iterator[tuple[int, Spot]]:
    """The links of a line and their cells; a blank at which the line was broken is none of them."""
    at = 0
    for place, segment in enumerate(line, 1):
        text = segment.text.rstrip() if place == len(line) else segment.text
        link = segment.style.meta.get("link") if segment.style else None
        if link is not None and text:
            yield link, Spot(number, at, at + cell_len(text))
        at += segment.cell_length


class Drawing:
    """One page, while it is drawn."""

    def __init__(self, styles: Mapping[str, Style], unfolded: frozenset[int], above: int) -> None:
        """`above` is how many lines of the source stand above the text."""
        self.links: list[Link] = []
        self._styles = styles
        self._unfolded = unfolded
        self._above = above
        self._console = Console(file=io.StringIO(), color_system="truecolor", legacy_windows=False)

    def page(self, root: SyntaxTreeNode, width: int) -> Iterator[tuple[int, Line]]:
        """The lines of the whole page, each with the line of the source it comes from."""
        for number, node in enumerate(root.children):
            if number:
                yield self._origin(node), []
            for line in self._block(node, width):
                yield self._origin(node), line

    def broken(self, text: Text, width: int) -> list[Line]:
        """A text, broken into lines."""
        text.overflow = "fold"
        options = self._console.options.update(width=max(width, NARROWEST))
        return self._console.render_lines(text, options, pad=False)

    def _origin(self, node: SyntaxTreeNode) -> int:
        return self._above + (node.map[0] if node.map else 0)

    def _block(self, node: SyntaxTreeNode, width: int) -> list[Line]:
        """The lines of a heading, paragraph, list, ..."""
        match node.type:
            case "heading":
                return self._heading(node, width)
            case "bullet_list" | "ordered_list":
                return self._list(node, width)
            case "blockquote":
                return self._quote(node, width)
            case "table":
                return self._table(node, width)
            case "fence" | "code_block":
                return self._code(node, width)
            case "hr":
                return [[Segment("─" * width, self._styles["quiet"])]]
        if any(child.type == "inline" for child in node.children):
            return self.broken(self._inline(node.children, Style()), width)
        return self._blocks(node.children, width)

    def _blocks(self, nodes: Iterable[SyntaxTreeNode], width: int) -> list[Line]:
        """Blocks below each other, a blank line between them unless they are parts of a tight list."""
        lines: list[Line] = []
        before: SyntaxTreeNode | None = None
        for node in nodes:
            if before is not None and not before.hidden:
                lines.append([])
            lines += self._block(node, width)
            before = node
        return lines

    def _heading(self, node: SyntaxTreeNode, width: int) -> list[Line]:
        level = int(node.tag[1])
        style = self._styles[f"h{min(level, 3)}"]
        lines = self.broken(self._inline(node.children, style), width)
        if level > 2:
            return lines
        longest = max((sum(segment.cell_length for segment in line) for line in lines), default=0)
        under = "━" * width if level == 1 else "─" * longest
        return [*lines, [Segment(under, self._styles["quiet"])]]

    def _list(self, node: SyntaxTreeNode, width: int) -> list[Line]:
        first = int(node.attrs.get("start", 1))
        lines: list[Line] = []
        for number, item in enumerate(node.children, first):
            state = str(item.attrs.get("class", ""))
            if state.startswith("task"):
                bullet = "[x] " if "done" in state else "[ ] "
            elif node.type == "ordered_list":
                bullet = f"{number}. ".rjust(len(str(first + len(node.children) - 1)) + 2)
            else:
                bullet = "• "
            loose = any(child.type == "paragraph" and not child.hidden for child in item.children)
            if lines and loose:
                lines.append([])
            inner = self._blocks(item.children, width - len(bullet)) or [[]]
            indents = [bullet, *[" " * len(bullet)] * (len(inner) - 1)]
            lines += [
                [Segment(indent, self._styles["quiet"]), *line] for indent, line in zip(indents, inner, strict=True)
            ]
        return lines

    def _quote(self, node: SyntaxTreeNode, width: int) -> list[Line]:
        """A quote, or a callout with its title."""
        words = str(node.attrs.get("class", "")).split()
        if not words:
            return self._barred(self._blocks(node.children, width - 2), self._styles["quiet"])
        tone = self._styles[TONES.get(words[1].removeprefix("callout-"), "info")]
        title, *body = node.children
        style = tone + Style(bold=True)
        if "folded" not in words:
            lines = self.broken(self._inline(title.children, style), width - 2)
            return self._barred([*lines, *self._blocks(body, width - 2)], tone)
        origin = self._origin(node)
        is_open = origin in self._unfolded
        style += self._link(Link("fold", str(origin)))
        words_of_title = Text("▾ " if is_open else "▸ ", style)
        words_of_title.append_text(self._inline(title.children, style))
        words_of_title.append("" if is_open else "  hidden", style)
        lines = self.broken(words_of_title, width - 2)
        return self._barred([*lines, *([[], *self._blocks(body, width - 2)] if is_open else [])], tone)

    def _barred(self, lines: Iterable[Line], style: Style) -> list[Line]:
        return [[Segment(f"{BAR} ", style), *line] for line in lines]

    def _code(self, node: SyntaxTreeNode, width: int) -> list[Line]:
        lines = self.broken(Text(visible(node.content.rstrip("\n")).expandtabs(4), self._styles["code"]), width - 2)
        return [[Segment("│ ", self._styles["quiet"]), *line] for line in lines]

    def _table(self, node: SyntaxTreeNode, width: int) -> list[Line]:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, border_style=self._styles["quiet"])
        rows = [row.children for part in node.children for row in part.children]
        for cell in rows[0]:
            align = str(cell.attrs.get("style", "")).removeprefix("text-align:")
            table.add_column(
                self._inline(cell.children, self._styles["strong"]),
                justify="right" if align == "right" else "center" if align == "center" else "left",
                overflow="fold",
                min_width=LEAST_COLUMN,
            )
        for row in rows[1:]:
            table.add_row(*(self._inline(cell.children, Style()) for cell in row))
        return self._console.render_lines(table, self._console.options.update(width=width), pad=False)

    def _inline(self, nodes: Iterable[SyntaxTreeNode], style: Style) -> Text:
        """Text with its emphasis and links."""
        text = Text()
        add = partial(text.append, style=style)
        for node in nodes:
            match node.type:
                case "softbreak" | "hardbreak":
                    add("\n")
                case "code_inline":
                    text.append(visible(node.content), style + self._styles["code"])
                case "image":
                    add(f"[{visible(node.content) or 'image'}]")
                case "link":
                    text.append_text(self._inline(node.children, style + self._web(str(node.attrs.get("href", "")))))
                case "wikilink":
                    link = self._styles["note"] + self._link(Link("note", node.meta["stem"].strip()))
                    text.append_text(self._inline(node.children, style + link))
                case _ if node.children:
                    text.append_text(self._inline(node.children, style + self._styles.get(node.tag, Style())))
                case _:
                    add(visible(node.content))
        return text

    def _web(self, url: str) -> Style:
        """A link to the web; other addresses are only text."""
        return (
            self._styles["web"] + self._link(Link("web", url)) if url.startswith(("https://", "http://")) else Style()
        )

    def _link(self, link: Link) -> Style:
        self.links.append(link)
        return Style(meta={"link": len(self.links) - 1})
