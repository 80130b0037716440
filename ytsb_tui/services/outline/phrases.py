"""Key phrases: what a lecture is about, found without knowing any subject."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ytsb_tui.services.outline.languages import ELIDING, SPACELESS, words
from ytsb_tui.services.outline.sentences import Speech

SAMPLE = 150_000
"""Characters of a long transcript that are looked at, taken evenly from all of it."""

_GRAMMAR = (
    "的了是在和與与也都就不您你我他她它們们這这那有可能會会為为以及"
    "或把被讓让到從从對对於于而並并但很更最個个要\u3040-\u309f"
)
_GRAMMAR_AT_END = re.compile(rf"^[{_GRAMMAR}]|[{_GRAMMAR}]$")
"""Strings that begin or end with a Chinese function word or with Japanese grammar."""
_WORD = re.compile(r"[^\W_]+(?:['’+#-]?[^\W_]+)*[+#]{0,2}")


@dataclass(frozen=True)
class Concept:
    """One thing the lecture is about."""

    name: str
    """As it is mostly written in the transcript."""
    times: int
    """How often it is said, plural included."""
    weight: float
    """Its share of the importance of all concepts: less for a word that is in every other sentence."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds it in text, in singular and plural; whole words where the script has them."""
        if SPACELESS.search(self.name):
            return re.compile(re.escape(self.name))
        *before, last = self.name.split()
        stem = singular(last)
        ending = f"{re.escape(stem[:-1])}(?:y|ies)" if stem.endswith("y") else f"{re.escape(stem)}(?:e?s)?"
        return re.compile(rf"(?<![\w-]){'[ -]'.join([*map(re.escape, before), ending])}(?![\w-])", re.IGNORECASE)

    def within(self, text: str) -> bool:
        """Whether `text` speaks of it."""
        return self.pattern.search(text) is not None


def concepts(speech: Speech, title: str, limit: int, check: Callable[[], None]) -> list[Concept]:
    """The key concepts, most important first; fewer than `limit` where there is little to tell.

    What the title names and the speaker takes up comes first.
    """
    texts = _sampled([sentence.text for sentence in speech.sentences])
    ranked = _repeated_strings(texts, check) if speech.spaceless else _ranked_phrases(texts, title, speech, check)
    chosen = _without_variants(ranked, limit)
    weights = [1 / (rank + 3) / (1 + 4 * times / len(texts)) for rank, (_, times) in enumerate(chosen)]
    return [Concept(name, times, weight / sum(weights)) for (name, times), weight in zip(chosen, weights, strict=True)]


def singular(word: str) -> str:
    """An English word without its plural ending, near enough to tell that two words are one."""
    lower = word.lower()
    if word.endswith("s") and word[:-1].isupper():
        return lower[:-1]
    if len(lower) < 4 or lower.endswith(("ss", "us", "is")):
        return lower
    if lower.endswith("ies"):
        return lower[:-3] + "y"
    if lower.endswith(("ches", "shes", "xes", "sses", "zes")):
        return lower[:-2]
    return lower.removesuffix("s")


