"""A model server on loopback that answers from a script and remembers what it was asked."""

import base64
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it; `port` is the client's, the same for all requests of a connection."""

    body: dict[str, Any]
    headers: dict[str, str]
    path: str = "/v1/chat/completions"
    port: int = 0

    @property
    def text(self) -> str:
        """Every text of the messages, joined."""
        return "\n".join(self._parts("text"))

    @property
    def images(self) -> list[bytes]:
        """The pages' JPEG bytes, in order."""
        urls = [part["url"] for part in self._parts("image_url")]
        sources = [part["data"] for part in self._parts("source", of="image")]
        return [base64.b64decode(data.split(",", 1)[-1]) for data in [*urls, *sources]]

    @property
    def fingerprint(self) -> str:
        """The same for the same question."""
        return hashlib.sha256(json.dumps(self.body, sort_keys=True).encode()).hexdigest()

    @property
    def is_repair(self) -> bool:
        """Whether a refused answer is sent back."""
        return any(message["role"] == "assistant" for message in self.body["messages"])

    def _parts(self, kind: str, of: str | None = None) -> list[Any]:
        found = []
        for message in self.body["messages"]:
            content = message["content"]
            parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
            found += [part[kind] for part in parts if part["type"] == (of or kind)]
        return found


@dataclass(frozen=True)
class Answer:
    """What the server sends back: a completion with this text, or a raw body under any status.

    Attributes:
        pieces: the body in pieces instead, sent chunked, `drip` seconds apart.
        cut: the connection is reset after half of the body, or after the last piece.
        sent: how many of the pieces went out before the client hung up.
    """

    text: str | None = None
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    finish_reason: str = "stop"
    delay: float = 0.0
    pieces: Sequence[bytes] | None = None
    drip: float = 0.0
    cut: bool = False
    sent: list[int] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=lambda: {"prompt_tokens": 1000, "completion_tokens": 100})

    def raw(self) -> bytes:
        """The response's body."""
        if self.body is not None:
            return self.body
        message = {"role": "assistant", "content": self.text}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": self.usage}).encode()


def says(record: dict[str, Any]) -> Answer:
    """A good answer with this record."""
    return Answer(text=json.dumps(record))


def streams(
    text: str, *, piece: int = 8, usage: dict[str, Any] | None = None, end: str = "stop", **more: Any
) -> Answer:
    """The same text as server-sent events, with the comments that gateways put between them."""

    def event(**fields: Any) -> bytes:
        return b"data: " + json.dumps({"id": "x", "object": "chat.completion.chunk", **fields}).encode() + b"\n\n"

    parts = [text[at : at + piece] for at in range(0, len(text), piece)]
    events = [b": OPENROUTER PROCESSING\n\n", b": PING\n\n"]
    events += [event(choices=[{"index": 0, "delta": {"content": part}, "finish_reason": None}]) for part in parts]
    events.append(event(choices=[{"index": 0, "delta": {}, "finish_reason": end}]))
    events += [event(choices=[], usage=usage)] if usage else []
    headers = {"Content-Type": "text/event-stream"}
    return Answer(pieces=[*events, b"data: [DONE]\n\n"], headers=headers, **more)


Script = Callable[[Asked], Answer]


class ModelServer:
    """The running server.

    Attributes:
        base_url: to hand to Octavo.
        asked: every request, in order of arrival.
        script: decides each answer; may be exchanged while it runs.
        most_in_flight: the highest number of requests it ever held at once.
        models: names that it lists.
        entries: what it lists besides, to the letter.
        listing_status: with which it answers when it is asked for them.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.most_in_flight = 0
        self.models: tuple[str, ...] = ()
        self.entries: list[dict[str, Any]] = []
        self.listing_status = 200
        self._in_flight = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def answer(self, asked: Asked) -> Answer:
        """Remembers the request and follows the script."""
        with self._lock:
            self.asked.append(asked)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            answer = self.script(asked)
            time.sleep(answer.delay)
            return answer
        finally:
            with self._lock:
                self._in_flight -= 1

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _send_pieces(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """Sends a body in chunks; a cut one ends without its end."""
    raw = answer.raw() if answer.pieces is None else b""
    handler.send_response(answer.status)
    for name, value in {"Content-Type": "application/json", **answer.headers}.items():
        handler.send_header(name, value)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for piece in answer.pieces if answer.pieces is not None else [raw[: len(raw) // 2]]:
        handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        answer.sent.append(len(piece))
        time.sleep(answer.drip)
    if not answer.cut:
        handler.wfile.write(b"0\r\n\r\n")


def _handler_for(model: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {k.lower(): v for k, v in self.headers.items()}
            answer = model.answer(Asked(json.loads(body), headers, self.path, self.client_address[1]))
            if answer.pieces is None and not answer.cut:
                self._send(answer.status, answer.raw(), answer.headers)
                return
            with suppress(BrokenPipeError, ConnectionResetError):
                _send_pieces(self, answer)
            if answer.cut:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def do_GET(self) -> None:
            data = [{"id": name, "object": "model"} for name in model.models] + model.entries
            self._send(model.listing_status, json.dumps({"object": "list", "data": data}).encode(), {})

        def _send(self, status: int, raw: bytes, headers: dict[str, str]) -> None:
            try:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the base class's
            """Quiet."""

    return Handler


@contextmanager
def model_server(script: Script) -> Iterator[ModelServer]:
    """A server for one test."""
    server = ModelServer(script)
    try:
        yield server
    finally:
        server.close()
