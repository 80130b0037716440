"""What the session promises: it works on a vault once, however often it is asked, and says who else does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ui.boards import hand_clock
from ytsb_tui import source
from ytsb_tui.clock import SystemClock
from ytsb_tui.errors import OutOfSpace
from ytsb_tui.journal import Journal
from ytsb_tui.pool import Pool
from ytsb_tui.settings import Settings
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.messages import Opened, Owned, Said
from ytsb_tui.ui.session import Session

PATIENCE = 60.0


@contextmanager
def session_on(root: Path) -> Iterator[tuple[Session, list[object]]]:
    """A session that is being opened, and what it reports."""
    reports: list[object] = []
    board = Board(hand_clock())
    session = Session(
        Settings(out=root, author="outline", pdf=False, workers=2), board.clock, board.hear, reports.append
    )
    session.open()
    yield session, reports
    session.close()


def all_done(session: Session) -> None:
    """Wait until everything that was asked for so far is done."""
    done = threading.Event()
    session._errands.put(done.set)
    assert done.wait(PATIENCE)


def test_a_vault_that_is_taken_over_twice_is_still_our_own(tmp_path: Path) -> None:
    owner = Journal.open(tmp_path, SystemClock())
    with session_on(tmp_path) as (session, reports):
        all_done(session)
        assert not session.is_ready
        owner.close()
        session.open()
        session.open()
        all_done(session)
        assert (session.is_ready, session.owned_by) == (True, None)
        assert [type(each) for each in reports if not isinstance(each, Said)] == [Owned, Opened]


def test_after_a_stop_the_run_goes_on_once_however_often_that_is_asked_for(tmp_path: Path) -> None:
    with session_on(tmp_path) as (session, _):
        all_done(session)
        stopped = session.pool
        assert stopped is not None
        stopped.stop(OutOfSpace("The disk is full."))
        busy, pools = threading.Event(), list[Pool | None]()
        session._errands.put(lambda: busy.wait(PATIENCE))
        for _ in range(2):
            session.resume()
            session._errands.put(lambda: pools.append(session.pool))
            session.pause()
        session.resume()
        busy.set()
        all_done(session)
        assert pools == [session.pool] * 2
        assert session.pool is not stopped


def test_no_run_begins_when_the_program_ends(tmp_path: Path) -> None:
    with session_on(tmp_path) as (session, _):
        all_done(session)
        stopped = session.pool
        assert stopped is not None
        stopped.stop(OutOfSpace("The disk is full."))
        busy = threading.Event()
        session._errands.put(lambda: busy.wait(PATIENCE))
        session.resume()
        session.closing = True
        busy.set()
        all_done(session)
        assert session.pool is stopped


def test_a_run_that_is_just_beginning_when_the_program_ends_has_no_workers(tmp_path: Path) -> None:
    """It waits for a worker of the run before, which does not leave, and meanwhile the user does."""
    with session_on(tmp_path) as (session, _):
        all_done(session)
        assert session.pool is not None
        session.pool._threads[9] = threading.current_thread()
        session.pool.stop(OutOfSpace("The disk is full."))
        begins = threading.Event()
        session._errands.put(begins.set)
        session.resume()
        assert begins.wait(PATIENCE)
        session.close()
        session._thread.join(PATIENCE)
        assert session.pool.stopping
        assert set(session.pool._threads) <= {9}


def test_what_is_added_while_the_vault_turns_out_to_be_anothers_says_whose_it_is(tmp_path: Path) -> None:
    owner = Journal.open(tmp_path, SystemClock())
    with session_on(tmp_path) as (session, reports):
        playlist = source.from_link("https://www.youtube.com/playlist?list=PL0123456789ABCDEF")
        session.add([source.video("aaaaaaaaaaa"), playlist])
        session.add([playlist])
        all_done(session)
        told = [each for each in reports if isinstance(each, Said)]
        assert [each.severity for each in told] == ["error", "error"]
        assert all(each.words.startswith(f"The vault {tmp_path} is worked on by process") for each in told)
    owner.close()
