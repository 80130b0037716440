"""What may go wrong with a job on the way to YouTube and Claude, dealt out by chance and known beforehand."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.chaos.autopsy import Place
from tests.world.catalog import Catalog, lecture
from tests.world.claude import Claude
from tests.world.claude_answers import wants_assessment
from tests.world.claude_wire import Behaviour
from tests.world.faults import Fault, Kind
from tests.world.youtube import YouTube

FOREVER = 10**9


@dataclass(frozen=True)
class Trouble:
    """One thing that may happen to a job."""

    name: str
    ends_as: frozenset[str]
    """What the job may be said to have failed of, by class, while it goes on; empty where it must always pass."""
    youtube: Kind | None = None
    status: int = 429
    retry_after: str = ""
    claude: Behaviour | None = None
    state: str = ""
    """What the video is; nothing changes that."""
    passes_after: int = 2
    """Requests it lasts for where it passes by itself."""


def _youtube(name: str, kind: Kind, *ends_as: str, **details: Any) -> Trouble:
    return Trouble(f"YouTube: {name}", frozenset(ends_as), youtube=kind, **details)


def _claude(name: str, how: Behaviour, *ends_as: str, passes_after: int = 2) -> Trouble:
    return Trouble(f"Claude: {name}", frozenset(ends_as), claude=how, passes_after=passes_after)


def _video(name: str, state: str, *ends_as: str) -> Trouble:
    return Trouble(f"YouTube: {name}", frozenset(ends_as), state=state, passes_after=FOREVER)


SOON = {"retry-after": "1"}
TROUBLES = (
    _youtube("429", "status", "Blocked", retry_after="1"),
    _youtube("403", "status", "Blocked", status=403, retry_after="1"),
    _youtube("500", "status", "Busy", status=500),
    _youtube("503", "status", "Busy", status=503, retry_after="2"),
    _youtube("not a bot?", "bot", passes_after=1),
    _youtube("captcha", "captcha", passes_after=1),
    _youtube("empty", "empty", "NetworkTrouble"),
    _youtube("garbage", "garbage", "NetworkTrouble"),
    _youtube("cut off", "cut", "NetworkTrouble"),
    _youtube("reset", "reset", "NetworkTrouble"),
    _video("no captions", "disabled", "NoCaptions"),
    _video("private", "private", "Unavailable"),
    _video("for adults", "age", "Unavailable"),
    _video("deleted", "unavailable", "Unavailable"),
    _claude("429", Behaviour(429, "Slow down.", headers=SOON), "Busy"),
    _claude("529", Behaviour(529), "Busy"),
    _claude("500", Behaviour(500, "Internal server error"), "Busy"),
    _claude("503 from a proxy", Behaviour(503, page="<h1>Bad gateway</h1>"), "Busy"),
    _claude("stream cut off", Behaviour(ending="cut", after=0.5), "NetworkTrouble"),
    _claude("stream ends early", Behaviour(ending="eof", after=0.5), "NetworkTrouble"),
    _claude("error in the stream", Behaviour(ending="error", after=0.3), "Busy"),
    _claude("garbage in the stream", Behaviour(ending="garbage", after=0.3), "NetworkTrouble", "Incomplete"),
    _claude("refused", Behaviour(stop="refusal", message="No."), "Refused", passes_after=FOREVER),
    _claude(
        "bad answer", Behaviour(text="I am a teapot.", recorded='{"questions": []}'), "Incomplete", passes_after=FOREVER
    ),
    _claude("request rejected", Behaviour(400, "Something is wrong."), "Permanent", passes_after=FOREVER),
)


@dataclass(frozen=True)
class Fate:
    """What happens to one job."""

    trouble: Trouble
    lasts: bool
    """Whether it goes on until the weather clears; else it passes before the job is given up."""
    part: str = "notes"
    """The call of Claude's that it hits."""

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return self.trouble.name + (", lasting" if self.lasts and not self.is_for_ever else "")

    @property
    def is_for_ever(self) -> bool:
        """Whether no weather changes it."""
        return bool(self.trouble.state)

    @property
    def ends_as(self) -> frozenset[str]:
        """How the job may end: "done", or the class of its error."""
        return self.trouble.ends_as if self.lasts else frozenset({"done"})


def deal(jobs: Sequence[str], troubled: int, dice: random.Random) -> dict[str, Fate]:
    """Trouble for so many of the jobs, each kind as often as the others; half of what can last or pass does."""
    fates: dict[str, Fate] = {}
    for place, job in enumerate(dice.sample(jobs, troubled)):
        time_round, kind = divmod(place, len(TROUBLES))
        trouble = TROUBLES[kind]
        passes = trouble.passes_after < FOREVER and (not trouble.ends_as or (time_round + kind) % 2 == 1)
        part = "notes" if dice.random() < 0.5 else "assessment"
        fates[job] = Fate(trouble, not passes, part)
    return fates


def catalog_of(jobs: int, fates: Mapping[str, Fate]) -> Catalog:
    """So many short lectures, some of which nobody may see."""
    catalog = Catalog()
    for number in range(jobs):
        video = replace(lecture(number, minutes=1), title=f"Lecture {number}")
        fate = fates.get(video.id)
        catalog.add(replace(video, state=fate.trouble.state) if fate and fate.trouble.state else video)
    return catalog


def brew(youtube: YouTube, fates: Mapping[str, Fate], dice: random.Random) -> None:
    """Have YouTube treat these jobs so."""
    for job, fate in fates.items():
        trouble = fate.trouble
        if trouble.youtube:
            fault = Fault(trouble.youtube, video_id=job, status=trouble.status, retry_after=trouble.retry_after)
            if not fate.lasts:  # one of the three requests of a fetch
                fault.times, fault.endpoint = trouble.passes_after, dice.choice(("watch", "player", "timedtext"))
            youtube.faults.append(fault)


@dataclass
class _Left:
    behaviour: Behaviour
    times: int


class Moody(Claude):
    """Treats some videos otherwise than others."""

    def __init__(self, key: str, fates: Mapping[str, Fate], titles: Mapping[str, str]) -> None:
        """`titles` names the video of each."""
        super().__init__(key=key)
        self._titles = titles
        self._turn = threading.Lock()
        self._moods = {
            (job, fate.part): _Left(fate.trouble.claude, FOREVER if fate.lasts else fate.trouble.passes_after)
            for job, fate in fates.items()
            if fate.trouble.claude
        }

    def __enter__(self) -> Moody:
        super().__enter__()
        return self

    def clear(self) -> None:
        """Be kind to everybody from now on."""
        with self._turn:
            self._moods.clear()

    def part_of(self, request: Mapping[str, Any]) -> Place:
        """The video a call is about, and which of the two calls it is."""
        told: list[str] = request["system"][-1]["text"].splitlines()
        title = next(line.removeprefix("title: ") for line in told if line.startswith("title: "))
        return self._titles[title], "assessment" if wants_assessment(request) else "notes"

    def behaviour_in(self, request: Mapping[str, Any]) -> Behaviour:
        with self._turn:
            mood = self._moods.get(self.part_of(request))
            if mood is None or not mood.times:
                return Behaviour()
            mood.times -= 1
            return mood.behaviour
