"""A receiver of notices on loopback that answers as it is told, and remembers what it got."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Post:
    """What came in."""

    body: bytes
    headers: dict[str, str]
    path: str

    @property
    def told(self) -> dict[str, Any]:
        """The body, read."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """Where it is, how it answers (`statuses` first, one each, then 204), and what it got.

    A status of 0 says nothing until the receiver ends; 302 sends the caller elsewhere on the same server.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    always: int = 204
    got: list[Post] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def events(self) -> list[str]:
        """The events of what it took."""
        return [each.told["event"] for each in self.got]


@contextmanager
def receiver(*statuses: int, always: int = 204) -> Iterator[Receiver]:
    """A receiver that runs while it lasts."""
    found = Receiver(statuses=list(statuses), always=always)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append(Post(body, dict(self.headers), self.path))
            status = found.statuses.pop(0) if found.statuses else found.always
            if status == 0:
                found.ended.wait()
                return
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the base class's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        found.ended.set()
        server.shutdown()
        server.server_close()
        serving.join()
