"""The Messages API as the loopback Claude speaks it: calls, answers, errors, and how they look on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tests.world import claude_answers as answers

_CHUNK = 48
_STATUSES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}

Ending = Literal["cut", "eof", "stall", "error", "garbage", "endless"]


@dataclass(frozen=True)
class Behaviour:
    """How one call is answered when it is not simply answered."""

    status: int = 200
    message: str = "No."
    code: str = ""
    """The stable cause of an error, `error.details.error_code`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    """A body that is no JSON: what proxies answer."""
    seconds: float = 0.0
    """How long the stream takes, piece by piece."""
    ending: Ending | None = None
    """What happens to the stream `after` a fraction of the answer: the connection is cut, the body ends politely,
    nothing more is sent, an `error` event of `kind` comes, bytes that are no event, or words without end."""
    after: float = 0.0
    kind: str = "overloaded_error"
    stop: str = ""
    """A stop reason given `after` that fraction instead of the usual one."""
    text: str | None = None
    """Answered instead of what the transcript would give."""
    recorded: str | None = None
    """Given to the tool instead: any text, valid or not; "" for no use of the tool."""


@dataclass(frozen=True)
class Call:
    """A call that was paid for."""

    request: Mapping[str, Any]
    prefix: bytes
    """Tools and system up to the last cache mark, as they came."""
    usage: Mapping[str, int]
    sent: str
    """What went out of the answer."""
    batch: str = ""

    @property
    def assessment(self) -> bool:
        """Whether it was the second of the two calls."""
        return answers.wants_assessment(self.request)


@dataclass
class Batch:
    """A batch of requests."""

    id: str
    requests: list[dict[str, Any]]
    created: datetime
    looks: int
    """How many more looks find it running."""
    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What a call comes to before it is sent."""

    text: str = ""
    recorded: str | None = None
    stop: str = "end_turn"

    @property
    def size(self) -> int:
        return len(self.text) + len(self.recorded or "")

    def cut(self, size: int) -> Answer:
        """Its first `size` characters."""
        return Answer(self.text[:size], self.recorded and self.recorded[: max(size - len(self.text), 0)], self.stop)


def prefix_of(request: Mapping[str, Any]) -> bytes:
    """The bytes of tools and system up to the last cache mark; nothing without one."""
    system = request.get("system") or []
    marked = [number for number, block in enumerate(system) if isinstance(block, dict) and "cache_control" in block]
    return json.dumps([request.get("tools"), system[: marked[-1] + 1]]).encode() if marked else b""


def prompt_tokens(request: Mapping[str, Any]) -> int:
    """About what tokens a prompt has."""
    return len(json.dumps([request.get("tools"), request.get("system"), request["messages"]])) // 4


def message(request: Mapping[str, Any], answer: Answer, used: Mapping[str, int]) -> dict[str, Any]:
    """A message that is sent in one piece."""
    content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}] if answer.text else []
    if answer.recorded is not None:
        given = {"type": "tool_use", "id": "toolu_1", "name": "record_assessment"}
        content.append({**given, "input": json.loads(answer.recorded)})
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": answer.stop,
        "stop_sequence": None,
        "usage": used,
    }


def error_body(how: Behaviour) -> dict[str, Any]:
    """An error as the API words it."""
    kind = _STATUSES.get(how.status, "api_error") if how.status != 200 else how.kind
    error = {"type": kind, "message": how.message}
    return {"type": "error", "error": {**error, "details": {"error_code": how.code}} if how.code else error}


def events(request: Mapping[str, Any], answer: Answer, used: Mapping[str, int]) -> Iterator[bytes]:
    """The stream of an answer up to its last piece."""
    begun = {**message(request, Answer(), {**used, "output_tokens": 1}), "stop_reason": None}
    yield event("message_start", message=begun)
    yield event("ping")
    yield event("an_event_nobody_knows_yet", content="x")
    blocks: list[tuple[dict[str, Any], str, str, str]] = []
    if answer.text:
        blocks.append(({"type": "text", "text": ""}, "text_delta", "text", answer.text))
    if answer.recorded is not None:
        tool = {"type": "tool_use", "id": "toolu_1", "name": "record_assessment", "input": {}}
        blocks.append((tool, "input_json_delta", "partial_json", answer.recorded))
    for index, (block, kind, name, content) in enumerate(blocks):
        yield event("content_block_start", index=index, content_block=block)
        for start in range(0, len(content), _CHUNK):
            yield event("content_block_delta", index=index, delta={"type": kind, name: content[start : start + _CHUNK]})


def ending(answer: Answer, used: Mapping[str, int], explanation: str) -> bytes:
    """The rest of a stream that ends well."""
    details = {"type": "refusal", "category": None, "explanation": explanation} if answer.stop == "refusal" else None
    delta = {"stop_reason": answer.stop, "stop_sequence": None, "stop_details": details}
    return (
        event("content_block_stop", index=0)
        + event("message_delta", delta=delta, usage={"output_tokens": used["output_tokens"]})
        + event("message_stop")
    )


def event(name: str, **content: object) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **content})}\n\n".encode()
