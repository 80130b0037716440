"""Under which folder a note is filed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ytsb_tui.services.links.words import WEAK, contains, keys
from ytsb_tui.services.vault.names import folder_name
from ytsb_tui.services.vault.places import GENERAL
from ytsb_tui.services.vault.vault import Vault

_SEPARATOR = re.compile(r"\s*[|:：–—]\s*|\s+-\s+")
_LONGEST_PREFIX = 4
"""Words up to which the part of a title before a colon or dash names its course or field."""
_SHORTEST_ABBREVIATION = 4
"""Letters from which on "math" is taken to mean "mathematics"."""


class SubjectFolders:
    """The folders of a vault as the subjects there are."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def choose(self, title: str, concepts: Sequence[str], suggested: str) -> str:
        """A folder name; see `stages.Subjects`.

        A folder that means what the author suggests comes first. Failing that,
        a folder whose whole name is found in the title or the concepts: once
        where the author had no idea, twice where it would be overruled.
        """
        folders = self._vault.subjects()
        if same := next((folder for folder in folders if _means(keys(folder), keys(suggested))), None):
            return same
        texts = [keys(text) for text in (title, *concepts)]
        support = {
            folder: sum(contains(keys(folder), text) for text in texts)
            for folder in folders
            if folder != GENERAL and not WEAK.issuperset(keys(folder))
        }
        best = max(support, key=lambda folder: (support[folder], len(folder)), default="")
        if best and support[best] >= (2 if keys(suggested) else 1):
            return best
        return folder_name(suggested or _derived(title, concepts), GENERAL)


def _means(folder: tuple[str, ...], subject: tuple[str, ...]) -> bool:
    """Whether both name one subject: the same words, "AI" and its long form, or "Maths" and "Mathematics"."""
    if not folder or not subject:
        return False
    if "".join(folder) == "".join(subject) or _is_acronym(folder, subject) or _is_acronym(subject, folder):
        return True
    if len(folder) > 1 or len(subject) > 1:
        return False
    short, long = sorted((*folder, *subject), key=len)
    return len(short) >= _SHORTEST_ABBREVIATION and long.startswith(short)


def _is_acronym(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    return len(short) == 1 and len(long) > 1 and short[0] == "".join(word[0] for word in long)


def _derived(title: str, concepts: Sequence[str]) -> str:
    """A subject for what fits nowhere: the course its title begins with, else the main concept its title has."""
    first, *rest = _SEPARATOR.split(title)
    words = keys(first)
    if rest and len(words) <= _LONGEST_PREFIX and any(word not in WEAK and not word.isdigit() for word in words):
        return first
    concept = next((concept for concept in concepts if contains(keys(concept), keys(title))), "")
    return concept[:1].upper() + concept[1:]
