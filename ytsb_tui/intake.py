"""Intake: from pasted text or dropped files to sources, duplicates, and a reason for each refused line.

A line is read for caption files and links, else for bare video ids and
@handles; what stands around them is prose. Every line that is not blank and not a comment
ends as a source, a duplicate or a refusal: nothing is lost. A `#` at the start
of a line, or with a blank on both sides, starts a comment. A web page is read
for its links to YouTube alone: whatever else it says is no mistake of the user.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ytsb_tui import caption_file, plaintext, source
from ytsb_tui.errors import BadCaptions, UsageError
from ytsb_tui.source import Source

NOTHING = "There is no link, video id or caption file in this line."
MISSING = "There is no such file."
NOTHING_IN_PAGE = "There is no link to YouTube in this page."
PAGES = (".html", ".htm")
"""What the name of a saved web page ends in, in lower case."""

BULLET = re.compile(r"\A(?:[-*+•–]|\d{1,4}[.)])\s+")
COMMENT = re.compile(r"\s#(?:\s|$)")
TOKEN = re.compile(r""""[^"]*"|'[^']*'|(?:\\.|[^\s\\])+""")
"""What a shell or a terminal makes of a dropped file's name: quoted, or blanks behind backslashes."""
ANCHORED = re.compile(r"file://|~\w*/|/[^/]|\.{1,2}[\\/]|[A-Za-z]:[\\/]", re.IGNORECASE)

