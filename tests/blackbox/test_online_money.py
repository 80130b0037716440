"""Money: estimates, budgets, and batches at half the price."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.blackbox.online import Online, events, kinds, link, video_id
from tests.blackbox.program import PATIENCE
from ytsb_tui.services.claude.prices import Prices

PRICES = Prices.load(Path("no-prices-of-my-own.toml"))
SIX = [link(number) for number in (0, 1, 3, 4, 6, 7)]


def test_an_estimate_pays_nothing_and_is_about_right(online: Online) -> None:
    told = online.run(*SIX, "--estimate", "--json")
    assert told.code == 0, told
    (estimate,) = events(told, "estimate")
    assert online.claude.requests.total() == 0
    assert online.run(*SIX).code == 0
    assert 0.5 < estimate["cost"] / online.billed(PRICES) < 2
    assert sum(entry["cost"] for entry in online.log) == pytest.approx(online.billed(PRICES))


def test_an_estimate_orders_nothing(online: Online) -> None:
    videos = online.world.youtube.catalog.videos
    videos[video_id(0)] = replace(videos[video_id(0)], state="private")
    told = online.run(link(0), link(1), "--estimate")
    assert told.code == 1, told
    assert "1 done, 1 failed" in told.out
    assert "What was fetched is kept; nothing was ordered." in told.out
    assert "\n1 job: about" in told.out
    assert not (online.vault / "processing_log.json").exists()
    assert "There is nothing to retry." in online.program("retry").out
    asked = len(online.world.youtube.journal)
    assert online.run(link(1)).code == 0
    assert len(online.world.youtube.journal) == asked
    assert [(entry["video_id"], entry["video_title"], entry["success"]) for entry in online.log] == [
        (video_id(1), videos[video_id(1)].title, True)
    ]


def test_an_estimate_leaves_a_failed_job_as_it_is(online: Online) -> None:
    videos = online.world.youtube.catalog.videos
    video = videos[video_id(1)]
    videos[video_id(1)] = replace(video, state="private")
    assert online.run(link(1)).code == 1
    videos[video_id(1)] = video
    assert online.run(link(1), "--estimate").code == 0
    assert [(entry["success"], entry["attempt"]) for entry in online.log] == [(False, 1)]
    assert "1 failed" in online.program("log", "stats").out
    assert online.program("retry", "--failed").code == 0
    assert [(entry["success"], entry["attempt"], entry["resumed_from"]) for entry in online.log] == [
        (False, 1, None),
        (True, 2, "notes"),
    ]
    assert online.log[-1]["video_title"] == video.title


@pytest.mark.parametrize("workers", ["1", "6"])
def test_a_budget_is_never_exceeded(online: Online, workers: str) -> None:
    dollars = 0.15
    told = online.run(*SIX, "--budget", str(dollars), "--workers", workers)
    assert told.code == 1, told
    assert 0 < online.billed(PRICES) <= dollars
    assert f"Stopped: The budget of ${dollars} is used up:" in told.out
    assert "Start again with a larger --budget; nothing that is paid for is lost." in told.out
    assert "failed" not in told.out
    paid = len(online.claude.calls)
    assert online.run(*SIX).code == 0
    assert len(online.claude.calls) == 2 * len(SIX) > paid
    assert kinds(online.claude.calls) == {"notes": 6, "assessment": 6}


def test_a_transcript_that_is_paid_for_twice_is_told(online: Online) -> None:
    online.claude.forgetful = True
    told = online.run(link(0))
    assert told.code == 0, told
    assert "The transcript was paid for twice" in told.out
    assert [entry["cache_missed"] for entry in online.log] == [True]


def test_a_batch_survives_the_program_and_is_not_submitted_again(online: Online) -> None:
    online.claude.looks = 1_000_000
    command = [*SIX[:3], "--economy"]
    assert online.run(*SIX[:3], "--estimate").code == 0  # which fetches, so that all three are ready for one batch
    with online.started(*command) as running:
        shown = next(event for event in running.events() if "msgbatch" in (event.get("text") or ""))
        running.process.kill()
        running.process.wait(PATIENCE)
    (batch,) = online.claude.batches.values()
    assert len(batch.requests) == 3
    assert shown["text"].startswith(f"batch {batch.id} in progress, 0 of 3 done, since ")
    assert shown["video_id"] in {video_id(number) for number in (0, 1, 3)}
    batch.looks = online.claude.looks = 0
    told = online.run(*command)
    assert told.code == 0, told
    assert kinds(online.claude.calls) == {"notes": 3, "assessment": 3}
    assert sum(len(batch.requests) for batch in online.claude.batches.values()) == 6
    assert online.claude.requests["/v1/messages"] == 0
    assert sum(entry["cost"] for entry in online.log) == pytest.approx(online.billed(PRICES) / 2)
