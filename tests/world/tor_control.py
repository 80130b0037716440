"""A tor that only pretends: the control protocol over a real socket, and a SOCKS port whose exits are scripted.

It answers in the words of tor 0.4.9, and what tests promise of it they promise
of the real one as well.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import re
import secrets
import socket
import socketserver
import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.world.router import Router

VERSION = "0.4.9.11"
EVENTS = {
    "CIRC",
    "STREAM",
    "STATUS_CLIENT",
    "STATUS_GENERAL",
    "STATUS_SERVER",
    "ADDRMAP",
    "BW",
    "SIGNAL",
    "CONF_CHANGED",
}
EVENTS |= {"NOTICE", "WARN", "ERR", "NETWORK_LIVENESS", "NEWCONSENSUS", "CIRC_MINOR"}

Misbehaviour = Literal["", "silent", "hang up", "garbage"]


@dataclass(frozen=True)
class Relay:
    """A relay of the network it pretends to be in."""

    nickname: str
    address: str
    country: str = "de"
    flags: str = "Exit Fast Running Stable Valid"

    @property
    def identity(self) -> bytes:
        return hashlib.sha1(self.nickname.encode()).digest()

    @property
    def fingerprint(self) -> str:
        return self.identity.hex().upper()

    @property
    def status(self) -> str:
        """Its lines in the consensus."""
        name = base64.b64encode(self.identity).decode().rstrip("=")
        where = f"2038-01-01 00:00:00 {self.address} 9001 0"
        return f"r {self.nickname} {name} {name} {where}\r\ns {self.flags}\r\nw Bandwidth=1000"


GUARD = Relay("guard0", "127.67.0.1", flags="Fast Guard Running Stable V2Dir Valid")
MIDDLE = Relay("middle0", "127.67.0.2", flags="Fast Running Stable Valid")


def exits(number: int) -> list[Relay]:
    """This many, each with an address and a country of its own."""
    countries = ("de", "fr", "nl", "se", "us", "ch")
    return [Relay(f"exit{n}", f"127.67.1.{1 + n}", countries[n % len(countries)]) for n in range(number)]


@dataclass
class Built:
    """A circuit."""

    id: int
    user: str
    exit: Relay

    @property
    def line(self) -> str:
        path = ",".join(f"${relay.fingerprint}~{relay.nickname}" for relay in (GUARD, MIDDLE, self.exit))
        facts = "BUILD_FLAGS=NEED_CAPACITY PURPOSE=GENERAL TIME_CREATED=2026-11-25T23:03:04.997254"
        return f"{path} {facts} {_credential(self.user)}" if self.user else f"{path} {facts}"


class FakeTor:
    """Change `plan`, `dead`, `misbehaves` and the rest while it runs."""

    def __init__(
        self,
        exits: Iterable[Relay],
        table: Mapping[str, tuple[str, int]],
        folder: Path,
        *,
        password: str | None = None,
    ) -> None:
        """`table` says where hosts are; `folder` takes the cookie, unless there is a password."""
        self.exits = list(exits)
        self.plan: deque[str] = deque()
        """Nicknames of the exits that the next circuits are built to; then the least used ones, in order."""
        self.dead: set[str] = set()
        """Nicknames of exits that end every stream."""
        self.misbehaves: Misbehaviour = ""
        """How every command is answered from now on ..."""
        self.only_to = ""
        """... or this one alone."""
        self.bootstrapped = 100
        self.skew = 0
        """Seconds this machine's clock is ahead of the network's, which it complains of to whoever listens."""
        self.options: dict[str, str] = {}
        """What its torrc says; names in small letters."""
        self.commands: list[str] = []
        """Everything it was told, without secrets."""
        self.circuits: dict[int, Built] = {}
        self.password = password
        self.secret = secrets.token_bytes(32)
        self.cookie = folder / "control_auth_cookie"
        """The file of the secret."""
        self.cookie.write_bytes(self.secret)
        self.router = Router(table, leaves=self._leave)
        self._sessions: set[_Session] = set()
        self._streams = 0
        self._newest = 0
        self._used: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.tor = self
        self.control_port = int(self._server.server_address[1])

    def __enter__(self) -> FakeTor:
        self.router.__enter__()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="fake tor").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.hang_up()
        self.router.__exit__()

    @property
    def socks_port(self) -> int:
        return self.router.port

    @property
    def connections(self) -> int:
        """How many there are to its control port."""
        return len(self._sessions)

    def build_ahead(self) -> Built:
        """A circuit for whoever comes next, as tor builds some before anybody asks."""
        with self._lock:
            return self._build("")

    def exchange(self, circuit: Built, nickname: str) -> Built:
        """Another circuit for the same user from now on, to this exit; the old one stays."""
        with self._lock:
            del self.circuits[circuit.id]
            self.plan.appendleft(nickname)
            return self._build(circuit.user)

    def hang_up(self) -> None:
        """End every control connection, as a tor does that ends."""
        with self._lock:
            for session in self._sessions:
                with contextlib.suppress(OSError):
                    session.request.shutdown(socket.SHUT_RDWR)

    def bootstrap(
        self, percent: int, tag: str = "loading_descriptors", summary: str = "Loading relay descriptors"
    ) -> None:
        """Get that far, and tell."""
        self.bootstrapped = percent
        self.tell("STATUS_CLIENT", f'NOTICE BOOTSTRAP PROGRESS={percent} TAG={tag} SUMMARY="{summary}"')

    def close(self, circuit: Built, reason: str = "DESTROYED") -> None:
        """A circuit ends."""
        with self._lock:
            if self.circuits.pop(circuit.id, None):
                self.tell("CIRC", f"{circuit.id} CLOSED {circuit.line} REASON={reason}")

    def tell(self, event: str, words: str) -> None:
        """An event, to whoever asked for its kind."""
        with self._lock:
            for session in self._sessions:
                if event in session.wants:
                    session.say(f"650 {event} {words}")

    def _leave(self, user: str, host: str, port: int) -> str | None:
        """The address a stream leaves from, told as tor tells of streams; None when it cannot leave."""
        with self._lock:
            if self.bootstrapped < 100:
                return None
            self._streams += 1
            stream, target = self._streams, f"{host}:{port}"
            self.tell("STREAM", f"{stream} NEW 0 {target} PURPOSE=USER {_credential(user)}")
            own = [one for one in self.circuits.values() if one.user in (user, "")]
            circuit = max(own, key=lambda one: one.user) if own else self._build(user)
            circuit.user = user
            self.tell("STREAM", f"{stream} SENTCONNECT {circuit.id} {target} {_credential(user)}")
            if circuit.exit.nickname in self.dead:
                self.tell("STREAM", f"{stream} FAILED {circuit.id} {target} REASON=TIMEOUT {_credential(user)}")
                return None
            self.tell("STREAM", f"{stream} SUCCEEDED {circuit.id} {target} {_credential(user)}")
            return circuit.exit.address

    def _build(self, user: str) -> Built:
        named = self.plan.popleft() if self.plan else None
        least = min(self.exits, key=lambda each: self._used[each.nickname])
        chosen = next((each for each in self.exits if each.nickname == named), least)
        self._used[chosen.nickname] += 1
        self._newest += 1
        circuit = self.circuits[self._newest] = Built(self._newest, user, chosen)
        self.tell("CIRC", f"{circuit.id} LAUNCHED {circuit.line.partition(' ')[2]}")
        self.tell("CIRC", f"{circuit.id} BUILT {circuit.line}")
        return circuit

    def info(self, key: str) -> str | None:
        """The value of GETINFO for a key; None where it knows none."""
        kind, _, rest = key.partition("/")
        match kind:
            case "version":
                return VERSION
            case "circuit-status":
                with self._lock:
                    return "\r\n".join(f"{one.id} BUILT {one.line}" for one in self.circuits.values())
            case "stream-status":
                return ""
            case "ns" if rest == "all":
                return "\r\n".join(relay.status for relay in (GUARD, MIDDLE, *self.exits))
            case "ns":
                names = {f"id/{relay.fingerprint}": relay for relay in self.exits}
                return names[rest].status if rest in names else None
            case "ip-to-country":
                if rest.endswith("-available"):
                    return "1"
                return next((relay.country for relay in self.exits if relay.address == rest), "??")
        done = self.bootstrapped == 100
        words = 'done SUMMARY="Done"' if done else 'conn SUMMARY="Connecting to a relay"'
        known = {
            "status/bootstrap-phase": f"NOTICE BOOTSTRAP PROGRESS={self.bootstrapped} TAG={words}",
            "status/circuit-established": str(int(done)),
            "status/enough-dir-info": str(int(done)),
            "net/listeners/socks": f'"127.0.0.1:{self.socks_port}"',
            "process/pid": "1",
        }
        return known.get(key)

    def lets_in(self, credential: str) -> bool:
        """Whether this is its password, quoted, or its cookie, in hexadecimal digits."""
        if self.password is not None:
            return credential == '"' + self.password.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return credential.upper() == self.secret.hex().upper()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    tor: FakeTor

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up in the middle is its own test's business."""


