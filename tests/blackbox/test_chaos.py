"""Killed at every write, the program loses nothing and does nothing twice; `make chaos` does this at length."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.blackbox.program import Program
from tests.chaos import plans
from tests.chaos.__main__ import options
from tests.chaos.autopsy import LOG, differences, examine, picture
from tests.chaos.blows import AT_BATCHES, AT_PDFS, AT_RANDOM, AT_WRITES, why_not_aimed
from tests.chaos.campaign import Account, Life
from ytsb_tui.services.pdf.pango import missing

JOBS = 8


def test_make_chaos_has_every_plan_and_whoever_names_one_has_that() -> None:
    assert options([]).plans == ["captions", "pdfs", "videos", "batches", "evening"]
    assert options(["pdfs"]).plans == ["pdfs"]


def test_killed_at_any_moment_nothing_is_lost_or_done_twice(program: Program) -> None:
    account = Account(vaults=3)
    campaign = plans.captions(program, JOBS)
    life = Life(campaign, program, program.desk / "vault", account)
    for seed, blow in enumerate(AT_RANDOM * 2):
        life.round(blow, 1 + 5 * seed, random.Random(seed))
    life.complete(campaign.undisturbed(program))
    assert account.clean, str(account)


@pytest.mark.skipif(why_not_aimed() != "", reason=why_not_aimed())
def test_killed_at_every_write_nothing_is_lost_or_done_twice(program: Program) -> None:
    account = Account(vaults=3)
    campaign = plans.captions(program, JOBS)
    life = Life(campaign, program, program.desk / "vault", account)
    for seed, blow in enumerate(AT_WRITES):
        life.round(blow, blow.least, random.Random(seed))
    life.complete(campaign.undisturbed(program))
    assert account.clean, str(account)
    assert account.kills.keys() == {blow.place for blow in AT_WRITES}


@pytest.mark.skipif(why_not_aimed() != "", reason=why_not_aimed())
def test_killed_when_a_batch_was_sent_and_its_name_not_written_down_it_is_not_paid_twice(program: Program) -> None:
    (blow,) = (blow for blow in AT_BATCHES if blow.place == "between submission and ticket")
    account = Account(vaults=3)
    with plans.videos(program, 2, economy=True) as (whole, reaching):
        campaign = replace(whole, command=[*whole.command, "--no-assessment"])
        life = Life(campaign, reaching, reaching.desk / "vault", account)
        life.round(blow, blow.least, random.Random(0))
        ended = reaching(*campaign.command, "--out", reaching.desk / "vault")
        assert ended.code == 0, ended
        assert account.kills[blow.place] == 1
        assert max(campaign.paid().values()) == 1
    assert account.clean, str(account)


@pytest.mark.skipif(missing() is not None, reason="pango is not installed")
def test_killed_inside_a_pdf_nothing_is_left_of_it_and_it_is_drawn_anew(program: Program) -> None:
    blow = AT_PDFS[0]
    account = Account(vaults=3)
    campaign = plans.pdfs(program, 3)
    life = Life(campaign, program, program.desk / "vault", account)
    tries = (life.round(blow, 1, random.Random(seed)) for seed in range(6))
    assert any(struck.hit for struck in tries), str(account)
    life.complete(campaign.undisturbed(program))
    assert account.clean, str(account)


def test_a_place_that_was_aimed_at_and_never_hit_is_said() -> None:
    account = Account(kills=Counter({"at any moment": 3}), elsewhere=Counter({"inside a PDF": 2}))
    assert not account.clean
    assert "2 on the way to one of these\n     0 inside a PDF: NEVER FIRED\n" in str(account)
    account.kills["inside a PDF"] += 1
    assert account.clean


def test_a_campaign_sees_what_is_wrong_in_a_vault(program: Program) -> None:
    """Were it not so, one that finds nothing would prove nothing."""
    vault = plans.captions(program, 2).undisturbed(program)
    note, quiz = "Course/osmosis_theory.md", "Course/Assessment_osmosis_theory.md"

    def said(harm: Callable[[Path], object]) -> str:
        harmed = program.desk / "harmed" / vault.name
        shutil.copytree(vault, harmed)
        harm(harmed)
        remains = examine(harmed)
        words = [
            *remains.wrong,
            *remains.stray,
            f"logged {sorted(remains.logged.values()) if remains.logged else None}",
        ]
        if remains.logged:
            words += differences(picture(harmed, links=True), picture(vault, links=True))
        shutil.rmtree(harmed)
        return "\n".join(words)

    assert said(lambda there: None) == "logged [1, 1]"
    assert f"only in one of them: {note}" in said(lambda there: (there / note).unlink())
    assert f"{note}: (" in said(lambda there: changed(there / note, lambda text: text.replace("experiment", "guess")))
    assert "half a note" in said(lambda there: changed(there / note, lambda text: text[:-30]))
    assert "half a note" in said(lambda there: changed(there / quiz, lambda text: text[: len(text) // 2]))
    assert "half a PDF" in said(lambda there: (there / "Course/half.pdf").write_text("%PDF-1.7 and no end"))
    assert ".ytsb-0123456789abcdef.tmp" in said(lambda there: (there / ".ytsb-0123456789abcdef.tmp").touch())
    assert "logged None" in said(lambda there: changed(there / LOG, lambda text: text[:-30]))
    assert "logged [2, 2]" in said(lambda there: changed(there / LOG, lambda text: json.dumps(json.loads(text) * 2)))
    assert "notes_length: 1" in said(
        lambda there: changed(there / LOG, lambda text: text.replace('notes_length":', 'notes_length":1'))
    )


def changed(file: Path, change: Callable[[str], str]) -> None:
    file.write_text(change(file.read_text()))
