"""Nobody gets in: hostile vaults, titles, links and servers reach no file, no terminal and no key."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import stat
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3 import HTTPResponse

from tests import canned
from tests.world import World
from tests.world.catalog import lecture
from tests.world.fetching import refused
from ytsb_tui import settings
from ytsb_tui.clock import SystemClock
from ytsb_tui.engine import Engine
from ytsb_tui.errors import BadCaptions, BadSetup, NetworkTrouble, NotWritable, UsageError, VaultError
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.job_logger import JobLogger
from ytsb_tui.journal import Journal
from ytsb_tui.plain import JsonLines
from ytsb_tui.plaintext import visible
from ytsb_tui.services.captions import timedtext
from ytsb_tui.services.claude.api_key import Server, find_key
from ytsb_tui.services.links.index import LinkIndex
from ytsb_tui.services.vault.vault import Vault
from ytsb_tui.services.youtube import session
from ytsb_tui.settings import PRIVATE, Settings
from ytsb_tui.ui.opening import open_file
from ytsb_tui.watch import Watch
from ytsb_tui.workshop import author_of

SECRET = '[{"password": "correct horse"}]\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "notes"
    (root / PRIVATE / "logs").mkdir(parents=True)
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that is none of ours."""
    file = tmp_path / "outside.json"
    file.write_text(SECRET)
    return file


@pytest.mark.parametrize(
    "name", ["owner.json", "state.db", "batches.json", "links.db", "vault.lock", "logs/ytsb-tui.log"]
)
def test_a_vault_from_elsewhere_cannot_have_other_files_written_to(root: Path, outside: Path, name: str) -> None:
    (root / PRIVATE / name).symlink_to(outside)
    with pytest.raises(VaultError, match="symbolic link"):
        Journal.open(root, SystemClock())
    with pytest.raises(VaultError, match="symbolic link"):
        Vault(root)
    assert outside.read_text() == SECRET


@pytest.mark.parametrize("name", ["owner.json", "state.db", "vault.lock", "logs/ytsb-tui.log"])
def test_nor_can_it_have_the_program_wait_at_a_pipe(root: Path, name: str) -> None:
    os.mkfifo(root / PRIVATE / name)
    with pytest.raises(VaultError, match="not a file"):
        Journal.open(root, SystemClock())


def test_nor_can_the_programs_own_folder_be_elsewhere(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "notes"
    root.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / PRIVATE).symlink_to(elsewhere)
    for opening in (
        lambda: Journal.open(root, SystemClock()),
        lambda: Vault(root),
        lambda: JobLogger(root).log_job(JOB),
    ):
        with pytest.raises(VaultError, match="symbolic link"):
            opening()
    assert list(elsewhere.iterdir()) == []


JOB = VideoProcessingJob("dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ", video_title="Entropy")


def test_a_log_that_is_a_link_is_neither_read_nor_written(root: Path, outside: Path) -> None:
    (root / "processing_log.json").symlink_to(outside)
    for use in (
        lambda: JobLogger(root).get_all_jobs(),
        lambda: JobLogger(root).log_job(JOB),
        JobLogger(root).clear_log,
    ):
        with pytest.raises(VaultError, match="symbolic link"):
            use()
    with pytest.raises(VaultError, match="symbolic link"):
        Journal.open(root, SystemClock())
    assert outside.read_text() == SECRET
    assert [path.name for path in root.glob("processing_log*")] == ["processing_log.json"]


def test_a_link_that_waits_where_a_file_is_written_first_is_not_followed(root: Path, outside: Path) -> None:
    link = root / ".ytsb-processing_log.json.tmp"
    link.symlink_to(outside)
    JobLogger(root).log_job(JOB)
    assert outside.read_text() == SECRET
    (root / "Mine.md").write_text("kept")
    (root / ".ytsb-0123456789abcdef.tmp").symlink_to(root / "Mine.md")
    Vault(root).sweep()
    assert (root / "Mine.md").read_text() == "kept"
    assert outside.read_text() == SECRET
    assert list(root.glob(".ytsb-*")) == []


def test_no_pdf_is_drawn_of_a_file_elsewhere_or_into_a_folder_elsewhere(root: Path, tmp_path: Path) -> None:
    vault = Vault(root)
    (root / "AI").mkdir()
    (root / "AI" / "pdfs").symlink_to(tmp_path)
    (root / "AI" / "Note.md").symlink_to(tmp_path / "outside.md")
    for path in ("AI/pdfs/Note.pdf", "AI/Note.md", "../x.md"):
        with pytest.raises(NotWritable, match="out of the vault"):
            vault.inside(Path(path))


