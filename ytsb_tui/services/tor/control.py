"""One connection to a tor's control port."""

from __future__ import annotations

import base64
import contextlib
import logging
import re
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol, TypeVar

from ytsb_tui.circuits import Exit
from ytsb_tui.errors import BadSetup, BadStart, TorTrouble
from ytsb_tui.services.tor.socks import PROBE_SECONDS, Address

T = TypeVar("T")

DEADLINE = 5.0
"""Seconds tor has for an answer."""
CREDENTIAL = "ytsb-"
"""What our SOCKS user names begin with: streams of other programs are none of our business."""
_HUNG_UP = "The connection to Tor's control port is closed."
_ENDED = ("CLOSED", "FAILED")


class Way(NamedTuple):
    """The circuit a stream took."""

    circuit_id: str
    path: tuple[tuple[str, str], ...]
    """Fingerprint and nickname of each relay, the exit last."""


class Ear(Protocol):
    """Hears of circuits, on the control connection's own thread: must return at once."""

    def went(self, user: str, way: Way) -> None:
        """A stream of this SOCKS user takes this way."""

    def ended(self, circuit_id: str) -> None:
        """A circuit is no more."""


@dataclass(frozen=True)
class Bootstrap:
    """How far tor is on its way into the network."""

    fraction: float
    summary: str
    """Tor's own words: "Loading relay descriptors"."""
    warning: str = ""
    """What tor says stands in its way."""


