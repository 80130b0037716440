"""www.youtube.com on loopback: real TLS, recorded answers, faults on demand, a journal of every request."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.world import pages
from tests.world.asking import body_of
from tests.world.catalog import Catalog
from tests.world.faults import Fault, Kind, Request

HOSTS = ("www.youtube.com", "youtube.com", "m.youtube.com", "consent.youtube.com")


@dataclass(frozen=True)
class Answer:
    status: int
    type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class YouTube:
    """The server; change `catalog`, `faults` and the switches while it runs."""

    context: ssl.SSLContext
    catalog: Catalog = field(default_factory=Catalog)
    faults: list[Fault] = field(default_factory=list)
    journal: list[Request] = field(default_factory=list)
    recorded_pages: bool = False
    """Whether every watch page is the recorded one, a megabyte long."""
    wants_consent: bool = False
    """Whether a visitor without a consent cookie gets the consent page first."""
    blocked: set[str] = field(default_factory=set)
    """Addresses it refuses as bots."""
    bugs: list[BaseException] = field(default_factory=list)
    """What went wrong in the server itself."""
    address: tuple[str, int] = ("127.0.0.1", 0)
    """Where it listens; 0 for any port."""

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"youtube": self})
        self._server = _Server(self.address, handler)
        self._server.youtube = self
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self.address = self.address[0], int(self._server.server_address[1])

    def __enter__(self) -> YouTube:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="youtube").start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def goes_wrong(self, kind: Kind, endpoint: str | None = None, **details: Any) -> Fault:
        """From now on requests that match suffer from `kind`."""
        fault = Fault(kind, endpoint, **details)
        self.faults.append(fault)
        return fault

    def asked(self, video_id: str | None = None) -> list[str]:
        """The endpoints that were asked, in order."""
        return [request.endpoint for request in self.journal if video_id in (None, request.video_id)]

    def meet(self, request: Request) -> Fault | None:
        """Note `request`, and the fault it is to suffer."""
        with self._lock:
            self.journal.append(request)
            return next((fault for fault in self.faults if fault.hits(request)), None)

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        """What `request` is answered."""
        match fault.kind if fault else None:
            case "status":
                assert fault is not None
                return Answer(fault.status, "text/html", b"", _retry_after(fault))
            case "captcha":
                return _html(pages.asset("youtube_too_many_requests.html"))
            case "consent":
                return _html(pages.asset("youtube_consent_page_invalid.html"))
            case "bot":
                return self._refuse(request)
            case "empty":
                return _html("")
            case "garbage":
                return _html("<html>not what you asked for")
        return self._refuse(request) if request.source in self.blocked else self._serve(request)

    def _refuse(self, request: Request) -> Answer:
        """The watch page of a refused address still loads; player and captions do not."""
        if request.endpoint == "player":
            return _json(json.loads(pages.asset(pages.RECORDED["bot"])))
        return self._serve(request) if request.endpoint == "watch" else Answer(429, "text/html", b"")

    def _serve(self, request: Request) -> Answer:
        video = self.catalog.videos.get(request.video_id)
        match request.endpoint:
            case "watch":
                if self.wants_consent and not {"CONSENT=YES", "SOCS="} & _cookies(request):
                    return _html(pages.asset("youtube_consent_page.html"))
                return _html(pages.asset("youtube.html") if self.recorded_pages else pages.watch(video))
            case "player":
                return _json(pages.player(video, request.client))
            case "timedtext":
                return self._captions(request)
            case "next":  # what yt-dlp asks where it got no page
                return _json({})
            case "playlist":
                name = request.query.get("list", "")
                playlist = self.catalog.playlists.get(name)
                data = pages.playlist(self.catalog, playlist) if playlist else pages.no_playlist(name)
                return _html(pages.page("Playlist", data))
            case "channel":
                name = request.path.strip("/").removesuffix("/videos").removeprefix("channel/")
                channel = self.catalog.channels.get(name)
                return _html(pages.page(name, pages.channel(self.catalog, channel))) if channel else _missing()
            case "browse":
                whole = self.catalog.playlists.get(str(request.body.get("browseId", "")).removeprefix("VL"))
                if whole:
                    return _json(pages.playlist(self.catalog, whole))
                more = pages.continuation(self.catalog, str(request.body.get("continuation", "")))
                return _json(more) if more else _missing()
        return _missing()

    def _captions(self, request: Request) -> Answer:
        """A track that does not exist, is a translation or lacks its token is answered 200 and empty."""
        video = self.catalog.videos.get(request.video_id)
        wanted = (request.query.get("lang"), request.query.get("kind") == "asr")
        for track in video.tracks if video else ():
            if (track.language, track.automatic) == wanted and not {"exp", "tlang"} & request.query.keys():
                kind, text = pages.timedtext(track.cues, request.query.get("fmt", ""))
                return Answer(200, kind, text.encode())
        return _html("")


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    youtube: YouTube

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):  # clients may hang up, the server may not break
            self.youtube.bugs.append(error)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    youtube: YouTube

    def setup(self) -> None:
        self.request.settimeout(60)
        self.request = self.youtube.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.request.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """The journal is the log."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = body_of(self)
        request = Request(
            self.client_address[0],
            self.headers.get("host", "").split(":")[0],
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()},
            json.loads(body) if body else {},
        )
        fault = self.youtube.meet(request)
        if fault and fault.kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        if fault and fault.kind == "silent":
            self._stay_silent(fault)
        self._send(self.youtube.answer(request, fault), fault)

    do_POST = do_GET

    def _stay_silent(self, fault: Fault) -> None:
        """Until its time is over, or it is taken back."""
        until = time.monotonic() + fault.seconds
        while fault in self.youtube.faults and time.monotonic() < until and not self.youtube.closing.wait(0.02):
            pass

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        self.send_response(answer.status)
        headers = {"content-type": answer.type, "content-length": str(len(answer.body)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if fault and fault.kind == "cut":
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.close_connection = True
        elif fault and fault.kind == "slow":
            for at in range(len(answer.body)):
                self.wfile.write(answer.body[at : at + 1])
                if self.youtube.closing.wait(fault.seconds / len(answer.body)):
                    self.close_connection = True
                    return
        else:
            self.wfile.write(answer.body)


def _cookies(request: Request) -> set[str]:
    return set(re.findall(r"CONSENT=YES|SOCS=", request.headers.get("cookie", "")))


def _retry_after(fault: Fault) -> dict[str, str]:
    return {"retry-after": fault.retry_after} if fault.retry_after else {}


def _html(text: str) -> Answer:
    return Answer(200, "text/html; charset=utf-8", text.encode())


def _json(data: Any) -> Answer:
    return Answer(200, "application/json; charset=UTF-8", json.dumps(data).encode())


def _missing() -> Answer:
    return Answer(404, "text/html", b"<title>404 Not Found</title>")
