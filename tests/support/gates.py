"""A gate on loopback before a real server: shut, nobody reaches it; open again, all is as before.

Between client and server are plain bytes, so that any protocol passes: HTTP, PostgreSQL's own.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

How = Literal["refuse", "hang", "mute"]
"""Shut, connections are reset and new ones refused; or all stand still, and new ones are taken and not answered; or
the server hears everything, and is not heard."""

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)


class Gate:
    """A TCP server that passes everything on to another one.

    Attributes:
        port: its own, on 127.0.0.1.
    """

    def __init__(self, target: tuple[str, int] | str) -> None:
        """Open from the start; `target` is host and port, or a Unix socket's path."""
        self._target = target
        self._passing, self._heard = threading.Event(), threading.Event()
        self._passing.set()
        self._heard.set()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listening = _listen(0)
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    @contextmanager
    def shut(self, how: How = "refuse") -> Iterator[None]:
        """Nobody reaches the server for as long as it lasts."""
        if how != "refuse":
            held = self._passing if how == "hang" else self._heard
            held.clear()
            yield
            held.set()
            return
        self.close()
        yield
        self._listening = _listen(self.port)
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def close(self) -> None:
        """Resets every connection, and takes no more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            held, self._connections = self._connections, set()
        for each in held:
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return  # shut
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._passing.wait()
        try:
            if isinstance(self._target, str):
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
            else:
                server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        with self._lock:
            self._connections |= {client, server}
        for here, there in ((client, server), (server, client)):
            threading.Thread(
                target=self._pass_on, args=(here, there), kwargs={"answers": there is client}, daemon=True
            ).start()

    def _pass_on(self, here: socket.socket, there: socket.socket, *, answers: bool) -> None:
        with suppress(OSError):
            while data := here.recv(_CHUNK):
                self._passing.wait()
                if answers:
                    self._heard.wait()
                there.sendall(data)
        for each in (here, there):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with self._lock:
            mine = {here, there} & self._connections
            self._connections -= mine
        # The second of the pair closes: the first may still be in the other's hands.
        for each in mine:
            each.close()


def _listen(port: int) -> socket.socket:
    until = time.monotonic() + 10
    while True:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            listening.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            listening.listen(128)
            return listening


@contextmanager
def gate(target: tuple[str, int] | str) -> Iterator[Gate]:
    """A gate for one test."""
    made = Gate(target)
    try:
        yield made
    finally:
        made.close()
