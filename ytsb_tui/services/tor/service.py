"""Tor as the rest of the program knows it: it is started when somebody needs it, and looked after."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import platformdirs

from ytsb_tui.circuits import Circuits, TorState
from ytsb_tui.clock import Clock
from ytsb_tui.errors import BadSetup, StageError, Stopped, TorTrouble
from ytsb_tui.events import Event, Listener, TorChanged
from ytsb_tui.services.tor.builder import Builder, NoExitFree
from ytsb_tui.services.tor.control import Bootstrap, Control, Way
from ytsb_tui.services.tor.daemon import RUNNING, Daemon, Ports, find
from ytsb_tui.services.tor.exits import ExitBook
from ytsb_tui.services.tor.lease import Holder, Lease
from ytsb_tui.services.tor.leases import Leases, Terms
from ytsb_tui.services.tor.socks import Address, speaks_socks
from ytsb_tui.settings import Settings
from ytsb_tui.watch import Watch

STEP, BEAT = 0.25, 2.0
"""Seconds between two looks at a tor that starts, and at one that runs."""
CENSUS = 1800.0
"""Seconds between two counts of the network's exits."""
JOINS = " It joins circuits, which costs a fetch now and then: set `ConfluxEnabled 0` in its torrc."
MARGIN = 60.0
"""Seconds a lease is given up before a running tor would exchange its circuit."""


def exits_file() -> Path:
    """Where what is known of exits is kept, for all vaults of this user."""
    return platformdirs.user_state_path("ytsb-tui") / "exits.json"


