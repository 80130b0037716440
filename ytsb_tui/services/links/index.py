"""What each note is called and which words it has: a cache, made anew when it is lost or damaged.

Names are kept in memory, texts in SQLite's full-text index on disk; so neither
memory nor the time of a question grows noticeably with the vault.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ytsb_tui.errors import BadSetup, Ours, Stopped, from_os_error
from ytsb_tui.services.links.mentions import Mention, Name, Names, names_of, weight
from ytsb_tui.services.links.words import contains, keys
from ytsb_tui.services.vault.places import ASSESSMENT
from ytsb_tui.services.vault.properties import is_assessment, split_properties, strings, video_id_of

_VERSION = 1
_TABLES = """
BEGIN;
CREATE TABLE notes (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, video_id TEXT NOT NULL,
    changed INTEGER NOT NULL, size INTEGER NOT NULL, names TEXT NOT NULL
);
CREATE VIRTUAL TABLE texts USING fts5 (about, body);
PRAGMA user_version = 1;
COMMIT;
"""
_COMMON = 0.2
"""The share of notes with a word from which on it is too common to mean one of them."""
_FEW = 5
"""Notes that may have the word in any case."""
_LONGEST = 200_000
"""Characters of a note that are looked at."""
CLOSED = "The index of links was closed."
_LINK = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?([^\[\]\n]*)\]\]")
"""A wikilink, and what is shown of it: a note has the same words before it is linked and after."""


class LinkIndex:
    """The names and words of a vault's notes. Threads may share it."""

    def __init__(self, file: Path) -> None:
        """Open the index in `file`; an empty one where there is none, or none that can be read."""
        self._file = file
        self._lock = threading.RLock()
        self._names = Names()
        self._is_closed = False
        with telling():
            try:
                self._connection = self._opened()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._connection = self._new()

    def close(self) -> None:
        """Let go of the file; who comes to it later hears `Stopped`."""
        with self._lock:
            self._is_closed = True
            self._connection.close()

    def renew(self) -> None:
        """Begin again with an empty index."""
        with self._lock, telling():
            if self._is_closed:
                raise Stopped(CLOSED)
            self._connection.close()
            self._names = Names()
            self._connection = self._new()

    def stamps(self) -> Mapping[str, tuple[int, int]]:
        """For each note that is known, what its file's time and size were."""
        with self._lock:
            rows = self._connection.execute("SELECT path, changed, size FROM notes")
            return {path: (changed, size) for path, changed, size in rows}

    def put(self, path: Path, text: str, facts: os.stat_result) -> None:
        """Know the note at `path`, which reads `text`. An assessment is known, but has no names and no words."""
        note = path.as_posix()
        names: tuple[Name, ...] = ()
        about = body = video_id = ""
        if not (path.stem.startswith(ASSESSMENT) and is_assessment(text)):
            properties, begin = split_properties(text)
            title = next(iter(strings(properties, "title")), "") or path.stem.replace("_", " ")
            aliases, concepts = strings(properties, "aliases"), strings(properties, "concepts")
            names = names_of(title, aliases, concepts)
            video_id = video_id_of(text)
            about = " ".join(word for phrase in (title, *aliases, *concepts) for word in keys(phrase))
            body = " ".join(keys(_LINK.sub(r"\1", text[begin : begin + _LONGEST])))
        with self._lock, self._connection:
            self._forget(note)
            row = self._connection.execute(
                "INSERT INTO notes (path, video_id, changed, size, names) VALUES (?, ?, ?, ?, ?)",
                (note, video_id, facts.st_mtime_ns, facts.st_size, json.dumps(names)),
            ).lastrowid
            self._connection.execute("INSERT INTO texts (rowid, about, body) VALUES (?, ?, ?)", (row, about, body))
            self._names.put(note, names)

    def touch(self, path: Path, facts: os.stat_result) -> None:
        """Know that the file of a note has changed, but not its words."""
        with self._lock, self._connection:
            self._connection.execute(
                "UPDATE notes SET changed = ?, size = ? WHERE path = ?",
                (facts.st_mtime_ns, facts.st_size, path.as_posix()),
            )

    def drop(self, path: Path) -> None:
        """Forget the note at `path`."""
        with self._lock, self._connection:
            self._forget(path.as_posix())
            self._names.drop(path.as_posix())

    def find(self, text: str, only: str = "") -> list[Mention]:
        """The notes that `text` names, or the mentions of `only`, in order."""
        with self._lock:
            return list(self._names.find(text, only))

    def is_clear(self, name: Name) -> bool:
        """Whether a name means its note, and is not a word that many notes have."""
        if not name.lone:
            return True
        with self._lock:
            many = max(_FEW, int(_COMMON * len(self._names))) + 1
            (count,) = self._connection.execute(
                "SELECT count(*) FROM (SELECT 1 FROM texts WHERE texts MATCH ? LIMIT ?)",
                (_any_of("body", [name.words]), many),
            ).fetchone()
            return bool(count < many)

    def mentioning(self, path: Path, limit: int) -> list[Path]:
        """At most `limit` of our notes that may name the one at `path`, the newest first."""
        note = path.as_posix()
        with self._lock:
            own = [name for name in self._names.of(note) if self._names.owner(name) == note]
            phrases = [name.words for name in own if self.is_clear(name)]
            rows = self._connection.execute(
                "SELECT path FROM texts CROSS JOIN notes ON notes.id = texts.rowid"
                " WHERE texts MATCH ? AND video_id != '' AND path != ? ORDER BY texts.rowid DESC LIMIT ?",
                (_any_of("body", phrases), note, limit),
            )
            return [Path(path) for (path,) in rows] if phrases else []

    def about(self, phrases: Sequence[tuple[str, ...]], limit: int) -> list[Path]:
        """At most `limit` notes that share concepts, the best match first; one common word is not enough."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT path, about FROM texts JOIN notes ON notes.id = texts.rowid"
                " WHERE texts MATCH ? ORDER BY rank, path LIMIT ?",
                (_any_of("about", phrases), 4 * limit),
            )
            found = rows.fetchall() if phrases else []
            return [Path(path) for path, about in found if self._shared(path, about, phrases) > 1][:limit]

    def video_of(self, path: Path) -> str:
        """Which video a note is about; "" if none, or if the note is not known."""
        with self._lock:
            row = self._connection.execute("SELECT video_id FROM notes WHERE path = ?", (path.as_posix(),)).fetchone()
            return str(row[0]) if row else ""

    def _shared(self, note: str, about: str, phrases: Sequence[tuple[str, ...]]) -> int:
        """How much the phrases that a note has in its title and concepts say; its names say enough."""
        names = {name.joined for name in self._names.of(note)}
        topics = tuple(about.split())
        return sum(2 if "".join(phrase) in names else weight(phrase) for phrase in phrases if contains(phrase, topics))

    def _forget(self, note: str) -> None:
        self._connection.execute("DELETE FROM texts WHERE rowid = (SELECT id FROM notes WHERE path = ?)", (note,))
        self._connection.execute("DELETE FROM notes WHERE path = ?", (note,))

    def _opened(self) -> sqlite3.Connection:
        """A connection to the index, with its names loaded."""
        self._file.touch(0o600)
        connection = sqlite3.connect(self._file, check_same_thread=False)
        try:
            connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                connection.executescript(_TABLES)
            elif version != _VERSION:
                raise sqlite3.DatabaseError(f"version {version}")
            for note, names in connection.execute("SELECT path, names FROM notes"):
                self._names.put(note, tuple(Name(tuple(words), rank, lone) for words, rank, lone in json.loads(names)))
        except BaseException:
            connection.close()
            raise
        return connection

    def _new(self) -> sqlite3.Connection:
        self._names = Names()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._file}{suffix}").unlink(missing_ok=True)
        return self._opened()


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is no database any more, rather than the disk or SQLite refusing, or our having closed it."""
    return not isinstance(error, sqlite3.OperationalError | sqlite3.ProgrammingError)


@contextmanager
def telling() -> Iterator[None]:
    """Say in words what SQLite or the system refuses; damage is left to be repaired."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "fts5" in str(error):
            raise BadSetup(
                "This Python's SQLite has no full-text search (FTS5).", advice="Use a Python from python.org or uv."
            ) from error
        raise Ours(
            f"The index of links cannot be used: {error}.",
            advice="Check the disk, end other programs that use the vault, then retry.",
        ) from error
    except sqlite3.ProgrammingError as error:
        if "closed" not in str(error):
            raise
        raise Stopped(CLOSED) from error
    except OSError as error:
        raise from_os_error(error, "linking notes") from error


def _any_of(column: str, phrases: Sequence[tuple[str, ...]]) -> str:
    """A full-text question for notes that have one of the phrases in a column."""
    quoted = (f'"{" ".join(phrase)}"' for phrase in phrases)
    return f"{column} : ({' OR '.join(quoted)})" if phrases else '""'