class Control:
    """Asks on one thread, with a deadline for every answer.

    stem waits for answers without a limit and under a lock, so one frozen tor
    would freeze whoever asks; when a deadline passes the connection is closed,
    which is the one thing that wakes stem up. What tor tells unasked only
    changes state here: asking it back at once would hold up what it tells next.
    """

    def __init__(self, address: Address, password: str | None, ear: Ear) -> None:
        """Connect. Raises `BadSetup` where tor does not let us in, `TorTrouble` where it does not answer."""
        self.address = address
        self.skew = 0.0
        """Seconds this machine's clock is ahead, when tor complains of that."""
        self._ear = ear
        self._controller: Any = None
        self._closed = False
        self._paths: dict[str, tuple[tuple[str, str], ...]] = {}
        self._ways: dict[str, Way] = {}
        self._exits: dict[str, Exit] = {}
        self._changed = threading.Condition()
        self._asked: SimpleQueue[tuple[Callable[[Any], Any], Future[Any]] | None] = SimpleQueue()
        threading.Thread(target=self._ask, name="tor-control", daemon=True).start()
        try:
            self.call(lambda _: self._connect(password))
        except BaseException:
            self.close()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether the connection stands."""
        return self._controller is not None and bool(self._controller.is_alive())

    def call(self, ask: Callable[[Any], T], seconds: float = DEADLINE) -> T:
        """What `ask` returns for the stem controller. Raises `TorTrouble`."""
        import stem

        future: Future[T] = Future()
        if self._closed:
            raise TorTrouble(_HUNG_UP)
        self._asked.put((ask, future))
        try:
            return future.result(seconds)
        except TimeoutError:
            self.close()
            raise TorTrouble(f"Tor does not answer on its control port {self.address}.") from None
        except (stem.ControllerError, OSError, ValueError, LookupError) as error:
            raise TorTrouble(f"Tor's control port {self.address} failed: {error}.") from error

    def post(self, ask: Callable[[Any], object]) -> None:
        """Have `ask` done some time, whatever comes of it."""
        self._asked.put((ask, Future()))

    def close(self) -> None:
        """Hang up; whoever waits for an answer gets an error. An own tor ends with that."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._asked.put(None)
        if self._controller is not None:
            closing = threading.Thread(target=self._controller.close, name="tor-hang-up", daemon=True)
            closing.start()
            closing.join(1.0)

    def bootstrap(self) -> Bootstrap:
        """How far tor is. Raises `TorTrouble`."""
        return self.call(lambda tor: read_bootstrap(tor.get_info("status/bootstrap-phase")))

    def version(self) -> str:
        """ "0.4.9.11"."""
        return self.call(lambda tor: str(tor.get_info("version")).split()[0])

    def option(self, name: str) -> str:
        """An option of its configuration, "" when it has no value."""
        return str(self.call(lambda tor: tor.get_conf(name, "")))

    def joins_circuits(self) -> bool:
        """Whether it may send streams of one user over two circuits, and so by another exit."""
        return self.option("ConfluxEnabled") not in ("", "0")

    def listener(self) -> Address | None:
        """Where it takes SOCKS connections."""
        told = str(self.call(lambda tor: tor.get_info("net/listeners/socks", "")))
        ports = [quoted for quoted in re.findall(r'"([^"]*)"', told) if not quoted.startswith("unix:")]
        return Address.parse(ports[0]) if ports else None

    def exits(self) -> Mapping[str, str]:
        """Address by fingerprint of every exit it knows."""
        return self.call(lambda tor: read_exits(str(tor.get_info("ns/all", ""))), 4 * DEADLINE)

    def way_of(self, user: str, seconds: float) -> Way | None:
        """The way this user's newest stream took, waited for; None when tor does not tell."""
        with self._changed:
            self._changed.wait_for(lambda: user in self._ways or self._closed, seconds)
            return self._ways.get(user)

    def exit_of(self, way: Way) -> Exit:
        """Who the last relay of a way is. Raises `TorTrouble`."""
        fingerprint, nickname = way.path[-1]
        if fingerprint not in self._exits:
            told = str(self.call(lambda tor: tor.get_info(f"ns/id/{fingerprint}")))
            found = re.search(r"^r (?:\S+ ){5}(\S+)", told, re.MULTILINE)
            if not found:
                raise TorTrouble(f"Tor does not say where its exit {nickname} is.")
            address = found[1]
            country = str(self.call(lambda tor: tor.get_info(f"ip-to-country/{address}", "")) or "")
            self._exits[fingerprint] = Exit(fingerprint, nickname, address, country.strip("?").upper())
        return self._exits[fingerprint]

    def forget(self, user: str) -> None:
        """Close the circuit of a user who needs it no more."""
        with self._changed:
            way = self._ways.pop(user, None)
        if way is not None:
            self.close_circuit(way.circuit_id)

    def close_circuit(self, circuit_id: str) -> None:
        """Close a circuit some time soon."""
        self.post(lambda tor: tor.close_circuit(circuit_id))

    def _ask(self) -> None:
        while (asked := self._asked.get()) is not None:
            ask, future = asked
            try:
                future.set_result(ask(self._controller))
            except BaseException as error:  # not handled here: whoever waits for the answer gets it
                future.set_exception(error)
        with contextlib.suppress(Exception):
            while (left := self._asked.get_nowait()) is not None:
                left[1].set_exception(TorTrouble(_HUNG_UP))
        with contextlib.suppress(Exception):  # where it was just connecting anew
            self._controller.close()

    def _connect(self, password: str | None) -> None:
        import stem.connection
        import stem.util.log
        from stem.control import Controller

        stem.util.log.get_logger().setLevel(
            logging.WARNING
        )  # it tells of every line, and thousands of times of the end
        _check_speaks_control(self.address)
        self._controller = tor = Controller.from_port(self.address.host, self.address.port)
        # stem connects anew after every way in that failed, also when it failed because we hung up.
        tor.connect = partial(self._connect_again, tor.connect)
        try:
            tor.authenticate(password=password and password.replace("\\", "\\\\"))  # stem escapes quotes alone
        except stem.connection.AuthenticationFailure as error:
            raise _locked_out(error, self.address) from error
        tor.set_caching(False)
        tor.add_event_listener(self._on_circuit, "CIRC")
        for built in tor.get_circuits([]):  # tor has some ready before it is asked
            with self._changed:
                self._paths.setdefault(built.id, tuple(built.path))
        tor.add_event_listener(self._on_stream, "STREAM")
        tor.add_event_listener(self._on_status, "STATUS_GENERAL", "STATUS_CLIENT")

    def _connect_again(self, connect: Callable[[], object]) -> None:
        if not self._closed:
            connect()

    def _on_circuit(self, event: Any) -> None:
        with self._changed:
            if event.status in _ENDED:
                self._paths.pop(event.id, None)
            else:
                self._paths[event.id] = tuple(event.path)
        if event.status in _ENDED:
            self._ear.ended(event.id)

    def _on_stream(self, event: Any) -> None:
        user = event.keyword_args.get("SOCKS_USERNAME", "").strip('"')  # stem leaves the quotes on
        if event.status not in ("SENTCONNECT", "SUCCEEDED") or not user.startswith(CREDENTIAL):
            return
        with self._changed:
            path = self._paths.get(event.circ_id)
            if not path:
                return
            way = self._ways[user] = Way(event.circ_id, path)
            self._changed.notify_all()
        self._ear.went(user, way)

    def _on_status(self, event: Any) -> None:
        if event.action == "CLOCK_SKEW":
            with contextlib.suppress(ValueError):
                self.skew = float(event.arguments.get("SKEW", 0))


