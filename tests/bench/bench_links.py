"""What linking one new note costs in a small and in a large vault."""

from __future__ import annotations

import random
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.services.documents import MarkdownDocuments
from ytsb_tui.services.links.wikilinks import WikiLinks
from ytsb_tui.services.vault.vault import Vault

SMALL, LARGE = 100, 5_000
MEASURED = 60
OUT, IN = 3, 2
"""How many notes a new one names, and how many earlier ones name it."""
TARGET_MS = 20.0
TARGET_RATIO = 2.0


def main() -> None:
    small, _ = measure(SMALL)
    large, grown = measure(LARGE)
    ratio = large / small
    print(f"{SMALL} notes: {small:.1f} ms CPU a note; {LARGE} notes: {large:.1f} ms (target: {TARGET_MS:.0f})")
    print(f"{LARGE} to {SMALL} notes: {ratio:.2f} times the CPU (target: {TARGET_RATIO:.0f})")
    print(f"memory for {LARGE} notes: {grown:.0f} MB more")


def measure(size: int) -> tuple[float, float]:
    """Median milliseconds of CPU to connect one more note of a vault of `size`; megabytes the index took."""
    chance = random.Random(7)
    vocabulary = ["".join(chance.choices("abcdefghilmnoprstuv", k=chance.randint(4, 11))) for _ in range(3_000)]
    with tempfile.TemporaryDirectory() as folder:
        vault = Vault(Path(folder))
        titles = [" ".join(chance.sample(vocabulary, chance.randint(3, 7))) for _ in range(size + MEASURED)]
        named = [chance.sample(titles[:size], 1 if number < size else OUT) for number in range(size + MEASURED)]
        for title in titles[size:]:
            for earlier in chance.sample(range(size), IN):
                named[earlier].append(title)
        for number in range(size):
            written(vault, number, titles[number], named[number], vocabulary, chance)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        links = WikiLinks(vault)
        links.related(VideoProcessingJob("-" * 11, "https://youtu.be/" + "-" * 11))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        spent = []
        added = 0
        for number in range(size, size + MEASURED):
            job = written(vault, number, titles[number], named[number], vocabulary, chance)
            started = time.process_time()
            added += links.connect(job)
            spent.append((time.process_time() - started) * 1000)
        print(f"{size} notes: {added / MEASURED:.1f} links a note, slowest {max(spent):.1f} ms")
        links.close()
        return statistics.median(spent), grown


def written(
    vault: Vault, number: int, title: str, named: Sequence[str], vocabulary: Sequence[str], chance: random.Random
) -> VideoProcessingJob:
    """A note of about 800 words that names some others."""
    words = title.split()
    lines = [f"- **{chance.choice(vocabulary)}** {' '.join(chance.choices(vocabulary, k=18))}." for _ in range(40)]
    lines += [f"- It rests on {other}, as shown." for other in named]
    path = Path("Subject", f"{title.replace(' ', '_')}.md")
    job = VideoProcessingJob(
        f"{number:011}",
        f"https://youtu.be/{number:011}",
        video_title=title,
        study_notes="## Core Concepts\n\n" + "\n".join(lines),
        concepts=(" ".join(words[:2]), words[2]),
        output_dir=vault.root,
        notes_filepath=path,
    )
    (vault.root / "Subject").mkdir(exist_ok=True)
    (vault.root / path).write_text(MarkdownDocuments().note(job), encoding="utf-8")
    return job


if __name__ == "__main__":
    main()
