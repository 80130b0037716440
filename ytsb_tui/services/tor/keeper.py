"""The thread that has a tor: it finds or starts one, waits for its network, and looks after it until it is lost."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from ytsb_tui.circuits import TorState
from ytsb_tui.clock import Clock
from ytsb_tui.errors import BadSetup, Bug, StageError, Stopped, TorTrouble
from ytsb_tui.services.tor.control import Bootstrap, Control, Ear
from ytsb_tui.services.tor.daemon import Daemon, Ports, find
from ytsb_tui.services.tor.socks import Address, speaks_socks
from ytsb_tui.settings import Settings

log = logging.getLogger(__name__)

STEP, BEAT = 0.25, 2.0
"""Seconds between two looks at a tor that starts, and at one that runs."""
CENSUS = 1800.0
"""Seconds between two counts of the network's exits."""
JOINS = " It joins circuits, which costs a fetch now and then: set `ConfluxEnabled 0` in its torrc."


@dataclass(frozen=True)
class Link:
    """A tor that is ready for use."""

    control: Control | None
    """None where exits cannot be known."""
    socks: Address
    addresses: frozenset[str] = frozenset()
    """Of every exit there is."""
    dirtiness: float = float("inf")
    """Seconds after which it exchanges a circuit by itself."""


class Owner(Ear, Protocol):
    """Whom a tor is kept for."""

    def ready(self, link: Link) -> None:
        """It can be used from now on; told again when its exits were counted again."""

    def beat(self) -> None:
        """It lives; told every few seconds."""

    def lost(self) -> None:
        """It is gone, and every circuit with it."""

    def changed(self, state: TorState) -> None:
        """It is in another state."""


