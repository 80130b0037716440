"""What the app promises: each key does what it says on a real vault, nothing is lost, and it leaves at once."""

from __future__ import annotations

import gc
import json
import shutil
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from rich.text import Text
from textual import events
from textual._styles_cache import StylesCache
from textual.widget import Widget

from tests.canned import World
from tests.ui.boards import AppPilot, finish, hand_clock, job, opened, queue, until
from tests.world import World as Loopback
from tests.world.catalog import Playlist, Video, lecture
from tests.world.claude import Claude
from ytsb_tui.clock import SystemClock
from ytsb_tui.errors import NoCaptions, OutOfSpace, OverBudget, RenderFailed, VaultError
from ytsb_tui.events import ResourcePaused, RunStopped, StageStarted
from ytsb_tui.job import Stage, Status, VideoProcessingJob
from ytsb_tui.journal import Journal
from ytsb_tui.services.claude.author import ClaudeAuthor
from ytsb_tui.services.claude.batches import BatchDesk
from ytsb_tui.settings import Settings
from ytsb_tui.source import Source, from_link
from ytsb_tui.ui.app import YtsbApp
from ytsb_tui.ui.news import Told
from ytsb_tui.ui.screens.add import AddScreen
from ytsb_tui.ui.screens.confirm import Confirm
from ytsb_tui.ui.screens.help import Help
from ytsb_tui.ui.screens.log import LogScreen, RetryFromLog
from ytsb_tui.ui.screens.main import Main
from ytsb_tui.ui.screens.reader import ReaderScreen
from ytsb_tui.ui.screens.statistics import StatisticsScreen
from ytsb_tui.ui.widgets.job_table import JobTable
from ytsb_tui.watch import Watch

pytestmark = pytest.mark.anyio

SRT = "1\n00:00:00,000 --> 00:00:09,000\nA hash table maps keys to buckets with a hash function.\n\n" \
      "2\n00:00:09,000 --> 00:00:18,000\nA collision means that two keys share one bucket of the table.\n"  # fmt: skip


def captions(folder: Path, *names: str) -> list[Source]:
    """Caption files, as sources."""
    folder.mkdir(exist_ok=True)
    sources = []
    for name in names:
        path = folder / f"{name}.srt"
        path.write_text(SRT.replace("hash", name))
        sources.append(Source("file", f"file-{name}", str(path)))
    return sources


def statuses(app: YtsbApp) -> dict[str, str]:
    return {row.id: str(row.status) for row in app.board.rows.values()}


def toasts(app: YtsbApp) -> list[str]:
    return [notification.message for notification in app._notifications]


def screen_text(app: YtsbApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def shows(pilot: AppPilot, words: str) -> None:
    """Pause until these words are on the screen."""
    app = pilot.app
    assert isinstance(app, YtsbApp)
    await until(pilot, lambda: words in screen_text(app))


def vault_with_failures(root: Path, *names: str) -> None:
    """A vault in which these jobs failed at the assessment."""

    def refuse(job: VideoProcessingJob, watch: Watch) -> None:
        raise NoCaptions("Nothing was said.")

    world = World(root, {Stage.ASSESSMENT: refuse})
    world.run(*names)
    world.close()


async def test_sources_named_at_the_start_are_worked_on_live(tmp_path: Path) -> None:
    out = tmp_path / "vault"
    app = YtsbApp(
        Settings(out=out, author="outline", pdf=False), sources=captions(tmp_path / "in", "queue", "stack", "heap")
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "✓ 3 done")
        await until(pilot, lambda: any(words.startswith("3 jobs done in ") for words in toasts(app)))
        assert {row.facts.worker_id for row in app.board.rows.values()} <= {0, 1, 2}
    assert len(json.loads((out / "processing_log.json").read_text())) == 3


async def test_an_empty_vault_says_what_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path / "new") as (_, pilot):
        await shows(pilot, "Paste links, a list or caption files, or press a.")


async def test_a_screen_that_was_closed_leaves_nothing_behind(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):

        async def look() -> list[weakref.ref[StylesCache]]:
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, Help))
            drawn = [weakref.ref(each._styles_cache) for each in app.screen.walk_children(Widget)]
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, Main))
            return drawn

        drawn = await look()
        assert drawn
        await look()
        gc.collect()
        assert [each for each in drawn if each() is not None] == []


