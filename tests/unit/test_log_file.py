from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.attempts import START, line, lines
from ytsb_tui.errors import Ours, VaultError
from ytsb_tui.log_file import LogFile
from ytsb_tui.log_lines import Entry, entries_in, line_of


class Noon:
    """A clock that stands still."""

    def now(self) -> float:
        return datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()

    def ticks(self) -> float:
        return 0.0


@pytest.fixture
def log(tmp_path: Path) -> LogFile:
    return LogFile(tmp_path / "processing_log.json", Noon())


def journal(known: list[bytes]) -> Callable[[], list[bytes]]:
    return lambda: known


def decoded(known: list[bytes]) -> list[Entry]:
    return [msgspec.json.decode(each) for each in known]


def imported(log: LogFile, known: list[bytes]) -> list[bytes]:
    """Reconcile as the application does: import what is foreign, write the log anew."""
    result = log.reconcile(journal(known))
    if result.foreign:
        known = [*(line_of(entry) for entry in result.foreign), *known]
        log.rebuild(known)
    return known


def laid_out(known: list[bytes]) -> bytes:
    return b"[\n" + b",\n".join(known) + b"\n]\n"


# Growing


def test_the_log_is_one_array_with_an_entry_a_line(log: LogFile) -> None:
    log.append([line(0)])
    log.append([line(1), line(2)])
    assert log.path.read_bytes() == laid_out(lines(3))
    assert json.loads(log.path.read_bytes()) == decoded(lines(3))


def test_appending_nothing_makes_no_file(log: LogFile) -> None:
    log.append([])
    assert not log.path.exists()


@pytest.mark.parametrize("end", ["]", "]\n", "\n]", " \r\n ] \r\n", "\n" * 50 + "]"])
def test_a_log_that_others_laid_out_grows_as_well(log: LogFile, end: str) -> None:
    log.path.write_bytes(b"[" + line(0) + end.encode())
    log.append([b"{}"])
    assert json.loads(log.path.read_bytes()) == [*decoded(lines(1)), {}]


@pytest.mark.parametrize("empty", ["[]", "[]\n", "[ ]", "[\n\n]\n"])
def test_an_empty_array_grows(log: LogFile, empty: str) -> None:
    log.path.write_text(empty)
    log.append([line(0)])
    assert json.loads(log.path.read_bytes()) == decoded(lines(1))


@pytest.mark.parametrize("damaged", [b"", b"[", b"[\n{", b"{}", b"null", b"\0" * 99, "[]".encode("utf-16"), b"[1]"])
def test_a_file_that_does_not_end_as_a_log_is_not_added_to(log: LogFile, damaged: bytes) -> None:
    log.path.write_bytes(damaged)
    with pytest.raises(VaultError, match="damaged") as refused:
        log.append([line(0)])
    assert "ytsb-tui log" in refused.value.advice
    assert log.path.read_bytes() == damaged


def test_a_folder_in_the_logs_place_is_named(log: LogFile) -> None:
    log.path.mkdir()
    for use in (lambda: log.append([line(0)]), lambda: log.read(entries_in), lambda: log.reconcile(journal([]))):
        with pytest.raises(VaultError, match="is not a file"):
            use()


def test_a_full_disk_leaves_the_log_as_it_was(log: LogFile) -> None:
    """A limit on the file's size stands for the disk: the first half of the write is taken, then it is refused."""
    pytest.importorskip("resource", reason="the system knows no limit on the size of files")
    log.append(lines(3))
    program = (
        "import resource, sys; from pathlib import Path; from ytsb_tui.log_file import LogFile\n"
        "from ytsb_tui.errors import Ours; log = LogFile(Path(sys.argv[1])); size = log.path.stat().st_size\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))\n"
        "try: log.append([b'{' + b' ' * 5000 + b'}'])\n"
        "except Ours as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", program, log.path], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("The system refused (writing ")
    assert log.path.read_bytes() == laid_out(lines(3))


# Sharing

WRITER = """
import sys
from pathlib import Path
from ytsb_tui.log_file import LogFile
log = LogFile(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    log.append([b'{"video_id":"%s-%d","filler":"%s"}' % (sys.argv[2].encode(), number, b"x" * 2300)])
"""


def append_all(log: LogFile, writer: str, number: int) -> None:
    for each in range(number):
        log.append([line_of({"video_id": f"{writer}-{each}", "filler": "x" * 2300})])


@pytest.mark.slow
def test_threads_and_processes_add_at_once_while_others_read(log: LogFile) -> None:
    each = 500
    threads = [threading.Thread(target=append_all, args=(log, f"thread{number}", each)) for number in range(8)]
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, log.path, f"process{number}", str(each)]) for number in range(4)
    ]
    for thread in threads:
        thread.start()
    reader = LogFile(log.path)
    seen = 0
    while any(thread.is_alive() for thread in threads) or any(process.poll() is None for process in processes):
        found = len(reader.read(entries_in))
        assert found >= seen
        seen = found
    assert [process.wait() for process in processes] == [0] * 4
    names = [entry["video_id"] for entry in reader.read(entries_in)]
    wanted = [f"{kind}{number}" for kind, many in (("thread", 8), ("process", 4)) for number in range(many)]
    assert sorted(names) == sorted(f"{writer}-{number}" for writer in wanted for number in range(each))
    for writer in wanted:
        assert [name for name in names if name.startswith(f"{writer}-")] == [f"{writer}-{n}" for n in range(each)]


