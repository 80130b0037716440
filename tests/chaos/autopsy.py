"""What a dead program leaves in its vault, read without touching it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.blackbox.program import Json, leftovers
from ytsb_tui.services.documents import USER_MARK

LOG = "processing_log.json"
Place = tuple[str, str]
"""A job and a stage of it."""
OF_ITS_OWN = {"start_time", "end_time", "logged_at", "processing_duration", "timings", "worker_id", "resumed_from"}
OF_ITS_OWN |= {"cost", "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_missed", "links_added"}
"""Facts of an entry that no two runs share: times, and how much was left to do for a stage that was begun before."""
OF_ITS_ORDER = {"related", "artifact_hashes"}
"""Facts that depend on which job came first."""


@dataclass(frozen=True)
class Remains:
    """A vault at rest."""

    finished: frozenset[Place]
    """The stages its journal calls finished."""
    attempts: Counter[str]
    """How often each job's end is in the journal."""
    logged: Counter[str] | None
    """How often it is in the log; None when that is torn."""
    stray: frozenset[str]
    """Temporary files."""
    wrong: tuple[str, ...]
    """What must never be."""


def examine(vault: Path) -> Remains:
    """Look at everything in a vault that nobody has open."""
    wrong = list(_halves(vault))
    finished: frozenset[Place] = frozenset()
    attempts: Counter[str] = Counter()
    if (vault / ".ytsb/state.db").exists():
        with tempfile.TemporaryDirectory() as folder:
            for path in vault.glob(".ytsb/state.db*"):
                shutil.copy(path, folder)
            store = sqlite3.connect(Path(folder, "state.db"))
            (verdict,) = store.execute("PRAGMA integrity_check").fetchone()
            if verdict != "ok":
                wrong.append(f"state.db: {verdict}")
            if store.execute("PRAGMA user_version").fetchone() != (0,):
                finished = frozenset(store.execute("SELECT job_id, stage FROM checkpoint"))
                attempts = Counter(name for (name,) in store.execute("SELECT job_id FROM attempt"))
            store.close()
    stray = frozenset(str(path.relative_to(vault)) for path in leftovers(vault))
    return Remains(finished, attempts, _logged(vault), stray, tuple(wrong))


def _logged(vault: Path) -> Counter[str] | None:
    log = vault / LOG
    try:
        return Counter(entry["video_id"] for entry in json.loads(log.read_text())) if log.exists() else Counter()
    except ValueError:
        return None


def _halves(vault: Path) -> Iterator[str]:
    """Notes and PDFs that are not whole."""
    for note in vault.rglob("*.md"):
        text = note.read_text()
        if not is_claim(text) and not _is_whole(text, note.name.startswith("Assessment_")):
            yield f"half a note: {note}: {text[-80:]!r}"
    for pdf in vault.rglob("*.pdf"):
        content = pdf.read_bytes()
        if not (content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")):
            yield f"half a PDF: {pdf}"


def is_claim(text: str) -> bool:
    """Whether a file only says whose name it is, until its note is written."""
    return len(text) < 100 and re.fullmatch(r"---\nvideo_id: \S+\n---\n\s*", text) is not None


def _is_whole(text: str, assessment: bool) -> bool:
    above, _, below = text.partition(USER_MARK)
    if assessment:
        return above.count("**Question ") == 2 * len(re.findall(r"(?m)^\*\*\d+\.\*\* ", below)) > 0
    return below == "\n\n## My Notes\n\n"


def picture(vault: Path, *, links: bool) -> dict[str, Any]:
    """What a vault holds, times aside, for comparing it with another.

    Which notes are linked depends on the order in which they were written;
    without `links` they are left out.
    """
    log = (vault / LOG).read_text().replace(vault.name, "VAULT")
    entries: list[Json] = json.loads(log)
    own = OF_ITS_OWN if links else OF_ITS_OWN | OF_ITS_ORDER
    facts = [{key: entry[key] for key in entry.keys() - own} for entry in entries]
    return {
        **{str(path.relative_to(vault)): _text(path, links=links) for path in vault.rglob("*.md")},
        **{str(path.relative_to(vault)): _drawn(path) if links else "a PDF" for path in vault.rglob("*.pdf")},
        LOG: sorted(facts, key=lambda entry: str(entry["video_id"])),
    }


def _drawn(pdf: Path) -> str:
    return f"a PDF of SHA-256 {hashlib.sha256(pdf.read_bytes()).hexdigest()}"


def _text(note: Path, *, links: bool) -> str:
    text = re.sub(r"(?m)^created: .*$", "", note.read_text())
    if links:
        return text
    kept = (line for line in text.splitlines() if line and not line.startswith(("## Related", "- [[")))
    return re.sub(r"\[\[(?:[^]|]*\|)?([^]]*)\]\]", r"\1", "\n".join(kept))


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """In what two pictures differ, a line for each."""
    found = [f"only in one of them: {name}" for name in sorted(one.keys() ^ other.keys())]
    for name in sorted(one.keys() & other.keys()):
        if name == LOG:
            found += [f"log: {_first_difference(a, b)}" for a, b in zip(one[name], other[name], strict=False) if a != b]
            if len(one[name]) != len(other[name]):
                found.append(f"log: {len(one[name])} and {len(other[name])} entries")
        elif one[name] != other[name]:
            lines = zip(one[name].splitlines(), other[name].splitlines(), strict=False)
            found.append(f"{name}: {next((pair for pair in lines if pair[0] != pair[1]), 'longer')}")
    return found


def _first_difference(one: Json, other: Json) -> str:
    keys = (key for key in one | other if one.get(key) != other.get(key))
    return next(f"{one['video_id']} {key}: {one.get(key)!r} {other.get(key)!r}" for key in keys)
