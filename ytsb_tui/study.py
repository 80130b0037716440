"""What an author makes of a transcript: notes and an assessment."""

from __future__ import annotations

from dataclasses import dataclass

from ytsb_tui.usage import Usage


@dataclass(frozen=True)
class Notes:
    """Study notes as an author returns them."""

    body: str
    """Markdown from the first `## ` section on: no frontmatter, no `# ` title."""
    title: str = ""
    """The author's name for the video; used only where the source had none."""
    subject: str = ""
    """The field of study the author sees in it, "" when it cannot tell."""
    concepts: tuple[str, ...] = ()
    """The key concepts, most important first, as they are written in the body."""
    coverage: float | None = None
    """The share (0..1) of the video's minutes that some point links to; None without time marks."""
    usage: Usage = Usage()
    """What the calls behind it used; calls of earlier tries are not counted again."""


@dataclass(frozen=True)
class Question:
    """One question of an assessment."""

    kind: str
    """The heading it stands under: "Gap Analysis", "Practical Application", ..., or an author's own kind."""
    prompt: str
    answer: str
    """The model answer, Markdown of one or more paragraphs."""
    concepts: tuple[str, ...] = ()
    at: float | None = None
    """Seconds into the video that the answer rests on."""
    hints: tuple[str, ...] = ()
    """Lines shown under the prompt: choices, or the words of a cloze."""


@dataclass(frozen=True)
class Assessment:
    """The quiz on one video."""

    questions: tuple[Question, ...]
    usage: Usage = Usage()
