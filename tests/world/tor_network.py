"""A private network of real tor on loopback: authorities, exits that each leave from an address of their own, a client.

The addresses lie in one block of 127.0.0.0/8, so Linux is needed, but neither
root nor a name server nor a way to the Internet. Names are mapped by the
client, as a hosts file would; every other name is asked from the network's own
name server, which knows none and remembers them.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 180.0
"""Seconds the network may take to start; it takes about ten."""
TRIES, JOINING = 3, 60.0
"""How often its client may try to join it, and the seconds that may take; it takes about two."""
VOTE, SIGN = 2, 2
"""Seconds to vote and to sign; the least tor accepts."""
COUNTRIES = ("DE", "FR", "NL", "SE", "US", "CH", "AT", "IS")
"""Where the exits are, one after the other."""


class NoTorNetwork(RuntimeError):
    """There can be none here; the message says why."""


@dataclass
class Node:
    """One tor process."""

    nickname: str
    address: str
    folder: Path
    or_port: int = 0
    dir_port: int = 0
    country: str = ""
    fingerprint: str = ""
    identity: str = ""
    """An authority's voting key."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> str:
        """What it has logged so far."""
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)

    def freeze(self) -> None:
        """Stop it with every connection open, as a lost network would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)


def why_not() -> str:
    """Why there can be no private network here, or ""."""
    if not sys.platform.startswith("linux"):
        return "a private Tor network needs Linux, where all of 127.0.0.0/8 is local"
    missing = [name for name in ("tor", "tor-gencert") if _program(name) is None]
    return f"{' and '.join(missing)} not found: install Debian's package tor" if missing else ""


def block() -> str:
    """Three numbers of an address, such as "127.93.210", that nobody else seems to use."""
    for _ in range(50):
        prefix = f"127.{random.randrange(70, 250)}.{random.randrange(1, 250)}"
        with contextlib.suppress(OSError):
            _free_port(f"{prefix}.10")
            return prefix
    raise NoTorNetwork("no address in 127.0.0.0/8 can be had")


class TorNetwork:
    """Starts with the block, and is gone with it, or with the process that started it."""

    def __init__(self, names: Mapping[str, str], exits: int = 6, *, prefix: str | None = None) -> None:
        """`names` says which address of 127.0.0.0/8 a host has."""
        if reason := why_not():
            raise NoTorNetwork(reason)
        self._tor, self._gencert = _program("tor"), _program("tor-gencert")
        self._names = names
        self.folder = Path(tempfile.mkdtemp(prefix="tor-network-"))
        prefix = prefix or block()
        self.authorities = [self._node(f"authority{n}", f"{prefix}.{10 + n}") for n in range(2)]
        self.exits = [self._node(f"exit{n}", f"{prefix}.{101 + n}") for n in range(exits)]
        for place, node in enumerate(self.exits):
            node.country = COUNTRIES[place % len(COUNTRIES)]
        self.client = self._node("client", "127.0.0.1")
        self.socks_port, self.control_port = self.client.or_port, self.client.dir_port
        self.cookie = self.client.folder / "data" / "control_auth_cookie"
        self._names_asked = _Names(f"{prefix}.53")
        self._offset = self._seen = 0
        self._keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> TorNetwork:
        # Every tor names this process as its owner and ends soon after it, and it ends when our end of its pipe
        # is closed: killed tests leave nothing behind. It is not us, because a controller that finds itself the
        # owner (stem looks) takes tor down when it hangs up.
        self._keeper = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        nodes = [node.process for node in (*self.relays, self.client) if node.process]
        for process in nodes:
            process.kill()
        for process in nodes:
            process.wait(30)
        if self._keeper and self._keeper.stdin:
            self._keeper.stdin.close()
            self._keeper.wait(30)
        self._names_asked.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def relays(self) -> list[Node]:
        return [*self.authorities, *self.exits]

    @property
    def leaked(self) -> list[str]:
        """Names the exits had to look up, and "an address" where the client was given one instead of a name."""
        unsafe = "giving Tor only an IP address" in self.client.log[self._seen :]
        return [*self._names_asked.asked, *["an address"] * unsafe]

    def forget(self) -> None:
        """Forget what has leaked."""
        self._names_asked.asked.clear()
        self._seen = len(self.client.log)

    @property
    def joining(self) -> list[str]:
        """The lines of a torrc that make any tor a client of this network."""
        return [
            *self._members(),
            *(f"MapAddress {host} {_mapped(address)}" for host, address in self._names.items()),
            # Tor learns how long circuits take and gives up on slow ones; here that would be milliseconds, and a
            # busy machine would fail them.
            "LearnCircuitBuildTimeout 0",
            "CircuitBuildTimeout 20",
            f"GeoIPFile {self.folder / 'geoip'}",
        ]

    def command(self, folder: Path) -> Path:
        """A `tor` in `folder` that is the real one, but whose network is this one."""
        options = " ".join(f"--{name} '{value}'" for name, value in (line.split(" ", 1) for line in self.joining))
        script = folder / "tor"
        script.write_text(f'#!/bin/sh\nexec {self._tor} "$@" {options}\n')
        script.chmod(0o755)
        return script

    def restart(self, node: Node) -> None:
        """Start a node again after `kill`, as it was."""
        if node is not self.client:
            self._launch(node)
            return
        for left in reversed(range(TRIES)):  # one that got a consensus a moment too old waits long for the next
            self._launch(node)
            try:
                return self._wait(lambda: "Bootstrapped 100%" in node.log, "did not bootstrap", node, seconds=JOINING)
            except NoTorNetwork:
                node.kill()
                if not left:
                    raise

    def _node(self, nickname: str, address: str) -> Node:
        folder = self.folder / nickname
        (folder / "data" / "keys").mkdir(parents=True)
        for place in (folder, folder / "data", folder / "data" / "keys"):
            place.chmod(0o700)
        return Node(nickname, address, folder, *_free_ports(address))

    def _start(self) -> None:
        (self.folder / "empty").touch()
        (self.folder / "resolv.conf").write_text(f"nameserver {self._names_asked.server}\n")
        (self.folder / "geoip").write_text("".join(f"{_number(e.address)},{_number(e.address)},{e.country}\n"
                                                   for e in self.exits))  # fmt: skip
        self._make_keys()
        # The votes are cast shortly after the relays have had time to publish, rather than up to five seconds later.
        ready = time.time() + 1.0 + 0.45 * len(self.relays) / (os.cpu_count() or 1)
        self._offset = round(ready + VOTE + SIGN) % 5
        for node in self.relays:
            self._launch(node)
        self._wait(self._is_agreed, "did not publish a consensus", *self.relays)
        for node in self.exits:
            node.fingerprint = (node.folder / "data" / "fingerprint").read_text().split()[1]
        self.restart(self.client)

    def _make_keys(self) -> None:
        """Every torrc has to name the authorities' keys; the others make their own when they start."""
        made = []
        for node in self.authorities:
            made.append(subprocess.Popen(
                [str(self._gencert), "--create-identity-key", "--passphrase-fd", "0", "-m", "12"],
                cwd=node.folder / "data" / "keys", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            ))  # fmt: skip
        for node in self.authorities:
            listed = self._run(
                *("--list-fingerprint", "--DataDirectory", str(node.folder / "data"), "--Nickname", node.nickname),
                *("--ORPort", "1", "--DirAuthority", f"none 127.0.0.1:1 {'F' * 40}"),
            )
            node.fingerprint = "".join(listed.split()[1:])  # "nickname ABCD 1234 ..."
        for node, process in zip(self.authorities, made, strict=True):
            said, _ = process.communicate(b"\n", timeout=PATIENCE)
            certificate = node.folder / "data" / "keys" / "authority_certificate"
            found = re.search(r"^fingerprint ([0-9A-F]{40})$", certificate.read_text() if certificate.exists() else "",
                              re.MULTILINE)  # fmt: skip
            if found is None:
                raise NoTorNetwork(f"{node.nickname} has no keys: {said.decode()}")
            node.identity = found[1]

    def _run(self, *arguments: str) -> str:
        empty = str(self.folder / "empty")
        command = [str(self._tor), "--quiet", "-f", empty, "--defaults-torrc", empty, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout

    def _launch(self, node: Node) -> None:
        (node.folder / "log").unlink(missing_ok=True)
        torrc = node.folder / "torrc"
        torrc.write_text("\n".join(self._torrc(node)) + "\n")
        node.process = subprocess.Popen(
            [str(self._tor), "--quiet", "-f", str(torrc), "--defaults-torrc", str(self.folder / "empty")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,  # ctrl+c is for the tests; they end these
        )  # fmt: skip

    def _wait(self, ready: Callable[[], bool], trouble: str, *needed: Node, seconds: float = PATIENCE) -> None:
        """Wait until `ready()`; fails at once when one that is needed has ended."""
        until = time.monotonic() + seconds
        while not ready():
            ended = next((node for node in needed if not node.is_running), None)
            if ended or time.monotonic() > until:
                node = ended or needed[0]
                raise NoTorNetwork(f"{node.nickname} {'ended' if ended else trouble}:\n{node.log[-1500:]}")
            time.sleep(0.05)

    def _is_agreed(self) -> bool:
        """Whether every authority serves a consensus in which each relay is what it should be."""
        wanted = [(node.nickname, "Guard") for node in self.authorities] + [(n.nickname, "Exit") for n in self.exits]
        return all(_flags(authority) >= set(wanted) for authority in self.authorities)

    def _torrc(self, node: Node) -> Iterable[str]:
        assert self._keeper is not None
        yield f"DataDirectory {node.folder / 'data'}"
        yield f"Log notice file {node.folder / 'log'}"
        yield f"__OwningControllerProcess {self._keeper.pid}"
        yield "ShutdownWaitLength 0"
        yield "NumCPUs 1"
        yield f"GeoIPv6File {self.folder / 'empty'}"
        if node is self.client:
            yield from self.joining
            yield f"SocksPort 127.0.0.1:{self.socks_port}"
            yield f"ControlPort 127.0.0.1:{self.control_port}"
            yield "CookieAuthentication 1"
            yield "ConfluxEnabled 0"  # else a stream may move to another circuit, in the middle
            return
        yield from self._members()
        yield f"GeoIPFile {self.folder / 'empty'}"  # saves 25 MB a process
        yield f"Nickname {node.nickname}"
        yield "ContactInfo private test network"
        yield f"Address {node.address}"
        yield f"ORPort {node.address}:{node.or_port} IPv4Only"
        yield "SocksPort 0"
        yield "AssumeReachable 1"
        # Else an exit that was idle has no weight in the second consensus, and is never chosen again.
        yield "TestingMinTimeToReportBandwidth 1 day"
        yield "ServerDNSDetectHijacking 0"
        yield f"ServerDNSResolvConfFile {self.folder / 'resolv.conf'}"
        yield from self._authority(node) if node in self.authorities else self._exit(node)

    def _members(self) -> list[str]:
        return ["TestingTorNetwork 1", "AvoidDiskWrites 1"] + [
            f"DirAuthority {node.nickname} orport={node.or_port} no-v2 v3ident={node.identity}"
            f" {node.address}:{node.dir_port} {node.fingerprint}"
            for node in self.authorities
        ]

    def _authority(self, node: Node) -> Iterable[str]:
        yield "ExitRelay 0"
        yield "ExitPolicy reject *:*"
        yield "AuthoritativeDirectory 1"
        yield "V3AuthoritativeDirectory 1"
        yield f"DirPort {node.address}:{node.dir_port} IPv4Only"
        yield "TestingV3AuthInitialVotingInterval 5 seconds"
        yield f"TestingV3AuthInitialVoteDelay {VOTE} seconds"
        yield f"TestingV3AuthInitialDistDelay {SIGN} seconds"
        yield f"TestingV3AuthVotingStartOffset {self._offset}"
        yield "V3AuthVotingInterval 10 seconds"
        yield f"V3AuthVoteDelay {VOTE} seconds"
        yield f"V3AuthDistDelay {SIGN} seconds"
        # A client never leaves by the relay it enters by, so the exits must not be entered by.
        yield f"TestingDirAuthVoteGuard {','.join(each.fingerprint for each in self.authorities)}"
        yield "TestingDirAuthVoteGuardIsStrict 1"

    def _exit(self, node: Node) -> Iterable[str]:
        yield "DirCache 0"  # a cache would compress every consensus
        yield "ExitRelay 1"
        yield "IPv6Exit 1"
        yield "ExitPolicyRejectPrivate 0"
        # Else an exit that has not got the first consensus yet ends streams: it does not know the relay before it.
        yield "RefuseUnknownExits 0"
        yield "ExitPolicy accept *:*"
        yield f"OutboundBindAddressExit {node.address}"
        yield f"OutboundBindAddressExit {_mapped(node.address)}"


class _Names:
    """A name server that remembers what it is asked, and knows nothing."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self.server = f"{address}:{self._socket.getsockname()[1]}"
        self.asked: list[str] = []
        threading.Thread(target=self._serve, daemon=True, name="names").start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread, which close() would not
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                question, asker = self._socket.recvfrom(4096)
                if not question:
                    return
                labels, at = [], 12
                while at < len(question) and (size := question[at]):
                    labels.append(question[at + 1 : at + 1 + size].decode("latin-1"))
                    at += 1 + size
                self.asked.append(".".join(labels).casefold())  # tor mixes upper and lower case
                no_such_name = question[:2] + b"\x81\x83" + question[4:6] + bytes(6) + question[12:]
                self._socket.sendto(no_such_name, asker)


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _mapped(address: str) -> str:
    """The same address, but not one tor takes for its own machine: there it ignores OutboundBindAddressExit."""
    return f"[::ffff:{address}]"


def _number(address: str) -> int:
    return int.from_bytes(socket.inet_aton(address), "big")


def _free_port(address: str) -> int:
    return _free_ports(address)[0]


def _free_ports(address: str) -> tuple[int, int]:
    """Two ports that are free, and that no connection of anybody's is given meanwhile."""
    found: list[int] = []
    for port in random.sample(range(10_000, 32_000), 100):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind((address, port))
            found.append(port)
        if len(found) == 2:
            return found[0], found[1]
    raise OSError(f"no port is free at {address}")


def _flags(authority: Node) -> set[tuple[str, str]]:
    """Each relay's nickname with each of its flags, as the consensus of this authority has them."""
    connection = http.client.HTTPConnection(authority.address, authority.dir_port, timeout=5)
    try:
        connection.request("GET", "/tor/status-vote/current/consensus")
        answer = connection.getresponse()
        text = answer.read().decode("ascii", "replace") if answer.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return set()
    finally:
        connection.close()
    found = re.findall(r"^r (\S+) .*?^s ([^\n]*)$", text, re.MULTILINE | re.DOTALL)
    return {(nickname, flag) for nickname, flags in found for flag in flags.split()}
