"""Whom we talk to, and the key to it: where it is found, and how it stays out of sight."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ytsb_tui.errors import BadSetup, BadStart
from ytsb_tui.services.claude.models import DEFAULT_MODEL
from ytsb_tui.settings import Settings

KEY_VARIABLES = ("ANTHROPIC_API_KEY", "CLAUDE_API_KEY")
NO_KEY = "no-key-needed"
"""Sent to servers that may do without one."""

SHORTEST_SECRET = 8
"""Characters; shorter keys and passwords are words (`ollama`) that a message may well use."""

_SECRET = re.compile(r"[^/\s]*@")
"""A user name and password in an address."""
_PATIENCE = 60.0
"""Seconds a password manager may take to ask its user."""


class Key(NamedTuple):
    """An API key."""

    value: str
    """"" when there is none."""
    advice: str
    """What to do when the server wants another one."""


def _from_variable(name: str) -> str:
    return f"Set {name} to a valid key and start again."


@dataclass(frozen=True)
class Server:
    """A server that speaks the Messages API, and the model asked there."""

    model: str
    key: str = field(repr=False)
    """"" when there is none and one is needed."""
    url: str = ""
    """"" for Anthropic's usual address."""
    own: bool = False
    """Whether it is the user's own (Ollama, llama.cpp, ...) and so not Anthropic's."""
    key_advice: str = _from_variable(KEY_VARIABLES[0])
    """What to do when it wants another key."""

    @classmethod
    def of(cls, settings: Settings, environment: Mapping[str, str]) -> Server:
        """The server the settings lead to. Raises `BadSetup` for an address or key that cannot work."""
        url = settings.base_url or environment.get("ANTHROPIC_BASE_URL", "")
        address = _parts(url)
        if url and (address.scheme not in ("http", "https") or not address.hostname):
            raise BadSetup(
                f'The setting `base_url` is no address: "{_SECRET.sub("", url)}".',
                advice="Begin it with http:// or https://.",
            )
        key = find_key(settings, environment)
        return cls(
            model=settings.model or DEFAULT_MODEL,
            key=key.value or (NO_KEY if url else ""),
            url=url.rstrip("/").removesuffix("/v1"),
            own=_is_own(settings),
            key_advice=key.advice,
        )

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return _parts(self.url).netloc.rpartition("@")[2] if self.own else "Claude"

    def redacted(self, text: str) -> str:
        """`text` without the key, should a server or library have repeated it, and without what else lets us in."""
        for secret, name in ((self.key, "[API key]"), *((secret, "[secret]") for secret in _secrets(self.url))):
            text = text.replace(secret, name) if len(secret) >= SHORTEST_SECRET else text
        return text


def find_key(settings: Settings, environment: Mapping[str, str]) -> Key:
    """The key the settings lead to.

    A server of the user's own is sent only a key that was named for it: one
    that merely lies in the environment is Anthropic's. Raises `BadStart` when a
    place that was named holds no usable key.
    """
    if settings.api_key_command:
        advice = "Have `api_key_command` print a valid key and nothing else, and start again."
        return _usable(_printed_by(settings.api_key_command), "what `api_key_command` printed", advice)
    if name := settings.api_key_env:
        return _usable(environment.get(name, ""), name, _from_variable(name))
    if _is_own(settings):
        return Key("", "Name the variable that holds its key in `api_key_env`, and start again.")
    found = next((name for name in KEY_VARIABLES if environment.get(name)), None)
    return _usable(environment[found], found, _from_variable(found)) if found else Key("", Server.key_advice)


def _is_own(settings: Settings) -> bool:
    """Whether the settings name a server that is not Anthropic's."""
    host = _parts(settings.base_url).hostname or ""
    return bool(settings.base_url) and not f".{host}".endswith(".anthropic.com")


def _parts(url: str) -> SplitResult:
    """The parts of an address; of one that is none, nothing."""
    try:
        parts = urlsplit(url)
        if parts.port is None or parts.port:
            return parts
    except ValueError:
        pass
    return urlsplit("")


def _secrets(url: str) -> Iterator[str]:
    """What in an address may let us in: its password, what its query says, and parts of its path with a digit."""
    address = _parts(url)
    parts = [part for part in address.path.split("/") if re.search(r"\d", part)]
    values = [value for _, value in parse_qsl(address.query)]
    for secret in (address.password or "", address.query, *values, *parts):
        yield secret
        yield unquote(secret)


def _usable(key: str, place: str, advice: str) -> Key:
    key = key.strip()
    if not re.fullmatch(r"[!-~]+", key):
        raise BadStart(f"The API key in {place} is missing or has characters that no key has.", advice=advice)
    return Key(key, advice)


def _printed_by(command: str) -> str:
    try:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        why = f"failed with exit code {error.returncode}"
    except subprocess.TimeoutExpired:
        why = f"did not end within {_PATIENCE:g} seconds"
    except OSError as error:
        why = f"could not be run: {error.strerror}"
    except ValueError:  # a quote without its like, or output that is no text
        why = "is no command, or prints no text"
    else:
        return done.stdout
    raise BadStart(f"`api_key_command` {why}.", advice="Try the command in a terminal: it must print the key alone.")
