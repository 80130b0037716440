"""The program between a loopback YouTube and a loopback Claude, with nothing else in reach."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.blackbox.program import Ended, Json, Program, Running, log_of
from tests.world import World, world
from tests.world.catalog import Catalog, lecture
from tests.world.claude import Call, Claude
from ytsb_tui.services.claude.prices import Prices, Tokens

KEY = "sk-ant-loopback-8f1fd26cb3a94d0e"
PASSWORD = "proxy-password-51c07d9e"
LECTURES = 12
MINUTES = 20
"""Long enough to be cached."""
THREE = ["watch", "player", "timedtext"]


def link(number: int) -> str:
    """A lecture's address."""
    return f"https://youtu.be/{video_id(number)}"


def video_id(number: int) -> str:
    """A lecture's id."""
    return f"lect{number:07}"


@dataclass(frozen=True)
class Online:
    """Both worlds, and the program that can reach them."""

    world: World
    claude: Claude
    program: Program

    @property
    def vault(self) -> Path:
        return self.program.desk / "notes"

    @property
    def log(self) -> list[Json]:
        """Every entry of the vault's log."""
        return log_of(self.vault)

    def run(self, *arguments: str, **variables: str) -> Ended:
        """Run it to its end."""
        return self.program("run", *arguments, **variables)

    def started(self, *arguments: str, in_step: bool = False) -> contextlib.AbstractContextManager[Running]:
        """Start it, with `--json`."""
        return self.program.started("run", *arguments, "--json", in_step=in_step)

    def asked(self) -> int:
        """How many requests both worlds have had."""
        return len(self.world.youtube.journal) + sum(self.claude.requests.values())

    def calls(self, number: int) -> list[Call]:
        """The calls paid for on a lecture."""
        told = f"title: {self.world.youtube.catalog.videos[video_id(number)].title}"
        return [call for call in self.claude.calls if told in call.request["system"][-1]["text"]]

    def billed(self, prices: Prices) -> float:
        """Dollars of everything that was paid for."""
        return sum(cost_of(call, prices) for call in self.claude.calls)


def cost_of(call: Call, prices: Prices) -> float:
    """Dollars of a call, as the server counted it."""
    used = call.usage
    tokens = Tokens(
        used["input_tokens"],
        used["output_tokens"],
        used["cache_read_input_tokens"],
        used["cache_creation_input_tokens"],
    )
    cost = prices.usage(call.request["model"], tokens).cost
    assert cost is not None
    return cost


@contextlib.contextmanager
def both_worlds(program: Program) -> Iterator[Online]:
    """Both of them with a dozen lectures; fails for a name that leaked or a server that broke."""
    catalog = Catalog()
    catalog.add(*(lecture(number, minutes=MINUTES) for number in range(LECTURES)))
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), catalog) as running, Claude(key=KEY) as claude:
        running.router.password = PASSWORD
        environment = {
            **running.environment,
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": claude.url,
            "YTSB_PROXY": running.router.socks("me", PASSWORD),
            "YTSB_PDF": "false",
        }
        yield Online(running, claude, Program(program.desk, environment))
    assert running.router.refused == []
    assert running.youtube.bugs == []
    assert claude.bugs == [], claude.bugs


def events(ended: Ended, name: str) -> list[Json]:
    """The events of this name."""
    return [event for event in ended.events if event["event"] == name]


def kinds(calls: list[Call]) -> Counter[str]:
    """How many of the calls were for notes, and for assessments."""
    return Counter("assessment" if call.assessment else "notes" for call in calls)


def spoken(call: Call) -> str:
    """Everything the assistant is said to have said already."""
    turns: list[Any] = call.request["messages"]
    return "".join(turn["content"] for turn in turns if turn["role"] == "assistant")
