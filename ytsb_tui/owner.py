"""The one process that works on a vault, and its card: who it is, for the message others get."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from filelock import FileLock, Timeout

from ytsb_tui.clock import Clock, iso
from ytsb_tui.errors import VaultBusy
from ytsb_tui.private import for_owner_only

CARD = "owner.json"
_PATIENCE = 30.0
"""Seconds to wait for another process that is just becoming the owner, or just asks who is."""


def own(state: Path, clock: Clock) -> FileLock:
    """Make this process the one that works on the vault whose own folder is `state`.

    Whoever holds the lock it returns is the owner; the system frees it when we
    die. Raises `VaultBusy` when there is an owner, and names it.
    """
    # A lock of its own keeps the taking and the card together, so that none reads the card of an owner before.
    taking = FileLock(state / f"{CARD}.lock")
    try:
        with taking.acquire(timeout=_PATIENCE):
            return _take(state, clock)
    except Timeout:
        raise _busy(state, "another process") from None


def _take(state: Path, clock: Clock) -> FileLock:
    owner = FileLock(state / "owner.lock")
    try:
        owner.acquire(timeout=0)
    except Timeout:
        raise _busy(state, _named(state / CARD)) from None
    try:
        card = {"pid": os.getpid(), "host": socket.gethostname(), "since": iso(clock.now())}
        with open(state / CARD, "w", encoding="utf-8", opener=for_owner_only) as file:
            file.write(json.dumps(card))
    except BaseException:
        owner.release()
        raise
    return owner


def _named(card: Path) -> str:
    try:
        known = json.loads(card.read_text(encoding="utf-8"))
        return f"process {known['pid']} on {known['host']} since {known['since']}"
    except (OSError, ValueError, LookupError, TypeError):
        return "another process"


def _busy(state: Path, who: str) -> VaultBusy:
    return VaultBusy(f"The vault {state.parent} is worked on by {who}.")
