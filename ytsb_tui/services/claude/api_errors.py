"""What goes wrong with the Messages API, in our own words.

Every exception that the SDK or its HTTP library can raise becomes a
`StageError` here, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ytsb_tui.errors import BadSetup, BadStart, Busy, Incomplete, NetworkTrouble, Permanent, StageError, Unreachable
from ytsb_tui.services.claude.api_key import Server

if TYPE_CHECKING:
    import anthropic


class TooLong(Permanent):
    """The model cannot read so much at once."""

    advice = "Choose a model with a larger context window."


class NoTools(Permanent):
    """The server, or its model, cannot call tools."""


@contextmanager
def translated(server: Server) -> Iterator[None]:
    """Turn the SDK's exceptions into `StageError`s, without the key. Imports the SDK."""
    import anthropic
    import httpx2

    try:
        yield
    except anthropic.APIStatusError as error:
        raise _of_status(error, server) from None
    except anthropic.APIResponseValidationError:
        raise no_messages_api(server) from None
    except anthropic.CredentialsError as error:
        raise BadStart(one_line(f"The API key cannot be used: {error}", server), advice=server.key_advice) from None
    except anthropic.APIConnectionError as error:
        raise _of_transport(error.__cause__ or error, server) from None
    except anthropic.RetryableError as error:
        raise Busy(one_line(f"{server.name} asks to try again: {error}", server)) from None
    except anthropic.AnthropicError as error:
        raise Incomplete(one_line(f"{server.name} gave no usable answer: {error}", server)) from None
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.CookieConflict, httpx2.InvalidURL) as error:
        raise _of_transport(error, server) from None
    except (ValueError, TypeError, AttributeError) as error:
        # The SDK builds events without validating them: what is not an event fails when it is looked at.
        raise no_messages_api(server) from error


def of_type(
    kind: str, text: str, server: Server, *, status: int = 0, cause: str = "", retry_after: float | None = None
) -> StageError:
    """What an error of the API means; errors inside a stream or a batch have a type and no status."""
    code = f" ({status})" if status else ""
    said = f": {text}" if text else "."
    if re.search("spend_limit|billing", cause):
        return _no_credit(server, code)
    match kind, status:
        case ("authentication_error", _) | (_, 401):
            done = "refused the API key" if server.key else "wants an API key, and there is none"
            return BadStart(f"{server.name} {done}{code}.", advice=server.key_advice)
        case ("permission_error", _) | (_, 403):
            return BadSetup(f"{server.name} does not let this API key in{code}{said}", advice="Check the key's rights.")
        case ("billing_error", _) | (_, 402):
            return _no_credit(server, code)
        case ("not_found_error", _) | (_, 404):
            why = said if server.own else "."
            return BadStart(
                f'{server.name} knows no model "{server.model}"{code}{why}',
                advice="Correct the setting `model` (--model), or `base_url` if you use it, and start again.",
            )
        case ("rate_limit_error", _) | (_, 429):
            return Busy(f"{server.name} limits how much may be asked{code}{said}", retry_after=retry_after)
        case ("overloaded_error", _) | (_, 529):
            return Busy(f"{server.name} is overloaded{code}.", retry_after=retry_after)
        case (_, 413):
            return TooLong(f"The transcript is too long for {server.model}{code}.")
        case ("api_error" | "timeout_error" | "conflict_error", _) | (_, 408 | 409 | 499):
            return Busy(f"{server.name} has trouble of its own{code}{said}", retry_after=retry_after)
        case _ if status >= 500:
            return Busy(f"{server.name} has trouble of its own{code}.", retry_after=retry_after)
    return _of_bad_request(text, server, code)


def _of_bad_request(text: str, server: Server, code: str) -> StageError:
    """A request that was rejected as it is; only the wording tells which kind of fault it has."""
    if re.search(r"credit balance|billing|spend limit", text, re.IGNORECASE):
        return _no_credit(server, code)
    if re.search(r"prompt is too long|context (?:window|length|size)|too many tokens", text, re.IGNORECASE):
        return TooLong(f"The transcript is too long for {server.model}{code}.")
    if server.own and re.search(r"\btools?\b", text, re.IGNORECASE):
        return NoTools(f"{server.name} cannot call tools{code}: {text}")
    return Permanent(
        f"{server.name} rejected the request{code}: {text or 'no reason given'}", advice="Try another model."
    )


def _no_credit(server: Server, code: str) -> StageError:
    return BadSetup(
        f"The account at {server.name} has no credit left{code}.",
        advice="Add credit in Anthropic's console under Billing, then start again: finished stages are kept.",
    )


def _of_status(error: anthropic.APIStatusError, server: Server) -> StageError:
    if error.response.is_redirect:
        return NetworkTrouble(
            f"{server.name} sends us to another address ({error.status_code}), which nobody has named.",
            advice="Check the setting `base_url`, and that you are logged in to the network.",
        )
    text = error.api_message if isinstance(error.api_message, str) else ""
    if not text and error.status_code < 500 and isinstance(error.body, dict):
        text = str(error.body.get("error") or "")
    kind = error.type if isinstance(error.type, str) else ""
    waits = _retry_after(error.response.headers.get("retry-after", ""))
    # An error inside a stream comes with the stream's own status.
    status = error.status_code if error.status_code >= 400 else 0
    return of_type(kind, one_line(text, server), server, status=status, cause=error.error_code or "", retry_after=waits)


def _retry_after(header: str) -> float | None:
    """Seconds; a date is not worth reading, the usual pause will do."""
    try:
        return max(0.0, float(header))
    except ValueError:
        return None


def _of_transport(error: BaseException, server: Server) -> StageError:
    """A connection that failed, or an address that cannot work."""
    import httpx2

    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return BadStart(
            one_line(f"The setting `base_url` is no address: {error}", server), advice="Correct it and start again."
        )
    if isinstance(error, httpx2.ConnectTimeout):
        return Unreachable(f"{server.name} cannot be reached.")
    if isinstance(error, httpx2.TimeoutException):
        return NetworkTrouble(f"{server.name} did not answer in time ({type(error).__name__}).")
    advice = f"Check that the server at {server.name} is running." if server.own else None
    reason = str(error) or type(error).__name__
    kind = Unreachable if isinstance(error, httpx2.ConnectError) else NetworkTrouble
    return kind(one_line(f"The connection to {server.name} failed: {reason}", server), advice=advice)


def no_messages_api(server: Server) -> StageError:
    """What answered speaks another language: a web page, or another API."""
    return NetworkTrouble(
        f"{server.name} sent something that is not the Messages API.", advice="Check the setting `base_url`."
    )


def one_line(text: str, server: Server) -> str:
    """One short line: no HTML page, no key, no line breaks."""
    if "<html" in text.lower() or "<!doctype" in text.lower():
        text = "a web page instead of an answer"
    text = " ".join(server.redacted(text).split())
    return text if len(text) <= 300 else text[:299] + "…"
