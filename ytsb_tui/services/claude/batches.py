"""Half the price for patience: the requests of all workers, sent as Message Batches.

Which batch holds which request is kept in a file, under a hash of the request;
before a batch is sent, the file says that it will be. So a request that is made
again after a restart finds its batch, running or ended, and is not paid for twice.
"""

from __future__ import annotations

import copy
import hashlib
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ytsb_tui.clock import Clock, SystemClock
from ytsb_tui.errors import Busy, Incomplete, NetworkTrouble, StageError
from ytsb_tui.services.claude.api_errors import of_type
from ytsb_tui.services.claude.api_key import Server
from ytsb_tui.services.claude.lost_batches import find_lost, size_of
from ytsb_tui.services.claude.messages_api import MessagesApi, Request
from ytsb_tui.services.claude.prices import Prices
from ytsb_tui.services.claude.replies import Reply, reply_of
from ytsb_tui.services.claude.tickets import Ticket, Tickets

if TYPE_CHECKING:
    import anthropic
    from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

    from ytsb_tui.watch import Watch

_SYSTEM = SystemClock()
_CHECK_EVERY = 0.5
"""Seconds between two looks of a worker at whether it should give up: hundreds may be waiting."""
_GATHER = 5.0
"""Seconds that requests are gathered for a batch."""


@dataclass
class Slip:
    """A request on the desk."""

    request: Request
    batch: str
    """"" until it is submitted."""
    reply: Future[Reply] = field(default_factory=Future)
    waiting: int = 0
    """How many workers wait for it."""

    def fail(self, error: StageError) -> None:
        """Every worker gets an error of its own, to add what it has used itself."""
        self.reply.set_exception(copy.copy(error))


