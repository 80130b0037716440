"""A screen by itself: an app that knows nothing else, for tests of one screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from ytsb_tui.ui.screens.log import RetryFromLog

PATIENCE = 120.0


class Alone(App[Any]):
    """Shows one screen; remembers what it ended with and what it asked for."""

    CSS_PATH = Path(__file__).parents[2] / "ytsb_tui/ui/ytsb.tcss"

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self.alone = screen
        self.answers: list[Any] = []
        self.retried: list[tuple[str, ...]] = []

    def on_mount(self) -> None:
        self.push_screen(self.alone, self.answers.append)

    def on_retry_from_log(self, message: RetryFromLog) -> None:
        self.retried.append(message.video_ids)


async def until(pilot: Pilot[Any], ready: Callable[[], object]) -> None:
    """Pause until `ready()`; fails instead of hanging if the app died."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert pilot.app.is_running, "the app exited"
        assert time.monotonic() < deadline, f"timed out; the screen shows\n{shown(pilot)}"
        await pilot.pause(0.02)
    await pilot.pause()


async def shows(pilot: Pilot[Any], *words: str) -> None:
    """Pause until each of these words is on the screen."""
    await until(pilot, lambda: all(each in shown(pilot) for each in words))


async def press(pilot: Pilot[Any], keys: Iterable[str]) -> None:
    """Press one key after the other."""
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


def shown(pilot: Pilot[Any]) -> str:
    """All that is on the screen, as text."""
    return "\n".join(strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips())


def styled(pilot: Pilot[Any], words: str) -> list[Any]:
    """The styles in which exactly these words, or words with blanks around them, are drawn."""
    strips = pilot.app.screen._compositor.render_strips()
    return [segment.style for strip in strips for segment in strip if segment.text.strip() == words]
