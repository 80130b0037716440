"""Words as they are compared: without case, accents, plurals and possessives.

Scripts that put no spaces between words are taken character by character, so
that a phrase of them is found inside a sentence like any other.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003fffd"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese; and Korean, whose particles stick to the noun."""
_INDIC = "\u0900-\u0963\u0966-\u096f\u0971-\u0dff"
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u17b4-\u17d3"
    "\u1dc0-\u1dff\u200c\u200d\u3099\u309a\ufe00-\ufe0f"
)
"""Signs that belong to the letter before them."""
_WORD = re.compile(
    rf"[{_SPACELESS}][{_MARKS}]*|(?:[^\W_{_SPACELESS}]|[{_INDIC}])(?:[^\W_{_SPACELESS}]|[{_INDIC}{_MARKS}])*(?:['’]s\b)?"
)
_FOLDED_AWAY = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200c\u200d]")
_ONE_SPACELESS = re.compile(rf"[{_SPACELESS}]")


def keys(text: str) -> tuple[str, ...]:
    """What the words of `text` are compared by."""
    return tuple(map(key, _WORD.findall(text)))


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words of `text` begin and end."""
    return [match.span() for match in _WORD.finditer(text)]


def contains(phrase: tuple[str, ...], text: tuple[str, ...]) -> bool:
    """Whether `phrase` occurs in `text`, word for word."""
    size = len(phrase)
    return size > 0 and any(text[at : at + size] == phrase for at in range(len(text) - size + 1))


def is_spaceless(word: str) -> bool:
    """Whether it is a character of a script without spaces, not a whole word."""
    return _ONE_SPACELESS.match(word) is not None


@lru_cache(maxsize=8192)
def key(word: str) -> str:
    """What `word` is compared by."""
    if word.isascii():
        return _singular(word.lower().removesuffix("'s"))
    folded = unicodedata.normalize("NFKD", word.casefold().removesuffix("'s").removesuffix("’s"))
    bare = unicodedata.normalize("NFC", _FOLDED_AWAY.sub("", folded))
    if bare.startswith("ال") and len(bare) > 4:
        return bare[2:]
    return _singular(bare) if bare.isascii() else bare


def _singular(word: str) -> str:
    """English and French plurals and their singulars as one; not always a real word."""
    if len(word) < 4:
        return word
    for ending, replacement in _ENDINGS:
        if word.endswith(ending):
            return word[: len(word) - len(ending)] + replacement
    return word


_ENDINGS = (
    ("ices", "ic"),
    ("ice", "ic"),
    ("trix", "tric"),
    ("dex", "dic"),
    ("tex", "tic"),
    ("ies", "y"),
    ("sses", "ss"),
    ("shes", "sh"),
    ("ches", "ch"),
    ("xes", "x"),
    ("sis", "se"),
    ("ss", "ss"),
    ("us", "us"),
    ("is", "is"),
    ("s", ""),
    ("aux", "au"),
)


_WEAK_WORDS = """
    a about after all also an and are as at be before but by can do does every explained first for from get has have how
    i if in into is it its lecture lesson like make me more most my need new no not of on one only or our out part quick
    second should so some step than that the their them then there these they thing this to tutorial two understand
    understanding up us using video was we what when where which who why will with work you your
    basic beginner chapter class complete conclusion course crash day episode example exercise full guide index
    introduction intro know learn minute module must note overview question review season section series session
    summary unit untitled update vol volume week welcome year
    au aux avec ce ces comment dan de des du en est et la le les leur ou par pour que qui quoi sur un une
    como con cual del el es los las para por que un una y o
    auf aus das dem den der die ein eine einer fur im ist mit und von was wie zu zum zur
    che da di e il gli per sono
    das do dos os uma em no na nos nas
    """
WEAK = frozenset(map(key, _WEAK_WORDS.split()))
"""Keys of words that say nothing about a topic on their own."""