class BatchDesk:
    """Takes requests for the Message Batches API; see `messages_api.Desk`. Safe to use from many threads.

    A thread of the desk's own gathers what comes within a few seconds into one
    batch and looks at running batches every `look` seconds. It ends when nobody
    waits. Who stops waiting does not stop the batch.
    """

    def __init__(
        self,
        api: MessagesApi,
        file: Path,
        *,
        clock: Clock = _SYSTEM,
        pause: Callable[[float], object] = time.sleep,
        look: float = 30.0,
    ) -> None:
        """`pause` waits for the seconds that requests are gathered."""
        self._api = api
        self._clock = clock
        self._pause = pause
        self._tickets = Tickets(file, self._clock)
        self._look = look
        self._slips: dict[str, Slip] = {}
        self._handed_out: set[str] = set()
        self._batches: dict[str, MessageBatch] = {}
        self._not_ours: set[str] = set()
        """Batches that were taken for lost ones, and hold something else."""
        self._trouble = ""
        self._changed = threading.Condition()
        self._at_work = False

    @property
    def server(self) -> Server:
        """Who answers."""
        return self._api.server

    @property
    def prices(self) -> Prices:
        """What it costs here: half."""
        return self._api.prices.halved()

    def window(self) -> int:
        """How many tokens the model reads and writes in one call."""
        return self._api.window()

    def warm(self) -> None:
        """Do what the first call would have to wait for."""
        self._api.warm()
        self._tickets.read()

    def ask(self, request: Request, watch: Watch, expected: int) -> Reply:
        """The answer to a request, within a day."""
        watch.check()
        key = hashlib.sha256(msgspec.json.encode(request, order="sorted")).hexdigest()
        slip = self._hand_in(key, request)
        said = ""
        try:
            while not wait([slip.reply], _CHECK_EVERY).done:
                watch.check()
                if said != (words := self._whereabouts(slip)):
                    said = words
                    watch.progress(None, said)
            reply = slip.reply.result()
            self._handed_out.add(key)
            return reply
        finally:
            with self._changed:
                slip.waiting -= 1
                if not slip.waiting:
                    self._slips.pop(key, None)

    def _hand_in(self, key: str, request: Request) -> Slip:
        with self._changed:
            if key not in self._slips:
                # Whoever asks again in the same run was not content with the answer.
                known = "" if key in self._handed_out else self._tickets.batch_of(key)
                self._slips[key] = Slip(request, known)
            slip = self._slips[key]
            slip.waiting += 1
            if not self._at_work:
                self._at_work = True
                threading.Thread(target=self._work, name="batches", daemon=True).start()
            self._changed.notify()
        return slip

    def _whereabouts(self, slip: Slip) -> str:
        batch = self._batches.get(slip.batch)
        if batch is None:
            place = "waits for the next batch"
        else:
            total = size_of(batch)
            status = batch.processing_status.replace("_", " ")
            since = f"{batch.created_at.astimezone():%H:%M}"
            done = total - batch.request_counts.processing
            place = f"batch {batch.id} {status}, {done} of {total} done, since {since}"
        return f"{place} ({self._trouble})" if self._trouble else place

    def _work(self) -> None:
        try:
            while self._anybody_waits():
                self._submit()
                for batch in {slip.batch for slip in self._open().values() if slip.batch}:
                    self._look_at(batch)
                with self._changed:
                    if all(slip.batch or slip.reply.done() for slip in self._slips.values()):
                        self._changed.wait(self._look)
        except BaseException as error:  # raised again where the replies are waited for
            with self._changed:
                self._at_work = False
                for slip in self._slips.values():
                    if not slip.reply.done():
                        slip.reply.set_exception(error)

    def _anybody_waits(self) -> bool:
        with self._changed:
            self._at_work = any(not slip.reply.done() for slip in self._slips.values())
            return self._at_work

    def _open(self) -> Mapping[str, Slip]:
        with self._changed:
            return {key: slip for key, slip in self._slips.items() if not slip.reply.done()}

    def _submit(self) -> None:
        """Send what no batch holds yet, after waiting a moment for more of it."""
        if all(slip.batch for slip in self._open().values()):
            return
        self._pause(_GATHER)
        fresh = {key: slip for key, slip in self._open().items() if not slip.batch}
        try:
            self._search(fresh)
            fresh = {key: slip for key, slip in fresh.items() if not slip.batch}
            if fresh:
                self._send(fresh)
        except StageError as error:
            for slip in fresh.values():
                slip.fail(error)

    def _send(self, fresh: Mapping[str, Slip]) -> None:
        intent = Ticket("", self._clock.now(), len(fresh))
        self._tickets.add(fresh, intent)
        try:
            batch = self._api.call(lambda client: _create(client, fresh))
        except NetworkTrouble:  # it may have been taken all the same
            raise
        except StageError:
            self._tickets.drop(fresh)
            raise
        self._found(fresh, intent, batch)

    def _search(self, fresh: Mapping[str, Slip]) -> None:
        """Find the batches of requests of which nobody knows whether they were submitted."""
        doubtful = self._tickets.doubtful(fresh)
        if doubtful:
            known = self._tickets.batches() | self._not_ours
            found = self._api.call(lambda client: find_lost(client, doubtful, known))
            for ticket, batch in found.items():
                self._found(doubtful[ticket], ticket, batch)

    def _found(self, keys: Collection[str], ticket: Ticket, batch: MessageBatch) -> None:
        self._tickets.add(keys, msgspec.structs.replace(ticket, batch=batch.id))
        self._batches[batch.id] = batch
        for key, slip in self._open().items():
            if key in keys:
                slip.batch = batch.id

    def _look_at(self, batch_id: str) -> None:
        """See how far a batch is, and hand out its results when it has ended."""
        mine = {key: slip for key, slip in self._open().items() if slip.batch == batch_id}
        if not mine:
            return
        try:
            batch = self._api.call(lambda client: _retrieve(client, batch_id))
            results = self._api.call(lambda client: _results(client, batch)) if batch else []
        except StageError as error:
            if error.policy.by_itself:  # the next look may go better
                self._trouble = str(error)
                return
            for slip in mine.values():
                slip.fail(error)
            return
        self._trouble = ""
        if batch is None:
            self._tickets.drop(mine)
            for slip in mine.values():
                slip.batch = ""
            return
        self._batches[batch_id] = batch
        for result in results:
            if result.custom_id in mine:
                self._hand_out(result, mine.pop(result.custom_id))
        if mine and batch.processing_status == "ended":
            self._not_ours.add(batch_id)
            self._tickets.doubt(mine)
            for slip in mine.values():
                slip.batch = ""

    def _hand_out(self, result: MessageBatchIndividualResponse, slip: Slip) -> None:
        if result.result.type == "succeeded":
            slip.reply.set_result(reply_of(result.result.message, self.prices, self.server.model))
            return
        self._tickets.drop([result.custom_id])
        match result.result.type:
            case "errored":
                error = result.result.error.error
                slip.fail(of_type(error.type, error.message, self.server))
            case "expired":
                slip.fail(Busy(f"The batch {slip.batch} expired before this request had its turn."))
            case _:
                advice = "Retry the job to submit it again."
                slip.fail(Incomplete(f"The batch {slip.batch} was cancelled at Anthropic.", advice=advice))


def _create(client: anthropic.Anthropic, slips: Mapping[str, Slip]) -> MessageBatch:
    from anthropic.types.messages.batch_create_params import Request as BatchRequest

    requests = [BatchRequest(custom_id=key, params={**slip.request}) for key, slip in slips.items()]  # type: ignore[typeddict-item]
    return client.messages.batches.create(requests=requests)


def _retrieve(client: anthropic.Anthropic, batch_id: str) -> MessageBatch | None:
    """A batch; None when it, or its results, are gone."""
    import anthropic

    try:
        batch = client.messages.batches.retrieve(batch_id)
    except anthropic.NotFoundError:
        return None
    gone = batch.processing_status == "ended" and not batch.results_url
    return None if gone else batch


def _results(client: anthropic.Anthropic, batch: MessageBatch) -> list[MessageBatchIndividualResponse]:
    """The results of a batch that has ended."""
    return list(client.messages.batches.results(batch.id)) if batch.processing_status == "ended" else []