def test_what_the_program_keeps_is_its_owners_alone(tmp_path: Path) -> None:
    root = tmp_path / "notes"
    (root / PRIVATE).mkdir(parents=True, mode=0o755)
    before = os.umask(0o022)
    try:
        Vault(root)
        with closing(Journal.open(root, SystemClock())) as journal, closing(LinkIndex(root / PRIVATE / "links.db")):
            journal.store.add([JOB])
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (root / PRIVATE).iterdir()}
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / PRIVATE).stat().st_mode) == 0o700
    assert modes.pop("logs") == 0o700
    files = ("state.db", "state.db-wal", "state.db-shm", "owner.json", "links.db")
    assert {name: modes[name] for name in files} == dict.fromkeys(files, 0o600)


def test_notes_are_as_private_as_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        vault = Vault(tmp_path / "notes")
        vault.write(Path("AI/Note.md"), "text")
        JobLogger(tmp_path / "notes").log_job(JOB)
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "notes").rglob("*") if PRIVATE not in path.parts]
    assert len(files) == 3
    assert not any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files)


@pytest.mark.parametrize("name", ["run.sh", "Note.desktop", "Note.md.exe", "Note.command", "Note"])
def test_only_notes_and_pdfs_are_handed_to_the_system(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    started: list[Any] = []
    with pytest.raises(UsageError, match="neither a note nor a PDF"):
        open_file(tmp_path, Path(name), pytest.fail, started.append)
    assert started == []


@pytest.mark.parametrize("name", ["$(touch x).md", "a;reboot.md", "-rf.md", "`id`.pdf", "file:.md", "a b'\".md"])
def test_a_name_is_one_argument_whatever_a_shell_would_make_of_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    started: list[Any] = []
    open_file(tmp_path, Path(name), pytest.fail, started.append)
    ((_, argument),) = started
    assert argument == str((tmp_path / name).resolve())


@pytest.mark.parametrize("path", ["../outside.json", "/etc/passwd", "link.md", "https:/evil", "file:///etc/passwd"])
def test_nothing_outside_the_vault_is_opened(root: Path, outside: Path, path: str) -> None:
    (root / "link.md").symlink_to(outside)
    with pytest.raises(UsageError):
        open_file(root, Path(path), pytest.fail, lambda command: pytest.fail(str(command)))


@pytest.mark.parametrize("text", ["a;=1+1", "a;\t=1+1", "a\n@SUM(1)", "x; -2+3", "；;＝1"])
def test_a_spreadsheet_that_splits_at_semicolons_finds_no_formula_either(tmp_path: Path, text: str) -> None:
    logger = JobLogger(tmp_path)
    logger.log_job(replace(JOB, video_title=text, related=("a", "=1+1")))
    logger.export_csv(tmp_path / "log.csv")
    content = (tmp_path / "log.csv").read_text(encoding="utf-8-sig")
    rows = [row for mark in ",;\t" for row in csv.reader(io.StringIO(content), delimiter=mark)]
    cells = [cell.strip(' "') for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝"))]


HOSTILE = "\x1b]0;x\x07\x9b31m\x90q\u202eA\x00\x7f\ud800\U000e0041"


def test_json_steers_no_terminal_and_says_the_same() -> None:
    out = io.StringIO()
    JsonLines(out).print(title=HOSTILE, other="é 日本")
    printed = out.getvalue()
    assert visible(printed) == printed
    assert json.loads(printed) == {"title": HOSTILE, "other": "é 日本"}
    assert "é 日本" in printed


BOMBS = {
    "entities": '<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><transcript><text start="0">&b;</text></transcript>',
    "a file": '<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]><transcript><text start="0">&a;</text></transcript>',
    "a page": '<!DOCTYPE t SYSTEM "http://127.0.0.1:9/x.dtd"><transcript><text start="0">a</text></transcript>',
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_captions_can_neither_blow_up_nor_read_anything(bomb: str) -> None:
    with pytest.raises(BadCaptions, match="not safe to read"):
        timedtext.parse(BOMBS[bomb])


class Endless(requests.adapters.BaseAdapter):
    """Sends zeros, packed a thousandfold, without end."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        raw = HTTPResponse(Zeros(), status=200, preload_content=False)
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        pass


class Zeros(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return bytes(size)

    def read1(self, size: int = -1) -> bytes:
        return bytes(size)


def test_an_answer_without_end_is_given_up() -> None:
    asking = session.WatchSession("", lambda: None)
    asking.mount("https://", Endless())
    with pytest.raises(NetworkTrouble, match="larger than any"):
        asking.get("https://www.youtube.com/watch?v=x")


def test_without_its_proxy_nothing_is_asked_directly(youtube: World) -> None:
    """Whatever the environment says, and whichever of the two ways is tried."""
    refused(youtube, BadSetup, lecture(1).id, proxy="socks5h://127.0.0.1:9")
    assert youtube.router.passages == []
    assert youtube.youtube.journal == []


def test_the_key_command_is_run_without_a_shell(tmp_path: Path) -> None:
    made = tmp_path / "made"
    key = find_key(Settings(api_key_command=f"printf %s $HOME;touch&&>{made}"), {})
    assert key.value == f"$HOME;touch&&>{made}"
    assert not made.exists()


@pytest.mark.parametrize(
    "url", ["htp://me:secret@host", "http://[me:secret@host", "http://me:secret@host:port", "http://h:0"]
)
def test_an_address_with_a_password_is_not_repeated(url: str) -> None:
    with pytest.raises(BadSetup, match="is no address") as caught:
        Server.of(Settings(base_url=url), {})
    assert "secret" not in str(caught.value)


def test_what_lets_us_in_to_a_server_is_not_repeated_wherever_it_stands_in_its_address() -> None:
    server = Server.of(Settings(base_url="https://me:pass%20word@host/gate/k3y-in-path/v1?token=in-query"), {})
    said = "POST /gate/k3y-in-path/v1/messages?token=in-query by me:pass word, which is pass%20word: /v1 is not here."
    told = server.redacted(said)
    for secret in ("pass word", "pass%20word", "k3y-in-path", "in-query"):
        assert secret in said
        assert secret not in told
    assert told.endswith(": /v1 is not here.")
    assert "in-query" not in server.redacted("token in-query is unknown")


def test_what_is_no_secret_is_told() -> None:
    server = Server.of(Settings(base_url="https://api.example.com/anthropic"), {"ANTHROPIC_API_KEY": "ollama"})
    for said in ("POST /anthropic/v1/messages: see https://docs.example.com/anthropic", "try: ollama pull llama3"):
        assert server.redacted(said) == said


def test_a_defect_tells_neither_a_key_nor_a_password(tmp_path: Path) -> None:
    secrets = ("sk-ant-api03-8f1fd26cb3a94d0e", "proxy-password")
    said = f"Strange: {secrets[0]} over http://me:p@{secrets[1]}@127.0.0.1:1"

    def script(job: VideoProcessingJob, watch: Watch) -> None:
        raise RuntimeError(said)

    vault = tmp_path / "notes"
    with closing(Engine(Settings(out=vault, author="outline", pdf=False))):
        logging.getLogger("a.library").warning("%s", said)
        logging.getLogger("a.library").error("failed", exc_info=RuntimeError(said))
    world = canned.World(vault, {Stage.FETCH: script})
    world.run("aaa", workers=1)
    world.close()
    ours = (vault / ".ytsb/logs/ytsb-tui.log").read_text()
    assert ours.count("Strange: [secret] over http://[secret]@127.0.0.1:1") == 2
    (entry,) = json.loads((vault / "processing_log.json").read_text())
    assert entry["error"] == "RuntimeError: Strange: [secret] over http://[secret]@127.0.0.1:1"
    kept = [path.read_bytes() for path in vault.rglob("*") if path.is_file()]
    assert not any(secret.encode() in data for secret in secrets for data in kept)


def test_an_own_log_that_cannot_be_written_is_not_printed_over_the_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    vault = tmp_path / "notes"
    with closing(Engine(Settings(out=vault, author="outline", pdf=False))):
        logs = vault / PRIVATE / "logs"
        logs.rmdir()
        logs.write_text("")
        logging.getLogger("a.library").error("lost", exc_info=RuntimeError("too"))
        logs.unlink()
        logs.mkdir()
        logging.getLogger("a.library").error("kept")
    assert capfd.readouterr() == ("", "")
    assert "kept" in (logs / "ytsb-tui.log").read_text()


@pytest.mark.parametrize("content", ["a=" + "[" * 100_000, "workers=" + "1" * 5000, "x" * 70_000, 'out = "a\\u0000b"'])
def test_a_hostile_settings_file_is_refused_in_words(tmp_path: Path, content: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(content)
    with pytest.raises(UsageError):
        settings.load({}, file=file, environment={})


def test_the_key_command_is_run_once(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    command = f"{sys.executable} -c \"open({str(asked)!r}, 'a').write('x'); print('sk-ant-of-a-command')\""
    author_of(Settings(api_key_command=command), {}, tmp_path)
    assert asked.read_text() == "x"
