"""The timeline: what ended when, counted in stretches a calendar knows."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ytsb_tui.log_figures import DAY, HOUR, MINUTE, STEPS, Outline, Timeline

BEGIN = datetime(2025, 10, 9, 14, 0, 30).timestamp()

times = st.floats(allow_nan=True, allow_infinity=True) | st.floats(1e9, 2e9) | st.none() | st.text(max_size=30)


def ended(*times: float, success: bool = True) -> list[Outline]:
    return [Outline(success=success, end_time=at) for at in times]


def test_an_evening_is_counted_by_the_minute() -> None:
    timeline = Timeline.of(ended(BEGIN, BEGIN + 10, BEGIN + 70) + ended(BEGIN + 190, success=False), 60)
    assert timeline.step == MINUTE
    assert datetime.fromtimestamp(timeline.begin) == datetime(2025, 10, 9, 14, 0)
    assert timeline.done == (2, 1, 0, 0)
    assert timeline.failed == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("span", "step"), [(3 * HOUR, 10 * MINUTE), (2 * DAY, HOUR), (40 * DAY, DAY), (300 * DAY, 7 * DAY)]
)
def test_a_longer_time_is_counted_in_longer_stretches(span: float, step: float) -> None:
    assert Timeline.of(ended(BEGIN, BEGIN + span), 60).step == step


def test_days_begin_at_midnight_where_the_user_lives() -> None:
    timeline = Timeline.of(ended(BEGIN, BEGIN + 30 * DAY), 60)
    assert datetime.fromtimestamp(timeline.begin).hour == 0


def test_attempts_without_a_time_are_left_out_and_other_times_stand_in() -> None:
    nameless = [Outline(success=True), Outline(success=True, end_time="soon"), Outline(success=True, logged_at=BEGIN)]
    assert Timeline.of(nameless, 60).done == (1,)
    assert Timeline.of([], 60) == Timeline()


def test_a_wrong_clock_does_not_hide_what_happened_lately() -> None:
    timeline = Timeline.of(ended(2 * DAY, BEGIN, BEGIN + 400 * DAY), 10)
    assert len(timeline.done) == 10
    assert sum(timeline.done) == 2


@given(st.lists(times), st.integers(1, 80))
def test_any_times_make_a_timeline_of_at_most_so_many_stretches(moments: list[float | str | None], most: int) -> None:
    timeline = Timeline.of([Outline(success=index % 2 == 0, end_time=at) for index, at in enumerate(moments)], most)
    assert timeline.step in STEPS
    assert len(timeline.done) == len(timeline.failed) <= most
    assert sum(timeline.done) + sum(timeline.failed) <= len(moments)
