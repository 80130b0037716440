"""What an outline costs: by length, and in memory over many jobs."""

from __future__ import annotations

import resource
import time

from ytsb_tui.job import VideoProcessingJob
from ytsb_tui.samples import samples
from ytsb_tui.services.captions.files import CaptionFiles
from ytsb_tui.services.outline.author import OutlineAuthor
from ytsb_tui.transcript import Cue, Transcript

HOUR = 9
"""How often the three samples make about three hours of speech."""
MANY = 60
TARGET_SECONDS = 3.0
TARGET_RATIO = 1.2
TARGET_MB = 10.0


class Unwatched:
    """A watch nobody looks at."""

    def progress(self, fraction: float | None, text: str = "") -> None:
        """Nobody looks."""

    def check(self) -> None:
        """Nobody stops it."""


def main() -> None:
    single, tenfold = repeated(HOUR), repeated(10 * HOUR)
    cost(repeated(1))
    short, long = cost(single), cost(tenfold)
    characters = sum(len(cue.text) for cue in single.cues)
    print(f"{characters:,} characters: {short:.2f} s CPU for the notes (target: {TARGET_SECONDS:.0f})")
    print(f"10 times the text: {long / short / 10:.2f} times the CPU a character (target: {TARGET_RATIO})")
    before = megabytes()
    for _ in range(MANY):
        cost(repeated(1))
    print(f"memory after {MANY} more jobs: {megabytes() - before:.1f} MB more (target: {TARGET_MB:.0f})")


def repeated(times: int) -> Transcript:
    """The samples one after another, `times` times."""
    cues: list[Cue] = []
    for _ in range(times):
        for path in samples():
            read = CaptionFiles().fetch(VideoProcessingJob("file-0123456789ab", str(path)), Unwatched())
            end = cues[-1].end if cues else 0.0
            cues += [Cue(end + cue.start, end + cue.end, cue.text) for cue in read.cues]
    return Transcript(tuple(cues), title="All Lectures", duration=cues[-1].end, language="en")


def cost(transcript: Transcript) -> float:
    """Seconds of CPU for the notes on a transcript."""
    job = VideoProcessingJob("dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ", transcript=transcript)
    started = time.process_time()
    OutlineAuthor().notes(job, (), Unwatched())
    return time.process_time() - started


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
