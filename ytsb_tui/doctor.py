"""What works on this machine, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ytsb_tui import __version__
from ytsb_tui.clock import SystemClock
from ytsb_tui.errors import YtsbError
from ytsb_tui.plaintext import one_line
from ytsb_tui.services.claude.api_key import Server
from ytsb_tui.services.claude.author import messages_api
from ytsb_tui.services.claude.models import retirement
from ytsb_tui.services.pdf import pango
from ytsb_tui.services.pdf.renderer import find_theme
from ytsb_tui.services.tor.daemon import binary_of, install_hint
from ytsb_tui.services.tor.service import TorService
from ytsb_tui.services.youtube.proxies import check_proxy, public_name
from ytsb_tui.settings import Settings, config_file


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    good: bool
    words: str
    needed: bool = True
    """Whether the program is of no use without it."""


def examine(settings: Settings) -> int:
    """Print a line for each thing that was looked at; 0 when nothing needed is wrong, else 1."""
    console = Console(highlight=False)
    wrong = False
    for finding in findings(settings):
        wrong |= finding.needed and not finding.good
        mark = Text("✓", "green") if finding.good else Text("✗", "red") if finding.needed else Text("·", "yellow")
        console.print(
            Text.assemble(mark, " ", (f"{finding.name:<10}", "bold"), one_line(finding.words)), soft_wrap=True
        )
    return int(wrong)


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield Finding("program", True, f"ytsb-tui {__version__}, Python {platform.python_version()}, {platform.platform()}")
    yield Finding(
        "settings", True, str(config_file()) if config_file().exists() else f"defaults; yours go to {config_file()}"
    )
    yield _vault(settings.out)
    yield Finding("journal", True, f"SQLite {sqlite3.sqlite_version}")
    yield _pdfs(settings)
    yield from _claude(settings)
    yield _tor(settings)
    if settings.proxy:
        yield _checked("proxy", lambda: _proxy(settings.proxy))


def _vault(root: Path) -> Finding:
    """Whether the vault, or the nearest folder above it that exists, may be written to; makes nothing."""
    place = next(folder for folder in (root.absolute(), *root.absolute().parents) if folder.exists())
    if not place.is_dir():
        return Finding("vault", False, f"{place} is a file, not a folder. Choose another vault with --out.")
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding("vault", False, f"{place} may not be written to. Choose another vault with --out.")
    return Finding("vault", True, f"{root.absolute()}" + ("" if root.exists() else " (will be made)"))


def _pdfs(settings: Settings) -> Finding:
    if (problem := pango.missing()) is not None:
        return Finding("PDFs", False, f"{problem} {problem.advice}", needed=False)
    return _checked("PDFs", lambda: f"pango is here; theme {find_theme(settings.pdf_theme, settings.themes).stem}")


def _claude(settings: Settings) -> Iterator[Finding]:
    try:
        server = Server.of(settings, os.environ)
    except YtsbError as error:
        yield Finding("Claude", False, _told(error))
        return
    if not server.key:
        words = "no key: the offline outline writes. For Claude, set ANTHROPIC_API_KEY."
        yield Finding("Claude", settings.author != "claude", words)
        return
    yield _checked("Claude", lambda: messages_api(settings, server).probe())
    if ending := retirement(server.model):
        yield Finding("model", False, ending, needed=False)


def _tor(settings: Settings) -> Finding:
    """Which tor there is; where it is to be used, how far it gets."""
    if settings.tor:
        return _checked("Tor", lambda: _start_tor(settings))
    if binary := binary_of(settings):
        return Finding("Tor", True, f"{binary} is here; --tor uses it")
    return Finding("Tor", False, f"not installed, and not needed without --tor. {install_hint()}", needed=False)


def _start_tor(settings: Settings) -> str:
    """Have Tor ready, and end it again; how it then was. Raises `YtsbError`."""
    clock = SystemClock()
    tor, began = TorService(settings, clock), clock.ticks()
    try:
        tor.start()
        while tor.state.phase != "ready":
            tor.waiting(began)
            time.sleep(0.1)
        return tor.state.words
    finally:
        tor.close()


def _proxy(url: str) -> str:
    check_proxy(url)
    return f"{public_name(url)} is used for everything asked of YouTube"


def _checked(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except YtsbError as error:
        return Finding(name, False, _told(error))


def _told(error: YtsbError) -> str:
    """What is wrong, and what to do, unless that is to ask us."""
    return str(error) if "ytsb-tui doctor" in error.advice else f"{error} {error.advice}"
