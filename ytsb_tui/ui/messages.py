"""What the session's threads say to the app; the workers themselves speak to the board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from ytsb_tui.errors import VaultBusy, YtsbError


@dataclass
class Opened(Message):
    """The vault is ours and the workers are there. Posted from the errand thread."""

    notices: tuple[str, ...]
    """What the user should know about it."""


@dataclass
class Owned(Message):
    """Another process works on the vault: it can be looked at only. Posted from the errand thread."""

    error: VaultBusy


@dataclass
class CannotOpen(Message):
    """The vault or a setting cannot work. Posted from the errand thread."""

    error: YtsbError


@dataclass
class Said(Message):
    """What became of something the user asked for. Posted from the errand, playlist and opening threads."""

    words: str
    severity: Literal["information", "warning", "error"] = "information"


@dataclass
class BatchEnded(Message):
    """Nothing is left to do. Posted by the main screen."""

    words: str
