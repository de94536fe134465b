"""A worker's side of `workers`: a process of its own, started as this module, that serves calls over a socket."""

import gc
import os
import pickle
import resource
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from extractors.errors import OctavoError, RenderMemory

SIZE = struct.Struct("!Q")
"""What stands before each message: its bytes."""

READY = b"."
"""What a worker says once it has loaded what it needs."""


def serve(theirs: socket.socket, memory_bytes: int) -> None:
    """A worker's life: calls in, outcomes out, until the parent closes the socket or dies."""
    # Ctrl-C reaches the whole process group; whether to stop is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    parent = os.getppid()
    _load()
    # Decoders print what they think of broken bytes; what matters travels back through the socket.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    theirs.sendall(READY)
    _limit_memory(memory_bytes)
    gc.freeze()  # what was imported stays: the collector need not walk through it again and again
    asked = theirs.makefile("rb")
    while os.getppid() == parent:
        question = _question(asked)
        if question is None:
            return
        try:
            function, args = pickle.loads(question)  # noqa: S301 - the parent's
            outcome: tuple[bool, Any] = (True, function(*args))
        except MemoryError:
            outcome = (
                False,
                RenderMemory(f"more than {memory_bytes >> 20:,} MiB of memory needed (document_memory)"),
            )
        except OctavoError as error:
            outcome = (False, error)
        except Exception:  # noqa: BLE001 - a defect: it travels back as text, for not every exception can be pickled
            outcome = (False, traceback.format_exc())
        answer = pickle.dumps(outcome, pickle.HIGHEST_PROTOCOL)
        try:
            theirs.sendall(SIZE.pack(len(answer)) + answer)
        except ConnectionError:
            return


def _load() -> None:
    """Imports what drawing takes before the first call, whose time is the document's."""
    import pymupdf

    from extractors.pages import opening, rendering

    _ = pymupdf, opening, rendering


def _question(asked: BinaryIO) -> bytes | None:
    """The next call; None when the parent closed its end."""
    head = asked.read(SIZE.size)
    if len(head) < SIZE.size:
        return None
    (size,) = SIZE.unpack(head)
    raw = asked.read(size)
    return raw if len(raw) == size else None


def _limit_memory(memory_bytes: int) -> None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return  # no Linux: RLIMIT_AS would not hold either
    used = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
