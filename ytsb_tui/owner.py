"""The one process that works on a vault, and its card: who it is, for the message others get."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ytsb_tui.clock import Clock, iso
from ytsb_tui.errors import VaultBusy
from ytsb_tui.private import for_owner_only

CARD = "owner.json"
_PATIENCE = 30.0
"""Seconds to wait for another process that is just becoming the owner, or is it for a moment, or just asks who is."""
_LOOK = 0.02


def own(state: Path, clock: Clock, *, for_a_moment: bool = False) -> FileLock:
    """Make this process the one that works on the vault whose own folder is `state`.

    Whoever holds the lock it returns is the owner; the system frees it when we
    die. Raises `VaultBusy` when there is an owner, and names it; one that is it
    `for_a_moment` only is waited for.
    """
    # A lock of its own keeps the taking and the card together, so that none reads the card of an owner before.
    taking = FileLock(state / f"{CARD}.lock")
    until = time.monotonic() + _PATIENCE
    try:
        while True:
            with taking.acquire(timeout=_PATIENCE):
                if (owner := _take(state, clock, for_a_moment)) is not None:
                    return owner
                card = _read(state / CARD)
            if card.get("for_a_moment") is not True or time.monotonic() >= until:
                raise _busy(state, _named(card))
            time.sleep(_LOOK)
    except Timeout:
        raise _busy(state, "another process") from None


def _take(state: Path, clock: Clock, for_a_moment: bool) -> FileLock | None:
    owner = FileLock(state / "owner.lock")
    try:
        owner.acquire(timeout=0)
    except Timeout:
        return None
    try:
        card = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": iso(clock.now()),
            "for_a_moment": for_a_moment,
        }
        with open(state / CARD, "w", encoding="utf-8", opener=for_owner_only) as file:
            file.write(json.dumps(card))
    except BaseException:
        owner.release()
        raise
    return owner


def _read(card: Path) -> dict[str, Any]:
    try:
        known = json.loads(card.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _named(card: dict[str, Any]) -> str:
    try:
        return f"process {card['pid']} on {card['host']} since {card['since']}"
    except LookupError:
        return "another process"


def _busy(state: Path, who: str) -> VaultBusy:
    return VaultBusy(f"The vault {state.parent} is worked on by {who}.")