class _Session(socketserver.StreamRequestHandler):
    """One control connection."""

    server: _Server

    def setup(self) -> None:
        super().setup()
        self.tor = self.server.tor
        self.wants: set[str] = set()
        self.is_in = False
        self.safe = ""
        """What proves knowledge of the cookie, once a challenge was made."""
        with self.tor._lock:
            self.tor._sessions.add(self)

    def finish(self) -> None:
        with self.tor._lock:
            self.tor._sessions.discard(self)
        with contextlib.suppress(OSError):
            super().finish()

    def say(self, *lines: str) -> None:
        """Send whole lines; nobody else's come between."""
        with self.tor._lock, contextlib.suppress(OSError):
            self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def handle(self) -> None:
        while line := self.rfile.readline().decode().strip():
            command, _, rest = line.partition(" ")
            self.tor.commands.append(command if command == "AUTHENTICATE" else line)
            badly = self.tor.misbehaves if self.tor.only_to in ("", command) else ""
            if badly == "hang up" or (badly == "" and not self._obey(command.upper(), rest)):
                return
            if badly == "garbage":
                self.say("HTTP/1.1 400 Bad Request", "", "<html>")

    def _obey(self, command: str, rest: str) -> bool:
        """Answer a command; whether the connection stays."""
        match command:
            case "PROTOCOLINFO":
                self.say("250-PROTOCOLINFO 1", f"250-AUTH {self._methods()}", f'250-VERSION Tor="{VERSION}"', "250 OK")
            case "AUTHCHALLENGE":
                self.say(self._challenge(rest.split()[1]))
            case "AUTHENTICATE":
                self.is_in = rest == self.safe if self.safe else self.tor.lets_in(rest)
                self.say("250 OK" if self.is_in else "515 Authentication failed: that is not it.")
                return self.is_in
            case "QUIT":
                self.say("250 closing connection")
                return False
            case _ if not self.is_in:
                self.say("514 Authentication required.")
                return False
            case "GETINFO":
                self._get_info(rest.split())
            case "GETCONF":
                options = self.tor.options
                values = [f"{key}={options[key.lower()]}" if key.lower() in options else key for key in rest.split()]
                self.say(*(f"250-{value}" for value in values[:-1]), f"250 {values[-1]}")
            case "SETEVENTS":
                wanted = set(rest.upper().split())
                if unknown := sorted(wanted - EVENTS):
                    self.say(f'552 Unrecognized event "{unknown[0]}"')
                else:
                    self.wants = wanted
                    self.say("250 OK")
                    if self.tor.skew and "STATUS_GENERAL" in wanted:
                        self.say(f"650 STATUS_GENERAL WARN CLOCK_SKEW SKEW={self.tor.skew} SOURCE=OR:127.67.0.1:9001")
            case "CLOSECIRCUIT":
                number = rest.split()[0]
                circuit = self.tor.circuits.get(int(number))
                self.say("250 OK" if circuit else f'552 Unknown circuit "{number}"')
                if circuit:
                    self.tor.close(circuit, "REQUESTED")
            case "SIGNAL":
                self._signal(rest.upper())
            case "TAKEOWNERSHIP" | "SETCONF" | "RESETCONF" | "DROPOWNERSHIP":
                self.say("250 OK")
            case _:
                self.say(f'510 Unrecognized command "{command}"')
        return True

    def _methods(self) -> str:
        if self.tor.password is not None:
            return "METHODS=HASHEDPASSWORD"
        return f'METHODS=COOKIE,SAFECOOKIE COOKIEFILE="{self.tor.cookie}"'

    def _challenge(self, theirs: str) -> str:
        cookie, ours, nonce = self.tor.secret, secrets.token_bytes(32), bytes.fromhex(theirs)

        def proof(direction: str) -> str:
            key = f"Tor safe cookie authentication {direction} hash".encode()
            return hmac.new(key, cookie + nonce + ours, hashlib.sha256).hexdigest().upper()

        self.safe = proof("controller-to-server")
        return f"250 AUTHCHALLENGE SERVERHASH={proof('server-to-controller')} SERVERNONCE={ours.hex().upper()}"

    def _get_info(self, keys: list[str]) -> None:
        lines = []
        for key in keys:
            value = self.tor.info(key)
            if value is None:
                self.say(f'552 Unrecognized key "{key}"')
                return
            lines += [f"250+{key}=", value, "."] if "\r\n" in value or key[:3] == "ns/" else [f"250-{key}={value}"]
        self.say(*lines, "250 OK")

    def _signal(self, name: str) -> None:
        """NEWNYM has every credential take another circuit from now on; SHUTDOWN ends it."""
        self.say("250 OK")
        if name == "NEWNYM":
            for circuit in list(self.tor.circuits.values()):
                self.tor.close(circuit, "FINISHED")
        elif name in ("SHUTDOWN", "HALT", "TERM", "INT"):
            self.tor.hang_up()


def _credential(user: str) -> str:
    quoted = re.sub(r'(["\\])', r"\\\1", user)
    return f'SOCKS_USERNAME="{quoted}" SOCKS_PASSWORD="x" CLIENT_PROTOCOL=SOCKS5'
