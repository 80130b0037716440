"""The child program that draws PDFs: `python -m ytsb_tui.services.pdf.child STYLESHEET...`.

A line of JSON on stdin asks for a PDF, a line of JSON on stdout answers:

    {"source": "AI/Entropy.md", "target": "AI/pdfs/.ytsb-1f2e.tmp"}
    {"pages": 3} | {"failed": reason} | {"errno": 28, "reason": "No space left on device"} | {"missing": reason}

The target is there already, empty: once somebody has swept it away, nobody waits for it any more.
It ends with its stdin, also in the middle of a drawing: nobody is left to look at it. What libraries
print goes to stderr. A bug in a library ends it with a traceback there; the parent starts another.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from ytsb_tui.services.pdf.page import page

Answer = dict[str, str | int]
Draw = Callable[[str], tuple[bytes, int]]

NESTING = 10_000
"""Python calls within each other: a level of lists or quotes takes about ten."""

POLITENESS = 5
"""Steps by which the screen, and the worker's other stages, go first."""


def main(stylesheets: Sequence[str]) -> None:
    """Answer requests until stdin ends."""
    sys.setrecursionlimit(NESTING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        os.nice(POLITENESS)
    answers = _keep_stdout()
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    try:
        draw = drawing(stylesheets)
    except OSError as error:
        _say(answers, {"missing": str(error).partition(":")[0]})
        return
    while True:
        request = json.loads(requests.get())
        _say(answers, _answer(draw, Path(request["source"]), Path(request["target"])))


def drawing(stylesheets: Sequence[str]) -> Draw:
    """A function that draws HTML as a PDF and counts its pages.

    Stylesheets and fonts are read once. Nothing else is ever read: every URL
    but `data:` is refused, whether a note or a stylesheet names it.
    """
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher

    fetcher = URLFetcher(allowed_protocols=("data",), allow_redirects=False)
    fonts = FontConfiguration()
    styles = [CSS(filename=name, font_config=fonts, url_fetcher=fetcher) for name in stylesheets]

    def draw(html: str) -> tuple[bytes, int]:
        document = HTML(string=html, url_fetcher=fetcher).render(font_config=fonts, stylesheets=styles)
        return document.write_pdf(), len(document.pages)

    return draw


def _answer(draw: Draw, source: Path, target: Path) -> Answer:
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return {"failed": "it is not UTF-8 text"}
    except OSError as error:
        return {"failed": f"it cannot be read: {error.strerror}"}
    try:
        pdf, pages = draw(page(text, source.stem))
    except RecursionError:
        return {"failed": "its lists or quotes are nested too deeply"}
    except MemoryError:
        return {"failed": "it needs more memory than there is"}
    try:
        with target.open("r+b") as file:
            file.write(pdf)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return {"errno": error.errno or 0, "reason": error.strerror or str(error)}
    return {"pages": pages}


def _keep_stdout() -> BinaryIO:
    """The pipe to the parent; from now on stdout means stderr, for C libraries too."""
    pipe = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(pipe, "wb")


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    # Unbuffered: a thread that waits inside a buffer would abort the interpreter's exit, and hide its traceback.
    for line in os.fdopen(0, "rb", buffering=0, closefd=False):
        requests.put(line)
    os._exit(0)


def _say(answers: BinaryIO, answer: Answer) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