def read_bootstrap(told: str) -> Bootstrap:
    """How far tor is, as its control port gives it."""
    fields = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', told)}
    return Bootstrap(float(fields.get("PROGRESS", 0)) / 100, fields.get("SUMMARY", ""), fields.get("WARNING", ""))


def read_exits(told: str) -> Mapping[str, str]:
    """Address by fingerprint of the exits in a list of relays, as the control port gives it."""
    found: dict[str, str] = {}
    identity = address = ""
    for line in told.splitlines():
        if line.startswith("r "):
            _, _, identity, _, _, _, address, *_ = line.split()
        elif line.startswith("s ") and identity:
            flags = line.split()
            if "Exit" in flags and "BadExit" not in flags:
                found[base64.b64decode(f"{identity}=").hex().upper()] = address
    return found


def _check_speaks_control(address: Address) -> None:
    """stem waits for ever on a port that accepts and says nothing, or says something else."""
    try:
        with socket.create_connection(address, PROBE_SECONDS) as probe:
            probe.sendall(b"PROTOCOLINFO 1\r\n")
            answer = probe.recv(64)
    except TimeoutError:
        raise TorTrouble(f"Tor does not answer on its control port {address}.") from None
    except OSError as error:
        raise TorTrouble(f"Tor's control port {address} cannot be reached.") from error
    if not answer:
        raise TorTrouble(f"Tor's control port {address} hung up.")
    if not answer.startswith(b"250-PROTOCOLINFO"):
        raise BadSetup(f"What listens on {address} is not Tor's control port.", advice="Correct `tor_control`.")


def _locked_out(error: Exception, address: Address) -> BadSetup:
    import stem.connection

    if isinstance(error, stem.connection.MissingPassword):
        how = "Name the variable that holds it in `tor_password_env`, and start again."
        return BadStart(f"Tor's control port {address} wants a password.", advice=how)
    if isinstance(error, stem.connection.IncorrectPassword):
        how = "Correct the variable that `tor_password_env` names, and start again."
        return BadStart(f"Tor's control port {address} refused the password.", advice=how)
    how = (
        "Join the group that may read it (on Debian: debian-tor), "
        "or set a password in torrc and name the variable that holds it in `tor_password_env`."
    )
    if isinstance(error, (stem.connection.UnreadableCookieFile, stem.connection.NoAuthCookie)):
        return BadSetup(f"The cookie of Tor's control port {address} cannot be read.", advice=how)
    if isinstance(error, stem.connection.CookieAuthFailed):
        how = "Another tor may have written over it: start that tor again, or correct `tor_control`."
        return BadSetup(f"The cookie of Tor's control port {address} is not the one it wants.", advice=how)
    return BadSetup(f"Tor's control port {address} does not let us in: {str(error).rstrip(chr(46))}.", advice=how)
