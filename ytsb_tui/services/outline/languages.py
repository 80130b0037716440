"""What the outline author knows of languages; the words themselves are in `languages.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Characters of scripts that put no spaces between words."""
ELIDING = frozenset({"fr", "it"})
"""Languages whose articles lean on the next word: l'idée, dell'arte."""

_SCRIPTS = {
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "zh": re.compile(r"[\u3400-\u9fff]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
}
_LETTER = re.compile(r"[^\W\d_]")


@cache
def _known() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files(__package__) / "languages.toml").read_text(encoding="utf-8"))


@cache
def words(kind: str, language: str = "") -> frozenset[str]:
    """The words of a kind ("talk", "before_noun", ...) in one language, or in all."""
    known = [_known().get(language, {})] if language else list(_known().values())
    return frozenset(word for each in known for word in each.get(kind, "").split())


@cache
def pattern(kind: str) -> re.Pattern[str]:
    """Finds what marks a kind of sentence ("example", "critique", ...) in any language."""
    marks = [mark for known in _known().values() for mark in known.get(kind, ())]
    spaced = [mark for mark in marks if not SPACELESS.search(mark)]
    return re.compile("|".join([rf"\b(?:{'|'.join(spaced)})\b", *(set(marks) - set(spaced))]), re.IGNORECASE)


@cache
def opening(kind: str) -> re.Pattern[str]:
    """Finds a text that begins with a word of a kind ("leaning", "pointing"), in any language."""
    return re.compile(rf"(?:{'|'.join(sorted(map(re.escape, words(kind))))})\b", re.IGNORECASE)


def guess_language(text: str) -> str:
    """Two letters for the language of a text: by its script, else by its commonest words; "" when unsure."""
    letters = len(_LETTER.findall(text))
    for language, script in _SCRIPTS.items():
        if len(script.findall(text)) > 0.2 * max(1, letters):
            return language
    said = re.findall(r"[^\W\d_]+", text.lower())
    hits = {language: sum(word in words("common", language) for word in said) for language in _known()}
    best = max(hits, key=lambda language: hits[language])
    return best if hits[best] >= max(3, 0.08 * len(said)) else ""


def is_spaceless(text: str) -> bool:
    """Whether a text is written without spaces between words."""
    return len(SPACELESS.findall(text)) > 0.4 * max(1, len(_LETTER.findall(text)))
