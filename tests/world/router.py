"""A loopback stand-in for the network: SOCKS5 and HTTP CONNECT on one port.

Names are looked up in a table, never by DNS. What is not in the table is
refused and remembered, so a leak is a failure. Each user name leaves from its
own 127.x address, as each circuit of a Tor daemon leaves from its own exit.
"""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Passage(NamedTuple):
    """One connection somebody asked for."""

    protocol: str
    host: str
    port: int
    source: str
    """The address it left from."""


@dataclass
class Router:
    """Opens connections to the hosts of `table`, and to no others."""

    table: Mapping[str, tuple[str, int]]
    password: str | None = None
    """What every user must give; None lets anyone in."""
    dead: bool = False
    """Whether every connection fails, as when the proxy itself is offline."""
    leaves: Callable[[str, str, int], str | None] | None = None
    """The address a user leaves from to a host's port, or None for not at all; None for `source_of`."""
    passages: list[Passage] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Hosts that are not in the table: names that leaked."""
    _sources: dict[str, str] = field(default_factory=dict)
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        router = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                router._serve(self.request)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Router:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="router").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def goes_dark(self) -> None:
        """From now on, until `dead` is taken back, nothing passes; what is open breaks off."""
        self.dead = True
        for far in tuple(self._open):
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)

    def socks(self, user: str = "", password: str = "x") -> str:
        """The proxy's URL for SOCKS clients."""
        return f"socks5h://{f'{user}:{password}@' if user else ''}127.0.0.1:{self.port}"

    def http(self, user: str = "", password: str = "x") -> str:
        """The proxy's URL for HTTP clients."""
        return f"http://{f'{user}:{password}@' if user else ''}127.0.0.1:{self.port}"

    def source_of(self, user: str) -> str:
        """The address `user` leaves from."""
        with self._lock:
            return self._sources.setdefault(user, f"127.66.{len(self._sources) // 250}.{1 + len(self._sources) % 250}")

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(120)
        with contextlib.suppress(OSError):  # either end may hang up at any time
            speaks = client.recv(1, socket.MSG_PEEK)
            if speaks and (far := (self._socks5 if speaks == b"\x05" else self._connect)(client)):
                with far:
                    self._open.add(far)
                    try:
                        _relay(client, far)
                    finally:
                        self._open.discard(far)

    def _dial(self, protocol: str, host: str, port: int, user: str) -> socket.socket | None:
        source = self.leaves(user, host, port) if self.leaves else self.source_of(user)
        self.passages.append(Passage(protocol, host, port, source or ""))
        target = self.table.get(host.lower())
        if target is None:
            self.refused.append(host)
        if target is None or source is None or self.dead:
            return None
        return socket.create_connection(target, timeout=120, source_address=(source, 0))

    def _lets_in(self, password: str) -> bool:
        return self.password is None or password == self.password

    def _socks5(self, client: socket.socket) -> socket.socket | None:
        methods = _exactly(client, _exactly(client, 2)[1])
        user = password = ""
        if 2 in methods:
            client.sendall(b"\x05\x02")
            user = _exactly(client, _exactly(client, 2)[1]).decode()
            password = _exactly(client, _exactly(client, 1)[0]).decode()
        if not self._lets_in(password):
            client.sendall(b"\x01\x01" if 2 in methods else b"\x05\xff")
            return None
        client.sendall(b"\x01\x00" if 2 in methods else b"\x05\x00")
        _, command, _, kind = _exactly(client, 4)
        if kind == 3:
            host = _exactly(client, _exactly(client, 1)[0]).decode()
        else:  # an address: the client looked the name up itself, which is what must not happen
            family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, _exactly(client, size))
        (port,) = struct.unpack(">H", _exactly(client, 2))
        far = self._dial("socks5", host, port, user) if command == 1 else None
        client.sendall(b"\x05" + (b"\x00" if far else b"\x04") + b"\x00\x01" + bytes(6))
        return far

    def _connect(self, client: socket.socket) -> socket.socket | None:
        head = b""
        while b"\r\n\r\n" not in head:
            received = client.recv(4096)
            if not received:
                return None
            head += received
        line, *rest = head.decode("latin-1").split("\r\n")
        basic = next((item.split()[2] for item in rest if item.lower().startswith("proxy-authorization: basic")), "")
        user, _, password = base64.b64decode(basic).decode().partition(":")
        method, target, _ = line.split(" ", 2)
        host, _, port = target.rpartition(":")
        far = None
        status = "502 Bad Gateway"
        if not self._lets_in(password):
            status = "407 Proxy Authentication Required"
        elif method == "CONNECT" and (far := self._dial("connect", host, int(port), user)):
            status = "200 Connection established"
        client.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
        return far


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that speaks nonsense is its own test's business."""


def _exactly(stream: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            raise ConnectionError("hung up")
        data += more
    return data


def _relay(one: socket.socket, other: socket.socket) -> None:
    for side in (one, other):
        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while ready := select.select((one, other), (), (), 600)[0]:
        for side in ready:
            data = side.recv(65536)
            if not data:
                return
            (other if side is one else one).sendall(data)
