"""The reader: notes as they are meant to be read, links that lead somewhere, and nothing outside the vault."""

from __future__ import annotations

import os
import shutil
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.alone import Alone, press, shown, shows, styled, until
from tests.unit.lectures import Quiet
from ytsb_tui.errors import UsageError
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.samples import samples
from ytsb_tui.settings import Settings
from ytsb_tui.stages import PIPELINE
from ytsb_tui.ui.notes import read_note
from ytsb_tui.ui.opening import can_browse, open_file
from ytsb_tui.ui.screens.reader import ReaderScreen
from ytsb_tui.ui.widgets.markdown_view import MarkdownView
from ytsb_tui.workshop import Workshop

pytestmark = pytest.mark.anyio

HASHES = Path("Computer_Science/How_Hash_Tables_Work.md")
WRITTEN = [Stage.FETCH, Stage.NOTES, Stage.ASSESSMENT, Stage.WRITE, Stage.LINKS]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault with the notes of the three sample lectures, as the stages write them."""
    root = tmp_path_factory.mktemp("vault")
    workshop = Workshop(Settings(out=root, author="outline"))
    for number, path in enumerate(samples()):
        job = VideoProcessingJob(f"file-{number:012}", str(path), output_dir=root)
        tools = workshop.tools(0, Quiet())
        for stage in WRITTEN:
            job = PIPELINE[stage].run(job, tools).ran(stage, 1.0)
    workshop.close()
    return root


@pytest.fixture
def vault(written: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(written, tmp_path / "vault"))


@dataclass
class Outside:
    """What was opened outside the app."""

    urls: list[str] = field(default_factory=list)
    commands: list[list[str]] = field(default_factory=list)
    has_browser: bool = True

    def browse(self, url: str) -> bool:
        """Note an address, if there is anything to show it with."""
        self.urls += [url] if self.has_browser else []
        return self.has_browser


def reader(root: Path, note: Path = HASHES, outside: Outside | None = None) -> Alone:
    outside = outside or Outside()
    return Alone(
        ReaderScreen(root, note, browse=outside.browse, launch=lambda command: outside.commands.append([*command]))
    )


def write(root: Path, text: str, name: str = "Note.md") -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    return Path(name)


def view(pilot: Pilot[Any]) -> MarkdownView:
    return pilot.app.screen.query_one(MarkdownView)


async def drawn(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: view(pilot).page.lines)


async def test_a_note_is_shown_without_what_is_not_meant_for_readers(vault: Path) -> None:
    async with reader(vault).run_test(size=(100, 60)) as pilot:
        await shows(pilot, "How Hash Tables Work", "Computer_Science", "● Notes", "Core Concepts", "▎ Outline")
        text = "\n".join(strip.text for strip in view(pilot).page.lines)
        assert "video_id" not in text
        assert "%%" not in text
        assert "[[" not in text
        assert "**" not in text
        assert "• hash table – A hash table is a data structure" in text


async def test_tab_switches_between_notes_and_quiz(vault: Path) -> None:
    async with reader(vault).run_test() as pilot:
        await shows(pilot, "● Notes", "○ Quiz")
        await press(pilot, ["tab"])
        await shows(pilot, "○ Notes", "● Quiz", "Question 1")
        await press(pilot, ["tab"])
        await shows(pilot, "● Notes", "Core Concepts")


async def test_a_job_without_a_quiz_says_so_and_stays_at_the_notes(vault: Path) -> None:
    (vault / "Computer_Science/Assessment_How_Hash_Tables_Work.md").unlink()
    async with reader(vault).run_test() as pilot:
        await shows(pilot, "Core Concepts")
        await press(pilot, ["tab"])
        await shows(pilot, "● Notes", "Assessment_How_Hash_Tables_Work.md is not there")


async def test_model_answers_are_hidden_until_they_are_asked_for(vault: Path) -> None:
    async with reader(vault).run_test(size=(90, 50)) as pilot:
        await drawn(pilot)
        await press(pilot, ["tab"])
        await shows(pilot, "● Quiz")
        await press(pilot, ["end", "N"])
        await shows(pilot, "▸ Model answers  hidden", "enter shows or hides this")
        await press(pilot, ["enter"])
        await shows(pilot, "▾ Model answers", "Key concepts:")
        await press(pilot, ["enter"])
        await shows(pilot, "▸ Model answers  hidden")


async def test_a_wikilink_opens_its_note_here_and_backspace_comes_back_to_the_same_place(vault: Path) -> None:
    async with reader(vault).run_test() as pilot:
        await shows(pilot, "Core Concepts")
        await press(pilot, ["n", "n"])
        await shows(pilot, "enter opens Caching_and_the_Memory_Hierarchy")
        top = view(pilot).scroll_offset.y
        await press(pilot, ["enter"])
        await shows(pilot, "Caching and the Memory Hierarchy  Computer_Science")
        assert view(pilot).scroll_offset.y == 0
        await press(pilot, ["backspace"])
        await shows(pilot, "How Hash Tables Work  Computer_Science")
        await until(pilot, lambda: view(pilot).scroll_offset.y == top)
        await press(pilot, ["backspace"])
        assert "How Hash Tables Work  Computer_Science" in shown(pilot)


async def test_where_the_note_before_is_gone_the_key_back_to_it_is_dimmed(vault: Path) -> None:
    async with reader(vault).run_test(size=(160, 40)) as pilot:
        await shows(pilot, "Core Concepts")
        await press(pilot, ["n", "n", "enter"])
        await shows(pilot, "Caching and the Memory Hierarchy  Computer_Science", "Back")
        next(vault.rglob("How_Hash_Tables_Work.md")).unlink()
        (usable,) = styled(pilot, "Back")
        await press(pilot, ["backspace"])
        await shows(pilot, "is not there any more.")
        await until(pilot, lambda: styled(pilot, "Back") not in ([usable], []))
        assert "Caching and the Memory Hierarchy  Computer_Science" in shown(pilot)


async def test_a_click_follows_a_link(vault: Path) -> None:
    async with reader(vault).run_test(size=(100, 40)) as pilot:
        await drawn(pilot)
        await shows(pilot, "Assessment")
        line = next(y for y, text in enumerate(shown(pilot).splitlines()) if "· Assessment" in text)
        await pilot.click(offset=(shown(pilot).splitlines()[line].index("· Assessment") + 4, line))
        await shows(pilot, "● Quiz")


async def test_time_links_and_web_links_open_the_browser(tmp_path: Path) -> None:
    note = write(tmp_path, "[12:34](https://youtu.be/dQw4w9WgXcQ?t=754) and [more](http://example.org/a_b)\n")
    outside = Outside()
    async with reader(tmp_path, note, outside).run_test() as pilot:
        await drawn(pilot)
        await press(pilot, ["n", "enter", "n", "enter"])
        await shows(pilot, "Opened http://example.org/a_b")
    assert outside.urls == ["https://youtu.be/dQw4w9WgXcQ?t=754", "http://example.org/a_b"]


async def test_where_there_is_no_browser_the_address_is_told(tmp_path: Path) -> None:
    note = write(tmp_path, "[more](http://example.org/a_b)\n")
    async with reader(tmp_path, note, Outside(has_browser=False)).run_test() as pilot:
        await drawn(pilot)
        await press(pilot, ["n", "enter"])
        await shows(pilot, "There is no browser here to open http://example.org/a_b with.")


def test_a_browser_has_a_window_of_its_own() -> None:
    def nobody() -> webbrowser.BaseBrowser:
        raise webbrowser.Error

    assert can_browse(lambda: webbrowser.BackgroundBrowser("firefox"))
    assert can_browse(lambda: webbrowser.GenericBrowser("/usr/bin/wslview"))
    assert not can_browse(lambda: webbrowser.GenericBrowser("/usr/bin/w3m"))
    assert not can_browse(lambda: webbrowser.Elinks("elinks"))
    assert not can_browse(nobody)


@pytest.mark.parametrize(
    "link",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "../secret.md",
        "mailto:a@b.org",
        "data:text/html,x",
        "obsidian://open",
    ],
)
async def test_other_addresses_are_only_words(tmp_path: Path, link: str) -> None:
    note = write(tmp_path, f"Look [here]({link}) please.\n")
    async with reader(tmp_path, note).run_test() as pilot:
        await shows(pilot, "Look", "please.")
        assert view(pilot).page.links == ()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "Note.md")
    with pytest.raises(UsageError, match=r"Note\.md is not a file"):
        read_note(tmp_path, Path("Note.md"))


def loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("name", ["Note.md", "n" * 300 + ".md"])
def test_what_the_system_refuses_to_look_at_is_told(tmp_path: Path, name: str) -> None:
    loop(tmp_path / "Note.md")
    with pytest.raises(UsageError, match="cannot be read: "):
        read_note(tmp_path, Path(name))
    with pytest.raises(UsageError, match="cannot be looked at: "):
        open_file(tmp_path, Path(name), pytest.fail)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("Nowhere", "There is no note “Nowhere” in this vault."),
        ("../../secret", "There is no note"),
        ("/etc/passwd", "There is no note"),
        ("Outside", "Outside.md leads out of the vault."),
    ],
)
async def test_a_dead_link_says_so_and_none_leads_out_of_the_vault(tmp_path: Path, link: str, words: str) -> None:
    vault = tmp_path / "vault"
    (tmp_path / "secret.md").write_text("the secret")
    note = write(vault, f"See [[{link}|there]].\n")
    os.symlink(tmp_path / "secret.md", vault / "Outside.md")
    async with reader(vault, note).run_test(size=(100, 24)) as pilot:
        await shows(pilot, "See there.")
        await press(pilot, ["n", "enter"])
        await shows(pilot, words, "See there.")
        assert "the secret" not in shown(pilot)


async def test_links_find_a_note_by_its_name_whatever_its_folder_or_case(tmp_path: Path) -> None:
    write(tmp_path, "# Found\n", "Physics/Deep/Bayes_Theorem.md")
    note = write(tmp_path, "[[bayes_theorem]] [[Deep/Bayes_Theorem#Proof|proof]]\n")
    for count in (1, 2):
        async with reader(tmp_path, note).run_test() as pilot:
            await drawn(pilot)
            await press(pilot, [*["n"] * count, "enter"])
            await shows(pilot, "Bayes Theorem  Physics/Deep", "Found")


async def test_search_counts_highlights_and_moves(vault: Path) -> None:
    async with reader(vault).run_test() as pilot:
        await shows(pilot, "Core Concepts")
        await press(pilot, ["slash", *"HASH TABLE"])
        await shows(pilot, "1 of 12 places with “HASH TABLE”")
        await press(pilot, ["enter", "n"])
        await shows(pilot, "2 of 12 places")
        assert len(styled(pilot, "hash table")) > 1
        await press(pilot, ["N", "N"])
        await shows(pilot, "12 of 12 places")
        assert view(pilot).scroll_offset.y > 0
        await press(pilot, ["escape"])
        await shows(pilot, "Computer_Science/How_Hash_Tables_Work.md")
        assert pilot.app.screen.query_one("#search", Input).value == ""
        await press(pilot, ["slash", *"zebra"])
        await shows(pilot, "Nothing here reads “zebra”.")


async def test_words_are_found_where_a_line_breaks_between_them(tmp_path: Path) -> None:
    note = write(tmp_path, "> " + "word " * 11 + "golden ratio follows\n")
    async with reader(tmp_path, note).run_test(size=(70, 12)) as pilot:
        await drawn(pilot)
        assert any(strip.text.rstrip().endswith("golden") for strip in view(pilot).page.lines)
        await press(pilot, ["slash", *"golden ratio"])
        await shows(pilot, "1 of 1 place ")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["j"], 1), (["down", "down"], 2), (["j", "j", "k"], 1), (["space"], 21), (["pagedown", "pageup"], 0),
        (["end"], 382), (["G", "g"], 0), (["end", "home"], 0),
    ],
)  # fmt: skip
async def test_keys_scroll(tmp_path: Path, keys: list[str], line: int) -> None:
    note = write(tmp_path, "\n\n".join(f"Paragraph {number}" for number in range(202)))
    async with reader(tmp_path, note).run_test(size=(60, 24)) as pilot:
        await drawn(pilot)
        await press(pilot, keys)
        await until(pilot, lambda: view(pilot).scroll_offset.y == line)


async def test_o_opens_the_file_with_the_systems_program(vault: Path) -> None:
    outside = Outside()
    async with reader(vault, outside=outside).run_test() as pilot:
        await drawn(pilot)
        await press(pilot, ["o"])
        await shows(pilot, f"Opening {HASHES}")
        (vault / HASHES).unlink()
        await press(pilot, ["o"])
        await shows(pilot, "is not there any more")
    assert [command[1] for command in outside.commands] == [str(vault / HASHES)]


async def test_a_note_that_vanished_says_so(vault: Path) -> None:
    (vault / HASHES).unlink()
    app = reader(vault)
    async with app.run_test() as pilot:
        await shows(pilot, f"{HASHES} is not there any more.")
        await press(pilot, ["escape"])
        await until(pilot, lambda: app.answers == [None])


async def test_a_vault_that_vanished_says_so(vault: Path) -> None:
    async with reader(vault).run_test() as pilot:
        await drawn(pilot)
        shutil.rmtree(vault)
        await press(pilot, ["n", "n", "enter"])
        await shows(pilot, "There is no note")


async def test_text_from_outside_is_shown_as_it_is(tmp_path: Path) -> None:
    note = write(tmp_path, "# [bold]Title[/b]\n\nan \x1b[31mescape, a &#x202e;turn, <script>alert(1)</script> [x]\n")
    async with reader(tmp_path, note).run_test() as pilot:
        await shows(pilot, "[bold]Title[/b]", "an escape, a turn, <script>alert(1)</script> [x]")


def nested(depth: int) -> str:
    return "".join(f"{'  ' * level}- level {level}\n" for level in range(depth))


@pytest.mark.parametrize(
    "text",
    ["",
     "---\n: bad yaml [\n---\ntext", "%% unclosed", "> [!note]", "> " * 3000 + "deep", nested(80),
     "|a|\n|-|", "\ufffd" * 10,
     "a" * 20_000, "```\nnever closed", "[[", "![[x.png]]", "1. \n2. \n", "$$x$$", "==a== ~~b~~ - [ ] c", "\0\x1b[2J"],
)  # fmt: skip
async def test_any_note_is_drawn_at_any_width(tmp_path: Path, text: str) -> None:
    note = write(tmp_path, text)
    async with reader(tmp_path, note).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: view(pilot).page.lines or not text.strip() or "%%" in text)
        await pilot.resize_terminal(20, 5)
        await until(pilot, lambda: view(pilot)._width < 30)
        await pilot.resize_terminal(250, 60)
        await until(pilot, lambda: view(pilot)._width > 80)


async def test_a_table_a_task_list_and_code_are_drawn(tmp_path: Path) -> None:
    note = write(
        tmp_path,
        "| Term | Cost |\n|---|--:|\n| list | 10 |\n\n- [x] read\n- [ ] recall\n\n"
        "```python\nprint('hi')\n```\n\n3. three\n4. four\n",
    )
    async with reader(tmp_path, note).run_test(size=(60, 30)) as pilot:
        await shows(pilot, "Term", "list     10", "[x] read", "[ ] recall", "│ print('hi')", "3. three", "4. four")


async def test_a_place_is_kept_when_the_window_changes(vault: Path) -> None:
    async with reader(vault).run_test(size=(80, 24)) as pilot:
        await drawn(pilot)
        await press(pilot, ["space", "space"])
        before = view(pilot).place
        await pilot.resize_terminal(44, 24)
        await until(pilot, lambda: view(pilot)._width < 50)
        assert abs(view(pilot).place - before) < 0.2


async def test_escape_ends_the_search_first_and_then_the_reader(vault: Path) -> None:
    app = reader(vault)
    async with app.run_test() as pilot:
        await drawn(pilot)
        await press(pilot, ["slash", "a", "escape"])
        assert app.answers == []
        await press(pilot, ["escape"])
        await until(pilot, lambda: app.answers == [None])


async def test_every_key_has_an_id_and_says_what_it_does(vault: Path) -> None:
    async with reader(vault).run_test() as pilot:
        own = [active.binding for active in pilot.app.screen.active_bindings.values() if active.node is not pilot.app]
        ours = [binding for binding in own if binding.id]
        assert len(ours) > 15
        assert all(binding.tooltip and binding.description for binding in ours)


@pytest.mark.parametrize("theme", ["textual-light", "nord"])
async def test_another_theme_draws_the_note_anew(vault: Path, theme: str) -> None:
    async with reader(vault).run_test() as pilot:
        await shows(pilot, "Core Concepts")
        (before,) = styled(pilot, "Core Concepts")
        pilot.app.theme = theme
        await until(pilot, lambda: styled(pilot, "Core Concepts") not in ([before], []))


def playing(keys: list[str], *words: str) -> Callable[[Pilot[Any]], Any]:
    async def play(pilot: Pilot[Any]) -> None:
        await drawn(pilot)
        await press(pilot, keys)
        await shows(pilot, *words)

    return play


def test_the_notes(snap_compare: Any, vault: Path) -> None:
    """Headings, a callout, points, and a marked link; readable without colour."""
    play = playing(["n", "n"], "enter opens Caching")
    assert snap_compare(reader(vault), run_before=play, terminal_size=(100, 34))
