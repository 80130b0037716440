"""Claude on loopback: the Messages API with streams, a prompt cache, batches, faults on demand, a journal of calls."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import socketserver
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.world import claude_answers as answers
from tests.world.asking import body_of
from tests.world.claude_wire import (
    Answer,
    Batch,
    Behaviour,
    Call,
    ending,
    error_body,
    event,
    events,
    message,
    prefix_of,
    prompt_tokens,
)

__all__ = ["Behaviour", "Call", "Claude"]

WINDOWS = {"claude-sonnet-5-5": 1_000_000, "claude-opus-5-5": 1_000_000, "claude-haiku-5-5": 200_000}
"""The models it knows, and the tokens each takes."""
SMALLEST_CACHED = 1_024
"""Tokens of a prefix below which nothing is cached."""

_KNOWN = {"cache_control", "max_tokens", "messages", "model", "output_config", "stream", "system", "thinking"}
_KNOWN |= {"tool_choice", "tools"}


class Claude:
    """The server. `next` holds the behaviours of the coming calls; then every call is answered."""

    def __init__(self, *, key: str = "", windows: Mapping[str, int] | None = None, tools: bool = True) -> None:
        """`key` is the only one let in, "" lets everybody in; `tools` says whether the models can use tools."""
        self.key = key
        self.windows = dict(WINDOWS if windows is None else windows)
        self.tools = tools
        self.next: deque[Behaviour] = deque()
        self.calls: list[Call] = []
        """Every call that was paid for, in order."""
        self.requests: Counter[str] = Counter()
        """How often each path was asked for, faults included."""
        self.batches: dict[str, Batch] = {}
        self.looks = 1
        """How many looks at a new batch find it running."""
        self.troubled_looks = 0
        """How many looks at batches are refused first."""
        self.forgetful = False
        """Whether its cache never has what was put there."""
        self.bugs: list[str] = []
        self.stalled = threading.Event()
        """Set when a stream has fallen silent."""
        self.hung_up = threading.Event()
        """Set when a client has left a stream before its end."""
        self.closing = contextlib.ExitStack()
        """What is to end with it: clients, whose connections would be left open."""
        self._cached: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.claude = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What points a process at it."""
        return {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": self.key or "sk-ant-loopback"}

    def __enter__(self) -> Claude:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.close()
        self._server.shutdown()
        self._server.server_close()

    def count(self, path: str) -> None:
        """Note that somebody asks for it."""
        with self._lock:
            self.requests[path] += 1

    def behaviour(self) -> Behaviour:
        """How the next call is answered."""
        with self._lock:
            return self.next.popleft() if self.next else Behaviour()

    def behaviour_in(self, request: Mapping[str, Any]) -> Behaviour:
        """How a call is answered that asks this."""
        return self.behaviour()

    def fault(self, request: Mapping[str, Any]) -> Behaviour | None:
        """What the API would find wrong with a request."""
        unknown = request.keys() - _KNOWN
        if unknown:
            return Behaviour(400, f"{min(unknown)}: Extra inputs are not permitted")
        if request["model"] not in self.windows:
            return Behaviour(404, f"model: {request['model']}")
        if request["messages"][-1]["role"] != "user":
            return Behaviour(400, "This model does not support assistant message prefill.")
        if request.get("tool_choice", {"type": "auto"})["type"] not in ("auto", "none"):
            return Behaviour(400, "tool_choice: forced tool use is not supported by this model.")
        if request.get("tools") and not self.tools:
            return Behaviour(400, f"{request['model']} does not support tools")
        tokens, window = prompt_tokens(request), self.windows[request["model"]]
        if tokens > window:
            return Behaviour(400, f"prompt is too long: {tokens} tokens > {window} maximum")
        return None

    def answer(self, request: Mapping[str, Any], how: Behaviour) -> Answer:
        """The whole answer to a request."""
        full = self._full(request, how)
        most = request["max_tokens"] * 4
        if full.size > most:
            full = Answer(full.cut(most).text, full.cut(most).recorded, "max_tokens")
        if how.stop:
            part = full.cut(int(full.size * how.after))
            return Answer(part.text, part.recorded, how.stop)
        return full

    def _full(self, request: Mapping[str, Any], how: Behaviour) -> Answer:
        if how.text is not None:
            return Answer(how.text)
        if answers.wants_assessment(request):
            recorded = answers.recorded(request) if how.recorded is None else how.recorded
            if "format" in (request.get("output_config") or {}) or not request.get("tools"):
                return Answer(recorded)
            return Answer("", recorded, "tool_use") if recorded else Answer("Here is your assessment.")
        if "study notes" not in answers.asked_of(request):
            return Answer("Hello!")
        whole, sent = answers.notes(answers.material_of(request)), answers.sent_already(request)
        return Answer(whole[len(sent) :].lstrip("\n") if whole.startswith(sent) else whole)

    def pay(self, request: Mapping[str, Any], sent: Answer, batch: str = "") -> dict[str, int]:
        """Enter a call in the journal; what it used."""
        prefix = prefix_of(request)
        size, total = len(prefix) // 4, prompt_tokens(request)
        digest = hashlib.sha256(request["model"].encode() + prefix).hexdigest()
        used = {"input_tokens": total, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        with self._lock:
            if size >= SMALLEST_CACHED:
                known = digest in self._cached and not self.forgetful
                self._cached.add(digest)
                used["cache_read_input_tokens" if known else "cache_creation_input_tokens"] = size
                used["input_tokens"] = total - size
            used["output_tokens"] = sent.size // 4 + 1
            self.calls.append(Call(request, prefix, used, sent.text + (sent.recorded or ""), batch))
        return used

    def submit(self, requests: list[dict[str, Any]]) -> Batch:
        """Take a batch."""
        with self._lock:
            batch = Batch(f"msgbatch_{len(self.batches) + 1:04}", requests, datetime.now(UTC), self.looks)
            self.batches[batch.id] = batch
        return batch

    def look_at(self, batch: Batch) -> dict[str, Any]:
        """A batch as the API shows it; ends it when its time has come."""
        with self._lock:
            batch.looks -= 1
            due = batch.looks < 0 and not batch.lines
        if due:
            batch.lines = [self._result(item, batch) for item in batch.requests]
        return self.shown(batch)

    def shown(self, batch: Batch) -> dict[str, Any]:
        """A batch as the API shows it."""
        kinds = Counter(line["result"]["type"] for line in batch.lines)
        ended = bool(batch.lines)
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {
                "processing": 0 if ended else len(batch.requests),
                **{kind: kinds[kind] for kind in ("succeeded", "errored", "canceled", "expired")},
            },
            "created_at": batch.created.isoformat(),
            "expires_at": (batch.created + timedelta(days=1)).isoformat(),
            "ended_at": datetime.now(UTC).isoformat() if ended else None,
            "results_url": f"{self.url}/v1/messages/batches/{batch.id}/results" if ended else None,
        }

    def _result(self, item: Mapping[str, Any], batch: Batch) -> dict[str, Any]:
        request, how = item["params"], self.behaviour()
        fault = how if how.status != 200 else self.fault(request)
        result: dict[str, Any]
        if how.stop in ("expired", "canceled"):
            result = {"type": how.stop}
        elif fault:
            result = {"type": "errored", "error": error_body(fault)}
        else:
            answer = self.answer(request, how)
            result = {"type": "succeeded", "message": message(request, answer, self.pay(request, answer, batch.id))}
        return {"custom_id": item["custom_id"], "result": result}


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    claude: Claude

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.claude.bugs.append(repr(error))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(body_of(self) or b"{}"))

    def _serve(self, body: dict[str, Any]) -> None:
        claude, path = self.server.claude, self.path.partition("?")[0]
        claude.count(path)
        given = self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
        if claude.key and given != claude.key:
            self._refuse(Behaviour(401, f"invalid x-api-key: {given}"))
        elif path == "/v1/messages":
            self._message(body)
        elif path == "/v1/messages/count_tokens":
            self._json({"input_tokens": prompt_tokens(body)})
        elif path == "/v1/messages/batches" and self.command == "POST":
            self._batch(body)
        elif path == "/v1/messages/batches":
            newest = [claude.shown(batch) for batch in reversed(list(claude.batches.values()))]
            self._json({"data": newest, "has_more": False, "first_id": None, "last_id": None})
        elif path.startswith("/v1/messages/batches/"):
            self._batches(path.removeprefix("/v1/messages/batches/"))
        elif path.startswith("/v1/models"):
            self._models(path.removeprefix("/v1/models").strip("/"))
        else:
            self._refuse(Behaviour(404, f"No such path: {path}"))

    def _message(self, request: dict[str, Any]) -> None:
        claude = self.server.claude
        how = claude.behaviour_in(request)
        fault = how if how.status != 200 or how.page else claude.fault(request)
        if fault:
            self._refuse(fault)
            return
        answer = claude.answer(request, how)
        if request.get("stream"):
            try:
                self._stream(request, answer, how)
            except ConnectionError:  # it left before it had read everything that was sent
                claude.hung_up.set()
                raise
        else:
            self._json(message(request, answer, claude.pay(request, answer)))

    def _stream(self, request: dict[str, Any], answer: Answer, how: Behaviour) -> None:
        claude = self.server.claude
        sent = answer.cut(int(answer.size * how.after)) if how.ending else answer
        used = claude.pay(request, sent)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        pieces = list(events(request, sent, used))
        if how.seconds:
            for piece in pieces:
                self._chunk(piece)
                time.sleep(how.seconds / len(pieces))
        else:
            self._chunk(b"".join(pieces))
        match how.ending:
            case None:
                self._chunk(ending(answer, used, how.message))
            case "cut":
                self.close_connection = True
                return
            case "stall":
                self._stay_silent()
                return
            case "endless":
                more = event(
                    "content_block_delta", index=0, delta={"type": "text_delta", "text": "on and on " * 10_000}
                )
                while not claude.hung_up.is_set():
                    self._chunk(more)
            case "error":
                self._chunk(event("error", error=error_body(how)["error"]))
            case "garbage":
                self._chunk(b"event: content_block_delta\ndata: {not json\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _stay_silent(self) -> None:
        claude = self.server.claude
        claude.stalled.set()
        self.connection.settimeout(600)
        with contextlib.suppress(TimeoutError):
            if self.connection.recv(1) == b"":
                claude.hung_up.set()
        self.close_connection = True

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _batch(self, body: dict[str, Any]) -> None:
        claude = self.server.claude
        is_about_this = claude.next and (claude.next[0].status != 200 or claude.next[0].ending == "cut")
        how = claude.behaviour() if is_about_this else Behaviour()
        if how.status != 200:
            self._refuse(how)
        elif how.ending == "cut":
            claude.submit(body["requests"])
            self.close_connection = True
        else:
            self._json(claude.shown(claude.submit(body["requests"])))

    def _batches(self, path: str) -> None:
        claude = self.server.claude
        name, _, what = path.partition("/")
        batch = claude.batches.get(name)
        if batch is None:
            self._refuse(Behaviour(404, f"No such batch: {name}"))
        elif what == "results":
            self._send(200, "application/x-jsonl", "".join(json.dumps(line) + "\n" for line in batch.lines).encode())
        elif claude.troubled_looks:
            claude.troubled_looks -= 1
            self._refuse(Behaviour(529))
        else:
            self._json(claude.look_at(batch))

    def _models(self, name: str) -> None:
        models = [
            {
                "type": "model",
                "id": model,
                "display_name": model,
                "created_at": "2026-09-01T00:00:00Z",
                "lifecycle": "active",
                "max_input_tokens": window,
                "max_tokens": 64_000,
            }
            for model, window in self.server.claude.windows.items()
        ]
        if not name:
            self._json({"data": models, "has_more": False, "first_id": None, "last_id": None})
        elif found := [model for model in models if model["id"] == name]:
            self._json(found[0])
        else:
            self._refuse(Behaviour(404, f"model: {name}"))

    def _refuse(self, how: Behaviour) -> None:
        if how.page:
            self._send(how.status, "text/html", how.page.encode(), how.headers)
        else:
            self._send(how.status, "application/json", json.dumps(error_body(how)).encode(), how.headers)

    def _json(self, content: object) -> None:
        self._send(200, "application/json", json.dumps(content).encode())

    def _send(self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until Ctrl+C, and say how to reach it."""
    with Claude() as claude, contextlib.suppress(KeyboardInterrupt):
        for name, value in claude.environment.items():
            print(f"export {name}={value}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
