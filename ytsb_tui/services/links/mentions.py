"""By which words other notes are mentioned, and where a text does so.

A note is called by its title and aliases, by its main concept and others that
its title speaks of, and by the parts of its title. Names that say too little are
no names; those that several notes have belong to none of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

from ytsb_tui.services.links.words import WEAK, contains, is_spaceless, keys, word_spans

_SEPARATOR = re.compile(r"\s*[|:：–—()\[\],，、。?？!！/]\s*|\s+-\s+|\.\s+")
_GAP = re.compile(r"[ \t\xa0\u202f\u3000]?[-‐‑'’·・_]?[ \t\xa0\u202f\u3000]?")
"""What may stand between the words of a name."""
_HEAD = 3
"""Letters by which the names that may begin at a word are looked up."""
_COMPOUND = 8
"""Letters from which on "backpropagation" and "back propagation" are one name."""
_MISTYPED = 8
"""Letters from which on a word that no name has is taken for one that differs by a single slip."""
_TELLING = 4
"""Letters a lone word needs to be a name."""
_MOST_CONCEPTS = 8
"""Concepts, most important first, that are looked for in a title."""
_MOST_WORDS = 16
"""Words of the longest name."""


class Name(NamedTuple):
    """What a note may be called."""

    words: tuple[str, ...]
    """Their keys."""
    rank: int
    """0 for titles and aliases, 1 for concepts, 2 for parts of the title; the lower one owns a name."""
    lone: bool
    """Whether it is a single word, which may be too common to mean the note."""

    @property
    def joined(self) -> str:
        """The words without gaps, so that hyphens and spaces make no difference."""
        return "".join(self.words)


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a text that names a note."""

    note: str
    """The path of the note."""
    start: int
    end: int
    name: Name


def names_of(title: str, aliases: Sequence[str], concepts: Sequence[str]) -> tuple[Name, ...]:
    """By what a note is mentioned, best first."""
    whole = keys(title)
    main = [keys(concept) for concept in concepts[:_MOST_CONCEPTS]]
    parts = [_trimmed(keys(part)) for part in _SEPARATOR.split(title)]
    ranked = [
        *((0, phrase) for phrase in (whole, *map(keys, aliases))),
        *((1, phrase) for at, phrase in enumerate(main) if weight(phrase) > 1 and (at == 0 or contains(phrase, whole))),
        *((2, phrase) for phrase in parts if weight(phrase) > 1 or phrase in main),
        (2, _trimmed(whole)),
    ]
    best: dict[str, Name] = {}
    for rank, phrase in ranked:
        if (says := weight(phrase)) and len(phrase) <= _MOST_WORDS:
            name = Name(phrase, rank, says == 1)
            best.setdefault(name.joined, name)
    return tuple(best.values())


def _trimmed(phrase: tuple[str, ...]) -> tuple[str, ...]:
    """A part of a title without what introduces or ends it: "how", "work", "lecture 3"."""
    strong = [at for at, word in enumerate(phrase) if word not in WEAK and not word.isdigit()]
    return phrase[strong[0] : strong[-1] + 1] if strong else ()


def weight(phrase: tuple[str, ...]) -> int:
    """How much a phrase says: 0 nothing, 1 as much as a word, 2 enough to be a name for certain."""
    signs = sum(map(is_spaceless, phrase))
    telling = {word for word in phrase if word not in WEAK and not word.isdigit() and not is_spaceless(word)}
    if signs > 2 or len(telling) > 1 or (signs and telling):
        return 2
    return int(signs == 2 or any(len(word) >= _TELLING for word in telling))


