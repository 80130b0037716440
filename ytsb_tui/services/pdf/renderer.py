"""PDFs of notes, drawn by child processes.

Drawing holds the interpreter's lock for seconds, so it happens elsewhere: in
`renderer` children, started when first needed, used again and again, and fed
over a pipe. A child ends when its pipe does, so none outlives this process.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ytsb_tui.errors import RenderFailed, Stopped, UsageError, from_os_error
from ytsb_tui.services.pdf.pango import child_environment, missing, no_renderer
from ytsb_tui.watch import Watch
from ytsb_tui.whole_file import replace, unfinished

THEMES = Path(__file__).parent / "themes"
MOST_DRAWINGS = 200
"""By then a child has grown by some 4 MB: each drawing leaves something in its libraries."""
LOOK = 0.1
"""Seconds between two looks whether somebody said stop."""


def find_theme(name: str, folder: Path) -> Path:
    """The stylesheet of the theme `name`: the user's in `folder`, or a built-in one.

    Raises `UsageError`, which lists the themes and names the closest.
    """
    known = {path.stem: path for place in (THEMES, folder) for path in sorted(place.glob("[!_.]*.css"))}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean `{close[0]}`? " if close else ""
    raise UsageError(
        f"There is no PDF theme `{name}`. {hint}There are: {', '.join(sorted(known))}.",
        advice=f"A theme of your own is a file NAME.css in {folder}.",
    )


class PdfRenderer:
    """Draws Markdown files as PDFs; shared by all workers.

    At most `processes` children draw at once; who comes later waits. A
    drawing that takes longer than `deadline` seconds is given up. After
    `drawings` of them a child is replaced.
    """

    def __init__(
        self,
        theme: str,
        folder: Path,
        processes: int = 2,
        deadline: float = 120.0,
        drawings: int = MOST_DRAWINGS,
    ) -> None:
        self._theme = theme
        self._stylesheets = (THEMES / "_base.css", find_theme(theme, folder))
        self._deadline = deadline
        self._drawings = drawings
        self._lock = threading.Lock()
        self._closed = False
        self._children: set[_Child] = set()
        self._free: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(processes):
            self._free.put(None)

    @property
    def theme(self) -> str:
        """The name of the theme."""
        return self._theme

    def render(self, source: Path, target: Path, watch: Watch) -> None:
        """Draw the Markdown file `source` as `target`: whole, or not at all.

        Raises:
            RenderFailed: This file cannot be drawn.
            NoRenderer: No file can be drawn on this machine.
            OutOfSpace: The disk is full.
        """
        if not source.is_file():
            raise RenderFailed(f"{source.name} cannot be drawn: it is gone.")
        try:
            target.parent.mkdir(exist_ok=True)  # beside its source: where that is gone nothing is made
            with unfinished(target) as temporary:
                temporary.touch(exist_ok=False)  # so that nobody makes it who comes to it when it was swept away
                self._draw(source, temporary, watch)
                _replace(temporary, target)
        except OSError as error:
            if not os.path.lexists(target.parent):  # somebody tidies up: nothing is wrong with this machine
                raise RenderFailed(f"{source.name} cannot be drawn: its folder is gone.") from error
            raise from_os_error(error, f"writing {target.name}") from error

    def warm(self, watch: Watch) -> None:
        """Start a child, a second before the first drawing could have to wait for it. Raises `NoRenderer`."""
        with self._child(watch):
            pass

    def close(self) -> None:
        """End the children; drawings under way end with `Stopped`."""
        with self._lock:
            self._closed = True
            children = list(self._children)
        for child in children:
            child.kill()

    @contextlib.contextmanager
    def _child(self, watch: Watch) -> Iterator[_Child]:
        """A child of one's own; one that was interrupted or fell over is replaced when next needed."""
        child = None
        borrowed = self._wait_for_turn(watch)
        try:
            child = borrowed if borrowed and borrowed.is_fit(self._drawings) else self._start(borrowed)
            yield child
        except BaseException:
            if child:
                self._end(child)
                child = None
            raise
        finally:
            self._free.put(child)

    def _wait_for_turn(self, watch: Watch) -> _Child | None:
        while True:
            watch.check()
            with contextlib.suppress(queue.Empty):
                return self._free.get(timeout=LOOK)

    def _start(self, predecessor: _Child | None) -> _Child:
        if predecessor:
            self._end(predecessor)
        if nothing_to_draw_with := missing():
            raise nothing_to_draw_with
        with self._lock:
            if self._closed:
                raise Stopped("The program is ending.")
            child = _Child(self._stylesheets)
            self._children.add(child)
        return child

    def _end(self, child: _Child) -> None:
        child.kill()
        with self._lock:
            self._children.discard(child)

    def _draw(self, source: Path, target: Path, watch: Watch) -> None:
        with self._child(watch) as child:
            watch.progress(None, f"drawing {source.name}")
            answer = self._ask(child, source, target, watch)
        if self._closed:
            raise Stopped("The program is ending.")
        match answer:
            case {"errno": number, "reason": reason}:
                raise OSError(number, reason)
            case {"missing": reason}:
                raise no_renderer(reason)
            case {"failed": reason}:
                raise RenderFailed(f"{source.name} cannot be drawn: {reason}.")

    def _ask(self, child: _Child, source: Path, target: Path, watch: Watch) -> Mapping[str, Any]:
        ends = time.monotonic() + self._deadline
        child.ask({"source": str(source), "target": str(target)})
        while (answer := child.answer(LOOK)) is None:
            watch.check()
            if time.monotonic() >= ends:
                raise RenderFailed(f"{source.name} took longer than {self._deadline:g} seconds to draw.")
        return answer


def _replace(temporary: Path, target: Path) -> None:
    try:
        replace(temporary, target)
    except PermissionError as error:
        raise RenderFailed(
            f"{target.name} cannot be replaced.", advice="Close it in other programs, then retry."
        ) from error


class _Child:
    """A renderer process: what it is asked, and what it answers."""

    def __init__(self, stylesheets: Sequence[Path]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ytsb_tui.services.pdf.child", *map(str, stylesheets)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
            **_out_of_reach_of_ctrl_c(),
        )
        self._answers: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._last_words = ""
        self._asked = 0
        self._overhearer = threading.Thread(target=self._overhear, name="pdf-stderr", daemon=True)
        self._reader = threading.Thread(target=self._read, name="pdf-answers", daemon=True)
        self._overhearer.start()
        self._reader.start()

    def is_fit(self, drawings: int) -> bool:
        """Whether it can be asked, and was not asked so often yet."""
        return self._process.poll() is None and self._asked < drawings

    def ask(self, question: Mapping[str, str]) -> None:
        """Put a question to it. A dead child answers too: that it died."""
        assert self._process.stdin is not None
        self._asked += 1
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()

    def answer(self, timeout: float) -> Mapping[str, Any] | None:
        """The answer, or None when there is none within `timeout` seconds."""
        try:
            return self._answers.get(timeout=timeout)
        except queue.Empty:
            return None

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""
        self._process.kill()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
        code = self._process.wait()
        self._overhearer.join()
        if code < 0:
            reason = f"the renderer was ended by {signal.Signals(-code).name}"
        else:
            reason = self._last_words or f"the renderer ended with code {code}"
        self._answers.put({"failed": reason})

    def _overhear(self) -> None:
        """Keep the last line of stderr, where a traceback names its error."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._last_words = line.decode(errors="replace").strip() or self._last_words


def _out_of_reach_of_ctrl_c() -> dict[str, Any]:
    """Options of `Popen`: a Ctrl+C in the terminal is this process's to handle."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
