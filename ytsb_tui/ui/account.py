"""An attempt told in full: how it ended and why, where the time went, what it left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeGuard

from textual.content import Content

from ytsb_tui.job import Stage
from ytsb_tui.log_lines import Entry
from ytsb_tui.plaintext import one_line
from ytsb_tui.ui.attempt import Attempt, words_of
from ytsb_tui.ui.format import STAGE_WORDS, amount, money, short
from ytsb_tui.wording import counted

MUTED = "$foreground 60%"
TONES = {"quiet": MUTED, "good": "$text-success", "bad": "$text-error"}
LONGEST = 4_000


def account(attempt: Attempt, entry: Entry, width: int) -> Content:
    """The attempt with its entry, the most urgent first."""
    return Content("\n").join(
        [*_head(attempt, entry), *_why(entry), *_timings(entry, width), *_files(entry), *_facts(entry)]
    )


def _head(attempt: Attempt, entry: Entry) -> Iterator[Content]:
    yield Content.styled(attempt.title, "bold")
    words = [attempt.when] if attempt.when else []
    words += [f"took {short(attempt.seconds)}"] if attempt.seconds is not None else []
    words += [f"worker {words_of(attempt.worker_id)}"] if attempt.worker_id is not None else []
    words += [f"try {number:.0f}"] if (number := _number(entry, "attempt")) else []
    words += [f"again at {_told(entry, 'next_retry_time')[11:16]}"] if _told(entry, "next_retry_time") else []
    yield Content.assemble((str(attempt.badge), TONES[attempt.badge.tone]), (f"  {' · '.join(words)}", MUTED))


def _why(entry: Entry) -> Iterator[Content]:
    if entry.get("success") is True:
        return
    if error := _told(entry, "error"):
        yield Content.styled(error, "$text-error")
    if advice := _told(entry, "advice"):
        yield Content.assemble(("→ ", "$text-warning"), advice)


def _timings(entry: Entry, width: int) -> Iterator[Content]:
    """A bar for each stage, to scale."""
    timings = entry.get("timings")
    if not isinstance(timings, dict):
        return
    keys = {stage.timing_key: STAGE_WORDS[stage] for stage in Stage}
    known = [(keys.get(key, one_line(str(key))), seconds) for key, seconds in timings.items() if _is_number(seconds)]
    longest = max((seconds for _, seconds in known), default=0.0)
    room = max(4, min(48, width - 20))
    for name, seconds in known:
        cells = round(seconds / longest * room) if longest > 0 else 0
        yield Content.assemble(f"{name[:10]:<10} ", (f"{short(seconds):>7} ", MUTED), ("━" * cells, "$text-accent"))


def _files(entry: Entry) -> Iterator[Content]:
    files = entry.get("files_created")
    for number, path in enumerate(files if isinstance(files, list) else ()):
        yield Content.assemble(("Files  " if number == 0 else "       ", MUTED), words_of(path))


def _facts(entry: Entry) -> Iterator[Content]:
    tokens = sum(int(_number(entry, f"{name}_tokens")) for name in ("input", "output", "cache_read", "cache_write"))
    words: Iterable[str] = [
        _told(entry, "url"),
        _told(entry, "subject"),
        _told(entry, "model") or _told(entry, "author"),
        f"{amount(tokens)} tokens" if tokens else "",
        money(_number(entry, "cost")) if tokens else "",
        counted(int(_number(entry, "questions")), "question") if _number(entry, "questions") else "",
        _told(entry, "exit_node"),
    ]
    if shown := " · ".join(filter(None, words)):
        yield Content.styled(shown, MUTED)


def _told(entry: Entry, name: str) -> str:
    value = entry.get(name)
    return "" if value is None else one_line(str(value)[:LONGEST])


def _number(entry: Entry, name: str) -> float:
    value = entry.get(name)
    return float(value) if _is_number(value) else 0.0


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12
