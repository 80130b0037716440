"""Rounds of killing and starting again, and the account of what they lost, doubled and repeated."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.blackbox.program import Program
from tests.chaos.autopsy import Place, Remains, differences, examine, picture
from tests.chaos.blows import Blow, Struck, strike

Paid = Callable[[], Counter[Place]]
"""How often each stage was paid for so far, as the other side has it."""


def nothing_is_paid() -> Counter[Place]:
    """The account of an author that is free."""
    return Counter()


@dataclass
class Account:
    """What the rounds came to."""

    kills: Counter[str] = field(default_factory=Counter)
    """By the place it died at, as the tracer saw it."""
    elsewhere: Counter[str] = field(default_factory=Counter)
    """Kills that were aimed at a place and came before it."""
    outlived: Counter[str] = field(default_factory=Counter)
    """Rounds that ended before the blow."""
    never: list[str] = field(default_factory=list)
    """Places that were not aimed at, in so few rounds."""
    vaults: int = 0
    in_flight: int = 0
    """Calls that were under way at a kill, and had to be made again."""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Whatever else must never be: torn files, stray ones, another result than without all that."""

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.doubled or self.repeated or self.wrong or self.missed)

    @property
    def missed(self) -> list[str]:
        """Places that were aimed at, and never hit: nothing is known of them."""
        return [place for place in self.elsewhere | self.outlived if not self.kills[place]]

    @property
    def died(self) -> int:
        """How often it was killed, wherever."""
        return self.kills.total() + self.elsewhere.total()

    def __str__(self) -> str:
        rounds = self.died + self.outlived.total()
        lines = [f"{rounds} rounds over {self.vaults} vaults, {self.died} kills:"]
        lines += [f"  {number:4} {place}" for place, number in self.kills.most_common()]
        lines += [f"  {self.elsewhere.total():4} on the way to one of these"] if self.elsewhere else []
        lines += [f"     0 {place}: NEVER FIRED" for place in self.missed]
        lines += [f"     0 {place}: not aimed at" for place in self.never]
        lines.append(
            f"lost {len(self.lost)}, doubled {len(self.doubled)}, repeated {len(self.repeated)},"
            f" otherwise wrong {len(self.wrong)}; {self.in_flight} calls in flight were made again"
        )
        for what in ("lost", "doubled", "repeated", "wrong"):
            lines += [f"  {what}: {line}" for line in getattr(self, what)[:20]]
        return "\n".join(lines)


@dataclass(frozen=True)
class Aim:
    """A blow that is to be struck."""

    blow: Blow
    number: int
    """At which such call of a thread, or which such moment."""
    tries: int = 6
    """How often it may be aimed again."""

    @classmethod
    def at(cls, blow: Blow, dice: random.Random) -> Aim:
        """At one of its places."""
        return cls(blow, dice.randint(blow.least, blow.most))

    def again(self, dice: random.Random, *, nearer: bool) -> Aim:
        """At another of its places: an earlier one, where the run ended before it came there."""
        most = max(self.blow.least, self.number - 1) if nearer else self.blow.most
        return replace(self, number=dice.randint(self.blow.least, most), tries=self.tries - 1)


@dataclass(frozen=True)
class Campaign:
    """One list of jobs, and how its runs are killed."""

    name: str
    command: Sequence[str]
    jobs: int
    stages: int
    """How many a job has."""
    blows: Sequence[Blow]
    paid: Paid = nothing_is_paid
    begin: Callable[[], None] = lambda: None
    """Forgets what was paid, before a new vault."""
    sent_once: bool = False
    """Whether even a call in flight goes on without the program, and must not be made again."""

    def run(self, program: Program, rounds: int, dice: random.Random, account: Account) -> None:
        """Kill runs on one vault after the other, so many times in all, each vault until all jobs are done.

        Every place has its turn before any has another; what was missed is aimed at again.
        """
        quiet = self.undisturbed(program)
        aims: deque[Aim] = deque()
        tried = set()
        while rounds:
            account.vaults += 1
            vault = program.desk / f"vault {account.vaults}"
            self.begin()
            life = Life(self, program, vault, account)
            while rounds and not life.is_over:
                if not aims:
                    aims += [Aim.at(blow, dice) for blow in dice.sample(self.blows, len(self.blows))]
                aim = aims.popleft()
                tried.add(aim.blow.place)
                struck = life.round(aim.blow, aim.number, dice)
                rounds -= 1
                if not struck.hit and aim.tries:
                    aims.append(aim.again(dice, nearer=not struck.died))
            life.complete(quiet)
        account.never += [blow.place for blow in self.blows if blow.place not in tried]

    def undisturbed(self, program: Program) -> Path:
        """A vault as it is when nobody kills anything."""
        self.begin()
        vault = program.desk / f"undisturbed {self.name}"
        ended = program(*self.command, "--workers", "1", "--out", vault)
        assert ended.code == 0, ended
        return vault