class Keeper:
    """A daemon and one connection to it; another daemon when that is lost.

    Begins when somebody needs it, and after a failure waits until somebody
    does again.
    """

    def __init__(self, settings: Settings, clock: Clock, running: Sequence[Ports], owner: Owner) -> None:
        """`running` is where somebody else's tor may be."""
        self.state = TorState("starting", "Tor is not started yet.")
        self.failure: tuple[float, StageError] = (float("-inf"), TorTrouble("Tor is not started."))
        """When Tor last came to nothing, and why."""
        self.progress = float("-inf")
        """When it last got any further."""
        self._settings = settings
        self._clock = clock
        self._running = running
        self._owner = owner
        self._daemon: Daemon | None = None
        self._control: Control | None = None
        self._link: Link | None = None
        """None while it is not ready."""
        self._needed = float("-inf")
        """When somebody last wanted it."""
        self._was_ready = False
        self._closing = threading.Event()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def start(self) -> None:
        """Begin to find or start a daemon, unless that was begun already. Returns at once."""
        with self._starting:
            self._needed = self._clock.ticks()
            self._news.set()
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._keep, name="tor", daemon=True)
                self._thread.start()

    def advance(self) -> None:
        """Note that it got further."""
        self.progress = self._clock.ticks()

    def stop(self) -> None:
        """Have the daemon end, if it is ours. Returns at once."""
        self._closing.set()
        self._news.set()

    @property
    def is_stopping(self) -> bool:
        """Whether that was asked for."""
        return self._closing.is_set()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, so long at the most."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _keep(self) -> None:
        while not self._closing.is_set():
            began, failed = self._clock.ticks(), False
            try:
                self._serve()
            except Stopped:
                break
            except StageError as error:
                self._fail(error)
                failed = True
            except Exception as error:  # a bug here must not leave everybody waiting for a tor that never comes
                log.exception("unexpected %s while Tor was looked after", type(error).__name__)
                self._fail(Bug.of(error))
                failed = True
            finally:
                self._let_go()
            if failed:
                self._wait_until_needed(began)

    def _fail(self, error: StageError) -> None:
        self.failure = (self._clock.ticks(), error)
        self._set(TorState("lost", f"{error} {error.advice}".strip()))

    def _serve(self) -> None:
        """Have a daemon for as long as it lives. Raises `StageError` when there is none, or it gets nowhere."""
        self._set(TorState("starting", "Tor is starting."))
        self.advance()
        while True:
            try:
                self._daemon = daemon = find(self._settings, self._check, self._running)
                self._connect(daemon)
                break
            except (BadSetup, TorTrouble) as error:
                self._let_go()
                if not self._was_ready or self._clock.ticks() - self.progress > self._settings.tor_deadline:
                    raise
                self._set(TorState("lost", str(error)))
                self._pause(1.0)
        self._wait_for_network(daemon)
        self._look_after(daemon)

    def _connect(self, daemon: Daemon) -> None:
        if daemon.control is None:
            return
        password = os.environ.get(self._settings.tor_password_env) if self._settings.tor_password_env else None
        try:
            self._control = Control(daemon.control, password, self._owner)
        except (BadSetup, TorTrouble) as error:
            if daemon.origin == "own" or self._settings.tor_control:
                raise
            self._daemon = replace(daemon, origin="socks", control=None, refusal=str(error))

    def _wait_for_network(self, daemon: Daemon) -> None:
        if (control := self._control) is None:
            return
        version, seen = control.version(), -1.0
        while True:
            now = control.bootstrap()
            if now.fraction != seen:
                seen, self.progress = now.fraction, self._clock.ticks()
                words = f"Tor is starting, {seen:.0%} ({now.summary})."
                self._set(TorState("bootstrapping", words, seen, version, daemon.origin))
            if seen >= 1:
                return
            if self._clock.ticks() - self.progress > self._settings.tor_deadline:
                raise _stuck(now, control.skew, self._settings.tor_deadline)
            if daemon.has_ended:
                raise TorTrouble(f"Tor ended by itself: {daemon.last_words() or 'it does not say why'}.")
            self._pause(STEP)

    def _look_after(self, daemon: Daemon) -> None:
        """Until it is lost: keep an eye on it, and on what other processes write about exits."""
        counted = float("-inf")
        while True:
            control = self._control
            if control is not None and self._clock.ticks() - counted > CENSUS:
                counted = self._clock.ticks()
                self._ready(control)
            elif control is None and self._link is None:
                self._ready_without_control()
            self._pause(BEAT)
            if self._is_lost(daemon):
                return
            self._owner.beat()

    def _ready(self, control: Control) -> None:
        assert self._daemon is not None
        origin, dirtiness = self._daemon.origin, float("inf")
        if origin != "own":
            with suppress(ValueError):
                dirtiness = float(control.option("MaxCircuitDirtiness") or 600)
        exits, version = control.exits(), control.version()
        socks = self._daemon.socks or control.listener()
        if socks is None:
            raise BadSetup("Tor takes no SOCKS connections.", advice="Set `SocksPort` in torrc, or name `tor_socks`.")
        where = "of our own" if origin == "own" else f"on port {socks.port}"
        joins = origin != "own" and control.joins_circuits()
        words = f"Tor {version} {where}, {len(exits):,} exits." + JOINS * joins
        link = Link(control, socks, frozenset(exits.values()), dirtiness)
        self._now_ready(TorState("ready", words, 1.0, version, origin, len(exits)), link)

    def _ready_without_control(self) -> None:
        assert self._daemon is not None
        assert self._daemon.socks is not None
        socks = self._daemon.socks
        words = f"Tor on port {socks.port}; which exits it uses is unknown. {self._daemon.refusal}".strip()
        self._now_ready(TorState("ready", words, 1.0, "", "socks"), Link(None, socks))

    def _now_ready(self, state: TorState, link: Link) -> None:
        self._was_ready = True
        self._link = link
        self.advance()
        self._set(state)
        self._owner.ready(link)

    def _is_lost(self, daemon: Daemon) -> bool:
        """Whether it ended, froze, or hung up."""
        if daemon.has_ended:
            return True
        if self._control is None:
            return self._link is not None and not speaks_socks(self._link.socks)
        try:
            self._control.version()
        except TorTrouble:
            return True
        return False

    def _let_go(self) -> None:
        """Forget a daemon, and end it if it is ours."""
        self._link = None
        self._owner.lost()
        control, self._control = self._control, None
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            daemon.end()
        if control is not None:
            control.close()

    def _wait_until_needed(self, began: float) -> None:
        """After a failure: until somebody asks who did not hear of it."""
        failed = self.failure[0]
        while self._needed <= max(failed, began) and not self._closing.is_set():
            self._news.clear()
            if self._needed <= max(failed, began):
                self._news.wait(5.0)

    def _pause(self, seconds: float) -> None:
        self._closing.wait(seconds)
        self._check()

    def _check(self) -> None:
        if self._closing.is_set():
            raise Stopped("The program is ending.")

    def _set(self, state: TorState) -> None:
        if state != self.state:
            self.state = state
            self._owner.changed(state)


def _stuck(at: Bootstrap, skew: float, seconds: float) -> TorTrouble:
    if abs(skew) > 60:
        ahead = f"{abs(skew) / 60:,.0f} minutes {'ahead' if skew > 0 else 'behind'}"
        return TorTrouble(f"Tor cannot start: this machine's clock is {ahead}.", advice="Set the clock right.")
    why = f": {at.warning}" if at.warning else ""
    return TorTrouble(
        f"Tor got no further than {at.fraction:.0%} ({at.summary}) in {seconds:g} seconds{why}.",
        advice="Check the connection; where Tor is blocked, name bridges in `tor_options`.",
    )
