"""The vault's own folder is looked through while others make and remove files in it."""

from __future__ import annotations

import threading
from pathlib import Path

from ytsb_tui.private import private_folder


def test_a_file_that_goes_while_it_is_looked_at_is_nothing_wrong(tmp_path: Path) -> None:
    """As SQLite's do when a window is opened and another connection is closed."""
    passing = private_folder(tmp_path) / "state.db-wal"
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            passing.touch()
            passing.unlink()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        for _ in range(10_000):
            private_folder(tmp_path)
    finally:
        over.set()
        other.join()
