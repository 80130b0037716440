"""Screen tests are coroutines; they run on asyncio, as Textual does."""

from __future__ import annotations

import pytest
from textual.app import App


@pytest.fixture
def anyio_backend() -> str:
    """The event loop of every test marked `anyio`."""
    return "asyncio"


@pytest.fixture(autouse=True)
def toasts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was told is still there when a slow machine comes to look."""
    monkeypatch.setattr(App, "NOTIFICATION_TIMEOUT", 3600.0)
