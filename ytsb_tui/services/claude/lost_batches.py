"""Batches that went out when nobody could write down their names: the program was killed, or the connection broke."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING

from ytsb_tui.services.claude.tickets import Ticket

if TYPE_CHECKING:
    import anthropic
    from anthropic.types.messages import MessageBatch

_ASTRAY = 3600.0
"""Seconds by which this machine's clock and Anthropic's may differ."""


def find_lost(
    client: anthropic.Anthropic, tickets: Collection[Ticket], known: Collection[str]
) -> dict[Ticket, MessageBatch]:
    """The batches that may hold what was submitted with these tickets.

    What a batch holds is told only once it has ended. So one that is not known,
    and has as many requests as were sent at about that time, is taken for it.
    """
    recent = client.messages.batches.list(limit=100)
    return dict(_matches(recent, tickets, known))


def _matches(
    batches: Iterable[MessageBatch], tickets: Collection[Ticket], known: Collection[str]
) -> Iterator[tuple[Ticket, MessageBatch]]:
    wanted = sorted(tickets, key=lambda ticket: -ticket.at)
    oldest = min(ticket.at for ticket in tickets) - _ASTRAY
    for batch in takewhile(lambda batch: batch.created_at.timestamp() > oldest, batches):
        alike = (ticket for ticket in wanted if batch.id not in known and _may_hold(batch, ticket))
        if ticket := next(alike, None):
            wanted.remove(ticket)
            yield ticket, batch


def _may_hold(batch: MessageBatch, ticket: Ticket) -> bool:
    return size_of(batch) == ticket.of and abs(batch.created_at.timestamp() - ticket.at) < _ASTRAY


def size_of(batch: MessageBatch) -> int:
    """How many requests a batch has."""
    counts = batch.request_counts
    return sum((counts.processing, counts.succeeded, counts.errored, counts.canceled, counts.expired))
