"""What can go wrong, and what it asks of whom.

    YtsbError                   everything this program raises on purpose
    ├── UsageError              the command line, settings or sources are wrong: exit code 2
    ├── VaultError              the vault cannot be used
    │   └── VaultBusy           another process works on it
    └── Unfinished              a stage came to no end; carries what it leaves behind
        ├── Interrupted         not a failure: somebody said stop
        │   ├── Cancelled       ... this job
        │   └── Stopped         ... the whole run; the job goes back to the queue
        │       └── OverBudget  the next paid stage would cost more than is left
        └── StageError          a stage could not do its work
            ├── Permanent       trying again will not help
            │   ├── NoCaptions  the video has no captions
            │   ├── Unavailable private, deleted, members only, age limit, bad id
            │   ├── BadCaptions the caption file cannot be read
            │   ├── Refused     the model declined
            │   └── Incomplete  an answer that is not whole, or not what was asked for
            ├── Blocked         YouTube refused this address
            ├── ExitRefused     YouTube refused a Tor exit: the next one is tried
            ├── TorTrouble      Tor does not start, does not answer, or has no exit for us
            ├── Busy            a server asks for patience
            ├── Unreachable     no connection can be made: we, or they, are offline
            ├── NetworkTrouble  timeouts, resets, cut streams
            ├── RenderFailed    a PDF could not be drawn
            ├── Bug             ours: an exception nobody expected
            └── Ours            this machine or its set-up: going on helps nobody
                ├── OutOfSpace  the disk is full
                ├── NotWritable the vault may not be written to
                ├── NoRenderer  pango is missing
                └── BadSetup    key, model, proxy or another setting is wrong
                    └── BadStart ... and is read once, when the program starts

A class earns its place by a policy or an advice of its own.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ytsb_tui.discreet import discreet
from ytsb_tui.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

    from ytsb_tui.circuits import Circuit

LONGEST_WAIT = 30 * 86_400.0
"""Seconds that nothing is put off for longer than, whatever a server or a setting says."""
_MOST_DOUBLINGS = 60
"""More than any pause needs to become the longest; after 1,024 a number has no more room."""


def doubled(pause: float, times: int, longest: float) -> float:
    """A pause that was doubled so many times, and has become no longer than `longest`."""
    return min(pause * 2.0 ** min(times, _MOST_DOUBLINGS), longest)


@dataclass(frozen=True)
class Policy:
    """What happens after a failure: the one table every retry goes by."""

    tries: int = 1
    """How often a stage is tried within one attempt."""
    pause: float = 0.0
    """Seconds before the second try; doubled before each further one."""
    shared: bool = False
    """Whether everybody who needs the same resource waits too."""
    retryable: bool = False
    """Whether a later attempt may go better, so that one is scheduled."""
    stops_run: bool = False
    """Whether no further job should be started."""

    longest: float = LONGEST_WAIT
    """Seconds beyond which the pause grows no more."""

    @property
    def by_itself(self) -> bool:
        """Whether a later try may go better though nobody does anything."""
        return self.retryable and not self.stops_run

    def pause_before(self, failed: int, asked: float | None, spread: float | None = None) -> float:
        """Seconds to wait after `failed` failures in a row.

        What a server named (`asked`, from Retry-After) is kept to exactly;
        otherwise the pause doubles. One that each worker takes for itself gets
        a jitter of a quarter either way (`spread` in 0..1 chooses it, so a test
        can).
        """
        if asked is not None:
            return asked
        pause = doubled(self.pause, failed - 1, self.longest)
        if self.shared:
            return pause
        if spread is None:
            import random  # dear, and of no use to a command that only answers

            spread = random.random()
        return pause * (0.75 + 0.5 * spread)


PERMANENT = Policy()
BLOCKED = Policy(tries=3, pause=300.0, shared=True, retryable=True, longest=3600.0)
EXIT = Policy(tries=8, retryable=True)
TOR = Policy(tries=3, pause=30.0, shared=True, retryable=True, longest=600.0)
BUSY = Policy(tries=6, pause=4.0, shared=True, retryable=True, longest=300.0)
OFFLINE = Policy(tries=11, pause=2.0, shared=True, retryable=True, longest=900.0)
NETWORK = Policy(tries=4, pause=1.0, retryable=True)
RENDER = Policy(tries=2, retryable=True)
OURS = Policy(retryable=True, stops_run=True)


class YtsbError(Exception):
    """Anything this program raises on purpose.

    The message is one line that names the cause; `advice` is one sentence
    telling the user what to press, change or install.
    """

    advice: str = ""

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        if advice is not None:
            self.advice = advice


class UsageError(YtsbError):
    """The command line, a setting or every source is wrong; nothing was started."""


class VaultError(YtsbError):
    """The vault cannot be used."""


class VaultBusy(VaultError):
    """Another process works on the vault."""

    advice = "Wait for it to end, or stop it with Ctrl+C."


class Unfinished(YtsbError):
    """A stage came to no end."""

    partial: str = ""
    """What the author needs to go on where the answer broke off; opaque to everyone else, kept in the store."""
    usage: Usage = Usage()
    """What the unfinished calls used all the same."""
    circuit: Circuit | None = None
    """The Tor circuit it went over, if it did."""


class Interrupted(Unfinished):
    """Somebody said stop; what is finished is kept."""


class Cancelled(Interrupted):
    """The user cancelled this job."""

    advice = "Retry it to go on where it stopped."


class Stopped(Interrupted):
    """The run is ending; the job goes back to the queue."""


class OverBudget(Stopped):
    """The next paid stage would cost more than the budget has left."""

    advice = "Start again with a larger --budget; nothing that is paid for is lost."


class StageError(Unfinished):
    """A stage could not do its work."""

    policy: ClassVar[Policy] = PERMANENT

    def __init__(
        self,
        message: str,
        *,
        advice: str | None = None,
        retry_after: float | None = None,
        partial: str = "",
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message, advice=advice)
        self.retry_after = None if retry_after is None else min(retry_after, LONGEST_WAIT)
        """Seconds the server asked for, if it did."""
        self.partial = partial
        self.usage = usage or Usage()


class Permanent(StageError):
    """Trying again will not help."""

    advice = "Retrying will not help unless the video or file changes."


class NoCaptions(Permanent):
    """The video has no captions."""

    advice = "Drop a caption file of the video instead."


class Unavailable(Permanent):
    """The video is private, deleted, for members, age-limited, or never existed."""

    advice = "Check in a browser that the video plays without signing in."


class BadCaptions(Permanent):
    """The caption file cannot be read."""

    advice = "Give captions as .srt, .vtt, .json3, .srv1, .srv3, .xml, .ttml or .txt."


class Refused(Permanent):
    """The model declined to write about this transcript."""

    advice = "Choose another model, or --author outline."


class Incomplete(Permanent):
    """The model's answer is not whole, or not what was asked for."""

    advice = "Retry the job: it goes on with all that is finished."


