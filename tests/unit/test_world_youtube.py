"""The loopback YouTube is only worth something if it is as strict as the real one, and lets nothing leak."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.world import World, world
from tests.world.catalog import lecture

ROOT = Path(__file__).resolve().parents[2]
WATCH = "https://www.youtube.com/watch"


def get(loopback: World, proxy: str, url: str = WATCH, **query: str) -> requests.Response:
    with requests.Session() as session:
        return session.get(url, params=query, proxies={"https": proxy}, verify=str(loopback.bundle), timeout=120)


def test_a_name_that_is_not_youtubes_is_refused_and_remembered(tmp_path: Path) -> None:
    with world(tmp_path) as running:
        for proxy in (running.router.socks(), running.router.http()):
            with pytest.raises(requests.ConnectionError):
                get(running, proxy, "https://leak.example/")
        assert running.router.refused == ["leak.example", "leak.example"]


def test_an_address_instead_of_a_name_counts_as_a_leak(tmp_path: Path) -> None:
    with world(tmp_path) as running:
        with pytest.raises(requests.ConnectionError):
            get(running, running.router.socks(), f"https://127.0.0.1:{running.youtube.address[1]}/watch")
        assert running.router.refused == ["127.0.0.1"]


def test_every_user_of_the_router_leaves_from_an_address_of_its_own(loopback: World) -> None:
    for user in ("ann", "bob", "ann"):
        get(loopback, loopback.router.socks(user))
    sources = [request.source for request in loopback.youtube.journal]
    assert sources[0] == sources[2] != sources[1]
    assert sources[1] == loopback.router.source_of("bob")


def test_socks_and_connect_reach_the_same_server(loopback: World) -> None:
    loopback.youtube.catalog.add(lecture(1))
    pages = [get(loopback, way, v="lect0000001").text for way in (loopback.router.socks(), loopback.router.http())]
    assert pages[0] == pages[1]
    assert [passage.protocol for passage in loopback.router.passages] == ["socks5", "connect"]


def test_a_fault_hits_as_often_and_as_late_as_it_is_told_to(loopback: World) -> None:
    loopback.youtube.goes_wrong("status", "watch", status=503, skip=1, times=2)
    assert [get(loopback, loopback.router.socks()).status_code for _ in range(5)] == [200, 503, 503, 200, 200]


def test_a_fault_may_be_for_one_address_or_one_video(loopback: World) -> None:
    loopback.youtube.goes_wrong("status", source=loopback.router.source_of("ann"))
    loopback.youtube.goes_wrong("status", video_id="lect0000001", status=404)
    answers = [get(loopback, loopback.router.socks(user), v=video).status_code for user, video in
               (("ann", "x"), ("bob", "x"), ("bob", "lect0000001"))]  # fmt: skip
    assert answers == [429, 200, 404]


def test_a_translated_track_is_answered_empty(loopback: World) -> None:
    loopback.youtube.catalog.add(lecture(1))
    url = "https://www.youtube.com/api/timedtext"
    whole = get(loopback, loopback.router.socks(), url, v="lect0000001", lang="en")
    translated = get(loopback, loopback.router.socks(), url, v="lect0000001", lang="en", tlang="fr")
    assert whole.text.startswith("<?xml")
    assert translated.text == ""


def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.world"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = dict(process.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(3))
        answer = requests.get(
            WATCH,
            params={"v": "lect0000003"},
            proxies={"https": told["YTSB_PROXY"]},
            verify=told["REQUESTS_CA_BUNDLE"],
            timeout=120,
        )
        process.terminate()
    assert "opportunity" in answer.text or "mitosis" in answer.text
