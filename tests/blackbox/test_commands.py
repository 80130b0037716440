"""What a user is told before any work begins."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.program import Program, notes_of, srt

GROUPS = ((), ("run",), ("retry",), ("demo",), ("log",), ("log", "stats"), ("log", "export-csv"), ("doctor",))
COMMANDS = (*GROUPS, ("completion",))


def test_it_says_its_version(program: Program) -> None:
    told = program("--version")
    assert told.code == 0
    assert re.fullmatch(r"ytsb-tui \d+\.\d+\.\d+\n", told.out)


def test_it_is_installed_under_its_name(program: Program) -> None:
    script = Path(sys.executable).with_name("ytsb-tui")
    if not script.exists():
        pytest.skip("the script is not installed beside this Python")
    assert subprocess.run([script, "--version"], capture_output=True, text=True).stdout == program("--version").out


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is no signal there")
def test_ctrl_c_while_it_is_being_loaded_ends_it_without_a_word(program: Program) -> None:
    early = program.desk / "early"
    early.mkdir()
    (early / "click.py").write_text(
        "import os, signal\n"
        "if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:\n"
        "    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as who runs the tests in the background has it\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
    )
    ended = program("--version", PYTHONPATH=str(early))
    assert (ended.code, ended.out, ended.err) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_each_command_teaches_by_example(program: Program, command: tuple[str, ...]) -> None:
    told = program(*command, "--help", COLUMNS="80")
    assert told.code == 0
    assert told.out.startswith(" ".join(("Usage: ytsb-tui", *command)))
    assert re.search(" ".join(("    +.*ytsb-tui", *command)), told.out)
    assert max(map(len, told.out.splitlines())) <= 100


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_accepted_by_their_shells(program: Program, shell: str) -> None:
    script = program("completion", shell)
    assert script.code == 0
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=script.out, text=True, check=True)


@pytest.fixture
def completed(program: Program) -> Callable[..., list[str]]:
    """What a shell is offered for the last of the words, and nothing else."""

    def ask(*words: str, shell: str = "bash") -> list[str]:
        asked = {
            "_YTSB_TUI_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        told = program(**asked)
        assert (told.code, told.err) == (0, ""), told
        return list(filter(None, told.out.splitlines()))

    return ask


def test_completion_knows_commands_and_options(completed: Callable[..., list[str]]) -> None:
    assert completed("ytsb-tui", "re") == ["plain,retry"]
    assert completed("ytsb-tui", "run", "--pdf") == ["plain,--pdf-theme"]


def test_completion_offers_files_where_files_can_stand(completed: Callable[..., list[str]]) -> None:
    assert completed("ytsb-tui", "run", "le") == completed("ytsb-tui", "open", "le") == ["file,le"]
    assert completed("ytsb-tui", "run", "-f", "co") == ["file,co"]
    assert completed("ytsb-tui", "lect") == ["file,lect"], "the word open may be left out"
    assert completed("ytsb-tui", "run", "--out", "V") == ["dir,V"]


def test_completion_offers_the_jobs_of_the_vault_that_is_meant(
    program: Program, completed: Callable[..., list[str]]
) -> None:
    assert completed("ytsb-tui", "retry", "") == []
    for name in ("One talk [dQw4w9WgXcQ].srt", "Another [-qz-KE-bpKQ].srt"):
        (program.desk / name).write_text(srt(f"Entropy is a measure of disorder in {name}."))
        assert program("run", name, "--no-pdf", "--out", "vault").code == 0
    before = sorted(path.name for path in (program.desk / "vault" / ".ytsb").iterdir())
    assert completed("ytsb-tui", "retry", "") == []
    assert completed("ytsb-tui", "retry", "--out", "vault", "") == ["plain,dQw4w9WgXcQ"]
    assert completed("ytsb-tui", "retry", "--out", "vault", "--", "-") == ["plain,-qz-KE-bpKQ"]
    assert completed("ytsb-tui", "retry", "--out", "vault", "dQw4w9WgXcQ", "") == []
    shown = completed("ytsb-tui", "retry", "--out", "vault", "d", shell="zsh")
    assert shown == ["plain", "dQw4w9WgXcQ", "One talk"]
    assert sorted(path.name for path in (program.desk / "vault" / ".ytsb").iterdir()) == before
    (program.desk / "wrong.toml").write_text("workers = none")
    assert completed("ytsb-tui", "--config", "wrong.toml", "retry", "") == []
    (program.desk / "vault" / ".ytsb" / "state.db").write_text("no database")
    assert completed("ytsb-tui", "retry", "--out", "vault", "") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--frobnicate"], "No such option"),
        (["frobnicate"], "No such command"),
        (["run"], "Nothing was named"),
        (["run", "hello"], "hello - There is no link, video id or caption file"),
        (["run", "gone.srt"], "gone.srt - There is no such file"),
        (["run", "."], "desk is a folder: name the caption files in it"),
        (["run", "-f", "gone.txt"], "gone.txt cannot be read"),
        (["run", "-f", "."], ". cannot be read: Is a directory"),
        (["run", "-f", "talk.srt"], "talk.srt is a caption file, not a list. Name it without -f"),
        (["run", "talk.srt", "--workers", "0"], "`workers` must be from 1 to 64, not 0"),
        (["run", "talk.srt", "--pdf-theme", "acadmic"], "Did you mean `academic`?"),
        (["--config", "typo.toml", "run", "talk.srt"], "there is no setting `wrokers`. Did you mean `workers`?"),
        (["--config", "gone.toml", "run", "talk.srt"], "There is no settings file gone.toml"),
        (["run", "-f", "binary.txt"], "binary.txt cannot be read: The file is binary, not text."),
        (["run", "talk.srt", "--proxy", "socks5://localhost:9050"], "Write socks5h:// instead"),
        (["run", "talk.srt", "--out", "file"], "file is a file, not a folder"),
        (["run", "talk.srt", "--out", "file/vault"], "file is a file, not a folder"),
        (["retry", "--failed"], "There is no vault notes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_started_is_told_and_leaves_no_trace(program: Program, arguments: list[str], words: str) -> None:
    (program.desk / "talk.srt").write_text(srt("Hello."))
    (program.desk / "typo.toml").write_text("wrokers = 3\n")
    (program.desk / "binary.txt").write_bytes(b"\0\1\2" * 9)
    (program.desk / "file").touch()
    before = sorted(program.desk.iterdir())
    told = program(*arguments)
    assert (told.code, told.out) == (2, "")
    assert words in told.err
    assert sorted(program.desk.iterdir()) == before


def test_a_list_of_nothing_but_junk_names_each_line(program: Program) -> None:
    told = program("run", "-f", "-", stdin="# my course\n\nread chapter 4\nhttps://vimeo.com/1\n")
    assert told.code == 2
    assert "the standard input, line 3: read chapter 4 - There is no link" in told.err
    assert "line 4: https://vimeo.com/1 - vimeo.com is not YouTube" in told.err


def test_an_empty_list_is_nothing_to_do(program: Program) -> None:
    (program.desk / "empty.txt").touch()
    assert "Nothing was named" in program("run", "-f", "empty.txt").err


def test_a_huge_file_is_refused_without_being_read(program: Program) -> None:
    with (program.desk / "film.srt").open("wb") as file:
        file.truncate(200_000_000)
    told = program("run", "film.srt")
    assert told.code == 2
    assert "film.srt is larger than 20 MB" in told.err


def test_a_list_without_end_is_refused(program: Program) -> None:
    for told in (program("run", "-f", "/dev/zero"), program("run", "-f", "-", stdin=b"talk\n" * 4_000_001)):
        assert (told.code, told.out) == (2, "")
        assert "is larger than 20 MB: no list is." in told.err


def test_a_long_list_is_read_at_once_and_its_junk_is_not_listed_whole(program: Program) -> None:
    (program.desk / "talk.srt").write_text(srt("Entropy is a measure of disorder."))
    lines = [("just prose", "talk.srt", "# a comment", "https://example.org/")[number % 4] for number in range(5_000)]
    (program.desk / "course.txt").write_text("\n".join(lines))
    told = program("run", "-f", "course.txt", "--no-pdf")
    assert told.code == 0
    assert "1 to do, 1249 named twice, 1250 refused, 1250 without a link." in told.out
    assert "... and 1,240 more lines" in told.out
    assert len(told.out.splitlines()) < 20


def test_links_and_files_are_found_in_prose_markdown_and_comments(program: Program) -> None:
    (program.desk / "talk.srt").write_text(srt("Entropy is a measure of disorder."))
    (program.desk / "two.srt").write_text(srt("Osmosis moves water."))
    course = "# Week 1\n- talk.srt  # first\n2. 'two.srt'\n\n| [dead](https://example.org) |\nnothing\n"
    told = program("run", "-f", "-", "--no-pdf", stdin=course)
    assert told.code == 0
    assert "2 to do, 1 refused, 1 without a link." in told.out


@pytest.mark.parametrize("name", ["#1 talk.srt", "- talk.srt", "Talk # 3 - it's [new].srt", "3. talk; part, 2.srt"])
def test_a_file_may_be_called_anything(program: Program, name: str) -> None:
    (program.desk / name).write_text(srt("Entropy is a measure of disorder."))
    told = program("run", "--no-pdf", "--", name)
    assert (told.code, told.out.splitlines()[0]) == (0, "1 to do."), told


def test_settings_come_from_the_file_the_environment_and_the_command_line(program: Program) -> None:
    (program.desk / "talk.srt").write_text(srt("Entropy is a measure of disorder."))
    (program.desk / "my.toml").write_text('out = "from file"\npdf = false\nassessment = false\n')
    assert program("--config", "my.toml", "run", "talk.srt").code == 0
    assert program("--config", "my.toml", "run", "talk.srt", YTSB_OUT="from environment").code == 0
    assert program("--config", "my.toml", "run", "talk.srt", "--out", "named", YTSB_OUT="no").code == 0
    for vault in ("from file", "from environment", "named"):
        assert notes_of(program.desk / vault) == ["talk.md"]
    assert not (program.desk / "no").exists()
    wrong = program("run", "talk.srt", YTSB_WORKERS="many")
    assert (wrong.code, "`workers` must be a whole number" in wrong.err) == (2, True)


def test_doctor_looks_and_makes_nothing(program: Program) -> None:
    told = program("doctor")
    assert told.code == 0
    assert "no key: the offline outline writes. For Claude, set ANTHROPIC_API_KEY." in told.out
    assert list(program.desk.iterdir()) == []


def test_doctor_finds_a_vault_that_cannot_be(program: Program) -> None:
    (program.desk / "notes").touch()
    told = program("doctor")
    assert told.code == 1
    assert "notes is a file, not a folder. Choose another vault with --out." in told.out


def test_a_key_appears_nowhere(program: Program, lectures: Callable[[int], list[str]]) -> None:
    key = "sk-ant-not-to-be-seen"
    told = program("run", *lectures(1), "--no-pdf", "--author", "outline", ANTHROPIC_API_KEY=key)
    files = [path.read_bytes() for path in program.desk.rglob("*") if path.is_file()]
    assert key not in told.out + told.err
    assert not any(key.encode() in content for content in files)