def test_a_reader_who_meets_half_an_append_waits_for_the_rest(log: LogFile) -> None:
    """The first look finds a torn file; the second, under the lock, a whole one."""
    log.append(lines(1))
    looks: list[bytes] = []

    def parse(content: bytes) -> list[Entry]:
        looks.append(content)
        return entries_in(content[:-20] if len(looks) == 1 else content)

    assert log.read(parse) == decoded(lines(1))
    assert len(looks) == 2


# Mending


def test_a_log_that_agrees_is_left_alone(log: LogFile) -> None:
    log.append(lines(3))
    before = log.path.stat()
    result = log.reconcile(journal(lines(3)))
    assert (result.appended, result.foreign, result.kept) == (0, [], None)
    assert log.path.stat().st_ino == before.st_ino


def test_a_new_vault_gets_no_empty_log(log: LogFile) -> None:
    assert log.reconcile(journal([])).appended == 0
    assert not log.path.exists()


def test_a_log_that_was_deleted_is_written_again(log: LogFile) -> None:
    assert log.reconcile(journal(lines(3))).appended == 3
    assert log.path.read_bytes() == laid_out(lines(3))


def test_wherever_the_log_is_cut_no_entry_is_lost(log: LogFile) -> None:
    """Every byte, also with the zeros that a file system may put in place of what it lost."""
    known = [line_of({"video_id": f"v{number}", "title": "“]}” 中\n[{", "files": []}) for number in range(4)]
    whole = laid_out(known)
    for cut in range(len(whole)):
        log.path.write_bytes(whole[:cut] + b"\0" * 50 * (cut % 2))
        result = log.reconcile(journal(known))
        assert (result.foreign, result.kept) == ([], None)
        assert log.path.read_bytes() == whole
    assert [path.name for path in log.path.parent.iterdir() if path.is_file()] == [log.path.name]


@given(st.integers(0, 7000), st.integers(0, 3000), st.binary(max_size=80))
def test_whatever_is_written_into_the_log_no_entry_is_lost_nor_any_byte(
    start: int, length: int, inserted: bytes
) -> None:
    with TemporaryDirectory() as folder:
        log = LogFile(Path(folder) / "processing_log.json", Noon())
        whole = laid_out(lines(3))
        damaged = whole[:start] + inserted + whole[start + length :]
        log.path.write_bytes(damaged)
        known = imported(log, lines(3))
        assert known[-3:] == lines(3)
        assert log.path.read_bytes() == laid_out(known)
        kept = [path.read_bytes() for path in Path(folder).glob("*.kept.json")]
        assert kept == [damaged] or (kept == [] and tells_nothing_new(damaged, whole))


def tells_nothing_new(damaged: bytes, whole: bytes) -> bool:
    """Whether it is the beginning of the log, or some of the log's entries in another layout."""
    beginning = damaged.rstrip(b"\0\n\r\t ]")
    return whole.startswith(beginning) or all(entry in entries_in(whole) for entry in entries_in(damaged))


@pytest.mark.parametrize("present", [0, 1, 3])
def test_a_log_that_lags_is_brought_up(log: LogFile, present: int) -> None:
    log.rebuild(lines(present))
    assert log.reconcile(journal(lines(4))).appended == 4 - present
    assert log.path.read_bytes() == laid_out(lines(4))


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda entries: json.dumps(entries, indent=2).encode(),
        lambda entries: json.dumps(entries, indent="\t", sort_keys=True, ensure_ascii=False).encode(),
        lambda entries: json.dumps(entries[::-1]).encode(),
        lambda entries: json.dumps(entries).encode("utf-16"),
        lambda entries: json.dumps(entries).encode("utf-8-sig"),
    ],
    ids=["indented", "sorted", "reversed", "utf-16", "with a byte order mark"],
)
def test_a_log_rewritten_with_the_same_entries_is_ours(log: LogFile, rewrite: Callable[[Any], bytes]) -> None:
    log.path.write_bytes(rewrite(decoded(lines(3))))
    result = log.reconcile(journal(lines(4)))
    assert (result.appended, result.foreign, result.kept) == (1, [], None)
    assert log.path.read_bytes() == laid_out(lines(4))


ORIGINAL: list[Entry] = [
    {"video_id": "abc123", "success": True, "logged_at": "2025-10-17T10:00:00.123456", "transcript": "words\n" * 9},
    {"video_id": "xyz789", "success": False, "error": "429: Too Many Requests", "processing_duration": 3},
]


