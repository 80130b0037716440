"""A long run in bad weather: every job ends by itself, every end is logged once, and what failed is finished later."""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.blackbox.online import KEY, PASSWORD, link, video_id
from tests.blackbox.program import Ended, Json, Program, log_of
from tests.chaos.autopsy import Place, examine
from tests.chaos.weather import Fate, Moody, brew, catalog_of, deal
from tests.world import World, world
from tests.world.catalog import Catalog

TIMES = 100.0
"""By how much the program's clock is faster: it waits 5 minutes where YouTube wants proof that it is no bot."""
STARTS = 10
"""A run ends where it would have to wait for more than 10 minutes; so often it is started again at most."""
LONGEST = 3600.0
"""Seconds of ours after which it is taken to hang."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Report:
    """What became of the jobs."""

    jobs: int
    fates: Mapping[str, Fate]
    starts: int = 0
    """How often the program was started until no job was left waiting."""
    seconds: float = 0.0
    first: Counter[str] = field(default_factory=Counter)
    """How the jobs ended: "done", or the class of their error."""
    later: Counter[str] = field(default_factory=Counter)
    """How those that had failed ended when the weather had cleared."""
    logged: int = 0
    said: str = ""
    """What the user was told until no job was left waiting."""
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = Counter(fate.name for fate in self.fates.values())
        starts = f"{self.starts} start{'s' * (self.starts > 1)}"
        lines = [f"{self.jobs} jobs, {len(self.fates)} in trouble, in {self.seconds:.0f} s and {starts}:"]
        lines += [f"  {number:4} {name}" for name, number in sorted(kinds.items())]
        for when, ends in (("at first", self.first), ("retried when that was over", self.later)):
            lines.append(f"{when}: " + ", ".join(f"{number} {name}" for name, number in ends.most_common()))
        lines.append(
            f"{self.logged} attempts in the log; lost, doubled, repeated or otherwise wrong: {len(self.wrong)}"
        )
        return "\n".join([*lines, *(f"  wrong: {line}" for line in self.wrong[:20])])


def spend(program: Program, jobs: int, troubled: int, dice: random.Random) -> Report:
    """Run so many jobs in bad weather, retry what failed in good weather, and look at everything."""
    names = [video_id(number) for number in range(jobs)]
    report = Report(jobs, deal(names, troubled, dice))
    vault = program.desk / "notes"
    (program.desk / "course.txt").write_text("\n".join(map(link, range(jobs))))
    began = time.monotonic()
    with bad_weather(program, report.fates, catalog_of(jobs, report.fates), dice) as (reached, claude, reaching):
        _run(reaching, report, vault)
        first, paid = _ends(vault), list(claude.calls)
        reached.youtube.faults.clear()
        claude.clear()
        _start(reaching, vault)
    report.seconds = time.monotonic() - began
    last, failed = _ends(vault), {name for name, entry in first.items() if not entry["success"]}
    report.first = Counter(map(_outcome, first.values()))
    report.later = Counter(_outcome(last[name]) for name in failed)
    report.logged = len(log_of(vault))
    again = Counter(claude.part_of(call.request) for call in claude.calls[len(paid) :])
    report.wrong += _unexpected(names, report.fates, first, last)
    report.wrong += _paid_twice(Counter(claude.part_of(call.request) for call in paid), again, report.fates, failed)
    report.wrong += _badly_logged(vault)
    return report


@contextlib.contextmanager
def bad_weather(
    program: Program, fates: Mapping[str, Fate], catalog: Catalog, dice: random.Random
) -> Iterator[tuple[World, Moody, Program]]:
    """Both worlds, in a mood, and the program that can reach them."""
    titles = {video.title: name for name, video in catalog.videos.items()}
    with (
        tempfile.TemporaryDirectory() as folder,
        world(Path(folder), catalog) as running,
        Moody(KEY, fates, titles) as claude,
    ):
        running.router.password = PASSWORD
        brew(running.youtube, fates, dice)
        environment = {
            **running.environment,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": claude.url,
            "YTSB_PROXY": running.router.socks("me", PASSWORD),
            "PYTHONPATH": str(ROOT),
        }
        yield running, claude, replace(program, environment=environment, module="tests.chaos.hurried")
    assert running.router.refused == []
    assert running.youtube.bugs == []
    assert claude.bugs == []


def _run(program: Program, report: Report, vault: Path) -> None:
    """Run the list until no job waits any more."""
    for report.starts in range(1, STARTS + 1):
        report.said += _start(program, vault, program.desk / "course.txt").out
        waiting = report.jobs - len(_ends(vault))
        if not waiting:
            return
    report.wrong.append(f"{waiting} jobs still wait after {STARTS} starts: {report.said[-500:]}")


def _start(program: Program, *arguments: Path) -> Ended:
    with program.started(str(TIMES), *arguments) as running:
        ended = running.ended(LONGEST)
    assert ended.code in (0, 1), ended
    assert "Traceback" not in ended.out + ended.err, ended
    return ended


def _ends(vault: Path) -> dict[str, Json]:
    """The last entry of each job."""
    return {entry["video_id"]: entry for entry in log_of(vault)}


def _outcome(entry: Json) -> str:
    return "done" if entry["success"] else str(entry["error_class"])


def _unexpected(
    names: Sequence[str], fates: Mapping[str, Fate], first: Mapping[str, Json], last: Mapping[str, Json]
) -> Iterator[str]:
    """Jobs that ended otherwise than their trouble lets expect, or without a reason."""
    for name in names:
        fate = fates.get(name)
        trouble, expected = (fate.name, fate.ends_as) if fate else ("no trouble", frozenset({"done"}))
        if name not in first or _outcome(first[name]) not in expected:
            yield f"{name} ({trouble}): {first.get(name, {}).get('error', 'not in the log')}"
        elif not first[name]["success"] and not (first[name]["error"] and first[name]["advice"]):
            yield f"{name} ({trouble}) failed, and nobody says why or what to do"
        if not last[name]["success"] and not (fate and fate.is_for_ever):
            yield f"{name} ({trouble}) is not finished now: {last[name]['error']}"


def _paid_twice(
    paid: Mapping[Place, int], again: Mapping[Place, int], fates: Mapping[str, Fate], failed: Set[str]
) -> Iterator[str]:
    """Calls beside those that have an answer already."""
    yield from (
        f"{place} was paid for {paid[place]} times" for place in paid if paid[place] > 1 and place[0] not in fates
    )
    yield from (f"{place} was paid for again" for place in again if place[0] not in failed)


def _badly_logged(vault: Path) -> Iterator[str]:
    """Attempts that are not in the log exactly once, by their numbers and by the journal; and what was left behind."""
    remains = examine(vault)
    logged = remains.logged or Counter()
    yield from remains.wrong
    yield from (f"an attempt at {name} is lost" for name in remains.attempts - logged)
    yield from (f"an attempt at {name} is logged twice" for name in logged - remains.attempts)
    numbers = Counter((entry["video_id"], entry["attempt"]) for entry in log_of(vault))
    expected = Counter((name, number) for name, times in logged.items() for number in range(1, times + 1))
    yield from (f"attempt {number} at {name} is lost" for name, number in expected - numbers)
    yield from (f"attempt {number} at {name} is logged twice" for name, number in numbers - expected)
    yield from (f"left behind: {name}" for name in remains.stray)
