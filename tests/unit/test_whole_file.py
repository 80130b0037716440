"""Whoever looks at a file sees it whole, and nobody finds what was never finished."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import pytest

from ytsb_tui.private import for_owner_only
from ytsb_tui.whole_file import creating, is_unfinished, replacing

Making = Callable[[Path], AbstractContextManager[IO[bytes]]]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    note = tmp_path / "Note.md"
    note.write_bytes(b"old")
    with open(note, "rb") as reader, replacing(note) as file:
        file.write(b"new and longer")
        file.flush()
        assert note.read_bytes() == reader.read() == b"old"
    assert note.read_bytes() == b"new and longer"
    assert os.listdir(tmp_path) == ["Note.md"]


@pytest.mark.parametrize("making", [replacing, creating])
def test_what_breaks_off_leaves_everything_as_it_was(tmp_path: Path, making: Making) -> None:
    def break_off(place: Path) -> None:
        with making(place) as file:
            file.write(b"half a no")
            (unfinished,) = (name for name in os.listdir(tmp_path) if name != "Note.md")
            assert is_unfinished(unfinished)
            raise OSError("the disk is full")

    (tmp_path / "Note.md").write_bytes(b"old")
    for name in ("Note.md", "Other.md"):
        with pytest.raises(OSError, match="the disk is full"):
            break_off(tmp_path / name)
    assert os.listdir(tmp_path) == ["Note.md"]
    assert (tmp_path / "Note.md").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
@pytest.mark.parametrize("durable", [True, False])
def test_permissions_stay_what_they_were_unless_they_are_given(tmp_path: Path, durable: bool) -> None:
    file = tmp_path / "tickets.json"
    file.touch()
    file.chmod(0o640)
    with replacing(file, durable=durable):
        pass
    assert mode(file) == 0o640
    with replacing(file, durable=durable, opener=for_owner_only):
        pass
    assert mode(file) == 0o600


def test_a_new_file_takes_nobodys_name(tmp_path: Path) -> None:
    note = tmp_path / "Note.md"
    with creating(note) as file:
        file.write(b"ours")
        assert not note.exists()
    assert note.read_bytes() == b"ours"
    with pytest.raises(FileExistsError), creating(note) as file:
        file.write(b"theirs")
    assert note.read_bytes() == b"ours"
    assert os.listdir(tmp_path) == ["Note.md"]


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    (tmp_path / "log.json").symlink_to(outside)
    with replacing(tmp_path / "log.json") as file:
        file.write(b"[]")
    assert outside.read_bytes() == b"secret"
    assert not (tmp_path / "log.json").is_symlink()


def test_two_at_once_do_not_meet_in_one_unfinished_file(tmp_path: Path) -> None:
    file = tmp_path / "page.json"
    both = threading.Barrier(2)

    def write(text: bytes) -> None:
        with replacing(file) as new:
            both.wait(30)
            new.write(text)
            both.wait(30)

    writers = [threading.Thread(target=write, args=(letter * 100_000,)) for letter in (b"a", b"b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert file.read_bytes() in (b"a" * 100_000, b"b" * 100_000)
    assert os.listdir(tmp_path) == ["page.json"]