class Names:
    """The names of all notes, found in a text in time that does not depend on how many there are."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Name, ...]] = {}
        self._owners: dict[str, tuple[tuple[int, str], ...]] = {}
        self._longest: dict[str, int] = {}
        """For the first letters of names, the letters of the longest one."""
        self._vocabulary: Counter[str] = Counter()
        self._alike: dict[str, set[str]] = {}
        """Words of names that are long enough to be mistyped, by their first letters."""

    def __len__(self) -> int:
        return len(self._of)

    def put(self, note: str, names: tuple[Name, ...]) -> None:
        """Let `note` be called `names`, and nothing else."""
        self.drop(note)
        self._of[note] = names
        for name in names:
            joined = name.joined
            self._owners[joined] = tuple(sorted((*self._owners.get(joined, ()), (name.rank, note))))
            head = joined[:_HEAD]
            self._longest[head] = max(self._longest.get(head, 0), len(joined))
            for word in name.words:
                self._vocabulary[word] += 1
                if len(word) >= _MISTYPED:
                    self._alike.setdefault(word[:_HEAD], set()).add(word)

    def drop(self, note: str) -> None:
        """Forget a note."""
        for name in self._of.pop(note, ()):
            joined = name.joined
            others = tuple(owner for owner in self._owners[joined] if owner[1] != note)
            if others:
                self._owners[joined] = others
            else:
                del self._owners[joined]
            for word in name.words:
                self._vocabulary[word] -= 1
                if not self._vocabulary[word]:
                    del self._vocabulary[word]
                    self._alike.get(word[:_HEAD], set()).discard(word)

    def of(self, note: str) -> tuple[Name, ...]:
        """What `note` is called."""
        return self._of.get(note, ())

    def owner(self, name: Name) -> str | None:
        """The one note that is meant by a name."""
        owners = self._owners.get(name.joined, ())
        return owners[0][1] if owners and not _is_shared(owners) else None

    def find(self, text: str, only: str = "") -> Iterator[Mention]:
        """The notes that `text` names, in order; of names that overlap, the first and longest.

        With `only`, the mentions of that note; texts without any are done with at once.
        """
        vocabulary = self._vocabulary
        spelled = [
            word if len(word) < _MISTYPED or word in vocabulary else self._respelled(word) for word in keys(text)
        ]
        stream = "".join(spelled)
        if only and not any(name.joined in stream for name in self.of(only)):
            return
        begins = list(accumulate(map(len, spelled), initial=0))
        spans: list[tuple[int, int]] = []
        at = 0
        while at < len(spelled):
            head = stream[begins[at] : begins[at] + _HEAD]
            longest = max(self._longest.get(head, 0), self._longest.get(head[:-1], 0))
            next_at = at + 1
            owned = None
            for end in range(bisect_right(begins, begins[at] + longest) - 1, at, -1):
                joined = stream[begins[at] : begins[end]]
                if owners := self._owners.get(joined):
                    spans = spans or word_spans(text)
                    name = self._name(owners[0][1], joined)
                    if _is_one(text, spans[at:end], name):
                        next_at, owned = end, None if _is_shared(owners) else (owners[0][1], name)
                        break
            if owned and owned[0] == (only or owned[0]):
                yield Mention(owned[0], spans[at][0], spans[next_at - 1][1], owned[1])
            at = next_at

    def _name(self, note: str, joined: str) -> Name:
        return next(name for name in self._of[note] if name.joined == joined)

    def _respelled(self, word: str) -> str:
        """The word of a name that `word` must be a slip of the keyboard for, else `word`."""
        alike = self._alike.get(word[:_HEAD])
        close = alike and extractOne(word, alike, scorer=OSA.distance, score_cutoff=1)
        return close[0] if close else word


def _is_one(text: str, spans: Sequence[tuple[int, int]], name: Name) -> bool:
    """Whether nothing but spaces and hyphens is between the words of a name, as many as it has or a compound."""
    gaps = all(_GAP.fullmatch(text, before[1], after[0]) for before, after in pairwise(spans))
    return gaps and (len(name.words) == len(spans) or len(name.joined) >= _COMPOUND)


def _is_shared(owners: tuple[tuple[int, str], ...]) -> bool:
    """Whether several notes have as good a claim to a name; of equal titles the first one owns it."""
    return len(owners) > 1 and owners[0][0] == owners[1][0] > 0
