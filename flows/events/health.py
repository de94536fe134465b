"""Whether a service without a receiver of its own is well: `/healthz`, `/readyz` and `/metrics` on a port beside it.

`octavo listen` answers these itself; `octavo consume --port N` does it here, in threads, so that an event loop that
hangs is seen from outside.
"""

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import SecretStr

from extractors.errors import BadConfiguration
from flows.events.bearer import bears
from flows.observe import telemetry

_PATIENCE = 5.0
"""Seconds in which a loop that is alive takes its turn."""

_SLOWEST = 15.0
"""Seconds of a caller's silence: one that sends half a request holds a thread no longer."""


@contextmanager
def answering(
    host: str, port: int, trouble: Callable[[], str | None], token: SecretStr | None = None
) -> Iterator[None]:
    """Answers on a port while it lasts; to be entered on the running event loop.

    `/healthz` is 200 while the loop takes its turns, `/readyz` while there is no trouble, and 503 otherwise.

    Args:
        host: to bind to.
        port: likewise.
        trouble: what keeps the service from its work now, in one line without secrets; None for nothing.
        token: that whoever wants more than a status sends as bearer token; None: none is asked for.

    Raises:
        BadConfiguration: the port cannot be had.
    """
    loop = asyncio.get_running_loop()

    class Answers(BaseHTTPRequestHandler):
        timeout = _SLOWEST

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(*(_numbers() if self._may_look() else (401, b"", "text/plain")))
            elif self.path == "/healthz":
                self._state(None if _takes_turns(loop) else "the loop hangs")
            elif self.path == "/readyz":
                self._state(trouble())
            else:
                self._answer(404, b"", "text/plain")

        def _may_look(self) -> bool:
            return token is None or bears(self.headers.get("Authorization"), token)

        def _state(self, bad: str | None) -> None:
            # A probe knows no token: it is told whether, not why.
            told = (bad if self._may_look() else "not ready") if bad else "ok"
            body = json.dumps({"status": told}).encode()
            self._answer(503 if bad else 200, body, "application/json")

        def _answer(self, status: int, body: bytes, media_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: probes come every few seconds."""

    try:
        server = _Server((host, port), Answers)
    except OSError as error:
        raise BadConfiguration(f"cannot answer on {host}:{port}: {error.strerror}") from None
    serving = threading.Thread(target=server.serve_forever, name="octavo-health", daemon=True)
    serving.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def _numbers() -> tuple[int, bytes, str]:
    return 200, *telemetry.page()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _takes_turns(loop: asyncio.AbstractEventLoop) -> bool:
    taken = threading.Event()
    loop.call_soon_threadsafe(taken.set)
    return taken.wait(_PATIENCE)
