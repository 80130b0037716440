"""Settings: defaults, a TOML file, the environment, the command line; later ones win."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import platformdirs

from ytsb_tui.errors import UsageError
from ytsb_tui.plaintext import one_line

PRIVATE = ".ytsb"
"""The folder inside a vault that is the program's own."""
LARGEST = 64_000
"""Bytes of a settings file: what is larger is something else, and takes long to read."""
PREFIX = "YTSB_"
"""`YTSB_WORKERS=5` sets `workers`."""
MOST_OF_TIME = 10_000
"""The most that a setting in seconds, minutes or hours may be."""
TIMES = ("tor_cooldown_minutes", "tor_refused_hours", "tor_minutes", "tor_deadline", "fetch_deadline", "retry_minutes")
PLACE = re.compile(r"([\w.-]+:)?[1-9]\d{0,4}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a user can choose, with the default of each."""

    out: Path = Path("notes")
    """The vault: an Obsidian vault that notes are written to."""
    subject: str = ""
    """File every note under this folder instead of choosing one."""
    workers: int = 3
    """Jobs worked on at once."""
    author: Literal["auto", "claude", "outline"] = "auto"
    """What writes notes: Claude, the offline outline, or Claude when a key or base URL is set."""
    assessment: bool = True
    """Write an assessment for each note."""
    pdf: bool = True
    """Draw PDFs of notes and assessments."""
    pdf_theme: str = "obsidian"
    """obsidian, academic, minimal, default, or a stylesheet of your own in `themes`."""
    themes: Path = field(default_factory=lambda: platformdirs.user_config_path("ytsb-tui") / "themes")
    """A folder of your own `NAME.css` PDF themes."""
    languages: tuple[str, ...] = ("en",)
    """Caption languages you prefer, best first (BCP 47); then the video's own, then any."""
    notes_language: str = ""
    """The language notes are written in; "" for that of the transcript."""
    model: str = ""
    """Claude's model id; "" for the current Sonnet."""
    base_url: str = ""
    """Another server that speaks the Messages API: Ollama, llama.cpp, LM Studio, vLLM; "" for Anthropic's."""
    api_key_env: str = ""
    """The name of the environment variable that holds the key; "" looks in ANTHROPIC_API_KEY, then CLAUDE_API_KEY."""
    api_key_command: str = ""
    """A command that prints the key, for example of a password manager."""
    prices: Path = field(default_factory=lambda: platformdirs.user_config_path("ytsb-tui") / "prices.toml")
    """Your own prices per model, over the built-in ones."""
    budget: float | None = None
    """US dollars a run may spend; no paid stage is started that would exceed it."""
    economy: bool = False
    """Use the Message Batches API: half the price, up to a day of waiting."""
    proxy: str = ""
    """http://, https:// or socks5h:// proxy for every request to YouTube; "" for none."""
    tor: bool = False
    """Ask YouTube over Tor only, each worker over a circuit of its own; never beside it."""
    tor_cooldown_minutes: float = 60.0
    """Minutes an exit's address is left alone after a circuit used it."""
    tor_refused_hours: float = 24.0
    """Hours an exit's address is left alone after YouTube refused it."""
    tor_minutes: float = 60.0
    """Minutes a worker keeps a circuit at most."""
    tor_uses: int = 50
    """Fetches over one circuit at most; 0 for any number."""
    tor_reuse: bool = False
    """When no fresh exit is left, take the one that has rested longest instead of waiting."""
    tor_deadline: float = 120.0
    """Seconds jobs wait for a Tor that makes no progress before they fail."""
    tor_binary: str = "tor"
    """The tor to start; one of our own is used where it is installed."""
    tor_options: Path | None = None
    """A file of more torrc lines for it: bridges, a country to leave out."""
    tor_socks: str = ""
    """host:port of a running tor to use instead of one of our own."""
    tor_control: str = ""
    """host:port of its control port."""
    tor_password_env: str = ""
    """The name of the environment variable that holds the control port's password."""
    playlist_limit: int = 500
    """How many videos of a playlist or channel are taken at most."""
    fetch_deadline: float = 120.0
    """Seconds the fetch of one transcript may take in all."""
    fetch_limit: int = 4
    """How many workers may fetch at once."""
    generate_limit: int = 8
    """How many workers may have an author write at once."""
    export_limit: int = 2
    """How many PDFs are drawn at once, each in a process of its own."""
    retries: int = 5
    """How often a failed job is tried again by itself; 0 for never."""
    retry_minutes: float = 15.0
    """Minutes before the first automatic retry; doubled before each further one."""
    notify: Literal["toast", "bell", "desktop"] = "toast"
    """How the app calls you when all is done: on its screen only, with the terminal's bell, or on the desktop."""
    theme: str = ""
    """The app's colours: the name of a Textual theme ("textual-light", "nord", "gruvbox" ...); "" for its default."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Other keys for what the app can do, by the names its help shows: `keys = {"jobs.retry" = "e"}`."""

    def __post_init__(self) -> None:
        for name in ("out", "themes", "prices", "tor_binary", "tor_options"):
            if "\0" in str(getattr(self, name)):
                raise UsageError(f"`{name}` has a character that no path has.")
        for name in ("workers", "fetch_limit", "generate_limit", "export_limit"):
            if not 1 <= getattr(self, name) <= 64:
                raise UsageError(f"`{name}` must be from 1 to 64, not {getattr(self, name)}.")
        if self.budget is not None and not self.budget > 0:
            raise UsageError(f"`budget` must be above 0, not {self.budget}.")
        if self.tor and self.proxy:
            raise UsageError("`tor` and `proxy` exclude each other.", advice="Leave out --tor, or unset the proxy.")
        for name in TIMES:
            if not 0 < getattr(self, name) <= MOST_OF_TIME:
                raise UsageError(f"`{name}` must be above 0 and not above {MOST_OF_TIME:,}, not {getattr(self, name)}.")
        if self.tor_uses < 0:
            raise UsageError(f"`tor_uses` must not be negative, but is {self.tor_uses}.")
        for name in ("tor_socks", "tor_control"):
            if (value := getattr(self, name)) and not PLACE.fullmatch(value):
                raise UsageError(f"`{name}` must be host:port, or a port, not {value}.")
        if self.playlist_limit < 1:
            raise UsageError(f"`playlist_limit` must be at least 1, not {self.playlist_limit}.")
        if self.retries < 0:
            raise UsageError(f"`retries` must not be negative, but is {self.retries}.")


KNOWN = {item.name: item for item in fields(Settings)}
ON_COMMAND_LINE = {"language": ("notes_language", "languages"), "limit": ("playlist_limit",)}
"""What a user of `--language` or `--limit` may mean by that in a file."""
KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "float | None": "a number",
    "str": "a text in quotes",
    "Path": "a path in quotes",
    "Path | None": "a path in quotes",
    "tuple[str, ...]": 'a list of texts such as ["en", "de"]',
    "Mapping[str, str]": 'a table such as {"jobs.retry" = "e"} in the settings file',
}
"""What a setting has to be, by its type."""


