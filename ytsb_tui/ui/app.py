"""The app: one vault on the screen."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual._styles_cache import StylesCache
from textual.actions import ActionParseResult
from textual.app import App, ScreenStackError, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.driver import Driver
from textual.screen import Screen
from textual.worker import WorkerFailed

from ytsb_tui.clock import Clock, SystemClock
from ytsb_tui.errors import YtsbError
from ytsb_tui.glance import Glance
from ytsb_tui.job import Stage
from ytsb_tui.plaintext import one_line
from ytsb_tui.settings import Settings
from ytsb_tui.source import Source
from ytsb_tui.ui.board import Board
from ytsb_tui.ui.commands import KEYS, why_not
from ytsb_tui.ui.messages import BatchEnded, CannotOpen, Opened, Owned, Said
from ytsb_tui.ui.news import portions
from ytsb_tui.ui.opening import Launch
from ytsb_tui.ui.screens.main import Main
from ytsb_tui.ui.session import Session
from ytsb_tui.ui.view import View
from ytsb_tui.wording import counted

if TYPE_CHECKING:
    from ytsb_tui.ui.screens.log import RetryFromLog


class YtsbApp(App[YtsbError | None]):
    """A vault on the screen; ends with the error that kept it from opening, if one did."""

    TITLE = "ytsb-tui"
    CSS_PATH = Path(__file__).with_name("ytsb.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help", id="app.help", tooltip="What every key does"),
        Binding("q", "ask_quit", "Quit", id="app.quit", tooltip="Leave; what is not finished goes on next time"),
        Binding("ctrl+c", "leave", "Leave at once", id="app.leave", show=False, priority=True,
                tooltip="Leave at once; nothing that is finished is lost"),
        Binding("ctrl+z", "suspend_process", "Suspend", id="app.suspend", show=False,
                tooltip="Back to the shell; fg returns"),
    ]  # fmt: skip

    def __init__(
        self,
        settings: Settings,
        *,
        sources: Sequence[Source] = (),
        complaints: Sequence[str] = (),
        clock: Clock | None = None,
        launch: Launch | None = None,
    ) -> None:
        """`sources` are queued once the vault is open, `complaints` told of what could not be.

        Raises `VaultError` where the vault surely cannot be opened.
        """
        super().__init__()
        self.settings = settings
        self._sources = sources
        self._complaints = complaints
        clock = clock or SystemClock()
        left_out = {stage for stage, wanted in PARTS.items() if not getattr(settings, wanted)}
        self.board = Board(clock, set(Stage) - left_out)
        self.view = View(self.board)
        self._look()
        self.session = Session(settings, clock, self.board.hear, self.post_message)
        self.main = Main(self.board, self.view, self.session, launch)

    def _look(self) -> None:
        """Read what the first frame shows; the session reads the rest behind it."""
        with closing(Glance(self.settings.out)) as glance:
            for portion in portions(glance, MOST_LINES, most=MOST_LINES):
                self.board.see(portion)
        self.view.arrange()

    def get_driver_class(self) -> type[Driver]:
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":  # Windows' own, or a browser's: they mark what is pasted
            return chosen
        from ytsb_tui.ui.pasting import PastingDriver

        return PastingDriver

    def pop_screen(self) -> AwaitComplete:
        # A cache of Textual's has whole widgets' drawn lines in its keys, and would keep those of the last thousand.
        StylesCache.get_inner_outer.cache_clear()
        return super().pop_screen()

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key says, once the screen is whole: who types fast is ahead of it."""
        await self.screen._mounted_event.wait()
        return await super().run_action(action, default_namespace, namespaces)

    def _handle_exception(self, error: Exception) -> None:
        # Who leaves has the screens taken away at once; keys that were on their way find none, or none of its widgets.
        if not (self._exit and isinstance(error, NoMatches | ScreenStackError | WorkerFailed)):
            super()._handle_exception(error)

    def action_command_palette(self) -> None:
        """Choose a command by a few of its letters."""
        from ytsb_tui.ui.screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def search_themes(self) -> None:
        """Choose other colours."""
        from textual.theme import ThemeProvider

        from ytsb_tui.ui.screens.palette import Palette

        self.push_screen(Palette([ThemeProvider], placeholder="Search for themes…"))

    def get_default_screen(self) -> Screen[None]:
        return self.main

    def on_mount(self) -> None:
        self.set_keymap(dict(self.settings.keys))
        if self.settings.theme in self.available_themes:
            self.theme = self.settings.theme
        elif self.settings.theme:
            self.notify(
                f"There is no theme `{self.settings.theme}`; ctrl+p lists them.", severity="warning", markup=False
            )
        if self._complaints:
            self.notify("\n".join(self._complaints), severity="warning", markup=False)
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            with suppress(NotImplementedError, RuntimeError, AttributeError):  # Windows has no such handlers
                loop.add_signal_handler(getattr(signal, name), self.action_leave)
        # Back from the shell, Textual draws what has changed, over whatever the terminal shows by then.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.call_after_refresh(self._drawn)

    def _drawn(self) -> None:
        """The first frame is on the screen: now everything that takes time."""
        gc.freeze()
        gc.enable()
        self.session.open()

    def on_unmount(self) -> None:
        self.session.close()

    def on_opened(self, message: Opened) -> None:
        for notice in message.notices:
            self.notify(notice, severity="warning", markup=False, timeout=10)
        if self._sources:
            self.session.add(self._sources)
            self._sources = ()
        self.main.redraw()

    def on_owned(self, message: Owned) -> None:
        self.notify(
            f"{message.error} This window only looks on; p takes over when it has ended.",
            severity="warning",
            markup=False,
            timeout=10,
        )
        self.main.redraw()

    def on_cannot_open(self, message: CannotOpen) -> None:
        self.exit(message.error)

    def on_said(self, message: Said) -> None:
        self.notify(message.words, severity=message.severity, markup=False)

    def on_retry_from_log(self, message: RetryFromLog) -> None:
        """Attempts were chosen in the log."""
        self.main.retry_ids(message.video_ids)

    def on_batch_ended(self, message: BatchEnded) -> None:
        """Call somebody who may have gone away, in the way the settings say."""
        if self.settings.economy:
            self.session.staff()
        if self.settings.notify == "bell":
            self.bell()
        elif self.settings.notify == "desktop" and self._driver is not None:
            self._driver.write(f"\x1b]9;ytsb-tui: {one_line(message.words)}\x07")

    def action_help(self) -> None:
        """What every key does."""
        from ytsb_tui.ui.screens.help import Help

        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.screen.active_bindings.values()))

    def action_ask_quit(self) -> None:
        """Leave; asks when jobs are running."""
        running = sum(lane.job is not None for lane in self.board.lanes.values())
        if not running or not self.session.is_ready:
            self.action_leave()
            return
        from ytsb_tui.ui.screens.confirm import Confirm

        self.push_screen(
            Confirm(
                f"Leave while {counted(running, 'job')} {'is' if running == 1 else 'are'} running?",
                "Finished stages are kept. What is not finished goes on the next time you open this vault.",
                "Leave",
            ),
            lambda answer: self.action_leave() if answer else None,
        )

    def action_leave(self) -> None:
        """Leave at once; everything that is finished is kept."""
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every key of the main screen, and what Textual brings."""
        if screen is self.main:
            for key in KEYS:
                why = why_not(key.action.partition("(")[0], self.session)
                help_text = f"{key.tooltip}" + (f" ({why})" if why else "")
                yield SystemCommand(key.description, help_text, partial(self._run_command, key.action, why))
        yield from super().get_system_commands(screen)

    async def _run_command(self, action: str, why: str | None) -> None:
        if why:
            self.notify(why, severity="warning", markup=False)
        else:
            await self.run_action(action, self.main)


MOST_LINES = 100
"""Lines a screen may have at the first frame."""
PARTS = {Stage.ASSESSMENT: "assessment", Stage.EXPORT: "pdf"}
"""The stages that a setting leaves out."""
