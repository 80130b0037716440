"""A monkey at the keyboard: whatever a terminal may send, in no order, while jobs are worked on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sqlite3
import tempfile
import time
from pathlib import Path
from unittest import mock

from textual._xterm_parser import XTermParser

from tests.canned import World
from tests.fuzz.runner import Parser
from tests.fuzz.samples import INTAKE, SRT
from ytsb_tui import intake
from ytsb_tui.errors import Bug, NoCaptions
from ytsb_tui.job import Stage, VideoProcessingJob
from ytsb_tui.settings import Settings
from ytsb_tui.ui.app import YtsbApp
from ytsb_tui.watch import Watch

LETTERS = "aAcdefgGijklnNoOpqrRsStTxy?/+-=<> 1"
KEYS = (
    *("\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[5~", "\x1b[6~", "\x1b[3~", "\x1b[Z"),
    *(
        "\x1bOP",
        "\x1b[18~",
        "\x1b[19~",
        "\x1b[114;2u",
        "\x1b[13;5u",
        "\x1b[1;5C",
        "\x1b[1;2H",
        "\x1b\x1b",
        "\x1b",
        "\x1b",
    ),
    *("\r", "\r", "\t", "\x7f", "\x01", "\x05", "\x0b", "\x10", "\x10", "\x12", "\x13", "\x15", "\x16", "\x17", "\x19"),
    *("\x1a", "\x1b[I", "\x1b[O"),
)
LINKS = "\n".join(f"https://youtu.be/lect{number:07}" for number in range(30))
PASTES = tuple(f"\x1b[200~{text}\x1b[201~" for text in (*INTAKE, LINKS, SRT, "x" * 5_000, "[/b] \u202e情報🚀"))
SIZES = ((1, 1), (20, 5), (80, 24), (120, 40), (250, 80), (2, 50), (250, 2))
RESIZES = tuple(f"\x1b[48;{height};{width};{height * 16};{width * 8}t" for width, height in SIZES)
COMMANDS = tuple(f"\x10{words}\r" for words in ("theme", "pause", "add", "log", "stat", "key", "max", "retry all"))
HURRY = ("l/", "lsc", "a\x1b", "a\x1a", "\x10\x1b[5~", "\x10\r\r", "enter")
STEP = 12
"""Characters the terminal sends at once."""


def mouse() -> tuple[str, ...]:
    """Clicks, double clicks, drags and wheels, all over the screen."""
    chance, found = random.Random(7), []
    for _ in range(60):
        x, y, button = chance.randrange(1, 122), chance.randrange(1, 42), chance.choice((0, 0, 0, 2))
        click = f"\x1b[<{button};{x};{y}M\x1b[<{button};{x};{y}m"
        drag = f"\x1b[<0;{x};{y}M\x1b[<32;{y};{x}M\x1b[<0;{y};{x}m"
        found.append(chance.choice((click, click * 2, drag, f"\x1b[<{chance.choice((64, 65))};{x};{y}M" * 5)))
    return tuple(found)


def plays(text: str) -> None:
    """Send a text to the app. Raises whatever ended it; it may be left, but not break, nor leave anything half done."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, XDG_DOWNLOAD_DIR=folder, BROWSER="true"),  # for screenshots and links
    ):
        vault = Path(folder) / "vault"
        furnish(vault)
        files = [Path(folder) / f"{name}.srt" for name in ("heap", "tree", "[b] 情報")]
        for file in files:
            file.write_text(SRT.replace("Entropy", file.stem))
        settings = Settings(out=vault, author="outline", pdf=False, proxy="socks5h://127.0.0.1:9")
        app = YtsbApp(settings, launch=lambda command: None)
        asyncio.run(send(app, text.encode("utf-8", "replace").decode(), "\n".join(map(str, files))))
        examine(vault)


def furnish(vault: Path) -> None:
    """A vault in which some jobs are done, and one has failed."""

    def refuse(job: VideoProcessingJob, watch: Watch) -> None:
        if job.video_id == "bbb":
            raise NoCaptions("Nothing [/b]was said.")

    world = World(vault, {Stage.ASSESSMENT: refuse})
    world.run("aaa", "bbb", "ccc")
    world.close()


async def send(app: YtsbApp, text: str, files: str) -> None:
    """Send the text as a terminal does, bit by bit, and leave."""
    terminal, told = XTermParser(), set[str]()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        driver = app._driver
        assert driver is not None
        while not app.session.is_ready:
            await pilot.pause(0.01)
        app.session.add(intake.read(files, base=Path()).sources)
        for at in range(0, len(text), STEP):
            for event in (*terminal.feed(text[at : at + STEP]), *terminal.tick()):
                driver.process_message(event)
            await asyncio.sleep(0.005)
            told.update(notification.message for notification in app._notifications)
            if not app.is_running:
                break
        app.exit()
    assert app.return_value is None, app.return_value
    assert not [words for words in told if Bug.advice in words]
    until = time.monotonic() + 60
    while app.session._thread.is_alive():
        assert time.monotonic() < until, "its threads do not end"
        await asyncio.sleep(0.01)


def examine(vault: Path) -> None:
    """Journal and log are sound, and agree."""
    with contextlib.closing(sqlite3.connect(vault / ".ytsb" / "state.db")) as sql:
        assert sql.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (attempts,) = sql.execute("SELECT count(*) FROM attempt").fetchone()
    assert len(json.loads((vault / "processing_log.json").read_bytes())) == attempts


MONKEY = Parser(
    "keys",
    plays,
    (*LETTERS, *LETTERS, *KEYS, *KEYS, *PASTES, *RESIZES, *RESIZES, *COMMANDS, *HURRY, *mouse()),
    dear=500,
)