def config_file() -> Path:
    """Where the settings file is looked for."""
    return platformdirs.user_config_path("ytsb-tui") / "config.toml"


def load(
    overrides: Mapping[str, Any],
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force.

    `overrides` come from the command line (None means: not given). `file` must
    exist when it is named; the default one need not. Raises `UsageError` with
    a suggestion for a key that does not exist.
    """
    given = _read(file or config_file(), required=file is not None)
    for name, value in (os.environ if environment is None else environment).items():
        if name.startswith(PREFIX):
            key = _known(name.removeprefix(PREFIX).lower(), name)
            given[key] = _listed(value) if key == "languages" else value
    given |= {
        key: _listed(value) if key == "languages" and isinstance(value, str) else value
        for key, value in overrides.items()
        if value is not None
    }
    try:
        settings = msgspec.convert(given, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except UnicodeEncodeError as error:
        raise UsageError(f"A setting of the environment is no text: {error.object[:40]!r}.") from error
    except msgspec.ValidationError as error:
        raise _misfit(str(error), given) from error
    return replace(
        settings,
        out=_at_home(settings.out),
        themes=_at_home(settings.themes),
        prices=_at_home(settings.prices),
        tor_options=settings.tor_options and _at_home(settings.tor_options),
    )


def _listed(words: str) -> list[str]:
    """The items of a list that is written with commas."""
    return list(filter(None, map(str.strip, words.split(","))))


def _misfit(words: str, given: Mapping[str, Any]) -> UsageError:
    """What a user is told of a value that does not fit its setting, which msgspec names at the end of its `words`."""
    name = re.split(r"\W", words.rpartition(" - at `$.")[2])[0]
    kind = str(KNOWN[name].type)
    wanted = KINDS.get(kind) or "one of " + ", ".join(re.findall(r"'(\w+)'", kind))
    value = given[name]
    if isinstance(value, bool):
        value = str(value).lower()
    shown = "" if isinstance(value, list | dict) else f", not {one_line(str(value))[:40] or 'empty'}"
    return UsageError(f"`{name}` must be {wanted}{shown}.")


def _at_home(path: Path) -> Path:
    """The path with the home folder for a `~` that means one."""
    return Path(os.path.expanduser(path))


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        given = read_toml(file, "settings file")
    except FileNotFoundError:
        if required:
            raise UsageError(f"There is no settings file {file}.") from None
        return {}
    for key in given:
        _known(key, str(file))
    return given


def read_toml(file: Path, what: str) -> dict[str, Any]:
    """What a TOML file holds. Raises `FileNotFoundError`, and `UsageError` saying `what` cannot be read and why."""
    try:
        if file.stat().st_size > LARGEST:
            raise UsageError(f"The {what} {file} is larger than any.")
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
    except RecursionError:
        why = "it is nested too deeply"
    except UnicodeDecodeError:
        why = "it is no text in UTF-8"
    except tomllib.TOMLDecodeError as error:
        why = str(error).replace("Cannot overwrite a value", "Something is set twice")
    except ValueError:
        why = "a number in it has thousands of digits"
    raise UsageError(f"The {what} {file} cannot be read: {why}.")


def _known(key: str, place: str) -> str:
    """`key`, if there is such a setting; else a `UsageError` that says where it stands, and what may be meant."""
    if key not in KNOWN:
        close = ON_COMMAND_LINE.get(key) or difflib.get_close_matches(key, KNOWN, n=1)
        hint = f" Did you mean {' or '.join(f'`{name}`' for name in close)}?" if close else ""
        raise UsageError(f"{place}: there is no setting `{key}`.{hint}")
    return key
