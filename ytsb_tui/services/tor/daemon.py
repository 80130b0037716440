"""The tor that serves us: one of our own where it is installed, else one that runs already."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import platformdirs
from filelock import BaseFileLock, FileLock, Timeout

from ytsb_tui.errors import BadSetup, TorTrouble, from_os_error
from ytsb_tui.plaintext import one_line
from ytsb_tui.services.distributions import linux_hint
from ytsb_tui.services.tor.socks import Address, speaks_socks
from ytsb_tui.settings import Settings

Ports = tuple[str, str]
"""Where a tor takes SOCKS and control connections."""
RUNNING: tuple[Ports, ...] = (("127.0.0.1:9050", "127.0.0.1:9051"), ("127.0.0.1:9150", "127.0.0.1:9151"))
"""SOCKS and control port of the system's tor, and of Tor Browser's."""
START_SECONDS = 30.0
"""Seconds a tor of our own may take until its control port is open."""
MOST = 64
"""Processes of one user that each have a tor of their own."""
_ELSEWHERE = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"))
_COMMANDS = {
    "debian": "sudo apt install tor",
    "fedora": "sudo dnf install tor",
    "rhel": "sudo dnf install tor",
    "arch": "sudo pacman -S tor",
    "alpine": "sudo apk add tor",
    "suse": "sudo zypper install tor",
}
_TAKEN = "with the same data directory"


@dataclass(frozen=True)
class Daemon:
    """A tor to speak to."""

    origin: Literal["own", "running", "socks"]
    socks: Address | None
    """None for an own one, which says so itself."""
    control: Address | None
    """None where there is none, or where it does not let us in."""
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None
    slot: BaseFileLock | None = field(default=None, repr=False)
    refusal: str = ""
    """Why a running one is used without its control port."""

    @property
    def has_ended(self) -> bool:
        """Whether our own has ended; nobody else's is known to."""
        return self.process is not None and self.process.poll() is not None

    def end(self) -> None:
        """End it if it is ours, and at once: it has nothing to save."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(0.5)
            except subprocess.TimeoutExpired:  # it is frozen
                self.process.kill()
                with contextlib.suppress(subprocess.TimeoutExpired):  # the system ends it when its disk answers
                    self.process.wait(5)
        if self.slot is not None:
            self.slot.release()

    def last_words(self) -> str:
        """What our own complained of last."""
        try:
            lines = self.log.read_text("utf-8", "replace").splitlines() if self.log else []
        except OSError:
            return ""
        complaints = [line.partition("] ")[2] for line in lines if "[err]" in line or "[warn]" in line]
        telling = [line for line in complaints if not line.startswith("Reading config failed")]
        return one_line(telling[-1]).rstrip(".")[:200] if telling else ""


def binary_of(settings: Settings) -> str | None:
    """Where tor is installed."""
    return shutil.which(settings.tor_binary) or shutil.which(settings.tor_binary, path=_ELSEWHERE)


def install_hint() -> str:
    """A sentence that says how to get tor on this machine."""
    if sys.platform == "darwin":
        return "Run: brew install tor."
    if sys.platform == "win32":
        return "Start Tor Browser and leave it open."
    return linux_hint(_COMMANDS, "Install tor with your system's package manager.")


def find(settings: Settings, check: Callable[[], None], running: Iterable[Ports] = RUNNING) -> Daemon:
    """The tor to use: the one that settings name, else our own, else one of those that may be `running`.

    `check` may raise to give up waiting. Raises `BadSetup` when there is none.
    """
    if settings.tor_socks or settings.tor_control:
        return _named(settings)
    if binary := binary_of(settings):
        return start(binary, settings, check)
    for socks, control in running:
        if speaks_socks(Address.parse(socks)):
            return Daemon("running", Address.parse(socks), Address.parse(control))
    raise BadSetup("Tor is not installed, and none is running.", advice=install_hint())


def _named(settings: Settings) -> Daemon:
    control = Address.parse(settings.tor_control) if settings.tor_control else None
    if not settings.tor_socks:
        return Daemon("running", None, control)
    socks = Address.parse(settings.tor_socks)
    if not speaks_socks(socks):
        raise BadSetup(f"No Tor answers on {socks}.", advice="Start it, or correct `tor_socks`.")
    return Daemon("running" if control else "socks", socks, control)


def start(binary: str, settings: Settings, check: Callable[[], None]) -> Daemon:
    """A tor of our own, as far as its control port is open. Raises `StageError` when it does not start."""
    cache = platformdirs.user_cache_path("ytsb-tui") / "tor"
    try:
        for folder, slot in _free_folders(cache):
            daemon = _launch(binary, folder, slot, settings)
            try:
                control = _control_port(daemon, folder, check)
            except BaseException:
                daemon.end()
                raise
            if control is not None:
                return Daemon("own", None, control, daemon.process, daemon.log, slot)
            daemon.end()  # the tor of a process that was killed has not noticed yet: take the next folder
    except OSError as error:
        raise from_os_error(error, f"starting {binary} in {cache}") from error
    raise TorTrouble(f"All {MOST} folders for a Tor of our own in {cache} are in use.")


def _free_folders(cache: Path) -> Iterator[tuple[Path, BaseFileLock]]:
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in range(MOST):
        slot = FileLock(cache / f"{number}.lock", thread_local=False)
        with contextlib.suppress(Timeout):
            slot.acquire(timeout=0)
            folder = cache / str(number)
            folder.mkdir(exist_ok=True, mode=0o700)
            yield folder, slot


def _launch(binary: str, folder: Path, slot: BaseFileLock, settings: Settings) -> Daemon:
    torrc, nothing, log = folder / "torrc", folder / "nothing", folder / "log"
    (folder / "control-port").unlink(missing_ok=True)
    options = "".join(f"{name} {value}\n" for name, value in _options(folder, settings).items())
    torrc.write_text(options + _more_options(settings), encoding="utf-8")
    nothing.touch()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [binary, "-f", str(torrc), "--defaults-torrc", str(nothing)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl+C is for us; we end it in order
        )
    return Daemon("own", None, None, process, log, slot)


def _options(folder: Path, settings: Settings) -> Mapping[str, str]:
    dirty = settings.tor_minutes * 60 + 600
    return {
        "DataDirectory": f'"{folder}"',
        "ClientOnly": "1",
        "SocksPort": "127.0.0.1:auto",
        "ControlPort": "127.0.0.1:auto",
        "ControlPortWriteToFile": f'"{folder / "control-port"}"',
        "CookieAuthentication": "1",
        # It looks every 15 s whether we live, and once we are connected it ends with the connection.
        "__OwningControllerProcess": str(os.getpid()),
        # Else one stream in a hundred leaves by another exit than the rest of its circuit's.
        "ConfluxEnabled": "0",
        # Else a circuit is exchanged for another after ten minutes, behind our back.
        "MaxCircuitDirtiness": f"{dirty:.0f} seconds",
        "AvoidDiskWrites": "1",
        "Log": "notice stdout",
    }


def _more_options(settings: Settings) -> str:
    if settings.tor_options is None:
        return ""
    try:
        return settings.tor_options.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetup(
            f"`tor_options` {settings.tor_options} cannot be read.", advice="Correct `tor_options`."
        ) from error


def _control_port(daemon: Daemon, folder: Path, check: Callable[[], None]) -> Address | None:
    """Where the control port of a tor that starts is; None when another tor is in its folder."""
    until = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError, ValueError):
            return Address.parse((folder / "control-port").read_text().strip().removeprefix("PORT="))
        if daemon.has_ended:
            words = daemon.last_words()
            if _TAKEN in words:
                return None
            raise BadSetup(
                f"Tor does not start: {words or 'it says nothing'}.", advice="Correct `tor_options`, if set."
            )
        if time.monotonic() > until:
            raise TorTrouble(f"Tor did not start within {START_SECONDS:g} seconds.")
        check()
        time.sleep(0.02)
