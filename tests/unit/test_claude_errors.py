"""Whatever the SDK or its HTTP library raises is a `StageError` with one line that names the cause, and no key."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import anthropic
import httpx2
import pytest

from tests.unit.authoring import KEY, MODEL, PRICES, Watcher, api_at, author_at, job_on, talk
from tests.world.claude import Behaviour, Claude
from ytsb_tui.errors import BadSetup, BadStart, Busy, NetworkTrouble, Permanent, StageError, Unreachable
from ytsb_tui.services.claude.api_errors import TooLong, of_type, translated
from ytsb_tui.services.claude.api_key import Server
from ytsb_tui.services.claude.author import ClaudeAuthor
from ytsb_tui.services.claude.messages_api import MessagesApi
from ytsb_tui.services.claude.models import DEFAULT_MODEL, retirement
from ytsb_tui.settings import Settings

SERVER = Server(MODEL, KEY)


@pytest.fixture
def claude() -> Iterator[Claude]:
    with Claude() as running:
        yield running
    assert running.bugs == []


def failure(claude: Claude, behaviour: Behaviour) -> StageError:
    """What a worker is told when the next call goes so."""
    claude.next.append(behaviour)
    with pytest.raises(StageError) as caught:
        author_at(claude).notes(job_on(talk()), [], Watcher())
    assert len(claude.requests) == 1
    assert sum(claude.requests.values()) == 1, "the author retried by itself"
    return caught.value


@pytest.mark.parametrize(
    ("behaviour", "kind", "message"),
    [
        (Behaviour(401), BadStart, "Claude refused the API key (401)."),
        (Behaviour(402), BadSetup, "The account at Claude has no credit left (402)."),
        (
            Behaviour(400, "Your credit balance is too low to access the Anthropic API."),
            BadSetup,
            "The account at Claude has no credit left (400).",
        ),
        (
            Behaviour(429, "You have reached it.", code="enforced_spend_limit_reached"),
            BadSetup,
            "The account at Claude has no credit left (429).",
        ),
        (Behaviour(403, "No such right."), BadSetup, "Claude does not let this API key in (403): No such right."),
        (Behaviour(404), BadStart, 'Claude knows no model "claude-sonnet-5-5" (404).'),
        (Behaviour(400, "Odd."), Permanent, "Claude rejected the request (400): Odd."),
        (Behaviour(429, "Slower."), Busy, "Claude limits how much may be asked (429): Slower."),
        (Behaviour(529), Busy, "Claude is overloaded (529)."),
        (Behaviour(500, "Oops."), Busy, "Claude has trouble of its own (500): Oops."),
        (Behaviour(503, page="<html><h1>503</h1></html>"), Busy, "Claude has trouble of its own (503)."),
        (
            Behaviour(200, page="<html>Log in</html>"),
            NetworkTrouble,
            "Claude sent something that is not the Messages API.",
        ),
    ],
)
def test_each_refusal_is_named_in_one_line(
    claude: Claude, behaviour: Behaviour, kind: type[StageError], message: str
) -> None:
    error = failure(claude, behaviour)
    assert (type(error), str(error)) == (kind, message)
    assert error.advice


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nothing_is_sent_where_a_server_sends_us(claude: Claude, status: int) -> None:
    with Claude() as elsewhere:
        error = failure(claude, Behaviour(status, headers={"location": f"{elsewhere.url}/v1/messages"}))
        assert not elsewhere.requests
    assert type(error) is NetworkTrouble
    assert str(error) == f"Claude sends us to another address ({status}), which nobody has named."


def test_a_transcript_that_never_fits_is_too_long(claude: Claude) -> None:
    claude.next.extend(Behaviour(413) for _ in range(20))
    with pytest.raises(TooLong, match=r"^The transcript is too long for claude-sonnet-5-5 \(413\)\.$"):
        author_at(claude).notes(job_on(talk()), [], Watcher())


def test_the_server_says_how_long_to_wait(claude: Claude) -> None:
    assert failure(claude, Behaviour(429, headers={"retry-after": "7"})).retry_after == 7.0


def test_a_date_to_wait_for_is_left_to_the_usual_pause(claude: Claude) -> None:
    header = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert failure(claude, Behaviour(429, headers=header)).retry_after is None


def test_a_key_that_the_server_repeats_is_not_repeated_by_us() -> None:
    with Claude(key="another") as claude, pytest.raises(BadSetup) as caught:
        author_at(claude).notes(job_on(talk()), [], Watcher())
    assert KEY not in str(caught.value)
    with Claude() as claude:
        error = failure(claude, Behaviour(403, f"The key {KEY} is for\nanother <b>workspace</b>."))
        assert str(error).endswith("The key [API key] is for another <b>workspace</b>.")
        assert error.__cause__ is None


def test_the_key_is_in_no_representation() -> None:
    api = MessagesApi(SERVER, PRICES)
    author = ClaudeAuthor(api)
    assert all(KEY not in repr(thing) + str(thing) for thing in (SERVER, api, author))


def test_no_key_is_bad_setup_before_any_call(claude: Claude) -> None:
    with pytest.raises(BadSetup, match="no API key") as caught:
        author_at(claude, key="").notes(job_on(talk()), [], Watcher())
    assert "ANTHROPIC_API_KEY" in caught.value.advice
    assert not claude.requests


def test_an_unknown_model_names_the_setting(claude: Claude) -> None:
    with pytest.raises(BadSetup, match='knows no model "claude-nope"') as caught:
        author_at(claude, model="claude-nope").notes(job_on(talk()), [], Watcher())
    assert "--model" in caught.value.advice


def test_nobody_at_the_address() -> None:
    with Claude() as claude:
        gone = MessagesApi(Server(MODEL, KEY, claude.url, own=True), PRICES)
    with pytest.raises(Unreachable, match=r"The connection to 127\.0\.0\.1:\d+ failed: .*refused") as caught:
        ClaudeAuthor(gone).notes(job_on(talk()), [], Watcher())
    assert "is running" in caught.value.advice


def test_a_probe_says_who_answers_or_what_is_wrong(claude: Claude) -> None:
    assert api_at(claude).probe() == "Claude answers as claude-sonnet-5-5."
    claude.next.extend([Behaviour(401), Behaviour(200, page="<html>A router</html>")])
    with pytest.raises(BadSetup, match="refused the API key"):
        api_at(claude).probe()
    with pytest.raises(NetworkTrouble, match="not the Messages API"):
        api_at(claude).probe()


def request() -> httpx2.Request:
    return httpx2.Request("POST", "https://api.anthropic.com/v1/messages", headers={"x-api-key": KEY})


def made(kind: type[Exception]) -> Exception:
    """An exception of this class, with the key in its text."""
    text = f"it broke with {KEY}"
    if issubclass(kind, anthropic.APIStatusError):
        status = kind.__dict__.get("status_code", getattr(kind, "status_code", 500))
        response = httpx2.Response(status, request=request())
        return kind(text, response=response, body={"error": {"type": "new_error", "message": text}})
    if issubclass(kind, anthropic.APIResponseValidationError):
        return kind(httpx2.Response(200, request=request()), None)
    if issubclass(kind, anthropic.APITimeoutError):
        return kind(request())
    if issubclass(kind, anthropic.APIConnectionError):
        return kind(message=text, request=request())
    if issubclass(kind, anthropic.APIError):
        return kind(text, request(), body=None)
    if issubclass(kind, httpx2.HTTPStatusError):
        return kind(text, request=request(), response=httpx2.Response(500, request=request()))
    parameters = inspect.signature(kind).parameters.values()
    needed = [item for item in parameters if item.default is item.empty and item.kind is item.POSITIONAL_OR_KEYWORD]
    return kind(*[text] * len(needed)) if needed or issubclass(kind, httpx2.StreamError) else kind(text)


def below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


VENDORS = [
    *below(anthropic.AnthropicError),
    *(
        kind
        for name in httpx2.__all__
        if inspect.isclass(kind := getattr(httpx2, name)) and issubclass(kind, Exception)
    ),
]


@pytest.mark.parametrize("kind", VENDORS, ids=lambda kind: kind.__name__)
def test_no_exception_of_the_vendors_slips_through(kind: type[Exception]) -> None:
    with pytest.raises(StageError) as caught, translated(SERVER):
        raise made(kind)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.advice


@pytest.mark.parametrize("kind", ["invalid_request_error", "api_error", "timeout_error", "a_new_error", ""])
def test_errors_without_a_status_are_told_by_their_type(kind: str) -> None:
    assert "(" not in str(of_type(kind, "Because.", SERVER))


def settings(tmp_path: Path, **chosen: object) -> Settings:
    return Settings(prices=tmp_path / "prices.toml", **chosen)  # type: ignore[arg-type]


def test_the_key_comes_from_the_first_place_that_has_one(tmp_path: Path) -> None:
    def key(environment: dict[str, str], **chosen: object) -> str:
        return Server.of(settings(tmp_path, **chosen), environment).key

    both = {"ANTHROPIC_API_KEY": "a", "CLAUDE_API_KEY": "c", "MINE": "m"}
    assert key(both) == "a"
    assert key({"CLAUDE_API_KEY": " c\n"}) == "c"
    assert key(both, api_key_env="MINE") == "m"
    assert key(both, api_key_command="echo 'from-a-manager;$HOME'") == "from-a-manager;$HOME", "no shell is asked"
    assert key({}) == ""


def test_a_key_that_merely_lies_around_is_not_sent_to_another_server(tmp_path: Path) -> None:
    own = Server.of(settings(tmp_path, base_url="http://localhost:11434/v1/"), {"ANTHROPIC_API_KEY": KEY})
    assert (own.key, own.url, own.name) == ("no-key-needed", "http://localhost:11434", "localhost:11434")
    named = Server.of(settings(tmp_path, base_url="https://api.anthropic.com"), {"ANTHROPIC_API_KEY": KEY})
    assert (named.key, named.own) == (KEY, False)
    gateway = Server.of(settings(tmp_path), {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "https://gate.example"})
    assert (gateway.key, gateway.own, gateway.name) == (KEY, False, "Claude")


@pytest.mark.parametrize(
    ("chosen", "environment", "message"),
    [
        ({"api_key_env": "NOT_THERE"}, {}, "NOT_THERE"),
        ({"api_key_command": "false"}, {}, "exit code 1"),
        ({"api_key_command": "/no/such/program"}, {}, "could not be run: No such file"),
        ({"api_key_command": "unclosed 'quote"}, {}, "is no command"),
        ({"api_key_command": "true"}, {}, "printed"),
        ({}, {"ANTHROPIC_API_KEY": "“smart” quotes"}, "characters that no key has"),
        ({"base_url": "localhost:11434"}, {}, "no address"),
    ],
)
def test_a_place_without_a_usable_key_is_bad_setup(
    tmp_path: Path, chosen: dict[str, str], environment: dict[str, str], message: str
) -> None:
    with pytest.raises(BadSetup, match=message):
        Server.of(settings(tmp_path, **chosen), environment)


def test_the_default_model_is_the_newest_sonnet_the_sdk_names() -> None:
    from typing import get_args

    from anthropic.types import model

    named = [name for literal in get_args(model.Model) for name in get_args(literal)]
    sonnets = [name for name in named if name.startswith("claude-sonnet-")]
    newest = max(sonnets, key=lambda name: [int(part) for part in name.split("-")[2:] if len(part) < 8])
    assert newest == DEFAULT_MODEL
    assert retirement(DEFAULT_MODEL) is None


def test_a_model_that_is_about_to_end_is_warned_of() -> None:
    warning = retirement("claude-sonnet-4-5")
    assert warning is not None
    assert "November 30th, 2026" in warning
