"""Fixtures every test may use."""

from __future__ import annotations

import gc
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.world import World, world
from tests.world.catalog import lecture
from tests.world.over_tor import OverTor, world_over_tor
from tests.world.tor_network import NoTorNetwork

# The same inputs in every run and on every machine, however slow it is; `make fuzz` looks for others.
hypothesis.settings.register_profile(
    "any machine", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture
def loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A YouTube of the test's own, trusted by this process; fails the test for a leaked name or a broken server."""
    warnings.filterwarnings("ignore", "unclosed <ssl", ResourceWarning)  # until the test ends
    folder = tmp_path / "world"
    folder.mkdir()
    with world(folder) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running
    for thread in threading.enumerate():
        if thread.name == "errand":
            thread.join(30)
    if "yt_dlp" in sys.modules:  # leaves the sockets of refused answers to the garbage collector
        gc.collect()
    assert running.router.refused == []
    assert running.youtube.bugs == []


@pytest.fixture(scope="session")
def tor_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OverTor]:
    """A YouTube over a private Tor network, started once; tests that use it are in the xdist group "tor"."""
    try:
        with world_over_tor(tmp_path_factory.mktemp("tor")) as running:
            yield running
    except NoTorNetwork as reason:
        pytest.skip(str(reason))


@pytest.fixture
def over_tor(tor_network: OverTor) -> Iterator[OverTor]:
    """The YouTube over Tor, as it was at first; fails the test for a leaked name or a broken server."""
    tor_network.reset()
    yield tor_network
    assert tor_network.network.leaked == []
    assert tor_network.world.youtube.bugs == []


@pytest.fixture
def youtube(loopback: World) -> World:
    """A world with one lecture."""
    loopback.youtube.catalog.add(lecture(1))
    return loopback