class Life:
    """One vault, from its first run to its last.

    Every third is worked on by one worker: then even links are as they would
    have been, and are compared too.
    """

    def __init__(self, campaign: Campaign, program: Program, vault: Path, account: Account) -> None:
        self._campaign = campaign
        self._program = program
        self._vault = vault
        self._alone = account.vaults % 3 == 0
        workers = "1" if self._alone else "3"
        self._command = [*campaign.command, "--workers", workers, "--out", str(vault)]
        self._account = account
        self._last = Remains(frozenset(), Counter(), Counter(), frozenset(), ())
        self._where = ""
        self._torn = False
        """Whether the log was torn on purpose and nobody has put it right yet."""

    @property
    def is_over(self) -> bool:
        """Whether every job is done."""
        return len(self._last.finished) == self._campaign.jobs * self._campaign.stages

    def round(self, blow: Blow, number: int, dice: random.Random) -> Struck:
        """Run, kill, and look at what is left."""
        self._where = f"{self._vault.name}, killed {blow.place}"
        before, paid = self._last, self._campaign.paid()
        struck = strike(self._program, self._command, self._vault, blow, number, dice)
        ends = self._account.kills if struck.hit else self._account.elsewhere if struck.died else self._account.outlived
        ends[blow.place] += 1
        self._last = examine(self._vault)
        self._torn = (struck.died and blow.tears) or ((blow.torn or self._torn) and not struck.opened)
        self._compare(before, self._campaign.paid() - paid, opened=struck.opened)
        return struck

    def complete(self, undisturbed: Path) -> None:
        """Let it run to its end; the vault must be as if nothing had ever happened."""
        self._where = f"{self._vault.name}, at its end"
        before, paid = self._last, self._campaign.paid()
        ended = self._program(*self._command)
        if ended.code:
            self._account.lost.append(f"{self._where}: {ended}")
        self._last = examine(self._vault)
        self._torn = False
        self._compare(before, self._campaign.paid() - paid, opened=True)
        if self._last.stray:
            self._account.wrong.append(f"{self._where}: stray {sorted(self._last.stray)}")
        again = [
            f"{self._where}: {place} was sent again" for place, times in self._campaign.paid().items() if times > 1
        ]
        if self._campaign.sent_once:
            self._account.doubled += again
        else:
            self._account.in_flight += len(again)
        ours, theirs = (picture(vault, links=self._alone) for vault in (self._vault, undisturbed))
        self._account.wrong += [f"{self._where}: {line}" for line in differences(ours, theirs)]

    def _compare(self, before: Remains, paid: Counter[Place], *, opened: bool) -> None:
        """Enter what a round did that it must not do."""
        account, now, where = self._account, self._last, self._where
        account.wrong += [f"{where}: {line}" for line in now.wrong]
        account.lost += [f"{where}: {place} was finished" for place in before.finished - now.finished]
        account.lost += [f"{where}: an attempt at {name}" for name in before.attempts - now.attempts]
        account.doubled += [f"{where}: {name} ended twice" for name, times in now.attempts.items() if times > 1]
        account.repeated += [f"{where}: {place} was paid for" for place in paid if place in before.finished]
        account.doubled += [f"{where}: {place} was paid for twice at once" for place in paid if paid[place] > 1]
        if now.logged is None:
            if not self._torn:
                account.wrong.append(f"{where}: the log is torn")
            return
        account.doubled += [f"{where}: {name} is logged twice" for name in now.logged - now.attempts]
        if opened:
            account.lost += [f"{where}: the log lacks {name}" for name in before.attempts - now.logged]
            account.wrong += [f"{where}: {name} is still there" for name in before.stray & now.stray]