def test_entries_of_another_tool_are_handed_over_and_the_file_is_kept(log: LogFile) -> None:
    log.path.write_text(json.dumps(ORIGINAL, indent=2))
    result = log.reconcile(journal(lines(2)))
    assert result.foreign == ORIGINAL
    assert json.loads(log.path.read_text()) == ORIGINAL, "until they are imported, the file is as it was"
    assert result.kept == log.path.with_name("processing_log.20260301T120000Z.kept.json")
    assert json.loads(result.kept.read_text()) == ORIGINAL


def test_foreign_entries_are_imported_once(log: LogFile) -> None:
    log.path.write_text(json.dumps([*ORIGINAL, *decoded(lines(2))], indent=2))
    known = imported(log, lines(2))
    assert decoded(known) == [*ORIGINAL, *decoded(lines(2))]
    assert imported(log, known) == known
    assert log.path.read_bytes() == laid_out(known)


def test_a_log_whose_journal_is_gone_is_imported_whole(log: LogFile) -> None:
    log.append(lines(3))
    assert imported(log, []) == lines(3)
    assert log.path.read_bytes() == laid_out(lines(3))


def test_what_someone_appended_behind_the_journals_back_is_imported(log: LogFile) -> None:
    log.append(lines(3))
    assert log.reconcile(journal(lines(2))).foreign == decoded(lines(3))[2:]


def test_an_attempt_of_a_younger_journal_with_a_used_id_is_another_attempt(log: LogFile) -> None:
    """Without its journal a vault counts attempts from 1 again."""
    earlier = {**msgspec.json.decode(line(0)), "logged_at": "2024-01-01T00:00:00.000+00:00"}
    log.path.write_bytes(laid_out([line_of(earlier)]))
    assert log.reconcile(journal(lines(1))).foreign == [earlier]


def test_an_entry_that_someone_edited_is_put_right_and_the_edit_kept(log: LogFile) -> None:
    edited = laid_out(lines(3)).replace(b"Vorlesung 1", b"Lecture 1")
    log.path.write_bytes(edited)
    result = log.reconcile(journal(lines(3)))
    assert result.foreign == []
    assert result.kept is not None
    assert result.kept.read_bytes() == edited
    assert log.path.read_bytes() == laid_out(lines(3))


@pytest.mark.parametrize("indent", [None, 2])
def test_foreign_entries_around_damage_are_saved(log: LogFile, indent: int | None) -> None:
    text = json.dumps([*ORIGINAL, {"video_id": "middle"}, *ORIGINAL], indent=indent)
    torn = text.replace('"middle"', '"mid\xff').encode("latin-1")[:-30]
    log.path.write_bytes(torn)
    result = log.reconcile(journal([]))
    assert result.foreign == [*ORIGINAL, ORIGINAL[0]]
    assert result.kept is not None
    assert result.kept.read_bytes() == torn


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{}", id="object"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[1, 2]", id="numbers"),
        pytest.param(b'[{"no": "video"}]', id="other objects"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0", id="picture"),
        pytest.param(bytes(range(256)) * 8, id="binary"),
        pytest.param(b"[" * 100_000, id="deep arrays"),
        pytest.param(b'[{"a":' * 3_000, id="deep objects"),
        pytest.param(b'{"video_id": "' + b"x" * 100, id="half an object"),
        pytest.param("nonsense".encode("utf-16"), id="utf-16"),
    ],
)
def test_garbage_is_kept_aside_and_the_log_written_anew(log: LogFile, content: bytes) -> None:
    log.path.write_bytes(content)
    result = log.reconcile(journal(lines(2)))
    assert result.foreign == []
    assert result.kept is not None
    assert result.kept.read_bytes() == content
    assert log.path.read_bytes() == laid_out(lines(2))


@pytest.mark.parametrize("content", [b"", b"\n", b"[]", b" [ ]\n", b"\0" * 4096])
def test_a_file_that_tells_nothing_is_not_worth_keeping(log: LogFile, content: bytes) -> None:
    log.path.write_bytes(content)
    assert log.reconcile(journal(lines(2))).kept is None
    assert log.path.read_bytes() == laid_out(lines(2))


def test_a_number_that_is_none_and_a_key_given_twice_are_read(log: LogFile) -> None:
    log.path.write_text('[{"video_id": "abc", "cost": NaN, "error": 1, "error": 2}]')
    (entry,) = log.reconcile(journal([])).foreign
    assert line_of(entry) == b'{"video_id":"abc","cost":null,"error":2}'


def test_two_files_kept_in_one_second_have_two_names(log: LogFile) -> None:
    kept = []
    for content in ("one", "two"):
        log.path.write_text(content)
        kept.append(log.reconcile(journal(lines(1))).kept)
    assert [path and path.read_text() for path in kept] == ["one", "two"]


def test_a_vault_that_may_not_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("a file where the vault should be")
    with pytest.raises(Ours, match="refused"):
        LogFile(tmp_path / "notes" / "processing_log.json").append([line(0)])


def test_half_a_character_does_not_break_the_line() -> None:
    assert line_of({"url": "lecture\udcff.srt", "cost": float("nan")}) == '{"url":"lecture�.srt","cost":null}'.encode()
    assert line_of({"title": "\ud83d\ude00", "at": START}) == '{"title":"😀","at":1760000000.0}'.encode()
