"""What Claude answers, read strictly: notes with their three first lines, and assessments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import msgspec

from ytsb_tui.errors import Incomplete
from ytsb_tui.plaintext import one_line

Kind = Literal["Gap Analysis", "Practical Application", "Innovation Challenges", "Connections & Synthesis"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TOOL_NAME = "record_assessment"

_HEAD = re.compile(r"^[*_ ]*(title|subject|concepts)[*_ ]*[:：][*_ ]*(.*?)[*_ ]*$", re.IGNORECASE | re.MULTILINE)
_FIRST_SECTION = re.compile(r"^##[ \t]+\S", re.MULTILINE)
_LONGEST_CONCEPT = 80
_WRAPPED = re.compile(r"\A\s*```(?:markdown|md)?[ \t]*\n(.*)\n```\s*\Z", re.DOTALL)


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """One question as it is recorded."""

    kind: Kind
    question: str
    answer: Annotated[str, msgspec.Meta(description="A model answer of one or two paragraphs")]
    concepts: list[str]
    time: Annotated[str, msgspec.Meta(description="From the marks in the transcript, such as 12:34")]


class Quiz(msgspec.Struct, forbid_unknown_fields=True):
    """The assessment as it is recorded."""

    questions: list[Item]


_quiz = msgspec.json.Decoder(Quiz)


@dataclass(frozen=True)
class Draft:
    """Notes as they were answered, times not yet checked."""

    body: str
    title: str = ""
    subject: str = ""
    concepts: tuple[str, ...] = ()


def quiz_schema() -> dict[str, Any]:
    """The JSON schema of `Quiz`, with an object at its root as tools want it."""
    definitions = msgspec.json.schema(Quiz)["$defs"]
    return {**definitions.pop("Quiz"), "$defs": definitions}


def read_notes(text: str) -> Draft:
    """Split an answer into its first lines and the notes. Raises `Incomplete` for one without sections."""
    wrapped = _WRAPPED.match(text)
    text = wrapped[1] if wrapped else text
    first = _FIRST_SECTION.search(text)
    if first is None:
        raise Incomplete("Claude's notes have no sections.", advice="Retry the job, or choose another model.")
    body = text[first.start() :].strip()
    head = {name.lower(): value for name, value in _HEAD.findall(text[: first.start()])}
    return Draft(
        body=body,
        title=one_line(head.get("title", ""))[:200].rstrip(),
        subject=one_line(head.get("subject", ""))[:60].rstrip(),
        concepts=_concepts(one_line(head.get("concepts", "")), body),
    )


def _concepts(listed: str, body: str) -> tuple[str, ...]:
    """The listed concepts that are in the notes, spelled as there."""
    found: dict[str, str] = {}
    for concept in re.split(r"\s*[;；]\s*", listed.strip(" .")):
        standing = concept if concept in body else _found(concept, body)
        if concept and standing and len(concept) <= _LONGEST_CONCEPT:
            found.setdefault(concept.casefold(), standing)
    return tuple(found.values())


def _found(concept: str, body: str) -> str:
    """The concept in the capitals and small letters it has in the notes, "" when it is not there."""
    match = re.search(re.escape(concept), body, re.IGNORECASE)
    return match[0] if match else ""


def read_quiz(json: str, fewest: int) -> Quiz:
    """Read a recorded assessment. Raises `ValueError` saying what is wrong with it, for Claude to read."""
    try:
        quiz = _quiz.decode(json)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    if len(quiz.questions) < fewest:
        raise ValueError(f"it has {len(quiz.questions)} questions, and at least {fewest} were asked for")
    if any(not item.question.strip() or not item.answer.strip() for item in quiz.questions):
        raise ValueError("a question or an answer is empty")
    missing = [kind for kind in KINDS if kind not in {item.kind for item in quiz.questions}]
    if missing and fewest >= len(KINDS):
        raise ValueError(f"no question is of the kind {' or '.join(missing)}")
    return quiz
