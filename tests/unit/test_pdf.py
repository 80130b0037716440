"""PDFs: what a reader sees, what a note cannot do, and what becomes of the processes that draw."""

from __future__ import annotations

import errno
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.children import children
from ytsb_tui.errors import Cancelled, Ours, RenderFailed, Stopped, UsageError
from ytsb_tui.services.pdf.page import page
from ytsb_tui.services.pdf.pango import install_hint, missing
from ytsb_tui.services.pdf.renderer import PdfRenderer, find_theme

NO_THEMES = Path("no-such-folder")
ENDLESS = "\n\n".join(f"## Part {n}\n\n" + "word " * 200 for n in range(4000))

FRAGMENTS = [
    *"[]()!<>`*=%|\n#-: \\\"'$&;aم",
    *("[x](javascript:x)", "[x](data:text/html,x)", "![](file:///x)", "<script>", "<img src=x onerror=y>"),
    *("> [!note]-", "- [ ] ", "---", "```", "<!--", "[[x|", "|a|b|\n|-|-|\n"),
]

needs_pango = pytest.mark.skipif(missing() is not None, reason="pango is not installed")
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


class Patient:
    """A watch that never says stop."""

    def progress(self, fraction: float | None, text: str = "") -> None:
        pass

    def check(self) -> None:
        pass


