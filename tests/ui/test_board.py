"""What the board promises: whatever workers say ends as rows, sums and an estimate, at no cost to the workers."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.canned import HandClock, World
from tests.ui.boards import SECONDS, fail, failed, finish, hand_clock, job, queue
from ytsb_tui.errors import NetworkTrouble, OverBudget
from ytsb_tui.events import (
    JobEnded,
    JobStopped,
    ResourcePaused,
    RunStopped,
    StageEvent,
    StageFinished,
    StageProgress,
    StageRetried,
    StageStarted,
    StageWaiting,
)
from ytsb_tui.glance import Brief, Glance, Glimpse
from ytsb_tui.job import Failure, Stage, Status, VideoProcessingJob
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.columns import COLUMNS, ERROR, STATUS, TITLE, TOTAL, Column, arrange
from ytsb_tui.ui.format import amount, bar, countdown, fit, money, short
from ytsb_tui.ui.news import Seen, Told, portions
from ytsb_tui.ui.notices import Notices
from ytsb_tui.ui.view import View
from ytsb_tui.usage import Usage
from ytsb_tui.watch import Watch


@pytest.fixture
def clock() -> HandClock:
    return hand_clock()


@pytest.fixture
def board(clock: HandClock) -> Board:
    return Board(clock)


def badge(board: Board, number: int) -> str:
    board.catch_up()
    return str(board.rows[f"video-{number:05}"].badge(board.clock.now()))


def test_a_status_is_a_glyph_and_a_word_at_every_step(board: Board, clock: HandClock) -> None:
    one, now = job(1), clock.at
    queue(board, one)
    assert badge(board, 1) == "· queued"
    board.hear(StageWaiting(one, now, Stage.NOTES, 0))
    assert badge(board, 1) == "▹ notes waits"
    board.hear(StageStarted(one, now, Stage.NOTES, 0))
    assert badge(board, 1) == "▸ notes"
    failure = Failure(Stage.NOTES, "Busy", "Overloaded.", "Wait.", True)
    board.hear(StageRetried(one, now, Stage.NOTES, 0, failure, 1, now + 12))
    assert badge(board, 1) == "↻ notes 0:12"
    finish(board, one)
    assert badge(board, 1) == "✓ done"
    fail(board, job(2))
    assert badge(board, 2) == "✗ failed"
    fail(board, job(3), next_retry_at=now + 754)
    assert badge(board, 3) == "↻ 12:34 retry"
    fail(board, job(4), kind="Cancelled")
    assert badge(board, 4) == "– cancelled"
    board.hear(StageStarted(job(5), now, Stage.FETCH, 0))
    board.hear(JobStopped(job(5), now, 0))
    assert badge(board, 5) == "· queued"


def test_a_row_says_why_its_stage_is_tried_again_until_that_is_over(board: Board, clock: HandClock) -> None:
    one, now = job(1), clock.at
    blocked = Failure(Stage.FETCH, "Blocked", "YouTube blocked this address (429).", "Wait.", True)

    def error(event: StageEvent) -> str:
        board.hear(event)
        board.catch_up()
        return board.rows[one.video_id].error

    assert error(StageStarted(one, now, Stage.FETCH, 0)) == ""
    assert error(StageRetried(one, now, Stage.FETCH, 0, blocked, 1, now + 300, shared=True)) == blocked.message
    assert error(StageWaiting(one, now, Stage.FETCH, 0)) == blocked.message
    assert error(StageStarted(one, now + 300, Stage.FETCH, 0)) == blocked.message
    assert error(StageFinished(one, now + 301, Stage.FETCH, 0, 1.0)) == ""
    assert error(StageStarted(one, now + 301, Stage.NOTES, 0)) == ""


def test_the_running_stage_ticks_and_counts_into_the_total(board: Board, clock: HandClock) -> None:
    one = job(1, seconds={Stage.FETCH: 2.0})
    board.hear(StageStarted(one, clock.at, Stage.NOTES, 0))
    clock.at += 8
    board.hear(StageProgress(one, clock.at, Stage.NOTES, 0, 0.5, "the latest words"))
    board.catch_up()
    row = board.rows[one.video_id]
    assert row.total(clock.at) == 10.0
    assert row.live is not None
    assert (row.live.since, row.live.fraction, row.live.text) == (clock.at - 8, 0.5, "the latest words")


def test_a_lane_is_the_thread_that_runs_the_job(board: Board) -> None:
    board.hear(StageStarted(job(1), 0.0, Stage.FETCH, 1))
    board.catch_up()
    assert {number: lane.job for number, lane in board.lanes.items()} == {1: "video-00001"}
    finish(board, job(1), worker=1)
    board.catch_up()
    assert [(lane.job, lane.ended) for lane in board.lanes.values()] == [(None, 1)]


def test_sums_are_those_of_all_rows(board: Board, clock: HandClock) -> None:
    queue(board, *(job(number) for number in range(6)))
    paid = replace(job(0), usage={Stage.NOTES: Usage(1000, 500, cost=0.25)})
    finish(board, paid)
    finish(board, job(1))
    fail(board, job(2))
    board.hear(StageStarted(job(3), clock.at, Stage.FETCH, 2))
    board.catch_up()
    assert board.tally.status == {Status.DONE: 2, Status.FAILED: 1, Status.RUNNING: 1, Status.QUEUED: 2}
    assert (board.tokens, board.cost, board.unfinished) == (1500, 0.25, 3)
    assert board.fraction == pytest.approx(12 / (12 + 18))


def test_the_estimate_goes_by_what_stages_took_here(board: Board, clock: HandClock) -> None:
    queue(board, *(job(number) for number in range(5)))
    assert board.eta(workers=2) is None
    finish(board, job(0))
    board.catch_up()
    assert board.eta(workers=2) == pytest.approx(4 * sum(SECONDS.values()) / 2)
    assert board.eta(workers=64) == pytest.approx(sum(SECONDS.values()))


def portion(ids: Iterable[str], took: float, *, last: bool) -> Seen:
    """Jobs that are done, as the journal tells of them."""
    jobs = [Glimpse(int(each), Status.DONE, Brief(each, f"https://youtu.be/{each}")) for each in ids]
    unseen = {} if last else {Status.DONE: 1}
    return Seen(jobs, {each.brief.video_id: dict.fromkeys(Stage, took) for each in jobs}, unseen)


def test_the_estimate_goes_by_the_latest_runs(board: Board, clock: HandClock) -> None:
    newest_first = [f"{number:03}" for number in reversed(range(1, 101))]
    board.hear(portion(newest_first[:50], 60.0, last=False))
    board.hear(portion(newest_first[50:], 1.0, last=True))
    board.hear(Told(job(1), clock.at, Status.QUEUED))
    board.catch_up()
    board.catch_up()
    board.catch_up()
    assert board.eta(workers=1) == pytest.approx(60.0 * len(Stage))
    for number in range(40):
        board.hear(StageFinished(job(900), clock.at, Stage.FETCH, 0, float(number)))
    board.hear(portion(["101"], 7.0, last=True))
    board.catch_up()
    assert list(board.recent[Stage.FETCH]) == [*map(float, range(1, 40)), 7.0], "what happens now is the latest"


def test_old_news_from_the_journal_does_not_undo_what_a_worker_said(board: Board, clock: HandClock) -> None:
    asked_at = clock.at
    clock.at += 1
    board.hear(StageStarted(job(1), clock.at, Stage.FETCH, 0))
    board.hear(Told(job(1), asked_at, Status.QUEUED))
    assert badge(board, 1) == "▸ fetch"


def test_a_retry_is_seen_also_after_the_clock_was_set_back(board: Board, clock: HandClock) -> None:
    ended = replace(failed(job(1), next_retry_at=clock.now() + 900), ended_at=clock.now())
    board.hear(JobEnded(ended, clock.now(), 0))
    clock.set_by = -3600.0
    board.hear(Told(ended, clock.now(), Status.QUEUED))
    assert badge(board, 1) == "· queued"
    again = replace(ended, ended_at=clock.now())
    asked_at = clock.now() - 1
    board.hear(JobEnded(again, clock.now(), 0))
    board.hear(Told(ended, asked_at, Status.QUEUED))
    assert badge(board, 1) == "↻ 1:15:00 retry", "it has ended once more since"


def test_pauses_end_by_themselves_and_due_retries_are_known(board: Board, clock: HandClock) -> None:
    board.hear(ResourcePaused("fetch", clock.at + 300, "YouTube refused.", clock.at))
    fail(board, job(1), next_retry_at=clock.at + 900)
    board.catch_up()
    assert list(board.pauses) == ["fetch"]
    assert (board.due(), board.is_ticking) == ([], True)
    clock.at += 900
    board.catch_up()
    assert (board.pauses, board.due()) == ({}, ["video-00001"])
    queue(board, job(1))
    assert (board.due(), board.is_ticking) == ([], False)


def test_hearing_is_safe_from_many_threads(board: Board) -> None:
    def speak(worker: int) -> None:
        for number in range(worker * 200, worker * 200 + 200):
            board.hear(Told(job(number), 0.0, Status.QUEUED))

    threads = [threading.Thread(target=speak, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        board.catch_up()
    board.catch_up()
    assert board.tally.status[Status.QUEUED] == len(board.rows) == 800


def test_a_vault_is_read_as_its_journal_has_it(tmp_path: Path, board: Board) -> None:
    world = World(tmp_path)
    world.run("aaa", "bbb")
    world.submit(["ccc"])
    world.close()
    glance = Glance(tmp_path)
    board.see(*portions(glance, 100))
    assert [attempt.success for attempt in glance.attempts("aaa")] == [True]
    glance.close()
    view = View(board)
    view.arrange()
    assert titles(view)[0] == "ccc"
    assert set(board.rows["aaa"].seconds) == set(Stage)
    assert board.rows["aaa"].title == "Title aaa"


def titles(view: View) -> list[str]:
    rows = [view.row_at(line) for line in range(len(view))]
    return [row.title for row in rows if row]


def test_a_large_vault_is_read_in_portions_and_its_sums_are_true_from_the_first(tmp_path: Path, board: Board) -> None:
    world = World(tmp_path)
    world.run(*(f"done{number}" for number in range(5)), workers=1)
    world.submit(["new1", "new2"])
    world.close()
    glance = Glance(tmp_path)
    told = list(portions(glance, 3))
    board.see(*portions(glance, 3, most=3))
    assert list(board.rows) == ["new1", "new2", "done4"]
    for portion in told:
        board.see(portion)
        known = board.tally.status[Status.DONE]
        assert (known + board.unseen.get(Status.DONE, 0), board.tally.status[Status.QUEUED]) == (5, 2)
    assert not board.unseen
    for portion in told:  # read again by who looks on: they have rows by now
        board.see(portion)
        assert not board.unseen
    glance.close()


def test_who_looks_on_reads_again_only_what_may_have_changed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("done", "again", workers=1)
    world.submit(["next", "later"])
    glance = Glance(tmp_path)
    assert glance.changed_ids() == ["done", "again", "next", "later"]
    assert glance.changed_ids() == []
    claimed = world.journal.store.claim()
    assert claimed is not None
    assert glance.changed_ids() == glance.changed_ids() == ["next"], "one that runs may be a stage further each time"
    world.journal.store.release("next")
    assert glance.changed_ids() == ["next"]
    world.drive(world.pool(world.submit(["again"], restart_at=Stage.NOTES).ids), 1)
    assert glance.changed_ids() == ["again"], "it is done, as it was"
    world.journal.store.withdraw("later")
    assert glance.changed_ids() == ["later"]
    glance.close()
    world.close()


def test_who_looks_on_sees_that_a_coming_retry_was_taken_away(tmp_path: Path) -> None:
    def offline(job: VideoProcessingJob, watch: Watch) -> None:
        raise NetworkTrouble("It broke off.")

    world = World(tmp_path, {Stage.FETCH: offline})
    world.run("aaa", workers=1)
    glance = Glance(tmp_path)
    assert glance.changed_ids() == ["aaa"]
    assert world.journal.store.give_up("aaa")
    assert glance.changed_ids() == ["aaa"]
    assert glance.changed_ids() == []
    glance.close()
    world.close()


def test_who_looks_on_before_there_is_a_journal_sees_it_once_there_is(tmp_path: Path) -> None:
    glance = Glance(tmp_path)
    assert glance.changed() is False
    world = World(tmp_path)
    world.submit(["aaa"])
    assert (glance.changed(), glance.changed_ids()) == (True, ["aaa"])
    assert glance.changed() is False
    glance.close()
    world.close()


def test_who_looks_on_sees_a_job_that_is_started_over_begin_at_its_first_stage(tmp_path: Path, board: Board) -> None:
    world = World(tmp_path)
    world.run("aaa")
    glance = Glance(tmp_path)
    board.see(*portions(glance, 100))
    assert set(board.rows["aaa"].seconds) == set(Stage)
    world.submit(["aaa"], restart_at=Stage.FETCH)
    world.journal.store.claim()
    board.see(*portions(glance, 100))
    assert board.rows["aaa"].seconds == {}
    assert str(board.rows["aaa"].badge(board.clock.now())) == "▸ fetch"
    glance.close()
    world.close()


def test_what_is_unfinished_stands_above_what_was_done_before(tmp_path: Path, board: Board) -> None:
    world = World(tmp_path)
    world.run("one", "two", workers=1)
    world.submit(["three", "four"])
    world.close()
    glance = Glance(tmp_path)
    board.see(*portions(glance, 100))
    glance.close()
    view = View(board)
    view.arrange()
    assert titles(view) == ["three", "four", "Title two", "Title one"]
    finish(board, job(9, "new"))
    board.catch_up()
    view.update(board.take_changed())
    assert titles(view) == ["three", "four", "new", "Title two", "Title one"]


def viewed(board: Board, *names: str) -> View:
    queue(board, *(job(number, name) for number, name in enumerate(names)))
    board.take_changed()
    view = View(board)
    view.arrange()
    return view


def test_the_cursor_stays_on_its_job_whatever_moves(board: Board) -> None:
    view = viewed(board, "Delta", "Alpha", "Charlie", "Bravo")
    view.go(2)
    view.sort_by(TITLE)
    assert titles(view) == ["Alpha", "Bravo", "Charlie", "Delta"]
    assert (view.row and view.row.title, view.line) == ("Charlie", 2)
    view.sort_by(TITLE)
    assert (titles(view)[0], view.line) == ("Delta", 1)
    queue(board, job(7, "Zulu"))
    assert view.update(board.take_changed())
    assert (view.row and view.row.title, view.line) == ("Charlie", 2)
    view.sort_by(TITLE)
    assert titles(view) == ["Delta", "Alpha", "Charlie", "Bravo", "Zulu"]


def test_a_filter_looks_for_every_word_in_title_subject_status_and_error(board: Board) -> None:
    view = viewed(board, "Entropy [official video]", "Information theory", "Запись лекции")
    fail(board, job(1, "Information theory", subject="Physics"))
    board.catch_up()
    view.update(board.take_changed())
    for words, found in {
        "OFFICIAL": ["Entropy [official video]"],
        "theory phys": ["Information theory"],
        "captions": ["Information theory"],
        "failed": ["Information theory"],
        "лекции": ["Запись лекции"],
        "nothing like it": [],
    }.items():
        view.filter(words, failed_only=False)
        assert titles(view) == found, words
    view.filter("", failed_only=True)
    assert titles(view) == ["Information theory"]


@given(st.lists(st.sampled_from(["", "a", "al", "alp", "al b", "o", "oz", "failed", "failed a", "zzz"]), max_size=8))
def test_a_filter_typed_letter_by_letter_shows_what_it_shows_at_once(typed: list[str]) -> None:
    board = Board(hand_clock())
    view = viewed(board, "Alpha", "Bravo", "Foxtrot", "Zulu", "Alpaca beta")
    fail(board, job(0, "Alpha"))
    board.catch_up()
    view.update(board.take_changed())
    for words in [*typed, "alp"]:
        view.filter(words, failed_only=False)
        once = View(board)
        once.filter(words, failed_only=False)
        once.arrange()
        assert titles(view) == titles(once)


def test_a_job_that_no_longer_matches_leaves_the_list_and_the_cursor_to_its_neighbour(board: Board) -> None:
    view = viewed(board, "one", "two", "three")
    for number, name in enumerate(("one", "two", "three")):
        fail(board, job(number, name))
    board.catch_up()
    view.filter("", failed_only=True)
    view.go(1)
    queue(board, job(1, "two"))
    assert view.update(board.take_changed())
    assert (titles(view), view.row and view.row.title) == (["one", "three"], "three")


def test_marked_jobs_are_what_keys_act_on(board: Board) -> None:
    view = viewed(board, "one", "two", "three")
    assert [row.title for row in view.chosen()] == ["one"]
    view.mark("video-00002")
    view.mark("video-00001")
    assert [row.title for row in view.chosen()] == ["two", "three"]
    view.mark("video-00001")
    assert [row.title for row in view.chosen()] == ["three"]


STEPS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["queue", "fail", "finish", "run"])), max_size=40)


@given(STEPS, st.sampled_from([None, *COLUMNS]), st.booleans(), st.sampled_from(["", "m", "failed", "fail k"]))
def test_placing_rows_one_by_one_gives_what_sorting_all_gives(
    steps: list[tuple[int, str]], column: Column | None, failed_only: bool, words: str
) -> None:
    board = Board(hand_clock())
    view = viewed(board, *"mlkjihgfedcba")
    view.filter(words, failed_only=failed_only)
    view.sort_by(column)
    for number, step in steps:
        it = job(number, "mlkjihgfedcba"[number])
        if step == "queue":
            queue(board, it)
        elif step == "fail":
            fail(board, it)
        elif step == "finish":
            finish(board, it)
        else:
            board.hear(StageStarted(it, board.clock.now(), Stage.NOTES, 0))
        board.catch_up()
        view.update(board.take_changed())
    placed = titles(view)
    view.arrange()
    assert placed == titles(view)
    assert [view.line_of(row.id) for row in map(view.row_at, range(len(view))) if row] == list(range(len(view)))


@given(st.text(max_size=60), st.integers(1, 30), st.booleans())
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(one_line(text), width, right=right)) == width


def test_hostile_titles_are_one_short_visible_line(board: Board) -> None:
    queue(board, job(1, "\x1b[31mred\x1b[0m \u202egnp.exe\n[bold]x[/b]" + "A" * 10_000))
    title = board.rows["video-00001"].title
    assert title.startswith("red gnp.exe [bold]x[/b]AAA")
    assert len(title) <= 400


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 140, 160, 250, 400])
def test_columns_use_the_width_and_never_more(width: int) -> None:
    places = arrange(width)
    assert [place.left for place in places] == sorted(place.left for place in places)
    if width >= 40:
        assert places[-1].left + places[-1].width <= width
    shown = [place.column for place in places]
    assert shown[:2] == [STATUS, TITLE]
    if width >= 80:
        assert {TOTAL, ERROR} <= set(shown)
    if width >= 140:
        assert set(shown) == set(COLUMNS)


def test_figures_are_short(board: Board) -> None:
    assert [short(seconds) for seconds in (0.04, 8.31, 42.4, 125.0, 3725.0)] == [
        "0.0s",
        "8.3s",
        "42s",
        "2:05",
        "1:02:05",
    ]
    assert [countdown(seconds) for seconds in (-3, 7, 754, 7199)] == ["0:00", "0:07", "12:34", "1:59:59"]
    assert [money(dollars) for dollars in (0, 0.004, 1.239, None)] == ["–", "$0.004", "$1.24", "?"]
    assert [amount(number) for number in (950, 18_240, 182_400, 1_240_000)] == ["950", "18.2k", "182k", "1.2M"]
    assert bar(0.5, 4) == "━━╌╌"


def test_one_toast_for_what_needs_the_user_and_one_when_all_is_over(board: Board, clock: HandClock) -> None:
    notices = Notices(board)
    queue(board, *(job(number, f"Lecture {number}") for number in range(4)))
    assert notices.take([]) == []
    fail(board, job(0, "Lecture 0"))
    (first,) = notices.take(board.catch_up())
    assert first.words == "Lecture 0: The video has no captions. Drop a caption file of the video instead."
    fail(board, job(1, "Lecture 1"))
    assert notices.take(board.catch_up()) == []
    fail(board, job(2, "Lecture 2"), next_retry_at=clock.at + 900)
    finish(board, job(3, "Lecture 3"))
    clock.at += 60
    (last,) = notices.take(board.catch_up())
    assert last.words == "1 job done, 3 failed in 1:00. 1 will be tried again by itself. R retries what failed."
    assert last.final


def test_a_clock_that_is_set_changes_no_duration_and_hushes_nothing(board: Board, clock: HandClock) -> None:
    notices = Notices(board)
    queue(board, *(job(number, f"Lecture {number}") for number in range(3)))
    notices.take([])
    fail(board, job(0, "Lecture 0"))
    assert len(notices.take(board.catch_up())) == 1
    clock.set_by = -86_400.0
    clock.at += 60
    fail(board, job(1, "Lecture 1"))
    assert len(notices.take(board.catch_up())) == 1
    finish(board, job(2, "Lecture 2"))
    assert board.eta(2) in (None, 0.0)
    (last,) = notices.take(board.catch_up())
    assert last.words == "1 job done, 2 failed in 1:00. R retries what failed."


def test_a_stopped_run_and_a_long_pause_are_told(board: Board, clock: HandClock) -> None:
    notices = Notices(board)
    board.hear(RunStopped("The disk is full.", "Free some space.", clock.at))
    board.hear(ResourcePaused("generate", clock.at + 60, "Overloaded.", clock.at))
    board.hear(ResourcePaused("generate", clock.at + 3600, "Claude asks for patience.", clock.at))
    told = notices.take(board.catch_up())
    assert [notice.severity for notice in told] == ["error", "warning"]
    assert told[0].words == "Stopped: The disk is full. Free some space. Then press p."
    until = datetime.fromtimestamp(clock.at + 3600)
    assert told[1].words == f"Claude asks for patience. Everybody waits for 1:00:00, until {until:%H:%M}."
    assert told[1].pause is not None


@pytest.mark.parametrize(
    ("is_final", "then"),
    [
        (False, "Then press R, which tries again what has failed and goes on."),
        (True, "R then tries again what has failed."),
    ],
)
def test_a_stop_that_failed_a_job_says_what_tries_it_again(
    board: Board, clock: HandClock, is_final: bool, then: str
) -> None:
    queue(board, job(1), job(2))
    fail(board, job(1))
    board.hear(RunStopped("The video has no captions.", "Do something.", clock.at, is_final))
    told = Notices(board).take(board.catch_up())
    assert told[0].words == f"Stopped: The video has no captions. Do something. {then}"


def test_a_budget_that_is_used_up_is_told_without_a_key_that_would_not_help(board: Board, clock: HandClock) -> None:
    board.hear(RunStopped("The next stage would cost more.", OverBudget.advice, clock.at, is_final=True))
    (told,) = Notices(board).take(board.catch_up())
    assert told.words == f"Stopped: The next stage would cost more. {OverBudget.advice}"


def test_a_row_that_failed_before_shows_it_until_it_runs_again(board: Board, clock: HandClock) -> None:
    queue(board, failed(job(1)), status=Status.FAILED)
    assert board.rows["video-00001"].error == "The video has no captions."
    board.hear(StageStarted(job(1), clock.at, Stage.FETCH, 0))
    board.hear(StageFinished(job(1, seconds={Stage.FETCH: 1.0}), clock.at, Stage.FETCH, 0, 1.0))
    board.catch_up()
    assert board.rows["video-00001"].error == ""
