"""YouTube over Tor: whose circuit a request goes over, and what it means for the exit when it fails."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from ytsb_tui.errors import BadSetup, Blocked, ExitRefused, NetworkTrouble, StageError, Unreachable
from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.tor.lease import Holder, Lease
from ytsb_tui.services.tor.service import TorService
from ytsb_tui.services.youtube.playlists import Listed, Withheld, expand
from ytsb_tui.services.youtube.refusals import causes
from ytsb_tui.source import Source
from ytsb_tui.transcript import Transcript
from ytsb_tui.watch import Watch

_ANOTHER = "Another Tor circuit is taken; the job is retried by itself."


class Fetcher(Protocol):
    """What fetches transcripts, by the way it was made for."""

    def fetch(self, job: VideoProcessingJob, watch: Watch) -> Transcript: ...


class OnCircuit:
    """A worker's watch while it is on a circuit: gives up as soon as the circuit is gone."""

    def __init__(self, watch: Watch, lease: Lease) -> None:
        self._watch = watch
        self._lease = lease

    def progress(self, fraction: float | None, text: str = "") -> None:
        """Pass it on."""
        self._watch.progress(fraction, text)

    def check(self) -> None:
        """Raise what the worker's own watch does, and `NetworkTrouble` for a broken circuit."""
        self._watch.check()
        if self._lease.spoilt:
            raise NetworkTrouble("The Tor circuit broke.", advice=_ANOTHER)


class TorTranscripts:
    """Transcripts fetched over a worker's own circuit."""

    def __init__(self, tor: TorService, holder: Holder, make: Callable[[Callable[[], str]], Fetcher]) -> None:
        """`make` is given what names the way out before each fetch."""
        self._tor = tor
        self._holder = holder
        self._proxy = ""
        self._fetcher = make(lambda: self._proxy)

    def fetch(self, job: VideoProcessingJob, watch: Watch) -> Transcript:
        """The transcript of a video, with the circuit it came over. Raises `StageError`, which names it too."""
        with self._tor.lease(self._holder, watch) as lease, over(self._tor, lease):
            self._proxy = lease.proxy
            transcript = self._fetcher.fetch(job, OnCircuit(watch, lease))
        return replace(transcript, circuit=lease.circuit)


@contextmanager
def over(tor: TorService, lease: Lease) -> Iterator[None]:
    """What happens inside happens on this lease: draws the conclusions for its exit, and names it in the error."""
    try:
        yield
    except StageError as error:
        meant = _meaning(error, lease)
        if isinstance(meant, ExitRefused):
            tor.refused(lease)
        elif isinstance(meant, NetworkTrouble):
            tor.broke(lease)
        else:
            tor.served(lease)
        meant.circuit = lease.circuit
        if meant is error:
            raise
        raise meant from error
    else:
        tor.served(lease)


def _meaning(error: StageError, lease: Lease) -> StageError:
    """What a failure means that came over a circuit."""
    relay = lease.circuit.exit
    name = f"Tor exit {relay.name}" if relay else "Tor exit unknown"
    said = str(error).rstrip(".")
    if isinstance(error, Blocked):
        return ExitRefused(f"{said}: {name}.")
    if isinstance(error, BadSetup) and error.__cause__ is not None:
        if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes(error)):
            how = "Another is taken by itself, and this one rests for a day."
            return ExitRefused(f"The exit shows a false certificate for YouTube: {name}.", advice=how)
        return NetworkTrouble("Tor took no connection.", advice=_ANOTHER)
    if isinstance(error, NetworkTrouble | Unreachable):
        return NetworkTrouble(f"{said}: {name}.", advice=_ANOTHER)
    return error


def expand_over(tor: TorService, source: Source, limit: int, watch: Watch) -> Iterator[Listed | Withheld]:
    """The entries of a playlist or channel, asked for over a circuit of its own; see `playlists.expand`.

    While nothing is found, a refused exit or a broken circuit is exchanged for another.
    """
    holder, found, tried = object(), False, 0
    try:
        while True:
            try:
                with tor.lease(holder, watch) as lease, over(tor, lease):
                    for entry in expand(source, limit=limit, proxy=lease.proxy, watch=OnCircuit(watch, lease)):
                        found = True
                        yield entry
                return
            except (ExitRefused, NetworkTrouble) as error:
                tried += 1
                if found or tried >= error.policy.tries:
                    raise
    finally:
        tor.give_back(holder)