class Meddling(Patient):
    """A watch that does something while a note is drawn."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act
        self.drawing = False

    def progress(self, fraction: float | None, text: str = "") -> None:
        self.drawing = True

    def check(self) -> None:
        if self.drawing:
            self.drawing = False
            self.act()


@pytest.fixture(scope="module")
def renderer() -> Iterator[PdfRenderer]:
    renderer = PdfRenderer("obsidian", NO_THEMES, processes=1)
    yield renderer
    renderer.close()


def draw(renderer: PdfRenderer, folder: Path, text: str | bytes, name: str = "Note") -> Path:
    source = folder / f"{name}.md"
    source.write_bytes(text.encode() if isinstance(text, str) else text)
    target = folder / "pdfs" / f"{name}.pdf"
    renderer.render(source, target, Patient())
    assert [path.name for path in target.parent.glob(".*")] == []
    return target


def words(pdf: Path, *options: str) -> str:
    return subprocess.run(["pdftotext", *options, pdf, "-"], check=True, capture_output=True, text=True).stdout


def info(pdf: Path) -> dict[str, str]:
    lines = subprocess.run(["pdfinfo", pdf], check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "style") or name[:2] == "on"]


def test_a_wikilink_is_its_words_and_a_link_to_a_file_only_text() -> None:
    html = page("[[Some_Stem|the other note]], [[Stem#Part]], ![[Map.png]] and [here](../x.md)", "Note")
    assert '<span class="wikilink">the other note</span>' in html
    assert '<span class="wikilink">Stem › Part</span>' in html
    assert "<span>here</span>" in html
    assert "[[" not in html


def test_frontmatter_and_comments_are_left_out_but_code_is_kept() -> None:
    shown = "seen %%hidden%% too\n\n%% a\nhidden\nblock %%\n\n```\n%% code %%\n```\n"
    html = page(f"---\nlanguage: de\nconcepts: [x]\n---\n{shown}", "Note")
    assert '<html lang="de">' in html
    assert "concepts" not in html
    assert "hidden" not in html
    assert "seen  too" in html
    assert "%% code %%" in html


def test_a_callout_is_a_box_with_a_title() -> None:
    html = page("> [!tip]+ Remember\n> this\n\n> [!warning]\n> that\n\n> said somebody", "Note")
    assert '<div class="callout callout-tip">\n<p class="callout-title">Remember</p>\n<p>this</p>\n</div>' in html
    assert '<p class="callout-title">Warning</p>\n<p>that</p>' in html
    assert "<blockquote>\n<p>said somebody</p>" in html


def test_tasks_highlights_and_line_breaks_look_as_in_obsidian() -> None:
    html = page("- [ ] open\n- [x] done\n\n==marked== and<br>broken\nhere", "Note")
    assert '<li class="task">open</li>' in html
    assert '<li class="task done">done</li>' in html
    assert "<mark>marked</mark> and<br>\nbroken<br>\nhere" in html


def test_the_link_to_the_video_is_a_button_and_a_time_is_not() -> None:
    html = page(
        "---\nvideo_id: x\n---\n# T\n\n[Watch](https://a.example) · 1:00\n\n[1:30](https://a.example/?t=90)", "N"
    )
    assert '<a href="https://a.example" class="button">' in html
    assert '<a href="https://a.example/?t=90" class="time">' in html


def test_each_block_runs_in_the_direction_of_its_own_first_letter() -> None:
    html = page("# مدخل\n\nمقدار (English)\n\nEnglish مقدار\n\n- نقطة", "Note")
    assert '<h1 dir="rtl">' in html
    assert '<p dir="rtl">' in html
    assert '<p dir="ltr">' in html
    assert '<ul dir="rtl">' in html


def test_properties_that_are_not_plain_values_say_nothing() -> None:
    html = page("---\ntitle: &a [x, x]\nlanguage: 'en\"><script>'\nsubject: {a: 1}\n---\ntext", "Name")
    assert "<title>Name</title>" in html
    assert "<html>" in html
    assert "eyebrow" not in html


@given(st.lists(st.sampled_from(FRAGMENTS)))
def test_whatever_a_note_says_its_page_has_no_tag_that_runs_or_loads(parts: list[str]) -> None:
    seen = Tags(page("".join(parts), "Note"))
    assert not seen.tags & {"script", "style", "link", "iframe", "object", "embed", "svg", "base", "form"}
    assert all(address == "x" or address.startswith(("http", "mailto:", "#")) for address in seen.addresses)


def test_a_paragraph_that_never_ends_is_shown_as_written_and_a_long_list_is_a_list() -> None:
    html = page("- item with *stress*\n" * 2_000 + "\n\n" + "*a " * 20_000, "Note")
    assert html.count("<em>stress</em>") == 2_000
    assert "*a *a *a" in html


def test_an_unknown_theme_is_named_with_the_closest_and_all_there_are(tmp_path: Path) -> None:
    (tmp_path / "mine.css").write_text("")
    with pytest.raises(
        UsageError, match=r"`obsidain`. Did you mean `obsidian`\? There are: academic, .*mine.*obsidian"
    ):
        find_theme("obsidain", tmp_path)
    with pytest.raises(UsageError):
        find_theme("../mine", tmp_path / "sub")
    assert find_theme("mine", tmp_path) == tmp_path / "mine.css"


def test_the_hint_says_what_to_install() -> None:
    assert "pango" in install_hint()


@needs_pango
@needs_poppler
@pytest.mark.parametrize("theme", ["obsidian", "academic", "minimal", "default"])
def test_every_theme_draws_a4_with_title_header_and_page_numbers(theme: str, tmp_path: Path) -> None:
    renderer = PdfRenderer(theme, NO_THEMES)
    pdf = draw(renderer, tmp_path, "# Entropy & Bits\n\n" + "Some words to read. " * 900)
    renderer.close()
    facts = info(pdf)
    assert "A4" in facts["Page size"]
    assert facts["Title"] == "Entropy & Bits"
    assert facts["Author"] == "ytsb-tui"
    assert int(facts["Pages"]) > 2
    assert "Entropy & Bits" in words(pdf, "-f", "2", "-l", "2")
    assert f"2/{facts['Pages']}" in words(pdf, "-f", "2", "-l", "2")


@needs_pango
@needs_poppler
def test_chinese_and_arabic_can_be_read_and_searched(renderer: PdfRenderer, tmp_path: Path) -> None:
    text = words(draw(renderer, tmp_path, "---\nlanguage: zh-TW\n---\n# 資訊熵\n\n平均驚訝程度\n\nالإنتروبيا تقيس"))
    assert "資訊熵" in text
    assert "平均驚訝程度" in text
    assert "تقيس" in text


@needs_pango
@needs_poppler
def test_only_a_long_note_has_a_table_of_contents(renderer: PdfRenderer, tmp_path: Path) -> None:
    part = "\n\n## Part {}\n\n" + "Some words to read. " * 200
    short = draw(renderer, tmp_path, "# T" + part.format(1), "Short")
    long = draw(renderer, tmp_path, "# T" + "".join(part.format(n) for n in range(1, 7)), "Long")
    assert words(short).count("Part 1") == 1
    assert words(long).count("Part 1") == 2
    assert words(long, "-layout", "-l", "1").count("....") >= 6


@needs_pango
@needs_poppler
def test_model_answers_have_a_page_of_their_own(renderer: PdfRenderer, tmp_path: Path) -> None:
    text = "# Q\n\nQuestion\n\n---\n\n> [!success]- Model answers\n> The answer\n\n## My Answers\n\n**1.** Question"
    pages = words(draw(renderer, tmp_path, text)).split("\f")
    assert ["The answer" in page for page in pages[:3]] == [False, True, False]
    assert "My Answers" in pages[2]


@needs_pango
@needs_poppler
def test_nothing_runs_off_the_page(renderer: PdfRenderer, tmp_path: Path) -> None:
    long = "x" * 10_000
    row = "|".join(["https://example.org/" + "y" * 90] * 9)
    pdf = draw(
        renderer, tmp_path, f"# {long}\n\n{long}\n\n`{long}`\n\n```\n{long}\n```\n\n|{row}|\n|{'-|' * 9}\n|{row}|"
    )
    boxes = words(pdf, "-bbox").split('xMax="')[1:]
    assert max(float(box.split('"')[0]) for box in boxes) < 595


@needs_pango
@needs_poppler
def test_neither_a_note_nor_a_theme_can_load_anything(tmp_path: Path) -> None:
    (tmp_path / "secret.css").write_text("body::before { content: 'STOLEN' }")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        there = f"http://127.0.0.1:{server.getsockname()[1]}"
        here = (tmp_path / "secret.css").as_uri()
        themes = tmp_path / "themes"
        themes.mkdir()
        (themes / "sly.css").write_text(
            f"@import '{here}'; @import '{there}/a.css'; @font-face {{ font-family: F; src: url({there}/f.woff2) }}"
            f"body {{ background: url({there}/b.png); font-family: F }} h1::after {{ content: url({here}) }}"
        )
        renderer = PdfRenderer("sly", themes)
        html = f'<link rel="stylesheet" href="{here}"> <img src="{there}/d.png">'
        seen = words(draw(renderer, tmp_path, f"![the alt text]({there}/c.png) ![]({here}) {html}"))
        renderer.close()
        with pytest.raises(BlockingIOError):
            server.accept()
    assert "STOLEN" not in seen
    assert "the alt text" in seen


@needs_pango
def test_a_file_that_cannot_be_drawn_says_so_and_the_next_one_is(renderer: PdfRenderer, tmp_path: Path) -> None:
    with pytest.raises(RenderFailed, match=r"Latin.md cannot be drawn: it is not UTF-8 text"):
        draw(renderer, tmp_path, b"caf\xe9", "Latin")
    with pytest.raises(RenderFailed, match="nested too deeply"):
        draw(renderer, tmp_path, ">" * 3000 + " deep", "Deep")
    with pytest.raises(RenderFailed, match="it is gone"):
        renderer.render(tmp_path / "Gone.md", tmp_path / "Gone.pdf", Patient())
    assert draw(renderer, tmp_path, "", "Empty").stat().st_size > 0
    assert draw(renderer, tmp_path, ">" * 500 + " deep", "Quoted").stat().st_size > 0


@needs_pango
def test_where_no_pdf_can_be_written_the_system_is_blamed(renderer: PdfRenderer, tmp_path: Path) -> None:
    (tmp_path / "pdfs").write_text("a file in the way")
    with pytest.raises(Ours, match=r"writing Note.pdf"):
        draw(renderer, tmp_path, "text")


class Moving(Patient):
    """A watch that has a folder moved once the drawing begins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def progress(self, fraction: float | None, text: str = "") -> None:
        self.folder.rename(self.folder.with_name("Moved"))


