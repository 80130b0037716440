"""Drawing PDFs: what child processes, their reuse, and a shared stylesheet are worth."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ytsb_tui.services.pdf.child import drawing
from ytsb_tui.services.pdf.page import page
from ytsb_tui.services.pdf.renderer import THEMES, PdfRenderer

NOTES = 12
RENDERS = 100
PART = """## Part {n}

Entropy measures **how much choice** a source has [1:30](https://youtu.be/dQw4w9WgXcQ?t=90).
{text}

> [!note] A definition
> The mean of the surprise.

| Concept | Meaning |
|---|---|
| Surprise | minus the logarithm of the probability |
"""
NOTE = "# Entropy\n\n" + "\n".join(PART.format(n=n, text="Some words to read about it. " * 60) for n in range(6))


class Silent:
    def progress(self, fraction: float | None, text: str = "") -> None:
        pass

    def check(self) -> None:
        pass


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def draw_all(renderer: PdfRenderer, folder: Path, threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        jobs = (folder / f"{n}.md" for n in range(NOTES))
        done: Iterable[None] = pool.map(lambda note: renderer.render(note, note.with_suffix(".pdf"), Silent()), jobs)
        list(done)


def lags(busy: Callable[[], object]) -> list[float]:
    """By how many milliseconds a 10 ms tick of this thread is late while `busy` runs in others."""
    late = []
    thread = threading.Thread(target=busy)
    thread.start()
    while thread.is_alive():
        late.append((seconds(lambda: time.sleep(0.01)) - 0.01) * 1000)
    return sorted(late)


def processes(folder: Path) -> None:
    for n in range(NOTES):
        (folder / f"{n}.md").write_text(NOTE)
    one, two = (PdfRenderer("obsidian", folder, processes=n) for n in (1, 2))
    for renderer, threads in ((one, 1), (two, 2)):
        draw_all(renderer, folder, threads)
    alone = seconds(lambda: draw_all(one, folder, 1))
    both = seconds(lambda: draw_all(two, folder, 2))
    print(f"two processes draw {NOTES} notes {alone / both:.2f} x as fast as one (target 1.8)")
    late = lags(lambda: draw_all(two, folder, 2))
    print(f"meanwhile the parent's 10 ms tick is {late[len(late) * 99 // 100]:.1f} ms late at p99 (target below 10)")
    one.close()
    two.close()


def reuse() -> None:
    html = page(NOTE, "Note")
    sheets = [str(THEMES / name) for name in ("_base.css", "obsidian.css")]
    draw = drawing(sheets)
    draw(html)
    kept = seconds(lambda: [draw(html) for _ in range(8)])
    fresh = seconds(lambda: [drawing(sheets)(html) for _ in range(8)])
    print(f"keeping stylesheet and fonts saves {1 - kept / fresh:.0%} of a drawing (target 15%)")


def memory() -> None:
    import resource

    draw = drawing([str(THEMES / "_base.css"), str(THEMES / "obsidian.css")])
    html = page(NOTE, "Note")
    peaks = []
    for _ in range(2):
        for _ in range(RENDERS // 2):
            draw(html)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(
        f"after {RENDERS} drawings memory peaked at {peaks[1] / peaks[0]:.2f} x that after {RENDERS // 2} (target 1.1)"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        processes(Path(folder))
    reuse()
    memory()


if __name__ == "__main__":
    main()
