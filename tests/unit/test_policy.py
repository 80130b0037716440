"""What happens after each failure: the table every retry goes by, and the words every user reads."""

from __future__ import annotations

import errno
import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ytsb_tui.services
from ytsb_tui import errors
from ytsb_tui.errors import (
    LONGEST_WAIT,
    BadCaptions,
    BadSetup,
    BadStart,
    Blocked,
    Bug,
    Busy,
    ExitRefused,
    Incomplete,
    NetworkTrouble,
    NoCaptions,
    NoRenderer,
    NotWritable,
    Ours,
    OutOfSpace,
    Permanent,
    Policy,
    Refused,
    RenderFailed,
    StageError,
    TorTrouble,
    Unavailable,
    Unreachable,
    from_os_error,
)
from ytsb_tui.headless import LONGEST_PAUSE
from ytsb_tui.job import Failure, Stage

for module in pkgutil.iter_modules(ytsb_tui.services.__path__, "ytsb_tui.services."):
    importlib.import_module(module.name)  # what they derive of our classes is to be seen


def walked(kind: type[StageError]) -> Iterator[type[StageError]]:
    """A class and everything below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from walked(below)


EVERY = [kind for kind in walked(StageError) if kind is not StageError]
ROWS: dict[type[StageError], set[type[StageError]]] = {
    Permanent: {NoCaptions, Unavailable, BadCaptions, Refused, Incomplete},
    Blocked: set(),
    ExitRefused: set(),
    TorTrouble: set(),
    Busy: set(),
    Unreachable: set(),
    NetworkTrouble: set(),
    RenderFailed: set(),
    Bug: set(),
    Ours: {OutOfSpace, NotWritable, NoRenderer, BadSetup, BadStart},
}
"""The rows of the table, and the classes that belong to each."""


def test_every_failure_belongs_to_one_row_of_the_table() -> None:
    for kind in EVERY:
        rows = [row for row in ROWS if issubclass(kind, row)]
        assert len(rows) == 1, kind
        assert kind.policy is rows[0].policy, f"{kind.__name__} goes its own way"
    named = {kind for row, below in ROWS.items() for kind in (row, *below)}
    assert {kind for kind in EVERY if kind.__module__ == errors.__name__} == named


@pytest.mark.parametrize("kind", [Permanent, Bug])
def test_what_is_permanent_is_tried_once_and_never_scheduled(kind: type[StageError]) -> None:
    assert kind.policy == Policy(tries=1, retryable=False, shared=False, stops_run=False)


def test_a_block_pauses_everybody_for_minutes() -> None:
    policy = Blocked.policy
    assert (policy.shared, policy.retryable, policy.stops_run) == (True, True, False)
    assert [policy.pause_before(failed, None) for failed in (1, 2, 9)] == [300, 600, 3600]


def test_a_busy_server_is_waited_for_by_everybody_as_it_asks_or_ever_longer_a_few_times() -> None:
    policy = Busy.policy
    assert (policy.shared, policy.retryable, policy.stops_run) == (True, True, False)
    assert 3 <= policy.tries <= 10
    pauses = [policy.pause_before(failed, None) for failed in range(1, policy.tries)]
    assert pauses == sorted(set(pauses))
    assert sum(pauses) < 600
    assert policy.pause_before(1, 3.0) == policy.pause_before(5, 3.0) == 3.0


def test_while_nobody_can_be_reached_everybody_waits_and_one_looks_for_a_quarter_of_an_hour() -> None:
    policy = Unreachable.policy
    assert (policy.shared, policy.retryable, policy.stops_run) == (True, True, False)
    pauses = [policy.pause_before(failed, None) for failed in range(1, policy.tries)]
    assert pauses == sorted(set(pauses))
    assert sum(pause for pause in pauses if pause < LONGEST_PAUSE) > 900
    assert pauses[-1] > LONGEST_PAUSE, "a run is stopped before a job fails"
    assert policy.pause_before(30, None) == pauses[-1], "who waits all night is through a quarter of an hour later"


def test_a_broken_connection_is_one_workers_own_and_waits_less() -> None:
    policy = NetworkTrouble.policy
    assert (policy.shared, policy.retryable, policy.stops_run) == (False, True, False)
    longest = sum(policy.pause_before(failed, None, spread=1.0) for failed in range(1, policy.tries))
    assert longest < sum(Busy.policy.pause_before(failed, None) for failed in range(1, policy.tries))


def test_our_own_trouble_stops_the_run_and_may_be_retried_once_it_is_put_right() -> None:
    assert Ours.policy == Policy(tries=1, shared=False, retryable=True, stops_run=True)


@given(
    failed=st.integers(1, 50) | st.integers(1_000, 100_000),
    pause=st.floats(0.001, 1_000),
    spread=st.floats(0, 1),
    asked=st.none() | st.floats(0, 10_000),
    shared=st.booleans(),
)
def test_a_pause_is_what_was_asked_for_or_doubles_within_its_jitter(
    failed: int, pause: float, spread: float, asked: float | None, shared: bool
) -> None:
    found = Policy(pause=pause, shared=shared).pause_before(failed, asked, spread)
    if asked is not None:
        assert found == asked
        return
    doubled = LONGEST_WAIT if failed > 50 else min(pause * 2 ** (failed - 1), LONGEST_WAIT)
    assert found == doubled if shared else found / doubled == pytest.approx(0.75 + 0.5 * spread)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_each_failure_says_in_a_sentence_what_to_do(kind: type[StageError]) -> None:
    advice = kind("Something failed.").advice
    assert kind is Ours or re.fullmatch(r"[A-Z][^\n]{10,140}\.", advice), "advice is one line, and a sentence"
    assert kind("Something failed.", advice="Do it.").advice == "Do it."
    failure = Failure.of(Stage.NOTES, kind("Something failed."))
    assert (failure.kind, failure.retryable) == (kind.__name__, kind.policy.retryable)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_who_will_be_retried_by_itself_is_not_told_that_nothing_helps(kind: type[StageError]) -> None:
    by_itself = "retried by itself" in kind.advice
    assert not by_itself or (kind.policy.retryable and not kind.policy.stops_run)
    assert "will not help" not in kind.advice or not kind.policy.retryable


def test_the_tree_that_is_drawn_is_the_tree_there_is() -> None:
    drawn = set(re.findall(r"^ {4}[│├└─ ]*([A-Z]\w+) +\S", errors.__doc__ or "", re.MULTILINE))
    there = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert drawn == there


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, OutOfSpace),
        (errno.EDQUOT, OutOfSpace),
        (errno.EACCES, NotWritable),
        (errno.EPERM, NotWritable),
        (errno.EROFS, NotWritable),
        (errno.EIO, Ours),
    ],
)
def test_what_the_system_refuses_stops_the_run_with_a_reason(number: int, kind: type[StageError]) -> None:
    error = from_os_error(OSError(number, "Why not"), "writing AI/Entropy.md")
    assert type(error) is kind
    assert "writing AI/Entropy.md" in str(error)
    assert error.advice
