"""`python -m tests.world`: the loopback YouTube with its demo catalogue, until Ctrl+C."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from tests.world import world
from tests.world.catalog import demo_catalog


def main() -> None:
    """Serve, and say how to reach it."""
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), demo_catalog()) as running:
        for name, value in running.environment.items():
            print(f"export {name}={value}")
        print(f"export YTSB_PROXY={running.router.socks('me')}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