PAGE = re.compile(r"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
HREF = re.compile(r"\bhref\s{0,9}=", re.IGNORECASE)
"""What a line of HTML that links to something has."""
RELATIVE = re.compile(
    r"""(\bhref\s{0,9}=\s{0,9}["']?)(?=/(?:watch\?v=|shorts/|live/)[A-Za-z0-9_-]{11}(?![\w-]))""", re.IGNORECASE
)
"""Before a link to a video in a page that YouTube itself served."""

OWN_PAGE = re.compile(
    r"ytInitialData|ytcfg\.set|saved from url=\(\d{1,9}\)https?://(?:\w{1,9}\.)?youtube\.com"
    r'|og:site_name"\s{1,9}content="YouTube"',
    re.IGNORECASE,
)
"""What a page has that was saved from YouTube: a link to a channel or list on every hand, which nobody asked for."""

AMPERSAND = re.compile(r"&(?:(?:amp|#38|#x26);)+", re.IGNORECASE)
ESCAPED = re.compile(r"\\(?=[_?=&.~*#!+-])")
"""Backslashes that Markdown editors and shells put into links."""
BETWEEN = re.compile(r"[\s<>\"'`()\[\]{}|,;、。「」『』【】《》〈〉“”‘’«»„\u200c\u200d]+")
"""What separates links from each other and from prose; no YouTube link has one of these inside."""
LINK = re.compile(
    r"https?://|(?<![A-Za-z0-9.@_-])[A-Za-z0-9.@_-]{0,255}youtu(?:be(?:-nocookie)?\.com|\.be)[A-Za-z0-9.@_-]{0,255}/",
    re.IGNORECASE,
)
"""Where a link begins: at its scheme, or at the host where it has none."""
INSIDE = re.compile(r"[/@]|\w\.\w")
"""What before a link makes it a part of another one: `evil.example/https://youtu.be/...`."""


@dataclass(frozen=True)
class Refused:
    """What could not be taken, and why."""

    line: int
    text: str
    reason: str

    @property
    def is_prose(self) -> bool:
        """Whether it names nothing at all: words around the links of a list, and no mistake."""
        return self.reason == NOTHING


@dataclass(frozen=True)
class Duplicate:
    """A source that was named before."""

    line: int
    text: str
    first_line: int


@dataclass(frozen=True)
class Intake:
    """What was understood of a text."""

    sources: tuple[Source, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    refused: tuple[Refused, ...] = ()

    def split(self, done: Container[str]) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
        """The new sources, and those whose id is among the `done` ones of a vault."""
        return (
            tuple(item for item in self.sources if item.id not in done),
            tuple(item for item in self.sources if item.id in done),
        )


def read(text: str, *, base: Path) -> Intake:
    """Everything `text` names; relative paths start at `base`.

    A text file that `is_list` is read in its place, relative to its folder.
    """
    sources: dict[str, Source] = {}
    duplicates: list[Duplicate] = []
    refused: list[Refused] = []
    for item in _items(text, base, lists=True):
        if isinstance(item, Refused):
            refused.append(item)
        elif (first := sources.setdefault(item.id, item)) is not item:
            duplicates.append(Duplicate(item.line, item.text, first.line))
    return Intake(tuple(sources.values()), tuple(duplicates), tuple(refused))


def is_list(text: str) -> bool:
    """Whether a text file is a list of sources rather than a transcript.

    It is when it names at least one source for every twenty words: titles
    and headings may stand beside the links, but speech may not. The first
    50,000 characters decide.
    """
    words = named = 0
    for _, line in _lines(text[:50_000]):
        names, rest = _file_names(line)
        words += len(line.split())
        named += sum(map(_is_caption_name, names)) + (len(_links(rest)) or len(_bare(rest)))
    return named > 0 and words <= 20 * named


def _items(text: str, base: Path, *, lists: bool, page: bool = False) -> Iterator[Source | Refused]:
    page = page or PAGE.match(text) is not None
    only_videos = page and (OWN_PAGE.search(text) or RELATIVE.search(text))
    for number, line in _lines(text):
        for item in _read_page_line(line) if page else _read_line(line, base, lists=lists):
            if not only_videos or isinstance(item, Refused) or item.kind == "video":
                yield replace(item, line=number)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines that are neither blank nor comments, without bullets and trailing comments."""
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = plaintext.visible(line).strip()
        if not line or line.startswith("#"):
            continue
        if HREF.search(line):  # the title of a link may have a #
            yield number, RELATIVE.sub(r"\1https://www.youtube.com", line)
        else:
            yield number, BULLET.sub("", COMMENT.split(line, maxsplit=1)[0], count=1)


def _read_page_line(line: str) -> Sequence[Source | Refused]:
    return [item for item in _read_links(_links(line)) if isinstance(item, Source)] or [Refused(0, line, NOTHING)]


def _read_line(line: str, base: Path, *, lists: bool) -> Sequence[Source | Refused]:
    whole = line.strip("\"'")
    if _is_caption_name(whole) and os.path.isfile(caption_file.named(whole, base)):
        return _read_file(whole, base, lists=lists)
    names, rest = _file_names(line)
    links = _links(rest)
    if names and not links and not any(os.path.exists(caption_file.named(name, base)) for name in names):
        return [Refused(0, line, MISSING)]
    sure = [name for name in names if _is_caption_name(name)]
    items = [item for name in sure for item in _read_file(name, base, lists=lists)] + _read_links(links)
    if not items:
        # Only now: beside a link, the slash of "and/or /etc" is prose.
        items = [item for name in names for item in _read_file(name, base, lists=lists)]
    if not items:
        items = list(_bare(rest))
    return items or [Refused(0, line, NOTHING)]


def _file_names(line: str) -> tuple[list[str], str]:
    """The names of files in a line, and the rest of it."""
    names: list[str] = []
    rest: list[str] = []
    for token in TOKEN.findall(line):
        if len(token) > 1 and token[0] == token[-1] and token[0] in "\"'":
            name = token[1:-1]
        else:
            name = token.rstrip(",;")
            name = name if caption_file.DRIVE.match(name) else re.sub(r"\\(.)", r"\1", name)
        is_name = ANCHORED.match(name) or _is_caption_name(name)
        (names if is_name else rest).append(name if is_name else token)
    return names, " ".join(rest)


def _is_caption_name(name: str) -> bool:
    name = name.lower()
    return name.endswith(caption_file.SUFFIXES) and ("://" not in name or name.startswith("file://"))


def _links(line: str) -> list[str]:
    """Everything in a line that wants to be a link to YouTube, or names another host with its scheme."""
    links = []
    text = ESCAPED.sub("", AMPERSAND.sub("&", unicodedata.normalize("NFKC", line)))
    for chunk in BETWEEN.split(text):
        if hit := LINK.search(chunk):
            start = 0 if INSIDE.search(chunk, 0, hit.start()) else hit.start()
            links.append(chunk[start:].rstrip(".!?:*~"))
    return links


def _bare(line: str) -> list[Source]:
    """The video ids of a line, in cells of a table, each alone or with its like; or its @handles.

    Those have to be all that is there: in prose they are people.
    """
    plain = line.replace("\u200c", "").replace("\u200d", "").partition(" #")[0]
    cells = [[token.strip("\"'`()[]<>*") for token in cell.split()] for cell in re.split(r"[,;|\t]", plain)]
    ids = [token for cell in cells if all(map(source.is_bare_id, cell)) for token in cell]
    if ids:
        return [replace(source.video(name), text=name) for name in ids]
    tokens = [token for cell in cells for token in cell]
    handles = tokens if all(map(source.HANDLE.fullmatch, tokens)) else []
    return [replace(source.from_link(f"www.youtube.com/{name}"), text=name) for name in handles]


def _read_links(links: Sequence[str]) -> list[Source | Refused]:
    """What the links of one line lead to. A link is often its own text, so the same again is no news."""
    items: dict[str, Source | Refused] = {}
    for link in links:
        try:
            found = source.from_link(link)
            items.setdefault(found.id, replace(found, text=link))
        except UsageError as error:
            items[link] = Refused(0, link, str(error))
    return list(items.values())


def _read_file(name: str, base: Path, *, lists: bool) -> list[Source | Refused]:
    path = caption_file.named(name, base)
    suffix = path.suffix.lower()
    is_page = suffix in PAGES
    try:
        data = caption_file.load(path, PAGES if is_page else caption_file.SUFFIXES)
        text = plaintext.decode(data) if is_page or suffix == ".txt" else ""
    except BadCaptions as error:
        return [Refused(0, name, str(error))]
    if not is_page and not is_list(text):
        return [replace(source.from_file(path, data), text=name)]
    if not lists:
        return [Refused(0, name, "A list that is named in a list is not read: name it itself.")]
    items = [
        replace(item, text=f"{path.name}:{item.line} {item.text}")
        for item in _items(text, path.parent, lists=False, page=is_page)
        if isinstance(item, Source) or not is_page
    ]
    return items or [Refused(0, name, NOTHING_IN_PAGE)]
