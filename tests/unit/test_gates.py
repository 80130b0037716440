"""What a gate promises: few at once, those furthest on first, and after a refusal one that asks for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.canned import HandClock
from ytsb_tui.errors import Cancelled
from ytsb_tui.gates import Gate

PATIENCE = 120.0
"""Seconds after which a test fails that waits for another thread."""


class Visitor:
    """A worker that goes through a gate, and stays inside until it is let go."""

    def __init__(self, gate: Gate, rank: int = 0, entered: Callable[[], object] = lambda: None) -> None:
        self.gave_up = False
        self._gate = gate
        self._rank = rank
        self._entered = entered
        self._leaving = False
        self._inside, self._let_go = threading.Event(), threading.Event()
        self._looks = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._visit)
        self._thread.start()
        assert self._looks.acquire(timeout=PATIENCE)

    def _visit(self) -> None:
        try:
            with self._gate.turn(self._rank, self._look):
                self._entered()
                self._inside.set()
                self._looks.release()
                self._let_go.wait(PATIENCE)
        except Cancelled:
            self.gave_up = True

    def _look(self) -> None:
        self._looks.release()
        if self._leaving:
            raise Cancelled("Cancelled by you.")

    def enters(self) -> None:
        """It gets inside."""
        assert self._inside.wait(PATIENCE)

    def waits(self) -> None:
        """It looks at the gate, twice from now on, and is not let in."""
        while self._looks.acquire(blocking=False):
            pass
        for _ in range(2):
            assert self._looks.acquire(timeout=PATIENCE)
        assert not self._inside.is_set()

    def leaves(self) -> None:
        """It goes away: from inside, or because it gives up waiting."""
        self._leaving = True
        self.let_go()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def let_go(self) -> None:
        """It will not stay."""
        self._let_go.set()


@contextmanager
def visit(gate: Gate, *ranks: int) -> Iterator[list[Visitor]]:
    """Visitors who come one after the other."""
    visitors = [Visitor(gate, rank) for rank in ranks]
    try:
        yield visitors
    finally:
        for visitor in visitors:
            visitor.leaves()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def longer_each_time(refusals: int) -> float:
    return 10.0 * refusals


def test_no_more_than_its_capacity_are_inside(clock: HandClock) -> None:
    with visit(Gate("fetch", 2, clock), 0, 0, 0) as (first, second, third):
        first.enters()
        second.enters()
        third.waits()
        first.leaves()
        third.enters()


@settings(max_examples=20)
@given(ranks=st.lists(st.integers(-5, 0), min_size=1, max_size=6))
def test_who_is_furthest_on_goes_first_and_equals_as_they_came(ranks: list[int]) -> None:
    gate = Gate("generate", 1, HandClock())
    entered: list[tuple[int, int]] = []
    with visit(gate, 0) as (inside,):
        inside.enters()
        waiting = [Visitor(gate, rank, partial(entered.append, (rank, turn))) for turn, rank in enumerate(ranks)]
        for visitor in waiting:
            visitor.let_go()
        inside.leaves()
        for visitor in waiting:
            visitor.enters()
            visitor.leaves()
    assert entered == sorted(entered)


def test_nobody_enters_before_a_pause_is_over(clock: HandClock) -> None:
    gate = Gate("fetch", 3, clock)
    assert gate.refused(longer_each_time) == 10.0
    with visit(gate, 0) as (visitor,):
        visitor.waits()
        clock.at += 9.9
        visitor.waits()
        clock.at += 0.1
        visitor.enters()


def test_after_a_pause_one_goes_ahead_and_the_others_follow_once_it_is_served(clock: HandClock) -> None:
    gate = Gate("fetch", 3, clock)
    gate.refused(longer_each_time)
    clock.at += 10
    with visit(gate, 0, 0, 0) as (first, *others):
        first.enters()
        for other in others:
            other.waits()
        gate.accepted()
        for other in others:
            other.enters()


def test_who_goes_ahead_and_fails_for_a_reason_of_its_own_makes_way_for_the_next(clock: HandClock) -> None:
    gate = Gate("fetch", 3, clock)
    gate.refused(longer_each_time)
    clock.at += 10
    with visit(gate, 0, 0, 0) as (first, second, third):
        first.enters()
        first.leaves()
        second.enters()
        third.waits()


def test_who_goes_ahead_does_not_wait_for_those_who_were_inside_all_along(clock: HandClock) -> None:
    gate = Gate("generate", 3, clock)
    with visit(gate, 0) as (long_at_it,):
        long_at_it.enters()
        gate.refused(longer_each_time)
        clock.at += 10
        with visit(gate, 0, 0) as (ahead, other):
            ahead.enters()
            other.waits()


def test_each_further_refusal_counts_and_success_forgets_them(clock: HandClock) -> None:
    gate = Gate("fetch", 3, clock)
    pauses = []
    for _ in range(3):
        pauses.append(gate.refused(longer_each_time))
        clock.at += pauses[-1]
    gate.accepted()
    assert [*pauses, gate.refused(longer_each_time)] == [10.0, 20.0, 30.0, 10.0]


def test_refusals_of_one_kind_do_not_lengthen_the_pauses_of_another(clock: HandClock) -> None:
    gate = Gate("fetch", 3, clock)
    pauses = []
    for kind in ("busy", "busy", "blocked", "busy"):
        pauses.append(gate.refused(longer_each_time, kind))
        clock.at += pauses[-1]
    gate.accepted()
    assert [*pauses, gate.refused(longer_each_time, "busy")] == [10.0, 20.0, 10.0, 30.0, 10.0]


def test_refusals_of_calls_that_were_under_way_do_not_count_but_may_lengthen_the_pause(clock: HandClock) -> None:
    gate = Gate("fetch", 3, clock)
    assert gate.refused(longer_each_time) == 10.0
    clock.at += 4
    assert gate.refused(longer_each_time) == 10.0
    assert gate.refused(lambda refusals: 2.0) == 10.0
    clock.at += 10
    assert gate.refused(longer_each_time) == 20.0


def test_it_is_open_again_once_somebody_is_served(clock: HandClock) -> None:
    gate = Gate("fetch", 3, clock)
    assert gate.is_open
    gate.refused(longer_each_time)
    clock.at += 10
    assert not gate.is_open
    gate.accepted()
    assert gate.is_open


def test_of_refusals_at_once_one_is_news(clock: HandClock) -> None:
    gate = Gate("fetch", 3, clock)
    told = []
    for late, pause in ((0, 10.0), (0.2, 10.0), (0.5, 60.0), (62, 2.0)):
        clock.at += late
        gate.refused(lambda refusals, pause=pause: pause)  # type: ignore[misc]
        told.append(gate.take_news())
    assert told == [True, False, True, True]


def test_the_success_of_a_call_that_was_under_way_does_not_end_the_pause(clock: HandClock) -> None:
    gate = Gate("fetch", 1, clock)
    gate.refused(longer_each_time)
    gate.accepted()
    with visit(gate, 0) as (visitor,):
        visitor.waits()


def test_who_gives_up_waiting_holds_nobody_up(clock: HandClock) -> None:
    gate = Gate("export", 1, clock)
    with visit(gate, 0, -1, 0) as (inside, first, second):
        inside.enters()
        first.leaves()
        assert first.gave_up
        inside.leaves()
        second.enters()


def test_an_error_inside_gives_the_place_back(clock: HandClock) -> None:
    gate = Gate("vault", 1, clock)
    with pytest.raises(ZeroDivisionError), gate.turn(0, lambda: None):
        raise ZeroDivisionError
    with visit(gate, 0) as (visitor,):
        visitor.enters()


def test_waiting_alone_lasts_by_the_clock_and_can_be_given_up(clock: HandClock) -> None:
    gate = Gate("fetch", 1, clock)
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        clock.at += 2
        if looks == 5:
            raise Cancelled("Cancelled by you.")

    gate.wait(7.0, look)
    assert looks == 4
    with pytest.raises(Cancelled):
        gate.wait(7.0, look)


def test_a_pause_can_be_ended_and_then_one_asks_for_all(clock: HandClock) -> None:
    gate = Gate("fetch", 4, clock)
    assert not gate.reopen()
    gate.refused(longer_each_time)
    with visit(gate, 0, 0) as (first, second):
        first.waits()
        assert gate.reopen()
        first.enters()
        second.waits()
        gate.accepted()
        second.enters()
