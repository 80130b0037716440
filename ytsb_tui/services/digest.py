"""A lecture weighed: which sentences say most, and what each of them does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ytsb_tui.services.languages import opening, pattern
from ytsb_tui.services.phrases import Concept, concepts
from ytsb_tui.services.sentences import Sentence, Speech, listen
from ytsb_tui.transcript import Transcript

TELLING = 0.03
"""The weight from which a sentence is worth showing."""
WATCHED_FOR = 24
"""How many concepts sentences are weighed by."""


class Role(StrEnum):
    """What a sentence does for a learner."""

    QUESTION = "question"
    EXAMPLE = "example"
    ACTION = "action"
    CRITIQUE = "critique"
    CONNECTION = "connection"
    STATEMENT = "statement"


_NOUNS = r"(?:(?:an?|the|un|une|la|le|les|el|los|las|der|die|das|ein|eine) |l['’])?(?P<term>[^,;:.?!]{2,48}?)"
_DEFINITIONS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:is|are|be) (?:(?:also|often|usually|commonly) )?(?:called|known as|named|referred to as) (?:an?|the)?\s*"
        r"(?P<term>[\w'’-]+(?: [\w'’-]+){0,2})(?=[,;:.]|$| (?:and|or|because|which|when|if|in|on|as)\b)",
        r"(?:we|people|programmers|scientists|you) call (?:this|that|it|these|them) (?:an?|the)?\s*"
        r"(?P<term>[\w'’-]+(?: [\w'’-]+){0,2})(?=[,;:.]|$)",
        rf"^(?:(?:so|now|and|well|basically|in short|again|donc|ainsi|also),? )?{_NOUNS},? "
        r"(?:(?:is|are) (?:simply |just |basically |really |nothing but )?(?:an?|the|any|some|how|when|what|where)|"
        r"means?|refers? to|(?:is|are) defined (?:as|by)|stands? for|(?:est|sont) (?:un|une|le|la|les|des)|signifie|"
        r"désigne|(?:ist|sind) (?:ein|eine|der|die|das)|bedeutet|(?:es|son) (?:un|una|el|la|los|las)|significa)\b",
        r"^(?P<term>[^，。、,]{2,16}?)(?:是指|就是|稱為|称为|とは)",
    )
]
_STATED = 2
"""The place of the definition whose term has to be a known concept: "is a" is said of everything."""
_ANY = re.compile(r"^(?:any|every|each|such) ", re.IGNORECASE)
_QUESTION = re.compile(r"[?？؟][\"'”’»)」』]*$")
_QUOTES = re.compile(r"[\"“”«»]")
_FIRST_PERSON = re.compile(r"\b(?:I|I'm|I've|me|my|je|ich|yo)\b")


@dataclass(frozen=True)
class Definition:
    """A sentence that says what something is."""

    term: str
    sentence: Sentence


@dataclass(frozen=True)
class Digest:
    """What is said, what it is about, and how much each sentence says of that."""

    speech: Speech
    concepts: tuple[Concept, ...]
    """The key concepts: as many as its length deserves."""
    weights: tuple[float, ...]
    """How much each sentence says, by its place; about 0..1."""
    roles: tuple[Role, ...]
    definitions: tuple[Definition, ...]

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """Everything that is said, in order."""
        return self.speech.sentences

    def weight(self, sentence: Sentence) -> float:
        """How much `sentence` says; about 0..1."""
        return self.weights[sentence.place]

    def having(self, role: Role) -> list[Sentence]:
        """The sentences with this role, in order."""
        return [sentence for sentence in self.sentences if self.roles[sentence.place] is role]

    @cached_property
    def explanations(self) -> dict[str, Sentence]:
        """For each concept's name the sentence that explains it best; no sentence twice."""
        found: dict[str, Sentence] = {}
        taken: set[int] = set()
        for concept in self.concepts:
            best = max(
                (each for each in self.about(concept) if each.place not in taken),
                key=lambda each: (self._explains(concept, each), -each.place),
                default=None,
            )
            if best and self._explains(concept, best) >= TELLING:
                found[concept.name] = best
                taken.add(best.place)
        return found

    def about(self, concept: Concept) -> list[Sentence]:
        """The sentences that speak of `concept`."""
        return [each for each in self.sentences if self.weights[each.place] > 0 and concept.within(each.text)]

    def _explains(self, concept: Concept, sentence: Sentence) -> float:
        if self.roles[sentence.place] in (Role.QUESTION, Role.ACTION):
            return 0.0
        term = self._terms.get(sentence.place, "")
        defined = concept.within(term) and not leans(sentence.text)
        found = concept.pattern.search(sentence.text)
        early = 1.3 if found and found.start() < 25 else 1.0
        return self.weight(sentence) * early + (1.0 if defined else 0.0)

    @cached_property
    def _terms(self) -> dict[int, str]:
        return {each.sentence.place: each.term for each in self.definitions}