class TorService:
    """A daemon, one connection to it, and the leases over it.

    One thread finds or starts the daemon, waits for it, and starts again when
    it is lost. Nothing here ever goes beside Tor: without it, fetches wait,
    and then fail.
    """

    def __init__(
        self, settings: Settings, clock: Clock, exits: Path | None = None, running: Sequence[Ports] = RUNNING
    ) -> None:
        """`exits` is the book's file, `running` where somebody else's tor may be."""
        self._settings = settings
        self._running = running
        self._clock = clock
        self._listener: Listener = lambda event: None
        self._state = TorState("starting", "Tor is not started yet.")
        minutes, hours = 60.0, 3600.0
        terms = Terms(
            settings.tor_minutes * minutes,
            settings.tor_uses,
            settings.tor_cooldown_minutes * minutes,
            settings.tor_refused_hours * hours,
        )
        self._book = ExitBook(exits or exits_file(), clock, max(terms.reserve, terms.refused), self._say)
        self._terms = terms
        self._leases = Leases(self, self._book, terms, clock, self._tell)
        self._daemon: Daemon | None = None
        self._control: Control | None = None
        self._builder: Builder | None = None
        """Makes leases; None while tor is not ready."""
        self._hindrance: tuple[float, StageError] | None = None
        """When the last try to build a circuit came to nothing, if it did, and why."""
        self._failure: tuple[float, StageError] = (float("-inf"), TorTrouble("Tor is not started."))
        """When Tor last came to nothing, and why."""
        self._progress = float("-inf")
        """When it last got any further."""
        self._needed = float("-inf")
        """When somebody last wanted it."""
        self._was_ready = False
        self._closing = threading.Event()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def hear(self, listener: Listener) -> None:
        """Whom to tell what happens from now on."""
        self._listener = listener

    def start(self) -> None:
        """Begin to find or start a daemon, unless that was begun already. Returns at once."""
        with self._starting:
            self._needed = self._clock.ticks()
            self._news.set()
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._keep, name="tor", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Return every lease, and end the daemon if it is ours."""
        self._closing.set()
        self._news.set()
        self._leases.close()
        if self._thread is not None:
            self._thread.join(5.0)

    @property
    def state(self) -> TorState:
        """How the daemon is."""
        return self._state

    def circuits(self) -> Circuits:
        """How everything stands."""
        return Circuits(self._state, self._leases.circuits(), self._book.resting(), self._book.scores())

    def rotate(self, worker_id: int) -> None:
        """Give this worker another circuit; a `CircuitMoved` tells when it has it."""
        self._leases.rotate(worker_id)

    def rotate_all(self) -> None:
        """Give every worker another circuit, and drop those that were prepared."""
        self._leases.rotate_all()

    @contextmanager
    def lease(self, holder: Holder, watch: Watch) -> Iterator[Lease]:
        """The holder's circuit for one fetch; waits for Tor and a free exit, and fails rather than go beside it."""
        self.start()
        with self._leases.use(holder, watch) as lease:
            yield lease

    def give_back(self, holder: Holder) -> None:
        """The holder needs no circuit any more."""
        self._leases.give_back(holder)

    def served(self, lease: Lease) -> None:
        """YouTube answered over it."""
        self._leases.served(lease)

    def refused(self, lease: Lease) -> None:
        """YouTube refused its exit."""
        self._leases.refused(lease)

    def broke(self, lease: Lease) -> None:
        """The connection over it broke off."""
        self._leases.broke(lease)

    # What the leases ask of their host.

    def build(self) -> Lease:
        """A lease whose exit is ours alone. Raises `StageError`."""
        builder = self._builder
        if builder is None:
            raise TorTrouble(self._state.words)
        try:
            lease = builder.build()
        except StageError as error:
            self._hindrance = (self._clock.ticks(), error)
            if isinstance(error, NoExitFree):
                self._progress = self._clock.ticks()
            raise
        self._hindrance = None
        self._progress = self._clock.ticks()
        return lease

    def hang_up(self, lease: Lease) -> None:
        """Close the circuit of a lease."""
        if (control := self._control) is not None:
            control.forget(lease.user)

    def went(self, user: str, way: Way) -> None:
        """A stream takes a way: when that is not the way of its lease, tor has exchanged the circuit."""
        fingerprint, _ = way.path[-1]
        if not self._leases.went(user, way.circuit_id, fingerprint) and (control := self._control) is not None:
            control.close_circuit(way.circuit_id)

    def ended(self, circuit_id: str) -> None:
        """A circuit is no more."""
        self._leases.ended(circuit_id)

    def waiting(self, since: float) -> str:
        """What somebody who has waited since then waits for. Raises when in vain."""
        failed, why = self._failure
        if failed >= since:
            raise type(why)(str(why), advice=why.advice)
        builder = self._builder
        if builder is None:
            return self._state.words
        tried, why = self._hindrance or (float("-inf"), TorTrouble("Tor builds no circuit to YouTube."))
        if isinstance(why, NoExitFree):
            return builder.shortage()
        late = self._clock.ticks() - max(since, self._progress) > self._settings.tor_deadline
        if late or (why.policy.stops_run and tried >= since):
            raise type(why)(str(why), advice=why.advice)
        return "A Tor circuit is being built."

    # The thread that looks after the daemon.

    def _keep(self) -> None:
        while not self._closing.is_set():
            began, failed = self._clock.ticks(), False
            try:
                self._serve()
            except Stopped:
                break
            except StageError as error:
                self._failure = (self._clock.ticks(), error)
                self._set(TorState("lost", f"{error} {error.advice}".strip()))
                self._leases.wake()
                failed = True
            finally:
                self._let_go()
            if failed:
                self._wait_until_needed(began)

    def _serve(self) -> None:
        """Have a daemon for as long as it lives. Raises `StageError` when there is none, or it gets nowhere."""
        self._set(TorState("starting", "Tor is starting."))
        self._progress = self._clock.ticks()
        while True:
            try:
                self._daemon = daemon = find(self._settings, self._check, self._running)
                self._connect(daemon)
                break
            except (BadSetup, TorTrouble) as error:
                self._let_go()
                if not self._was_ready or self._clock.ticks() - self._progress > self._settings.tor_deadline:
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
            self._control = Control(daemon.control, password, self)
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
                seen, self._progress = now.fraction, self._clock.ticks()
                words = f"Tor is starting, {seen:.0%} ({now.summary})."
                self._set(TorState("bootstrapping", words, seen, version, daemon.origin))
            if seen >= 1:
                return
            if self._clock.ticks() - self._progress > self._settings.tor_deadline:
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
            elif control is None and self._builder is None:
                self._ready_without_control()
            self._pause(BEAT)
            if self._is_lost(daemon):
                return
            with suppress(StageError):
                self._book.refresh()
                self._leases.renew()

    def _ready(self, control: Control) -> None:
        assert self._daemon is not None
        origin = self._daemon.origin
        if origin != "own":
            with suppress(ValueError):
                dirty = float(control.option("MaxCircuitDirtiness") or 600)
                self._leases.terms = replace(self._terms, seconds=min(self._terms.seconds, max(30.0, dirty - MARGIN)))
        exits, version = control.exits(), control.version()
        socks = self._daemon.socks or control.listener()
        if socks is None:
            raise BadSetup("Tor takes no SOCKS connections.", advice="Set `SocksPort` in torrc, or name `tor_socks`.")
        where = "of our own" if origin == "own" else f"on port {socks.port}"
        joins = origin != "own" and control.joins_circuits()
        words = f"Tor {version} {where}, {len(exits):,} exits." + JOINS * joins
        self._now_ready(TorState("ready", words, 1.0, version, origin, len(exits)), socks, frozenset(exits.values()))

    def _ready_without_control(self) -> None:
        assert self._daemon is not None
        assert self._daemon.socks is not None
        socks = self._daemon.socks
        words = f"Tor on port {socks.port}; which exits it uses is unknown. {self._daemon.refusal}".strip()
        self._now_ready(TorState("ready", words, 1.0, "", "socks"), socks)

    def _now_ready(self, state: TorState, socks: Address, addresses: frozenset[str] = frozenset()) -> None:
        self._was_ready = True
        self._progress = self._clock.ticks()
        reuse, gives_up = self._settings.tor_reuse, self._closing.is_set
        self._builder = Builder(self._control, socks, self._book, self._terms, self._clock, reuse, gives_up, addresses)
        self._set(state)
        self._leases.wake()

    def _is_lost(self, daemon: Daemon) -> bool:
        """Whether it ended, froze, or hung up."""
        if daemon.has_ended:
            return True
        if self._control is None:
            return self._builder is not None and not speaks_socks(self._builder.socks)
        try:
            self._control.version()
        except TorTrouble:
            return True
        return False

    def _let_go(self) -> None:
        """Forget a daemon, and end it if it is ours."""
        self._builder = None
        self._leases.all_broke()
        control, self._control = self._control, None
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            daemon.end()
        if control is not None:
            control.close()

    def _wait_until_needed(self, began: float) -> None:
        """After a failure: until somebody asks who did not hear of it."""
        failed = self._failure[0]
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
        if state != self._state:
            self._state = state
            self._tell(TorChanged(state, self._clock.now()))

    def _say(self, words: str) -> None:
        self._tell(TorChanged(replace(self._state, words=words), self._clock.now()))

    def _tell(self, event: Event) -> None:
        self._listener(event)


def _stuck(at: Bootstrap, skew: float, seconds: float) -> TorTrouble:
    if abs(skew) > 60:
        ahead = f"{abs(skew) / 60:,.0f} minutes {'ahead' if skew > 0 else 'behind'}"
        return TorTrouble(f"Tor cannot start: this machine's clock is {ahead}.", advice="Set the clock right.")
    why = f": {at.warning}" if at.warning else ""
    return TorTrouble(
        f"Tor got no further than {at.fraction:.0%} ({at.summary}) in {seconds:g} seconds{why}.",
        advice="Check the connection; where Tor is blocked, name bridges in `tor_options`.",
    )
