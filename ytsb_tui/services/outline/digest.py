"""A lecture weighed: which sentences say most, and what each of them does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ytsb_tui.services.outline.languages import opening, pattern
from ytsb_tui.services.outline.phrases import Concept, concepts
from ytsb_tui.services.outline.sentences import Sentence, Speech, listen
from ytsb_tui.transcript import Transcript

TELLING = 0.03
"""The weight from which a sentence is worth showing."""
SHORT = 50
"""Characters up to which a sentence names a thing rather than explaining it."""
WATCHED_FOR = 24
"""How many concepts sentences are weighed by."""


class Role(StrEnum):
    """What a sentence does for a learner; the names of most are kinds of patterns in `languages`."""

    QUESTION = "question"
    EXAMPLE = "example"
    ACTION = "action"
    CRITIQUE = "critique"
    CONNECTION = "connection"
    REFERENCE = "reference"
    """It points to another lecture."""
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
        r"(?:(?:is|are) (?:simply |just |basically |really |nothing but )?(?:an?|the|any|some|how|when|what|where)"
        r"(?! (?:\w+ )?(?:examples?|ones?|reasons?|things?|same|questions?|problems?|lot|bit|way)\b)|"
        r"means?|refers? to|(?:is|are) defined (?:as|by)|stands? for|(?:est|sont) (?:un|une|le|la|les|des)|signifie|"
        r"désigne|(?:ist|sind) (?:ein|eine|der|die|das)|bedeutet|(?:es|son) (?:un|una|el|la|los|las)|significa)\b",
        r"^(?P<term>[^，。、,]{2,16}?)(?:是指|就是|稱為|称为|とは)",
    )
]
_STATED = 2
"""The place of the definition whose term has to be a known concept: "is a" is said of everything."""
_ANY = re.compile(r"^(?:any|every|each|such) ", re.IGNORECASE)
_QUESTION = re.compile(r"[?？؟][\"'”’»)」』]*$")
_ENDED = re.compile(r"[.!?…؟。！？:;][\"'”’»)」』\s]*$")
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
        """For each concept's name the sentence that explains it best, if any; no sentence twice."""
        fit = {
            (concept.name, each.place): self._explains(concept, each)
            for concept in self.concepts
            for each in self.about(concept)
        }
        found: dict[str, Sentence] = {}
        taken: set[int] = set()
        for name, place in sorted(fit, key=lambda pair: (-fit[pair], pair[1])):
            if name not in found and place not in taken and fit[name, place] >= TELLING:
                found[name] = self.sentences[place]
                taken.add(place)
        return found

    def about(self, concept: Concept) -> list[Sentence]:
        """The sentences that speak of `concept`."""
        return [each for each in self.sentences if self.weights[each.place] > 0 and concept.within(each.text)]

    def _explains(self, concept: Concept, sentence: Sentence) -> float:
        if self.roles[sentence.place] in (Role.QUESTION, Role.ACTION):
            return 0.0
        found = concept.pattern.search(sentence.text)
        begins = found.start() if found else len(sentence.text)
        fitting = 1.8 if begins <= len("The ") else 1.2 if begins < 25 else 1.0
        if self.roles[sentence.place] in (Role.EXAMPLE, Role.REFERENCE) or len(sentence.text) <= SHORT:
            fitting = 0.5
        return self.weight(sentence) * fitting + self._defines(concept, sentence.place)

    def _defines(self, concept: Concept, place: int) -> bool:
        """Whether the sentence at `place` defines just this concept, and says more than its name."""
        text = self.sentences[place].text
        return (
            concept.pattern.fullmatch(self._terms.get(place, "")) is not None and len(text) > SHORT and not leans(text)
        )

    @cached_property
    def _terms(self) -> dict[int, str]:
        return {each.sentence.place: each.term for each in self.definitions}


def digest(transcript: Transcript, check: Callable[[], None], progress: Callable[[float], None]) -> Digest:
    """Weigh a transcript. `check` may raise to end it; `progress` hears 0..1."""
    speech = listen(transcript, check)
    check()
    length = sum(len(sentence.text) for sentence in speech.sentences) * (3 if speech.spaceless else 1)
    watched = concepts(speech, transcript.title, WATCHED_FOR, check)
    progress(0.5)
    any_concept = re.compile("|".join(f"(?:{each.pattern.pattern})" for each in watched) or r"(?!)", re.IGNORECASE)
    whole = _whole(speech.sentences)
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
        says = bool(present or term or not watched)
        weight = _weight(text, present, bool(term), speech.spaceless) if says else 0.0
        weights.append(weight if sentence.place in whole else weight * 0.4)
    kept = watched[: min(12, max(5, length // 350))]
    return Digest(speech, tuple(kept), tuple(weights), tuple(roles), tuple(definitions))


def _whole(sentences: Sequence[Sentence]) -> set[int]:
    """The places of the sentences that begin and end with a full stop; all, where few have one."""
    ended = [_ENDED.search(sentence.text) is not None for sentence in sentences]
    if 2 * sum(ended) < len(ended):
        return set(range(len(ended)))
    return {place for place, (before, end) in enumerate(zip([True, *ended], ended, strict=False)) if before and end}


def _role(text: str, present: Sequence[Concept]) -> Role:
    if pattern(Role.REFERENCE).search(text):
        return Role.REFERENCE
    if not present:
        return Role.STATEMENT
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
        match = definition.search(text) if present or place < _STATED else None
        term = _ANY.sub("", match["term"].strip(" \"'“”‘’`")) if match else ""
        named = any(concept.within(term) for concept in present) or place != _STATED
        if term and named and len(term.split()) <= 3 and not opening("pointing").match(term):
            return term
    return ""


def _weight(text: str, present: Sequence[Concept], defines: bool, spaceless: bool) -> float:
    words = len(text) // 2 if spaceless else len(text.split())
    weight = sum(concept.weight for concept in present) if present else 0.1
    weight *= 0.15 if words < 5 else 0.6 if words < 8 else 1.0 if words <= 34 else 0.6
    if pattern("chatter").search(text):
        weight *= 0.08
    if leans(text):
        weight *= 0.6
    if pattern("here").search(text):
        weight *= 0.4
    if len(_QUOTES.findall(text)) % 2:
        weight *= 0.6
    weight *= 0.6 ** text.count(" – ")
    if len(_FIRST_PERSON.findall(text)) > 1:
        weight *= 0.5
    if pattern("weighty").search(text):
        weight *= 1.4
    return weight * (1.5 if defines else 1.0)


def leans(text: str) -> bool:
    """Whether a sentence can hardly be understood without the one before."""
    return opening("leaning").match(text) is not None
