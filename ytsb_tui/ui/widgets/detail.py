"""The detail pane: everything about the job with the cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ytsb_tui.clock import spell
from ytsb_tui.glance import Past
from ytsb_tui.job import Stage, Status
from ytsb_tui.plaintext import one_line, visible
from ytsb_tui.ui.format import STAGE_WORDS, amount, money, short
from ytsb_tui.ui.row import Row
from ytsb_tui.wording import counted

TONES = {
    "quiet": "$foreground 60%",
    "busy": "$text-accent",
    "good": "$text-success",
    "bad": "$text-error",
    "wait": "$text-warning",
}
COLOURS = ("$text-primary", "$text-accent", "$text-secondary", "$text-success", "$text-warning", "$foreground 70%")
TAIL = 1_500
"""Characters of a stream that are shown."""
GANTT = 9
"""Lines from which on each stage has one of its own."""
MUTED = "$foreground 60%"


def timeline(row: Row, now: float, width: int) -> Content:
    """The stages as one bar to scale, with their seconds below."""
    spans = _spans(row, now)
    total = sum(seconds for _, seconds in spans) or 1.0
    bars, words, left = [], [], width
    for stage, seconds in spans:
        cells = min(left, max(1, round(seconds / total * width)))
        left -= cells
        bars.append(Content.styled("━" * cells, COLOURS[list(Stage).index(stage)]))
        words.append(
            Content.assemble((STAGE_WORDS[stage], COLOURS[list(Stage).index(stage)]), (f" {short(seconds)}", MUTED))
        )
    return Content("").join(bars) + Content("\n") + Content("  ").join(words)


def gantt(row: Row, now: float, width: int) -> Content:
    """The stages one below the other, each bar beginning where the one before ended."""
    spans = _spans(row, now)
    total = sum(seconds for _, seconds in spans) or 1.0
    room = max(4, width - 15)
    lines, begun = [], 0.0
    for stage, seconds in spans:
        start = min(round(begun / total * room), room - 1)
        cells = max(1, min(round(seconds / total * room), room - start))
        begun += seconds
        running = row.live is not None and row.live.stage is stage
        lines.append(
            Content.assemble(
                (f"{STAGE_WORDS[stage]:<6} ", "$text-accent" if running else ""),
                " " * start,
                ("━" * cells, COLOURS[list(Stage).index(stage)]),
                " " * (room - start - cells),
                (f"{short(seconds):>8}", MUTED),
            )
        )
    return Content("\n").join(lines)


def _spans(row: Row, now: float) -> list[tuple[Stage, float]]:
    """Every stage that ran or runs, with its seconds."""
    spans = [(stage, row.seconds[stage]) for stage in Stage if stage in row.seconds]
    if row.live is not None and row.live.doing == "working" and row.live.stage not in row.seconds:
        spans.append((row.live.stage, max(0.0, now - row.live.since)))
    return spans


def describe(row: Row, attempts: Sequence[Past], now: float, width: int, height: int) -> Content:
    """All there is to say about a job, the most urgent first."""
    parts = [*_head(row, now), *_failure(row)]
    if _spans(row, now):
        parts.append(gantt(row, now, width) if height >= GANTT else timeline(row, now, width))
    parts += [*_live(row), *_made(row), *_attempts(attempts, is_live=row.live is not None), *_facts(row)]
    return Content("\n").join(parts)


def _head(row: Row, now: float) -> Iterator[Content]:
    badge = row.badge(now)
    place = f"  {row.subject}" if row.subject else ""
    yield Content.assemble((f"{badge}  ", TONES[badge.tone]), (row.title, "bold"), (place, MUTED))


def _failure(row: Row) -> Iterator[Content]:
    failure = row.failure
    if failure is None or row.status is Status.DONE:
        return
    cause = one_line(failure.message[:4000])
    yield Content.assemble((f"{STAGE_WORDS[Stage(failure.stage)]}: ", MUTED), (cause, "$text-error"))
    if failure.advice:
        yield Content.assemble(("→ ", "$text-warning"), one_line(failure.advice))


def _live(row: Row) -> Iterator[Content]:
    if row.live is not None and row.live.text:
        lines = [line for line in visible(row.live.text[-TAIL:]).splitlines() if line.strip()]
        yield Content.styled("\n".join(lines[-8:]), "italic")


def _made(row: Row) -> Iterator[Content]:
    files = list(row.files)
    if files:
        yield Content.assemble(("Files  ", MUTED), "\n       ".join(one_line(str(path)) for path in files))
    if kept := row.facts.replaced:
        yield Content.assemble(("Before ", MUTED), "\n       ".join(one_line(str(path)) for path in kept))


def _attempts(attempts: Sequence[Past], *, is_live: bool) -> Iterator[Content]:
    for past in reversed(attempts if is_live else attempts[:-1]):
        lead = f"Try {past.number}  {past.when}  {spell(past.seconds)}  "
        yield Content.assemble((lead, MUTED), past.words)


def _facts(row: Row) -> Iterator[Content]:
    facts = row.facts
    words = [facts.url]
    words += [spell(facts.duration)] if facts.duration else []
    words += [facts.model or facts.author] if facts.author else []
    words += [f"{amount(row.tokens)} tokens", money(row.cost)] if row.tokens else []
    words += [counted(facts.questions, "question")] if facts.questions else []
    words += [counted(facts.links_added, "link")] if facts.links_added else []
    yield Content.styled(one_line(" · ".join(words)), MUTED)


class Detail(VerticalScroll):
    """What there is to know about the job with the cursor, live."""

    def __init__(self) -> None:
        super().__init__(Static("", id="facts", markup=False), id="detail")
        self._shown: str | None = None

    def show(self, row: Row | None, attempts: Sequence[Past], now: float) -> None:
        """Show a job as it is now."""
        if row is None:
            content = Content("")
        else:
            content = describe(row, attempts, now, max(20, self.scrollable_content_region.width - 2), self.size.height)
        self.query_one(Static).update(content)
        if row is not None and row.id != self._shown:
            self._shown = row.id
            self.scroll_home(animate=False)
