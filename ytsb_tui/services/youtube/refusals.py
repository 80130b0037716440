"""What it means when YouTube, the proxy or the network says no.

`MEANINGS` is the one table for the exceptions of youtube-transcript-api and of
requests with what lies below it; `_REASONS` for the sentences in which YouTube
itself says why it does not show a video.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import ParseError

import requests
import urllib3
import youtube_transcript_api as api
from youtube_transcript_api.proxies import InvalidProxyConfig

from ytsb_tui.errors import (
    BadSetup,
    BadStart,
    Blocked,
    Busy,
    NetworkTrouble,
    NoCaptions,
    StageError,
    Unavailable,
    Unreachable,
)
from ytsb_tui.plaintext import one_line
from ytsb_tui.services.youtube.proxies import public_name


@dataclass(frozen=True)
class Circumstances:
    """What is known about a request beside the exception it ended in."""

    proxy: str = ""
    status: int = 0
    """The newest HTTP status."""
    retry_after: float | None = None


Meaning = Callable[[Any, Circumstances], StageError]

UPDATE = "It is retried by itself; if it stays, update ytsb-tui: YouTube may have changed."
_CERTIFICATES = "If your network inspects TLS, name its authority's file in REQUESTS_CA_BUNDLE and SSL_CERT_FILE."
_AGE = "YouTube shows it to signed-in adults only: drop its captions as a file instead."
_TOKEN = "Retry it another day, or drop its captions as a file instead."
_LATER = "Retry it once it has been shown."
_LOOK = "Open the link in a browser, without signing in, to see what YouTube says."
_ELSEWHERE = "Use a proxy in another country."
_LONGEST_REASON = 160


def _always(kind: type[StageError], message: str, advice: str | None = None) -> Meaning:
    return lambda error, at: kind(message, advice=advice, retry_after=at.retry_after)


def by_status(status: int, retry_after: float | None = None) -> StageError:
    """What an HTTP status other than success means."""
    if status == 429:
        return Blocked("YouTube blocked this address (429).", retry_after=retry_after)
    if status in (401, 403):
        return Blocked(f"YouTube refused this address ({status}).", retry_after=retry_after)
    if status in (404, 410):
        return Unavailable(f"YouTube has no such page ({status}).", advice=_LOOK)
    if status >= 500:
        return Busy(f"YouTube is overloaded ({status}).", retry_after=retry_after)
    return NetworkTrouble(f"YouTube answered with an error ({status}).", advice=UPDATE)


_REASONS: tuple[tuple[str, type[StageError], str, str | None], ...] = (
    ("not a bot|captcha", Blocked, "YouTube wants proof that this address is not a bot.", None),
    ("isn.t available, try again later", Blocked, "YouTube shows this address no more videos for up to an hour.", None),
    ("page needs to be reloaded|responses are invalid", Blocked, "YouTube turned this client away.", None),
    ("confirm your age|inappropriate|age.restricted", Unavailable, "The video is age-restricted.", _AGE),
    ("members", Unavailable, "The video is for members of its channel.", None),
    ("video is private|private video", Unavailable, "The video is private.", None),
    ("in your country|in your location", Unavailable, "The video is not shown in this country.", _ELSEWHERE),
    ("premieres in|will begin|starts? in|not yet", Unavailable, "The video is not out yet.", _LATER),
)


def by_reason(reason: str) -> StageError:
    """What YouTube's own sentence ("This video is private") means."""
    for pattern, kind, message, advice in _REASONS:
        if re.search(pattern, reason, re.IGNORECASE):
            return kind(message, advice=advice)
    plain = one_line(reason).removeprefix("YouTube said:")
    said = re.sub(r"(Use --|See +http|https?:).*", "", plain)[:_LONGEST_REASON].strip(" .;:")
    return Unavailable(f"YouTube does not show it: {said}." if said else "YouTube does not show it.", advice=_LOOK)


def _unplayable(error: api.VideoUnplayable, at: Circumstances) -> StageError:
    return by_reason(". ".join([error.reason or "", *error.sub_reasons]))


def _address_blocked(error: api.IpBlocked, at: Circumstances) -> StageError:
    if at.status == 429:
        return by_status(at.status, at.retry_after)
    return Blocked("YouTube blocked this address (captcha).")


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and everything it came from, however the libraries between wrapped it."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        wrapped = (getattr(one, name, None) for name in ("reason", "cause", "socket_err"))
        carried = (*(getattr(one, "exc_info", None) or ()), *one.args, *wrapped, one.__cause__, one.__context__)
        waiting += [other for other in carried if isinstance(other, BaseException)]


_WRONG_PASSWORD = re.compile(r"407 Proxy|SOCKS5 authentication|authentication methods|invalid password")
_FAR_SIDE = re.compile(r"Tunnel connection failed|0x0\d:|SOCKS server failure|[Nn]ot allowed by ruleset|unreachable")

_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)


