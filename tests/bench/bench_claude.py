"""What our own work adds to the two calls of a job, beside a bare script that makes the same calls with the SDK."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import anthropic

from tests.unit.authoring import KEY, MODEL, PRICES, Watcher, job_on, talk
from ytsb_tui.services.claude import prompts
from ytsb_tui.services.claude.api_key import Server
from ytsb_tui.services.claude.author import ClaudeAuthor
from ytsb_tui.services.claude.messages_api import MessagesApi

ROUNDS = 40
TARGET = 1.3
LANGUAGE = "the language of the transcript (en)"


def main() -> None:
    """Print the CPU time of a job both ways, and their ratio; the server is a process of its own."""
    with subprocess.Popen([sys.executable, "-m", "tests.world.claude"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            measure(server.stdout.readline().strip().partition("=")[2])
        finally:
            server.terminate()


def measure(url: str) -> None:
    job = job_on(talk(60))
    api = MessagesApi(Server(MODEL, KEY, url), PRICES)
    author = ClaudeAuthor(api)
    client = anthropic.Anthropic(api_key=KEY, base_url=url, max_retries=0)

    def ours() -> None:
        notes = author.notes(job, [], Watcher())
        author.assessment(replace(job, study_notes=notes.body), Watcher())

    def bare() -> None:
        material = prompts.material(talk(60))
        notes = stream(prompts.notes(LANGUAGE, []), material)
        stream(prompts.assessment(notes, LANGUAGE, "5 to 7"), material)

    def stream(asked: str, material: str) -> str:
        with client.messages.stream(
            model=MODEL,
            max_tokens=32_000,
            tools=[prompts.tool()],  # type: ignore[list-item]
            system=[
                {"type": "text", "text": prompts.RULES},
                {"type": "text", "text": material, "cache_control": {"type": "ephemeral"}},
            ],
            messages=[{"role": "user", "content": asked}],
        ) as events:
            return "".join(block.text for block in events.get_final_message().content if block.type == "text")

    for way in (ours, bare):
        way()
    mine, theirs = zip(*((seconds(ours), seconds(bare)) for _ in range(ROUNDS)), strict=True)
    api.close()
    client.close()
    ratio = statistics.median(mine) / statistics.median(theirs)
    print(f"CPU per job: ours {statistics.median(mine):.4f} s, bare script {statistics.median(theirs):.4f} s")
    print(f"ratio {ratio:.2f} (target: at most {TARGET})")


def seconds(way: Callable[[], None]) -> float:
    """CPU seconds of this process."""
    began = time.process_time()
    way()
    return time.process_time() - began


if __name__ == "__main__":
    main()
