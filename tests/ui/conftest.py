"""Screen tests are coroutines; they run on asyncio, as Textual does."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The event loop of every test marked `anyio`."""
    return "asyncio"