def _sampled(texts: Sequence[str]) -> list[str]:
    """Every n-th run of sentences, so that about `SAMPLE` characters are left."""
    step = sum(map(len, texts)) // SAMPLE + 1
    return [text for place, text in enumerate(texts) if place // 20 % step == 0]


@dataclass(frozen=True)
class _Counts:
    """How often phrases of up to three words are said, and in what company."""

    phrases: Counter[str]
    spellings: dict[str, Counter[str]]
    as_noun: Counter[str]
    as_verb: Counter[str]
    before_noun: frozenset[str]
    before_verb: frozenset[str]
    english: bool

    @classmethod
    def of(cls, texts: Iterable[str], language: str, check: Callable[[], None]) -> _Counts:
        company = (words("before_noun", language), words("before_verb", language)) if language else (frozenset(),) * 2
        counts = cls(Counter(), {}, Counter(), Counter(), *company, language == "en")
        for text in texts:
            check()
            for clause in re.split(r"[,.;:!?–()\"“”«»،؛؟]+", text):
                counts._add(_WORD.findall(clause))
        return counts

    def _add(self, said: Sequence[str]) -> None:
        keys = [_key(word) for word in said]
        lower = [word.lower().replace("’", "'") for word in said]
        for place in range(len(said)):
            if place and lower[place - 1] in self.before_noun:
                self.as_noun[keys[place]] += 1
            if place and lower[place - 1] in self.before_verb:
                self.as_verb[keys[place]] += 1
            for size in (1, 2, 3):
                if place + size <= len(said):
                    phrase = " ".join(keys[place : place + size])
                    self.phrases[phrase] += 1
                    self.spellings.setdefault(phrase, Counter())[" ".join(said[place : place + size])] += 1

    def spelling(self, key: str) -> str:
        """A phrase as it is mostly written, lower case unless it hardly ever is."""
        seen = self.spellings[key]
        lower = {form: times for form, times in seen.items() if form == form.lower()}
        forms = lower if 4 * sum(lower.values()) >= seen.total() else seen
        return max(sorted(forms), key=lambda form: forms[form])

    def ends_in_verb(self, parts: Sequence[str]) -> bool:
        """Whether an English phrase looks like a subject with its verb: "keys land", "the input grows"."""
        *_, subject, last = map(self.spelling, parts)
        plural = subject.endswith("s") and _key(subject) != subject.lower()
        return plural or (last.endswith("s") and not self.as_noun[parts[-1]])

    def with_first_names(self, speakers: frozenset[str]) -> frozenset[str]:
        """The speakers' names, and the capitalised words said right before them."""
        pairs = (key.split() for key in self.phrases if key.count(" ") == 1)
        known = {_key(name) for name in speakers}
        first = {name for name, family in pairs if family in known and self.spelling(name).istitle()}
        return speakers | known | first


def _key(word: str) -> str:
    return singular(re.sub(r"['’]s$", "", word))


def _ranked_phrases(
    texts: Sequence[str], title: str, speech: Speech, check: Callable[[], None]
) -> list[tuple[str, int]]:
    """Phrases with how often they are said, best first: YAKE's candidates that are said as names of things."""
    from yake import KeywordExtractor

    if speech.language in ELIDING:
        texts = [re.sub(r"(?<=\w)['’](?=\w)", "' ", text) for text in texts]
    counts = _Counts.of(texts, speech.language, check)
    extractor = KeywordExtractor(lan=speech.language or "en", n=3, top=1000, dedup_lim=1.0)
    stop = frozenset(extractor.stopword_set) | words("talk") | counts.with_first_names(speech.speakers)
    found = extractor.extract_keywords(" ".join(text if text[-1:] in ".!?…" else f"{text}." for text in texts))
    check()
    scores: dict[str, float] = {}
    for phrase, score in found:
        key = " ".join(_key(word) for word in _WORD.findall(phrase))
        scores[key] = min(float(score), scores.get(key, 1e9))
    enough = 2 if sum(map(len, texts)) > 1500 else 1
    names = {key for key in scores if counts.phrases[key] >= enough and _names_something(key, counts, stop)}
    parts = {part for key in names for part in _fixed_parts(key, counts)}

    def worth(key: str) -> float:
        return counts.phrases[key] * math.pow(len(key.split()), 1.5) / math.sqrt(0.02 + scores[key])

    in_title = _taken_up(title, counts, frozenset(extractor.stopword_set), names)
    best = [*in_title, *sorted(names - parts, key=lambda key: (-worth(key), key))]
    return [(counts.spelling(key), counts.phrases[key]) for key in best]


def _taken_up(title: str, counts: _Counts, stop: frozenset[str], names: set[str]) -> list[str]:
    """Phrases of two or three words of the title that the speaker uses too, or else single words that are names."""
    said = [_key(word) for word in _WORD.findall(title)]
    for size in (3, 2, 1):
        runs = (said[at : at + size] for at in range(len(said) - size + 1))
        keys = [" ".join(run) for run in runs if not stop & {run[0], run[-1]}]
        found = [key for key in keys if (size > 1 and counts.phrases[key] > 1) or key in names]
        if found:
            return found
    return []


def _names_something(key: str, counts: _Counts, stop: frozenset[str]) -> bool:
    """Whether a phrase has no filler in it and, where the language's articles are known, is used as a noun."""
    parts = key.split()
    if not parts or any(len(part) < 2 or part.isdigit() for part in parts):
        return False
    plain = parts[:-1] if len(parts) > 1 and parts[-1] in words("heads") else parts
    if any(part in stop or any(form.lower() in stop for form in counts.spellings.get(part, ())) for part in plain):
        return False
    if not counts.before_noun:
        return True
    if len(parts) > 1:
        verbs = any(counts.as_verb[part] and not counts.as_noun[part] for part in parts)
        return counts.phrases[key] > 1 and not verbs and not (counts.english and counts.ends_in_verb(parts))
    return counts.as_noun[key] > 0 and counts.as_verb[key] <= counts.as_noun[key]


def _fixed_parts(key: str, counts: _Counts) -> list[str]:
    """Shorter phrases that are mostly said as part of the phrase `key`."""
    all_parts = key.split()
    parts = (
        " ".join(all_parts[at : at + size])
        for size in range(1, len(all_parts))
        for at in range(len(all_parts) - size + 1)
    )
    return [part for part in parts if counts.phrases[key] * 1.5 >= counts.phrases[part]]


def _repeated_strings(texts: Iterable[str], check: Callable[[], None]) -> list[tuple[str, int]]:
    """Strings of 2 to 8 characters (and Latin words) that come back: concepts of scripts without spaces."""
    seen: Counter[str] = Counter()
    for text in texts:
        check()
        for run in re.findall(rf"(?:{SPACELESS.pattern})+", text):
            seen.update(run[at : at + size] for size in range(2, 9) for at in range(len(run) - size + 1))
        seen.update(re.findall(r"[A-Za-z][\w+#-]*(?: [A-Z][\w+#-]*)*", text))
    often = {string: times for string, times in seen.items() if times >= 3 and len(string) > 1}
    whole = [
        string
        for string, times in often.items()
        if not _GRAMMAR_AT_END.search(string)
        and not any(string in longer and string != longer and others * 1.5 >= times for longer, others in often.items())
    ]
    return [(string, often[string]) for string in sorted(whole, key=lambda each: (-often[each] * len(each), each))]


def _without_variants(ranked: Iterable[tuple[str, int]], limit: int) -> list[tuple[str, int]]:
    """The first `limit` phrases of which none says what another one says already."""
    chosen: list[tuple[str, int]] = []
    for name, times in ranked:
        parts = {_key(word) for word in name.split()}
        for other, others in chosen:
            known = {_key(word) for word in other.split()}
            inside = parts <= known or parts >= known or (SPACELESS.search(name) and (name in other or other in name))
            if parts == known or (inside and min(times, others) * 2 >= max(times, others)):
                break
        else:
            chosen.append((name, times))
        if len(chosen) == limit:
            break
    return chosen