class Blocked(StageError):
    """YouTube refused the address we come from."""

    policy = BLOCKED
    advice = "Wait until the pause is over, or use another network or proxy, or Tor (--tor)."


class ExitRefused(StageError):
    """YouTube refused the exit of a Tor circuit; others may be let in."""

    policy = EXIT
    advice = "YouTube refuses most Tor exits: another is taken by itself, and this one rests for a day."


class TorTrouble(StageError):
    """Tor does not start, does not answer, or builds no circuit."""

    policy = TOR
    advice = "It is retried by itself; ytsb-tui doctor --tor says what is wrong."


class Busy(StageError):
    """A server is overloaded or rations us."""

    policy = BUSY
    advice = "It is retried by itself; fewer workers may help."


class Unreachable(StageError):
    """No connection can be made: this machine is offline, or the server is."""

    policy = OFFLINE
    advice = "Check the connection; everybody waits until it is back."


class NetworkTrouble(StageError):
    """A connection timed out or broke off."""

    policy = NETWORK
    advice = "Check the connection; the job is retried by itself."


class RenderFailed(StageError):
    """A PDF could not be drawn."""

    policy = RENDER
    advice = "The notes are written; retry makes the PDF alone."


class Bug(StageError):
    """An exception nobody expected: a defect of this program."""

    advice = "This is a bug in ytsb-tui; the details are in the vault's .ytsb/logs."

    @classmethod
    def of(cls, error: Exception) -> Bug:
        """What the user is told of such an exception."""
        return cls(discreet(f"{type(error).__name__}: {error}"))


class Ours(StageError):
    """This machine or its set-up stands in the way of every job."""

    policy = OURS


class OutOfSpace(Ours):
    """The disk is full."""

    advice = "Free some space and start again: finished stages are kept."


class NotWritable(Ours):
    """The vault may not be written to."""

    advice = "Give yourself write permission on the vault, or choose another with --out."


class NoRenderer(Ours):
    """The libraries that draw PDFs are missing."""

    advice = "Install pango (ytsb-tui doctor names the command), or use --no-pdf."


class BadSetup(Ours):
    """A key, model, proxy or another setting is wrong."""

    advice = "Run ytsb-tui doctor to see what is wrong."


class BadStart(BadSetup):
    """A key or setting is wrong that is read once: the program has to be started again with another."""


def from_os_error(error: OSError, doing: str) -> StageError:
    """What an `OSError` while `doing` something ("writing AI/Entropy.md") means to the user."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutOfSpace(f"The disk is full ({doing}).")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NotWritable(f"No permission ({doing}): {reason}.")
    return Ours(f"The system refused ({doing}): {reason}.", advice="Check the disk and the vault folder.")


def gone(vault: Path) -> Ours:
    """What it means to the user that the folder of the vault is not there any more; it is not made anew unasked."""
    return Ours(f"The vault {vault} is gone.", advice="Bring the folder back and start again.")
