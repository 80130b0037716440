"""What a budget promises: not a cent is begun to be spent that is not there."""

from __future__ import annotations

import threading

import pytest

from ytsb_tui.budget import Budget
from ytsb_tui.errors import OverBudget
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.usage import Usage


def job(name: str = "aaa") -> VideoProcessingJob:
    return VideoProcessingJob(name, f"https://youtu.be/{name}")


def paid(name: str, cost: float | None) -> VideoProcessingJob:
    return job(name).used(Stage.NOTES, Usage(cost=cost))


def test_what_is_spent_and_what_is_set_aside_both_count() -> None:
    budget = Budget(1.0)
    budget.reserve(job("aaa"), Stage.NOTES, 0.5)
    budget.settle(paid("aaa", 0.25), Stage.NOTES)
    budget.reserve(job("bbb"), Stage.NOTES, 0.5)
    with pytest.raises(OverBudget, match=r"The budget of \$1\.00 is used up: \$0\.25 spent, .* cost \$0\.50") as over:
        budget.reserve(job("ccc"), Stage.NOTES, 0.5)
    assert "--budget" in over.value.advice
    budget.reserve(job("ccc"), Stage.NOTES, 0.25)


def test_what_was_set_aside_and_not_used_is_free_again() -> None:
    budget = Budget(1.0)
    for _ in range(5):
        budget.reserve(job(), Stage.NOTES, 1.0)
        budget.settle(job(), Stage.NOTES)
    assert budget.spent == 0.0


def test_a_stage_that_is_tried_again_is_counted_once() -> None:
    budget = Budget()
    first = paid("aaa", 0.25)
    budget.reserve(job(), Stage.NOTES, 0.5)
    budget.settle(first, Stage.NOTES)
    budget.reserve(first, Stage.NOTES, 0.5)
    budget.settle(first.used(Stage.NOTES, Usage(cost=0.5)), Stage.NOTES)
    assert budget.spent == 0.75


def test_what_earlier_runs_spent_on_a_job_is_not_this_runs() -> None:
    budget = Budget(1.0)
    before = paid("aaa", 5.0)
    budget.reserve(before, Stage.NOTES, 0.5)
    budget.settle(before.used(Stage.NOTES, Usage(cost=0.5)), Stage.NOTES)
    assert budget.spent == 0.5


def test_without_a_limit_or_a_price_nothing_is_refused() -> None:
    Budget().reserve(job(), Stage.NOTES, 1e9)
    budget = Budget(0.01)
    budget.reserve(job(), Stage.NOTES, None)
    budget.settle(paid("aaa", None), Stage.NOTES)
    assert budget.spent == 0.0


def test_workers_that_ask_at_once_get_no_more_than_there_is() -> None:
    budget = Budget(1.0)
    granted: list[str] = []
    start = threading.Barrier(8)

    def ask(name: str) -> None:
        start.wait()
        try:
            budget.reserve(job(name), Stage.NOTES, 0.25)
        except OverBudget:
            return
        granted.append(name)

    threads = [threading.Thread(target=ask, args=(f"job{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 4