def _connection(error: Exception, at: Circumstances) -> StageError:
    """With a proxy, whoever refuses a connection or has no address is the proxy."""
    chain = list(causes(error))
    nobody = any(
        isinstance(one, (ConnectionRefusedError, socket.gaierror)) or getattr(one, "errno", None) in _NO_WAY
        for one in chain
    )
    broke_off = NetworkTrouble("The connection to YouTube broke off.")
    if not at.proxy:
        return Unreachable("YouTube cannot be reached.") if nobody else broke_off
    said = " ".join(str(one) for one in chain)
    proxy = public_name(at.proxy)
    if _WRONG_PASSWORD.search(said):
        return BadStart(
            f"The proxy {proxy} refuses its user name or password.", advice="Correct `proxy` and start again."
        )
    if nobody:
        return BadSetup(
            f"The proxy {proxy} cannot be reached.", advice="Start the proxy, or correct `proxy` and start again."
        )
    if _FAR_SIDE.search(said):
        return Unreachable(f"The proxy {proxy} does not let us through to YouTube.")
    return broke_off


def _encryption(error: Exception, at: Circumstances) -> StageError:
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes(error)):
        return BadSetup("The certificate www.youtube.com shows is not trusted.", advice=_CERTIFICATES)
    return NetworkTrouble("The encrypted connection to YouTube broke off.")


_TIMEOUT = _always(NetworkTrouble, "YouTube did not answer in time.")
_CUT = _always(NetworkTrouble, "The answer from YouTube broke off.")
_STRANGE = _always(NetworkTrouble, "YouTube's answer could not be understood.", UPDATE)
_NO_CAPTIONS = _always(NoCaptions, "The video has no captions.")
_BAD_PROXY = _always(BadSetup, "The proxy's address cannot be used.", "Correct `proxy`.")

MEANINGS: Mapping[type[Exception], Meaning] = {
    api.IpBlocked: _address_blocked,
    api.RequestBlocked: _always(Blocked, "YouTube wants proof that this address is not a bot."),
    api.PoTokenRequired: _always(Unavailable, "YouTube wants a proof-of-origin token for these captions.", _TOKEN),
    api.FailedToCreateConsentCookie: _always(Blocked, "YouTube insists on its consent page."),
    api.YouTubeRequestFailed: lambda error, at: by_status(at.status, at.retry_after),
    api.YouTubeDataUnparsable: _STRANGE,
    api.AgeRestricted: _always(Unavailable, "The video is age-restricted.", _AGE),
    api.VideoUnavailable: _always(Unavailable, "The video was deleted, or never existed."),
    api.InvalidVideoId: _always(Unavailable, "That is not the id of a YouTube video."),
    api.VideoUnplayable: _unplayable,
    api.TranscriptsDisabled: _NO_CAPTIONS,
    api.NoTranscriptFound: _NO_CAPTIONS,
    api.NotTranslatable: _NO_CAPTIONS,
    api.TranslationLanguageNotAvailable: _NO_CAPTIONS,
    api.CookieError: _always(BadSetup, "The cookies cannot be used."),
    InvalidProxyConfig: _BAD_PROXY,
    requests.exceptions.ProxyError: _connection,
    requests.exceptions.SSLError: _encryption,
    requests.exceptions.ConnectTimeout: _always(Unreachable, "YouTube cannot be reached."),
    requests.exceptions.ConnectionError: _connection,
    requests.exceptions.Timeout: _TIMEOUT,
    requests.exceptions.ChunkedEncodingError: _CUT,
    requests.exceptions.ContentDecodingError: _CUT,
    requests.exceptions.StreamConsumedError: _CUT,
    requests.exceptions.RetryError: _CUT,
    requests.exceptions.UnrewindableBodyError: _CUT,
    requests.exceptions.HTTPError: lambda error, at: by_status(at.status, at.retry_after),
    requests.exceptions.InvalidJSONError: _STRANGE,
    requests.exceptions.TooManyRedirects: _STRANGE,
    requests.exceptions.URLRequired: _STRANGE,
    requests.exceptions.MissingSchema: _STRANGE,
    requests.exceptions.InvalidURL: _STRANGE,
    requests.exceptions.InvalidHeader: _STRANGE,
    requests.exceptions.InvalidSchema: _BAD_PROXY,
    requests.exceptions.InvalidProxyURL: _BAD_PROXY,
    urllib3.exceptions.SSLError: _encryption,
    urllib3.exceptions.NewConnectionError: _connection,
    urllib3.exceptions.ProxyError: _connection,
    urllib3.exceptions.TimeoutError: _TIMEOUT,
    urllib3.exceptions.HTTPError: _CUT,
    ParseError: _always(NetworkTrouble, "YouTube sent no captions, though it lists some."),
    RecursionError: _STRANGE,
    LookupError: _STRANGE,
    TypeError: _STRANGE,
    AttributeError: _STRANGE,
    ValueError: _STRANGE,
}
"""By class or nearest ancestor; the last five are what the library raises on answers it did not expect."""


def translate(error: BaseException, at: Circumstances) -> StageError | None:
    """What `error` means to the user; None for an error that is no vendor's."""
    meaning = next((MEANINGS[kind] for kind in type(error).__mro__ if kind in MEANINGS), None)
    return meaning(error, at) if meaning else None


@contextmanager
def translating(circumstances: Callable[[], Circumstances]) -> Iterator[None]:
    """Turns the vendors' exceptions into ours; wrap nothing but calls of vendors in it."""
    try:
        yield
    except tuple(MEANINGS) as error:
        translated = translate(error, circumstances())
        assert translated is not None
        raise translated from error