@needs_pango
def test_a_folder_that_is_moved_while_a_note_is_drawn_fails_that_drawing_only(
    renderer: PdfRenderer, tmp_path: Path
) -> None:
    """Somebody tidies up in Obsidian: nothing is wrong with this machine, and the others go on."""
    source, folder = tmp_path / "Note.md", tmp_path / "Physics"
    source.write_text("# Note\n")
    folder.mkdir()
    with pytest.raises(RenderFailed, match=r"Note\.md cannot be drawn: its folder is gone"):
        renderer.render(source, folder / "Note.pdf", Moving(folder))
    assert not folder.exists()


@needs_pango
def test_a_drawing_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    renderer = PdfRenderer("obsidian", NO_THEMES, deadline=0.5)
    (tmp_path / "Note.md").write_text(ENDLESS)
    with pytest.raises(RenderFailed, match=r"Note.md took longer than 0.5 seconds"):
        renderer.render(tmp_path / "Note.md", tmp_path / "Note.pdf", Patient())
    renderer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["Note.md"]


@needs_pango
@needs_linux
def test_a_renderer_that_dies_fails_one_drawing_only(tmp_path: Path) -> None:
    renderer = PdfRenderer("obsidian", NO_THEMES)
    (tmp_path / "Note.md").write_text(ENDLESS)
    before = set(children())

    def kill() -> None:
        (child,) = set(children()) - before
        os.kill(child, signal.SIGKILL)

    with pytest.raises(RenderFailed, match=r"Note.md cannot be drawn: the renderer was ended by SIGKILL"):
        renderer.render(tmp_path / "Note.md", tmp_path / "Note.pdf", Meddling(kill))
    assert draw(renderer, tmp_path, "text").exists()
    renderer.close()


