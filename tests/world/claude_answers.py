"""What the loopback Claude answers: plausible notes and questions made from the transcript it was sent."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

KINDS = ("Gap Analysis", "Practical Application", "Innovation Challenges", "Connections & Synthesis")
_MARKED = re.compile(r"^\[([\d:]+)\] (.+)$", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]{4,}")
_SMALL = {"about", "also", "been", "from", "going", "have", "here", "just", "know", "like", "more", "really", "some"}
_SMALL |= {"that", "their", "them", "then", "there", "these", "they", "this", "those", "very", "want", "well", "were"}
_SMALL |= {"what", "when", "which", "will", "with", "would", "your", "because", "other", "could", "make", "into"}


def material_of(request: Mapping[str, Any]) -> str:
    """The text of the last system block: a transcript, or notes on parts of one."""
    system = request.get("system") or ""
    return system if isinstance(system, str) else system[-1]["text"]


def asked_of(request: Mapping[str, Any]) -> str:
    """The first thing the user says."""
    return _text(request["messages"][0]["content"])


def sent_already(request: Mapping[str, Any]) -> str:
    """What earlier turns of the assistant hold."""
    return "".join(_text(turn["content"]) for turn in request["messages"] if turn["role"] == "assistant")


def wants_assessment(request: Mapping[str, Any]) -> bool:
    """Whether it is the second of the two calls."""
    return "Make an assessment" in asked_of(request)


def notes(material: str) -> str:
    """Notes in the form that was asked for, a point for every stretch of the transcript."""
    parts = re.findall(r"<part>\n(.*?)\n</part>", material, re.DOTALL)
    if parts:
        return _merged(parts)
    said = _MARKED.findall(material) or [("", line) for line in material.splitlines() if line]
    concepts = _concepts(said)
    title = re.search(r"^title: (.+)$", material, re.MULTILINE)
    core = [f"- **{concept}**: {_short(text)} [{mark}]" for concept, (mark, text) in concepts.items()]
    points = [f"- {_short(text)} [{mark}]" for mark, text in said]
    examples = [f"- {_short(text)} [{mark}]" for mark, text in said if "example" in text.lower()]
    return _laid_out(
        title[1] if title else " ".join(concepts),
        concepts,
        {"Core Concepts": core, "Key Points": points, "Examples & Applications": examples},
    )


def quiz(material: str, count: int) -> dict[str, Any]:
    """An assessment as the tool takes it."""
    said = _MARKED.findall(material) or [("0:00", "everything")]
    concepts = list(_concepts(said)) or ["the talk"]
    questions = []
    for number in range(count):
        mark, text = said[number * len(said) // count]
        concept = concepts[number % len(concepts)]
        questions.append(
            {
                "kind": KINDS[number % len(KINDS)],
                "question": f"What does the speaker mean by “{concept}”, and where would you use it?",
                "answer": f"It rests on this: {_short(text)} [{mark}]",
                "concepts": [concept],
                "time": mark,
            }
        )
    return {"questions": questions}


def recorded(request: Mapping[str, Any]) -> str:
    """The JSON of an assessment with as many questions as were asked for."""
    fewest = re.search(r"Ask (\d+) to", asked_of(request))
    return json.dumps(quiz(material_of(request), int(fewest[1]) + 1 if fewest else 6), ensure_ascii=False)


def _concepts(said: list[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    counted = Counter(word.lower() for _, text in said for word in _WORD.findall(text) if word.lower() not in _SMALL)
    frequent = [word for word, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:6]]
    return {word.capitalize(): next((mark, text) for mark, text in said if word in text.lower()) for word in frequent}


def _short(text: str) -> str:
    return " ".join(text.split()[:18])


def _laid_out(title: str, concepts: Mapping[str, object], sections: Mapping[str, list[str]]) -> str:
    head = f"Title: {title}\nSubject: Lectures\nConcepts: {'; '.join(concepts)}"
    filled = [f"## {name}\n\n" + "\n".join(points) for name, points in sections.items() if points]
    return "\n\n".join([head, *filled]) + "\n"


def _merged(parts: list[str]) -> str:
    sections: dict[str, list[str]] = {}
    concepts: dict[str, None] = {}
    for part in parts:
        listed = re.search(r"^Concepts: (.*)$", part, re.MULTILINE)
        concepts |= dict.fromkeys(listed[1].split("; ") if listed else [])
        for section in re.split(r"^## ", part, flags=re.MULTILINE)[1:]:
            name, _, points = section.partition("\n")
            sections.setdefault(name, []).extend(line for line in points.splitlines() if line)
    title = re.search(r"^Title: (.+)$", parts[0], re.MULTILINE)
    return _laid_out(title[1] if title else "A long video", concepts, sections)


def _text(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
