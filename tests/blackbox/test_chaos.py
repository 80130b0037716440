"""Killed at every write, the program loses nothing and does nothing twice; `make chaos` does this at length."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.blackbox.program import Program
from tests.chaos import plans
from tests.chaos.blows import AT_BATCHES, AT_RANDOM, AT_WRITES, Blow, why_not_aimed
from tests.chaos.campaign import Account, Life

JOBS = 8


@pytest.mark.parametrize("blows", [AT_RANDOM, AT_WRITES], ids=["at any moment", "at every write"])
def test_killed_again_and_again_nothing_is_lost_or_done_twice(program: Program, blows: Sequence[Blow]) -> None:
    if not plans.possible(blows):
        pytest.skip(why_not_aimed())
    account = Account(vaults=3)
    campaign = plans.captions(program, JOBS)
    life = Life(campaign, program, program.desk / "vault", account)
    for seed, blow in enumerate(blows):
        life.round(replace(blow, most=min(blow.most, 6)), random.Random(seed))
    life.complete(campaign.undisturbed(program))
    assert account.clean, str(account)


@pytest.mark.skipif(why_not_aimed() != "", reason=why_not_aimed())
def test_killed_when_a_batch_was_sent_and_its_name_not_written_down_it_is_not_paid_twice(program: Program) -> None:
    (blow,) = (blow for blow in AT_BATCHES if blow.place == "between submission and ticket")
    account = Account(vaults=3)
    with plans.videos(program, 2, economy=True) as (campaign, reaching):
        life = Life(campaign, reaching, reaching.desk / "vault", account)
        life.round(blow, random.Random(0))
        ended = reaching(*campaign.command, "--out", reaching.desk / "vault")
        assert ended.code == 0, ended
        assert max(campaign.paid().values()) == 1
    assert account.clean, str(account)