@needs_pango
def test_a_cancelled_drawing_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    renderer = PdfRenderer("obsidian", NO_THEMES, processes=1)
    (tmp_path / "Note.md").write_text(ENDLESS)

    def cancel() -> None:
        raise Cancelled("x")

    with pytest.raises(Cancelled):
        renderer.render(tmp_path / "Note.md", tmp_path / "Note.pdf", Meddling(cancel))
    assert [path.name for path in tmp_path.iterdir()] == ["Note.md"]
    assert draw(renderer, tmp_path, "text").exists()
    renderer.close()


@needs_pango
@needs_linux
def test_closing_ends_the_children_and_the_drawings_under_way(tmp_path: Path) -> None:
    renderer = PdfRenderer("obsidian", NO_THEMES)
    (tmp_path / "Note.md").write_text(ENDLESS)
    before = set(children())
    with pytest.raises(Stopped):
        renderer.render(tmp_path / "Note.md", tmp_path / "Note.pdf", Meddling(renderer.close))
    with pytest.raises(Stopped):
        renderer.render(tmp_path / "Note.md", tmp_path / "Note.pdf", Patient())
    assert set(children()) <= before


@needs_pango
@needs_linux
def test_a_child_that_has_drawn_enough_is_replaced(tmp_path: Path) -> None:
    before = set(children())
    renderer = PdfRenderer("obsidian", NO_THEMES, processes=1, drawings=2)
    who = []
    for n in range(5):
        draw(renderer, tmp_path, f"# Note {n}\n")
        who.append(set(children()) - before)
    renderer.close()
    assert who[0] == who[1] != who[2] == who[3] != who[4]
    assert all(len(one) == 1 for one in who)


@needs_pango
@needs_linux
def test_four_workers_share_two_children(tmp_path: Path) -> None:
    renderer = PdfRenderer("obsidian", NO_THEMES, processes=2)
    before = set(children())
    threads = [
        threading.Thread(target=draw, args=(renderer, tmp_path / f"{n}", f"# Note {n}\n\n" + "word " * 500))
        for n in range(4)
    ]
    for n, thread in enumerate(threads):
        (tmp_path / f"{n}").mkdir()
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(tmp_path.glob("*/pdfs/Note.pdf"))) == 4
    assert 1 <= len(set(children()) - before) <= 2
    renderer.close()


PARENT = """
import os, sys
from pathlib import Path
from tests.children import children
from tests.unit.test_pdf import ENDLESS, NO_THEMES, Meddling
from ytsb_tui.services.pdf.renderer import PdfRenderer

note = Path(sys.argv[1]) / "Note.md"
note.write_text(ENDLESS)
PdfRenderer("obsidian", NO_THEMES).render(
    note, note.with_suffix(".pdf"), Meddling(lambda: print(*children(), flush=True))
)
"""


@needs_pango
@needs_linux
def test_a_renderer_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], cwd=root, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    gone, _, _ = select.select([child], [], [], 120)
    os.close(child)
    assert gone


@needs_pango
def test_a_renderer_that_is_late_makes_no_file_where_the_next_start_has_swept(tmp_path: Path) -> None:
    (tmp_path / "Note.md").write_text("# Entropy\n")
    question = {"source": str(tmp_path / "Note.md"), "target": str(tmp_path / ".ytsb-0123456789abcdef.tmp")}
    with subprocess.Popen(
        [sys.executable, "-m", "ytsb_tui.services.pdf.child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(question) + "\n")
        child.stdin.flush()
        assert json.loads(child.stdout.readline()) == {"errno": errno.ENOENT, "reason": os.strerror(errno.ENOENT)}
        child.stdin.close()
    assert [path.name for path in tmp_path.iterdir()] == ["Note.md"]


@needs_pango
def test_a_bug_in_the_renderer_is_named_on_its_last_line() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ytsb_tui.services.pdf.child"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stderr is not None
        child.stdin.write('{"source": "Note.md"}\n')
        child.stdin.flush()
        assert child.stderr.read().splitlines()[-1] == "KeyError: 'target'"
    assert child.returncode == 1
