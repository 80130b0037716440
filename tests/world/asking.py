"""What a client asks of a server on loopback."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler


def body_of(handler: BaseHTTPRequestHandler) -> bytes:
    """The whole body of a request. Raises `ConnectionAbortedError` where the client left, or was killed, before."""
    length = int(handler.headers.get("content-length") or 0)
    body = handler.rfile.read(length)
    if len(body) < length:
        raise ConnectionAbortedError("it left before it had asked")
    return body
