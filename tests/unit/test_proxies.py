"""What is wrong with the proxy is said in words, never with its password."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.world import World
from tests.world.fetching import refused
from ytsb_tui.errors import BadSetup
from ytsb_tui.services.youtube.proxies import check_proxy

ROOT = Path(__file__).resolve().parents[2]
PROXY_TROUBLE = """
import sys
from tests.world.watching import Watching
from ytsb_tui.errors import StageError
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.youtube.transcripts import YouTubeTranscripts
if sys.argv[2] == "after yt-dlp":
    import yt_dlp.networking
try:
    YouTubeTranscripts(languages=["en"], proxy=lambda: sys.argv[1], deadline=60).fetch(
        VideoProcessingJob("lect0000001", "https://youtu.be/lect0000001"), Watching())
except StageError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("url", [
    "socks5://me:secret@127.0.0.1:9050", "socks4://127.0.0.1:9050", "ftp://me:secret@h:1", "127.0.0.1:9050",
    "secret", "http://", "socks5h://me:secret@", "http://me:secret@h:99999", "http://me:secret@h:port",
    "http://h:0", "http://me:sec ret@h:1", "http://[::1", "socks5h:127.0.0.1:9050",
])  # fmt: skip
def test_an_address_that_cannot_be_used_stops_before_the_first_request(loopback: World, url: str) -> None:
    error = refused(loopback, BadSetup, proxy=url)
    assert "sec" not in f"{error} {error.advice}"
    assert loopback.router.passages == []


@pytest.mark.parametrize("url", ["", "http://h:1", "https://u:p@h", "socks5h://u:p%40@[::1]:9050"])
def test_an_address_that_can_be_used_passes(url: str) -> None:
    check_proxy(url)


def test_socks5_is_told_how_to_be_safe() -> None:
    with pytest.raises(BadSetup) as caught:
        check_proxy("socks5://127.0.0.1:9050")
    assert caught.value.advice == "Write socks5h:// instead."


@pytest.mark.parametrize("when", ["before yt-dlp", "after yt-dlp"])
@pytest.mark.parametrize("protocol", ["socks", "http"])
@pytest.mark.parametrize("trouble", ["password", "nobody", "dead"])
def test_trouble_is_told_apart_whichever_library_dials(youtube: World, protocol: str, trouble: str, when: str) -> None:
    """yt-dlp changes how requests speaks to SOCKS proxies, for the whole process and from its import on.

    Its way tells a wrong password no longer from a proxy that fails.
    """
    proxy = getattr(youtube.router, protocol)("me", "secret")
    told = {
        "password": f"BadStart The proxy 127.0.0.1:{youtube.router.port} refuses its user name or password.",
        "nobody": "BadSetup The proxy 127.0.0.1:9 cannot be reached.",
        "dead": f"Unreachable The proxy 127.0.0.1:{youtube.router.port} does not let us through to YouTube.",
    }
    if (protocol, when) == ("socks", "after yt-dlp"):
        told["password"] = told["dead"]
    youtube.router.dead = trouble == "dead"
    if trouble == "password":
        youtube.router.password = "another"
    if trouble == "nobody":
        proxy = proxy.replace(str(youtube.router.port), "9")
    script = [sys.executable, "-c", PROXY_TROUBLE, proxy, when]
    ran = subprocess.run(script, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=300, check=True)
    assert ran.stdout.strip() == told[trouble]


def test_a_certificate_nobody_vouches_for_is_a_matter_of_setup(youtube: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "REQUESTS_CA_BUNDLE" in refused(youtube, BadSetup).advice


def test_a_bundle_that_does_not_exist_is_a_matter_of_setup(youtube: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
    assert str(refused(youtube, BadSetup)) == "REQUESTS_CA_BUNDLE names a file that does not exist."