def digest(transcript: Transcript, check: Callable[[], None], progress: Callable[[float], None]) -> Digest:
    """Weigh a transcript. `check` may raise to end it; `progress` hears 0..1."""
    speech = listen(transcript)
    check()
    length = sum(len(sentence.text) for sentence in speech.sentences) * (3 if speech.spaceless else 1)
    watched = concepts(speech, WATCHED_FOR, check)
    progress(0.5)
    any_concept = re.compile("|".join(f"(?:{each.pattern.pattern})" for each in watched) or r"(?!)", re.IGNORECASE)
    weights, roles, definitions = [], [], []
    for sentence in speech.sentences:
        if sentence.place % 200 == 0:
            check()
            progress(0.5 + 0.5 * sentence.place / len(speech.sentences))
        text = sentence.text
        present = [each for each in watched if each.within(text)] if any_concept.search(text) else []
        roles.append(_role(text, present))
        if term := _defined_term(text, present):
            definitions.append(Definition(term, sentence))
        weights.append(_weight(text, present, bool(term), speech.spaceless))
    kept = watched[: min(12, max(5, length // 350))]
    return Digest(speech, tuple(kept), tuple(weights), tuple(roles), tuple(definitions))


def _role(text: str, present: Sequence[Concept]) -> Role:
    if _QUESTION.search(text):
        return Role.QUESTION
    for role in (Role.EXAMPLE, Role.ACTION, Role.CRITIQUE, Role.CONNECTION):
        if pattern(role).search(text) and (len(present) > 1 or role is not Role.CONNECTION):
            return role
    return Role.STATEMENT


def _defined_term(text: str, present: Sequence[Concept]) -> str:
    """What a sentence says it defines, "" for most: something the lecture is about, or has a word for."""
    if _QUESTION.search(text):
        return ""
    for place, definition in enumerate(_DEFINITIONS):
        match = definition.search(text)
        term = _ANY.sub("", match["term"].strip(" \"'“”‘’`")) if match else ""
        named = any(concept.within(term) for concept in present) or place != _STATED
        if term and named and len(term.split()) <= 4 and not opening("pointing").match(term):
            return term
    return ""


def _weight(text: str, present: Sequence[Concept], defines: bool, spaceless: bool) -> float:
    words = len(text) // 2 if spaceless else len(text.split())
    weight = 0.02 + sum(concept.weight for concept in present)
    weight *= 0.15 if words < 5 else 0.6 if words < 8 else 1.0 if words <= 34 else 0.6
    if pattern("chatter").search(text):
        weight *= 0.08
    if leans(text):
        weight *= 0.6
    if pattern("here").search(text):
        weight *= 0.4
    if " – " in text or len(_QUOTES.findall(text)) % 2:
        weight *= 0.6
    if len(_FIRST_PERSON.findall(text)) > 1:
        weight *= 0.5
    if pattern("weighty").search(text):
        weight *= 1.4
    return weight * (1.5 if defines else 1.0)


def leans(text: str) -> bool:
    """Whether a sentence can hardly be understood without the one before."""
    return opening("leaning").match(text) is not None
