"""The book of exits: one file for all processes of a user, which survives restarts, damage and clocks."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from tests.canned import HandClock
from ytsb_tui.circuits import Exit, Score
from ytsb_tui.errors import StageError
from ytsb_tui.services.tor.exits import ExitBook

HOUR = 3600.0
HERON = Exit("A" * 40, "heron", "192.0.2.1", "DE")
TWIN = Exit("B" * 40, "twin", "192.0.2.1", "DE")
PLOVER = Exit("C" * 40, "plover", "192.0.2.2", "FR")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "exits.json"


def book(file: Path, clock: HandClock, said: list[str] | None = None) -> ExitBook:
    """The book as a process of its own has it."""
    return ExitBook(file, clock, 24 * HOUR, (said if said is not None else []).append)


def test_what_one_process_holds_another_does_not_get(file: Path, clock: HandClock) -> None:
    one, other = book(file, clock), book(file, clock)
    assert one.hold(HERON, clock.at + HOUR) is None
    for relay in (HERON, TWIN):
        in_the_way = other.hold(relay, clock.at + HOUR)
        assert in_the_way is not None
        assert (in_the_way.exit, in_the_way.why) == (HERON, "held")
    assert other.hold(PLOVER, clock.at + HOUR) is None


def test_of_many_at_once_one_gets_it(file: Path, clock: HandClock) -> None:
    got: list[bool] = []
    start = threading.Barrier(8)

    def grab() -> None:
        mine = book(file, clock)
        start.wait(30)
        got.append(mine.hold(HERON, clock.at + HOUR) is None)

    threads = [threading.Thread(target=grab) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got) == [False] * 7 + [True]


def test_what_is_released_is_free_and_what_rests_is_not(file: Path, clock: HandClock) -> None:
    one, other = book(file, clock), book(file, clock)
    one.hold(HERON, clock.at + HOUR)
    one.hold(PLOVER, clock.at + HOUR)
    one.release(HERON)
    one.rest(PLOVER, clock.at + HOUR, "used")
    assert other.hold(HERON, clock.at + HOUR) is None
    assert other.hold(PLOVER, clock.at + HOUR) is not None
    clock.at += HOUR
    assert other.hold(PLOVER, clock.at + HOUR) is None


def test_nobody_releases_or_shortens_what_another_holds(file: Path, clock: HandClock) -> None:
    one, other = book(file, clock), book(file, clock)
    one.hold(HERON, clock.at + HOUR)
    other.release(HERON)
    other.rest(HERON, clock.at + 60, "used")
    assert one.reserved()[HERON.address].until == clock.at + HOUR
    assert one.renew([HERON.address], clock.at + 2 * HOUR) == frozenset()


def test_a_refusal_is_not_shortened_by_a_return(file: Path, clock: HandClock) -> None:
    mine = book(file, clock)
    mine.hold(HERON, clock.at + HOUR)
    mine.rest(HERON, clock.at + 24 * HOUR, "refused")
    mine.rest(HERON, clock.at + HOUR, "used")
    assert [(one.until - clock.at, one.why) for one in mine.resting()] == [(24 * HOUR, "refused")]
    assert mine.hold(HERON, clock.at + HOUR, even_if_used=True) is not None


def test_an_exit_that_rests_after_use_can_be_taken_where_that_is_better_than_none(file: Path, clock: HandClock) -> None:
    one, other = book(file, clock), book(file, clock)
    one.hold(HERON, clock.at + HOUR)
    assert other.hold(HERON, clock.at + HOUR, even_if_used=True) is not None
    one.rest(HERON, clock.at + HOUR, "used")
    assert other.hold(HERON, clock.at + HOUR, even_if_used=True) is None


def test_what_is_renewed_stays_ours_and_what_ran_out_is_told(file: Path, clock: HandClock) -> None:
    one, other = book(file, clock), book(file, clock)
    one.hold(HERON, clock.at + HOUR)
    one.hold(PLOVER, clock.at + 10)
    clock.at += HOUR - 1
    assert one.renew([HERON.address, PLOVER.address], clock.at + HOUR) == {PLOVER.address}
    clock.at += HOUR - 1
    assert other.hold(HERON, clock.at + HOUR) is not None
    assert other.hold(PLOVER, clock.at + HOUR) is None
    assert one.renew([PLOVER.address], clock.at + HOUR) == {PLOVER.address}


def test_a_clock_that_is_set_back_reserves_nothing_for_longer_than_the_longest_rest(
    file: Path, clock: HandClock
) -> None:
    mine = book(file, clock)
    mine.rest(HERON, clock.at + HOUR, "used")
    clock.at -= 1000 * HOUR
    mine.refresh()
    assert [one.until - clock.at for one in mine.resting()] == [24 * HOUR]


@pytest.mark.parametrize("left", [b"", b"{", b"[]", b'{"addresses": 1}', b"\xff\xfe", b'{"addresses": {"x": {}}}'])
def test_a_damaged_book_is_kept_aside_and_begun_anew(file: Path, clock: HandClock, left: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(left)
    said: list[str] = []
    mine = book(file, clock, said)
    mine.refresh()
    assert file.read_bytes() == left, "who only looks may be looking while another writes it anew"
    assert mine.hold(HERON, clock.at + HOUR) is None
    assert book(file, clock).hold(HERON, clock.at + HOUR) is not None
    (kept,) = file.parent.glob("exits.json.damaged-*")
    assert kept.read_bytes() == left
    assert said == [f"The list of Tor exits was damaged and is begun anew; it is kept as {kept}."]


def test_the_book_is_its_owner_s_alone_and_nothing_of_a_killed_process_stays_beside_it(
    file: Path, clock: HandClock
) -> None:
    file.parent.mkdir(mode=0o700)
    (file.parent / ".ytsb-0123456789abcdef.tmp").write_text("half a bo")
    book(file, clock).hold(HERON, clock.at + HOUR)
    assert sorted(path.name for path in file.parent.iterdir()) == ["exits.json", "exits.lock"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be replaced by files there")
def test_a_book_that_cannot_be_written_is_told_in_words(tmp_path: Path, clock: HandClock) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StageError, match=r"exits\.json") as caught:
        book(tmp_path / "state" / "exits.json", clock).hold(HERON, clock.at + HOUR)
    assert caught.value.policy.stops_run


def test_scores_add_up_across_processes(file: Path, clock: HandClock) -> None:
    one, other = book(file, clock), book(file, clock)
    one.score(HERON, successes=1)
    other.score(HERON, successes=2, refusals=1)
    other.score(PLOVER, failures=1)
    one.refresh()
    assert one.scores() == (Score(HERON, 3, 1), Score(PLOVER, failures=1))
