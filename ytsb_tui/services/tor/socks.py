"""SOCKS5, as much of it as it takes to open a stream over a circuit of one's own."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple, Self


class Address(NamedTuple):
    """Where a port is."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`9050`, `:9050`, `localhost:9050`. Raises `ValueError`."""
        host, _, port = text.strip().rpartition(":")
        if not 0 < int(port) < 65536:
            raise ValueError(f"{port} is no port")
        return cls(host.strip("[]") or "127.0.0.1", int(port))


PROBE_SECONDS = 5.0
"""Seconds in which whoever listens on a port must say what it is; on a busy machine that is more than a moment."""
PASSWORD = "x"
"""Beside a user name; tor tells circuits apart by both, so it may be the same for all."""
_SAYS_NO = {
    1: "something failed",
    2: "it is not allowed",
    3: "no network",
    4: "the host was not found",
    5: "the connection was refused",
    6: "it took too long",
}


def speaks_socks(address: Address, seconds: float = PROBE_SECONDS) -> bool:
    """Whether a SOCKS5 server that takes user names listens there."""
    try:
        with socket.create_connection(address, seconds) as stream:
            stream.sendall(b"\x05\x01\x02")
            return _exactly(stream, 2) == b"\x05\x02"
    except OSError:
        return False


def open_stream(socks: Address, user: str, host: str, port: int, seconds: float) -> socket.socket:
    """A connection to `host`, whose name is looked up at the far end; to be closed by the caller.

    Raises `OSError`. The daemon builds a circuit for `user` first, if it has none.
    """
    stream = socket.create_connection(socks, seconds)
    try:
        stream.sendall(b"\x05\x01\x02")
        if _exactly(stream, 2) != b"\x05\x02":
            raise OSError("it does not take user names")
        name, word = user.encode(), PASSWORD.encode()
        stream.sendall(b"\x01" + bytes([len(name)]) + name + bytes([len(word)]) + word)
        if _exactly(stream, 2)[1]:
            raise OSError("it refuses the user name")
        far = host.encode()
        stream.sendall(b"\x05\x01\x00\x03" + bytes([len(far)]) + far + struct.pack(">H", port))
        if code := _exactly(stream, 4)[1]:
            raise OSError(_SAYS_NO.get(code, f"error {code}"))
    except BaseException:
        stream.close()
        raise
    return stream


def _exactly(stream: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            raise OSError("it hung up")
        data += more
    return data