async def test_what_becomes_garbage_while_jobs_are_worked_on_is_not_kept(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await until(pilot, lambda: app.main._has_settled)
        left_alone = gc.get_freeze_count()
        for name in ("bbb", "ccc"):
            app.board.hear(Told(VideoProcessingJob(name, "https://youtu.be/x"), app.board.clock.now(), Status.DONE))
            await until(pilot, lambda name=name: name in app.board.rows and not app.view.is_preparing)  # type: ignore[misc]
            await pilot.pause(0.2)
        assert gc.get_freeze_count() <= left_alone


async def test_a_vault_whose_journal_cannot_be_read_is_left_with_what_to_do(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.submit(f"job{number}" for number in range(150))
    world.close()
    with closing(sqlite3.connect(tmp_path / ".ytsb" / "state.db")) as sql:  # beyond what the first frame shows
        sql.execute("UPDATE job SET facts='no JSON' WHERE seq=150")
        sql.commit()
    app = YtsbApp(Settings(out=tmp_path, author="outline", pdf=False))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.return_value is not None or not app.is_running)
    assert isinstance(app.return_value, VaultError)
    assert "cannot be read" in str(app.return_value)
    Journal.open(tmp_path, SystemClock()).close()


async def test_unfinished_jobs_go_on_when_the_vault_is_opened(tmp_path: Path) -> None:
    world = World(tmp_path)
    sources = captions(tmp_path / "in", "tree")
    world.journal.submit([VideoProcessingJob("file-tree", sources[0].url, output_dir=tmp_path)], tuple(Stage))
    world.close()
    async with opened(tmp_path) as (app, pilot):
        await until(pilot, lambda: statuses(app) == {"file-tree": "done"})


async def test_r_retries_the_job_with_the_cursor(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa", "bbb")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: sorted(statuses(app).values()) == ["failed", "queued"])


async def test_marked_jobs_are_retried_together_and_the_marks_are_gone(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa", "bbb", "ccc")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("space", "space", "r")
        await until(pilot, lambda: sorted(statuses(app).values()) == ["failed", "queued", "queued"])
        assert app.view.marks == set()


async def test_shift_r_retries_every_failed_job(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa", "bbb", "ccc")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("R")
        await until(pilot, lambda: set(statuses(app).values()) == {"queued"})
        assert set(app.board.rows["aaa"].seconds) == {Stage.FETCH, Stage.NOTES}


async def test_ctrl_r_starts_over_after_a_question(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("ctrl+r")
        assert isinstance(app.screen, Confirm)
        await pilot.press("n")
        assert statuses(app) == {"aaa": "failed"}
        await pilot.press("ctrl+r", "y")
        await until(pilot, lambda: statuses(app) == {"aaa": "queued"})
        assert app.board.rows["aaa"].seconds == {}


async def test_x_takes_a_queued_job_out(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: statuses(app) == {"aaa": "queued"})
        await pilot.press("x")
        await until(pilot, lambda: statuses(app) == {"aaa": "cancelled"})


async def test_x_takes_the_coming_retry_of_a_failed_job_away(tmp_path: Path) -> None:
    def tear(job: VideoProcessingJob, watch: Watch) -> None:
        raise RenderFailed("The page tore.")

    world = World(tmp_path, {Stage.EXPORT: tear})
    world.run("aaa")
    assert [name for _, name in world.journal.store.due()] == ["aaa"]
    world.close()
    async with opened(tmp_path, paused=True) as (app, pilot):
        assert app.board.rows["aaa"].retry_at is not None
        await pilot.press("x")
        await until(pilot, lambda: app.board.rows["aaa"].retry_at is None)
        assert app.board.due() == []
        assert app.session.engine is not None
        assert app.session.engine.journal.store.due() == []
        assert statuses(app) == {"aaa": "failed"}
        assert set(app.board.rows["aaa"].seconds) == set(Stage) - {Stage.EXPORT}
        await pilot.press("x")
        assert toasts(app) == ["Only what is queued, running or to be retried can be cancelled."]
        await pilot.press("r")
        await until(pilot, lambda: statuses(app) == {"aaa": "queued"})


async def test_r_says_of_jobs_that_wait_or_run_that_they_do(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True) as (app, pilot):
        queue(app.board, job(1))
        queue(app.board, job(2), status=Status.RUNNING)
        await until(pilot, lambda: len(app.view) == 2)
        await pilot.press("r", "space", "space", "r")
        assert toasts(app) == ["It is queued already.", "They are queued or under way already."]


async def test_x_asks_before_it_stops_a_running_job(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True) as (app, pilot):
        queue(app.board, job(1, "Entropy"), status=Status.RUNNING)
        await until(pilot, lambda: app.view.row)
        await pilot.press("x")
        assert isinstance(app.screen, Confirm)
        await shows(pilot, "Cancel “Entropy”?")
        await pilot.press("escape")
        assert isinstance(app.screen, Main)


async def test_p_pauses_and_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path / "vault") as (app, pilot):
        await pilot.press("p")
        await shows(pilot, "paused, p goes on")
        app.session.add(captions(tmp_path / "in", "graph"))
        await until(pilot, lambda: statuses(app) == {"file-graph": "queued"})
        await pilot.press("p")
        await until(pilot, lambda: statuses(app) == {"file-graph": "done"})


async def test_plus_and_minus_change_the_workers_while_they_work(tmp_path: Path) -> None:
    async with opened(tmp_path, workers=2) as (app, pilot):
        await pilot.press("plus", "plus")
        assert app.session.workers == 4
        await shows(pilot, "4 workers")
        await pilot.press("minus", "minus", "minus", "minus", "minus")
        assert app.session.workers == 1


async def test_slash_filters_as_you_type_and_escape_shows_all(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa", "bbb", "ccc")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("slash", *"title b")
        assert len(app.view) == 1
        await pilot.press("enter")
        assert isinstance(app.focused, JobTable)
        assert len(app.view) == 1
        await pilot.press("escape")
        assert len(app.view) == 3


async def test_f_shows_failed_jobs_only(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa")
    async with opened(tmp_path, paused=True) as (app, pilot):
        queue(app.board, job(1), job(2))
        await until(pilot, lambda: len(app.view) == 3)
        await pilot.press("f")
        assert len(app.view) == 1
        await pilot.press("f")
        assert len(app.view) == 3


async def test_y_copies_the_error(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("y")
        assert app.clipboard.splitlines()[:3] == ["Title aaa", "https://youtu.be/aaa", "Nothing was said."]


async def test_o_and_shift_o_open_files_of_the_vault_only(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("aaa")
    world.close()
    started: list[Sequence[str]] = []
    async with opened(tmp_path, paused=True, launch=started.append) as (app, pilot):
        await pilot.press("o", "O")
        assert [command[1:] for command in started] == [
            [str(tmp_path / "AI" / "aaa.md")],
            [str(tmp_path / "AI" / "pdfs" / "aaa.pdf")],
        ]
        (tmp_path / "AI" / "aaa.md").unlink()
        (tmp_path / "AI" / "aaa.md").symlink_to("/etc/passwd")
        await pilot.press("o")
        assert len(started) == 2
        assert "AI/aaa.md leads out of the vault." in toasts(app)


async def test_a_file_that_nothing_opens_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path / "notes")
    world.run("aaa")
    world.close()
    for name in ("xdg-open", "open"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 3\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    async with opened(tmp_path / "notes", paused=True) as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: toasts(app))
        (words,) = toasts(app)
        assert "open found nothing to open AI/aaa.md with. Open " in words


async def test_a_dimmed_key_says_why_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await pilot.press("t", "c")
        assert toasts(app) == ["Tor is not in use: videos are fetched directly."] * 2


async def test_question_mark_lists_every_key(tmp_path: Path) -> None:
    async with opened(tmp_path, size=(100, 60)) as (app, pilot):
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await shows(pilot, "Try every failed job again, each from where it failed")
        await pilot.press("escape")
        assert isinstance(app.screen, Main)


async def test_every_key_has_an_id_a_tooltip_and_a_palette_entry(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        bindings = [binding for bindings in (Main.BINDINGS, JobTable.BINDINGS) for binding in bindings]
        assert all(binding.id and binding.tooltip for binding in bindings)  # type: ignore[union-attr]
        entries = {command.title for command in app.get_system_commands(app.screen)}
        assert {binding.description for binding in Main.BINDINGS} <= entries  # type: ignore[union-attr]


async def test_keys_can_be_mapped_anew(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa")
    app = YtsbApp(Settings(out=tmp_path, author="outline", pdf=False, keys={"jobs.retry_failed": "e"}))
    app.session.pause()
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.session.is_ready)
        await pilot.press("e")
        await until(pilot, lambda: statuses(app) == {"aaa": "queued"})


async def test_q_leaves_and_asks_when_jobs_run(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True) as (app, pilot):
        app.board.hear(StageStarted(job(1), app.board.clock.now(), Stage.FETCH, 0))
        await until(pilot, lambda: app.board.lanes)
        await pilot.press("q")
        await shows(pilot, "Leave while 1 job is running?")
        await pilot.press("n")
        assert app.is_running
        await pilot.press("ctrl+c")
    assert app.return_code == 0


@contextmanager
def somebody_else_works_on(root: Path) -> Iterator[Journal]:
    journal = Journal.open(root, SystemClock())
    yield journal
    journal.close()


async def test_a_second_window_looks_on_and_says_who_works(tmp_path: Path) -> None:
    with somebody_else_works_on(tmp_path) as journal:
        async with opened(tmp_path, size=(140, 30)) as (app, pilot):
            assert app.session.owned_by is not None
            await shows(pilot, "only looking on: The vault")
            journal.submit([VideoProcessingJob("aaa", "https://youtu.be/aaa", output_dir=tmp_path)], tuple(Stage))
            await until(pilot, lambda: statuses(app) == {"aaa": "queued"})
            await pilot.press("r")
            assert any(words.startswith("This window only looks on.") for words in toasts(app))


async def test_p_takes_a_vault_over_whose_owner_has_left(tmp_path: Path) -> None:
    with somebody_else_works_on(tmp_path):
        app = YtsbApp(Settings(out=tmp_path, author="outline", pdf=False))
        pilot_context = app.run_test()
        pilot: AppPilot = await pilot_context.__aenter__()
        await until(pilot, lambda: app.session.owned_by)
    await pilot.press("p")
    await until(pilot, lambda: app.session.is_ready)
    await pilot_context.__aexit__(None, None, None)


def test_a_file_is_no_vault(tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    with pytest.raises(VaultError, match="is a file, not a folder"):
        YtsbApp(Settings(out=tmp_path / "notes"))


async def test_a_setting_that_cannot_work_ends_the_app_with_the_reason(tmp_path: Path) -> None:
    app = YtsbApp(Settings(out=tmp_path, author="outline", pdf_theme="acadmic"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.return_value is not None or not app.is_running)
    assert "acadmic" in str(app.return_value)


async def test_when_the_budget_is_used_up_no_key_is_named_that_would_not_help(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True) as (app, pilot):
        app.board.hear(RunStopped("The budget is used up.", "Start again.", app.board.clock.now(), is_final=True))
        await shows(pilot, "stopped: The budget is used up.")


async def test_after_the_run_was_stopped_p_or_a_retry_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path / "vault") as (app, pilot):
        assert app.session.pool
        app.session.pool.stop(OutOfSpace("The disk is full."))
        app.board.hear(RunStopped("The disk is full.", "Free some space.", app.board.clock.now()))
        await until(pilot, lambda: app.board.stopped)
        app.session.add(captions(tmp_path / "in", "space"))
        await until(pilot, lambda: statuses(app) == {"file-space": "queued"})
        await shows(pilot, "stopped, p goes on: The disk is full.")
        await pilot.press("p")
        await until(pilot, lambda: statuses(app) == {"file-space": "done"})


async def test_while_a_run_runs_out_of_money_p_says_what_it_waits_for(tmp_path: Path) -> None:
    async with opened(tmp_path / "vault") as (app, pilot):
        assert app.session.pool
        app.session.pool.stopped_by = OverBudget("The budget of $1 is used up.")
        app.board.hear(RunStopped("The budget of $1 is used up.", OverBudget.advice, app.board.clock.now()))
        await until(pilot, lambda: app.board.stopped)
        await pilot.press("p")
        await until(pilot, lambda: "What is paid for is finished first; then p goes on." in toasts(app))
        assert app.board.stopped


async def long_pause(app: YtsbApp, pilot: AppPilot) -> None:
    """YouTube refuses everybody for half an hour."""
    now = app.board.clock.now()
    app.board.hear(ResourcePaused("fetch", now + 1800, "YouTube blocked this address (429).", now))
    await until(pilot, lambda: app.board.pauses)
    await pilot.pause()


async def test_a_long_pause_is_asked_about_and_can_pause_the_run(tmp_path: Path) -> None:
    async with opened(tmp_path, clock=hand_clock(), size=(140, 40)) as (app, pilot):
        await long_pause(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await shows(pilot, "YouTube blocked this address (429). Everybody waits for")
        await pilot.press("y")
        await until(pilot, lambda: app.session.paused)
        app.main.redraw()
        await shows(pilot, "paused, p goes on, YouTube pauses for 30:00, until ")


async def test_who_waits_for_a_long_pause_goes_on_when_it_is_over(tmp_path: Path) -> None:
    clock = hand_clock()
    async with opened(tmp_path, clock=clock) as (app, pilot):
        await long_pause(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("escape")
        assert not app.session.paused
        await long_pause(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        clock.at += 1801
        await until(pilot, lambda: isinstance(app.screen, Main))
        assert not app.session.paused


async def test_p_twice_ends_a_pause_at_once(tmp_path: Path, loopback: Loopback) -> None:
    loopback.youtube.catalog.add(lecture(0))
    fault = loopback.youtube.goes_wrong("status", "player", status=429, retry_after="500")
    app = YtsbApp(Settings(out=tmp_path / "vault", author="outline", pdf=False, proxy=loopback.router.socks("me")))
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.session.is_ready)
        app.session.add([from_link("https://youtu.be/lect0000000")])
        await shows(pilot, "YouTube pauses for 8:")
        loopback.youtube.faults.remove(fault)
        await pilot.press("p", "p")
        await until(pilot, lambda: app.board.tally.status[Status.DONE] == 1)
        assert app.board.pauses == {}


async def test_a_long_pause_takes_no_keys_from_who_is_typing(tmp_path: Path) -> None:
    async with opened(tmp_path, clock=hand_clock(), size=(140, 40)) as (app, pilot):
        await pilot.press("slash", "y")
        await long_pause(app, pilot)
        await until(pilot, lambda: any(words.endswith("p pauses the run.") for words in toasts(app)))
        assert isinstance(app.screen, Main)


async def test_a_missing_key_is_told_before_anybody_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "CLAUDE_API_KEY", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    app = YtsbApp(
        Settings(out=tmp_path / "vault", author="claude", pdf=False), sources=captions(tmp_path / "in", "key")
    )
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: app.board.rows)
        await shows(pilot, "stopped: There is no API key for Claude.")
        assert statuses(app) == {"file-key": "queued"}
        assert not app.board.lanes


async def test_in_economy_mode_each_of_many_jobs_has_a_worker_and_shows_its_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Claude(key="sk-ant-loopback") as claude:
        claude.looks = 1_000_000
        for name, value in claude.environment.items():
            monkeypatch.setenv(name, value)
        settings = Settings(out=tmp_path / "vault", author="claude", economy=True, pdf=False, workers=2)
        sources = captions(tmp_path / "in", *(f"hash{number}" for number in range(20)))
        app = YtsbApp(settings, sources=sources)
        async with app.run_test(size=(200, 40)) as pilot:

            def told() -> int:
                return sum("in progress, 0 of " in row.whereabouts for row in app.board.rows.values())

            await until(pilot, lambda: told() == 20)
            await shows(pilot, "in progress, 0 of ")
            assert app.session.workers == 20
            await pilot.press("plus")
            assert any(words.startswith("In economy mode every job") for words in toasts(app))
            assert app.session.engine is not None
            author = app.session.engine.workshop.author
            assert isinstance(author, ClaudeAuthor)
            assert isinstance(author._desk, BatchDesk)
            claude.closing.callback(author._desk._api.close)
    assert claude.bugs == []


async def test_a_model_that_is_about_to_end_is_told(tmp_path: Path) -> None:
    from anthropic.resources.messages import DEPRECATED_MODELS

    model = next(iter(DEPRECATED_MODELS))
    app = YtsbApp(Settings(out=tmp_path, author="claude", model=model, base_url="http://127.0.0.1:9", pdf=False))
    async with app.run_test() as pilot:
        await until(pilot, lambda: any(words.startswith(f"The model {model} ends on") for words in toasts(app)))


async def test_hostile_titles_are_shown_as_they_are(tmp_path: Path) -> None:
    async with opened(tmp_path, paused=True) as (app, pilot):
        queue(app.board, job(1, "[/b] [official video] \x1b[2J\u202egnp" + "x" * 10_000), job(2, "情報理論🚀" * 99))
        await shows(pilot, "[/b] [official video] gnpx")
        await pilot.press("x", "down", "x")
        assert "\x1b[2J" not in screen_text(app)


async def test_the_terminal_may_become_tiny_and_large_again(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa", "bbb")
    async with opened(tmp_path, paused=True) as (app, pilot):
        for size in ((1, 1), (250, 60), (20, 5), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.press("down", "end", "pageup", "home")
            await until(pilot, lambda size=size: "✗ failed" in screen_text(app) or size == (1, 1))  # type: ignore[misc]


async def test_a_vault_that_is_deleted_meanwhile_is_a_message_and_no_crash(tmp_path: Path) -> None:
    out = tmp_path / "vault"
    async with opened(out) as (app, pilot):
        shutil.rmtree(out)
        app.session.add(captions(tmp_path / "in", "loss"))
        await until(pilot, lambda: toasts(app))
        assert app.is_running


async def test_a_newer_version_that_takes_the_vault_over_is_told_and_no_crash(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa", "bbb")
    with somebody_else_works_on(tmp_path):
        async with opened(tmp_path) as (app, pilot):
            with closing(sqlite3.connect(tmp_path / ".ytsb" / "state.db")) as sql:
                sql.execute("PRAGMA user_version=99")
            await pilot.press("down")
            await until(pilot, lambda: any("newer ytsb-tui" in words for words in toasts(app)))
            assert app.is_running


async def test_sources_are_added_also_where_the_folder_one_is_in_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    async with opened(tmp_path / "vault") as (app, pilot):
        here.rmdir()
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AddScreen))


async def test_a_vault_that_goes_while_one_looks_on_is_not_made_anew(tmp_path: Path) -> None:
    world = World(tmp_path / "vault")
    async with opened(tmp_path / "vault") as (app, pilot):
        assert app.session.owned_by is not None
        (tmp_path / "vault").rename(tmp_path / "elsewhere")
        world.close()
        await pilot.press("p")
        await until(pilot, lambda: any("vault is gone." in words for words in toasts(app)))
        assert not (tmp_path / "vault").exists()


async def test_a_paste_anywhere_opens_the_add_dialog_and_its_answer_is_queued(tmp_path: Path) -> None:
    async with opened(tmp_path / "vault") as (app, pilot):
        one, two = captions(tmp_path / "in", "paste", "drop")
        app.post_message(events.Paste(f"'{one.url}' '{two.url}'"))
        await until(pilot, lambda: isinstance(app.screen, AddScreen))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.board.tally.status[Status.DONE] == 2)
        assert isinstance(app.screen, Main)


async def test_what_is_added_while_the_vault_is_being_opened_is_queued(tmp_path: Path) -> None:
    app = YtsbApp(Settings(out=tmp_path / "vault", author="outline", pdf=False))
    async with app.run_test() as pilot:
        app.main.add(captions(tmp_path / "in", "early")[0].url)
        await until(pilot, lambda: isinstance(app.screen, AddScreen))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: statuses(app) == {"file-early": "done"} or app.board.tally.status[Status.DONE] == 1)


async def test_a_playlist_is_queued_while_the_rest_is_still_being_found(tmp_path: Path, loopback: Loopback) -> None:
    ids = tuple(f"lect{number:07}" for number in range(150))
    loopback.youtube.catalog.add(*(Video(each, f"Lecture {each}") for each in ids))
    loopback.youtube.catalog.add_playlist(Playlist("PLcourse", "A long course", ids))
    loopback.youtube.goes_wrong("silent", "browse", skip=1)
    settings = Settings(out=tmp_path / "vault", author="outline", pdf=False, proxy=loopback.router.socks("me"))
    app = YtsbApp(settings)
    app.session.pause()
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.session.is_ready)
        app.post_message(events.Paste("https://www.youtube.com/playlist?list=PLcourse"))
        await until(pilot, lambda: isinstance(app.screen, AddScreen))
        await pilot.press("ctrl+s")
        await shows(pilot, "· 100 queued")
    for thread in threading.enumerate():
        if thread.name == "list":  # which hears of the end at its next look
            thread.join(120)


async def test_what_became_of_a_playlist_is_told_once(tmp_path: Path, loopback: Loopback) -> None:
    ids = tuple(f"lect{number:07}" for number in range(150))
    loopback.youtube.catalog.add(*(Video(each, f"Lecture {each}") for each in ids))
    loopback.youtube.catalog.add_playlist(Playlist("PLcourse", "A long course", (*ids, "deletedvide")))
    app = YtsbApp(Settings(out=tmp_path / "vault", author="outline", pdf=False, proxy=loopback.router.socks("me")))
    app.session.pause()
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.session.is_ready)
        app.session.add([from_link("https://www.youtube.com/playlist?list=PLcourse")])
        await until(pilot, lambda: "PLcourse: 150 videos queued, 1 withheld." in toasts(app))
        assert not [toast for toast in toasts(app) if toast.endswith("jobs queued.")]


async def test_a_playlist_longer_than_the_limit_is_told_so(tmp_path: Path, loopback: Loopback) -> None:
    ids = tuple(f"lect{number:07}" for number in range(5))
    loopback.youtube.catalog.add(*(Video(each, f"Lecture {each}") for each in ids))
    loopback.youtube.catalog.add_playlist(Playlist("PLcourse", "A course", ids))
    proxy = loopback.router.socks("me")
    app = YtsbApp(Settings(out=tmp_path / "vault", author="outline", pdf=False, proxy=proxy, playlist_limit=4))
    app.session.pause()
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.session.is_ready)
        app.session.add([from_link("https://www.youtube.com/playlist?list=PLcourse")])
        await until(pilot, lambda: toasts(app))
        assert toasts(app) == ["PLcourse: 4 videos queued; `playlist_limit` takes no more than 4."]


async def test_a_playlist_that_breaks_off_says_how_to_take_the_rest(tmp_path: Path, loopback: Loopback) -> None:
    ids = tuple(f"lect{number:07}" for number in range(150))
    loopback.youtube.catalog.add(*(Video(each, f"Lecture {each}") for each in ids))
    loopback.youtube.catalog.add_playlist(Playlist("PLcourse", "A long course", ids))
    loopback.youtube.goes_wrong("reset", "browse", skip=1)
    app = YtsbApp(Settings(out=tmp_path / "vault", author="outline", pdf=False, proxy=loopback.router.socks("me")))
    app.session.pause()
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.session.is_ready)
        app.session.add([from_link("https://www.youtube.com/playlist?list=PLcourse")])
        await until(pilot, lambda: any(toast.startswith("PLcourse: 100 videos queued") for toast in toasts(app)))
        (told,) = (toast for toast in toasts(app) if toast.startswith("PLcourse"))
        assert "The list broke off there: The connection to YouTube broke off." in told
        assert told.endswith("Add it again to take the rest.")


async def test_what_is_chosen_in_the_log_is_retried(tmp_path: Path) -> None:
    vault_with_failures(tmp_path, "aaa", "bbb")
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        app.screen.post_message(RetryFromLog(("aaa",)))
        await until(pilot, lambda: statuses(app) == {"aaa": "queued", "bbb": "failed"})


async def test_enter_reads_the_notes_and_s_shows_the_figures(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run("aaa")
    world.close()
    async with opened(tmp_path, paused=True) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReaderScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Main))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, StatisticsScreen))


@pytest.mark.parametrize("theme", ["textual-light", "nord", "ansi-dark", "gruvbox"])
async def test_every_theme_draws_every_status(tmp_path: Path, theme: str) -> None:
    async with opened(tmp_path, paused=True, clock=hand_clock()) as (app, pilot):
        finish(app.board, job(1, "Entropy"))
        queue(app.board, job(2), status=Status.CANCELLED)
        app.theme = theme
        await shows(pilot, "✓ done")
        assert Text(screen_text(app)).plain
