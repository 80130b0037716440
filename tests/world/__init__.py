"""The world the tests bring: a YouTube behind a router, both on loopback, that any client can be pointed at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.world.catalog import Catalog
from tests.world.certs import certified
from tests.world.router import Router
from tests.world.youtube import HOSTS, YouTube


@dataclass(frozen=True)
class World:
    """A YouTube, the way to it, and the certificate to trust."""

    youtube: YouTube
    router: Router
    bundle: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in order to trust this YouTube."""
        return {"REQUESTS_CA_BUNDLE": str(self.bundle), "SSL_CERT_FILE": str(self.bundle)}


@contextlib.contextmanager
def world(folder: Path, catalog: Catalog | None = None, address: tuple[str, int] = ("127.0.0.1", 0)) -> Iterator[World]:
    """A running world; `folder` takes the certificate, `address` is YouTube's."""
    context, bundle = certified(HOSTS, folder)
    with (
        YouTube(context, catalog or Catalog(), address=address) as youtube,
        Router({host: youtube.address for host in HOSTS}) as router,
    ):
        yield World(youtube, router, bundle)
