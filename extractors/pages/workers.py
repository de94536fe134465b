"""Worker processes for what may crash, hang or eat memory: opening, drawing and OCR of documents.

Each worker has a socket of its own, so that a death takes down one worker and one call. The dead one is
replaced at its next call; calls in flight elsewhere finish.
"""

import asyncio
import contextlib
import gc
import multiprocessing
import os
import pickle
import resource
import signal
import socket
import struct
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar, TypeVarTuple

from extractors.errors import OctavoError, RenderCrashed, RenderMemory, RenderTimeout

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_END, _DYING = 2.0, 0.2
"""Seconds that an idle worker, and one whose socket broke, get to end by themselves."""

_SIZE = struct.Struct("!Q")
"""What stands before each message: its bytes."""

_BUFFER = 1 << 20
"""Bytes of an answer that may wait unread, in either process."""


class Workers:
    """A few worker processes; `async with Workers(2, 2 << 30) as workers: await workers.run(function, ...)`."""

    def __init__(self, count: int, memory_bytes: int, who: str = "renderer") -> None:
        """Starts nothing yet: a worker begins at its first call.

        Args:
            count: processes at most.
            memory_bytes: address space that each may use beyond what it starts with.
            who: they are, where one dies.
        """
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["extractors.pages.rendering", "extractors.pages.opening", "pymupdf"])
        self._workers = [_Worker(self._context, memory_bytes, who) for _ in range(count)]
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._calls: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        for worker in reversed(self._workers):
            self._idle.put_nowait(worker)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._calls, return_exceptions=True)
        for worker in self._workers:
            await worker.end()

    async def run(self, function: Callable[[*Ts], T], *args: *Ts, seconds: float) -> T:
        """Calls a module-level function in a worker.

        Args:
            function: picklable, with picklable arguments and result.
            args: its arguments.
            seconds: how long it may take.

        Raises:
            RenderTimeout: it took longer; the process was killed.
            RenderMemory: it ran out of memory.
            RenderCrashed: the process died.
            OctavoError: as the function raised it.
            RuntimeError: the function raised something else, a defect; with its traceback as text.
        """
        worker = await self._idle.get()
        call = asyncio.create_task(worker.call(function, args, seconds))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        call.add_done_callback(lambda _: self._idle.put_nowait(worker))
        return await asyncio.shield(call)


class _Worker:
    """One process and its socket, which the event loop reads: a thread's turns would cost more than the calls."""

    def __init__(self, context: Any, memory_bytes: int, who: str) -> None:
        self._context = context
        self._who = who
        self._memory = memory_bytes
        self._process: Any = None
        self._socket: socket.socket | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def call(self, function: Callable[..., T], args: tuple[Any, ...], seconds: float) -> T:
        if self._socket is None or _is_closed(self._socket):
            await self._start()
        try:
            async with asyncio.timeout(seconds):
                good, outcome = await self._answer(pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL))
        except TimeoutError:
            await self.end(_DYING)
            raise RenderTimeout(
                f"not done after {seconds:g} s (document_seconds): the file is hostile, or far too complex"
            ) from None
        except (EOFError, OSError):
            code = await self.end(_DYING)
            raise RenderCrashed(f"the {self._who}'s process died ({_told(code)}) on this file") from None
        if good:
            result: T = outcome
            return result
        if isinstance(outcome, OctavoError):
            raise outcome
        raise RuntimeError(outcome)

    async def _answer(self, question: bytes) -> tuple[bool, Any]:
        self._writer.write(_SIZE.pack(len(question)) + question)
        (size,) = _SIZE.unpack(await self._reader.readexactly(_SIZE.size))
        answer: tuple[bool, Any] = pickle.loads(await self._reader.readexactly(size))  # noqa: S301 - our own worker's
        return answer

    async def _start(self) -> None:
        """Starts the process; once more when the fork server itself was killed, which starts that anew."""
        await self.end(_DYING)
        try:
            ours, process = await asyncio.to_thread(self._begun)
        except (EOFError, ConnectionError):
            ours, process = await asyncio.to_thread(self._begun)
        self._socket, self._process = ours, process
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=_BUFFER)

    def _begun(self) -> tuple[socket.socket, Any]:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        process = self._context.Process(target=_serve, args=(theirs, self._memory, os.getpid()), daemon=True)
        try:
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours, process

    async def end(self, seconds: float = _END) -> int | None:
        """Closes the socket, on which the worker ends; kills it after some seconds. Its exit code, if it had one."""
        if self._socket is not None:
            self._writer.close()
            self._socket = None
        process, self._process = self._process, None
        return None if process is None else await asyncio.to_thread(_ended, process, seconds)


def _is_closed(ours: socket.socket) -> bool:
    """Whether the process at the other end is gone: nothing is on its way between two calls."""
    try:
        return not ours.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _ended(process: Any, seconds: float) -> int | None:
    """Waits for a process's end; its exit code, or None when it had to be killed."""
    process.join(seconds)
    code: int | None = process.exitcode
    if code is None:
        process.kill()
        process.join()
    process.close()
    return code


def _told(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _serve(theirs: socket.socket, memory_bytes: int, parent: int) -> None:
    """A worker's life: calls in, outcomes out, until the parent closes the socket or dies."""
    # Ctrl-C reaches the whole process group; whether to stop is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Decoders print what they think of broken bytes; what matters travels back through the socket.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    _limit_memory(memory_bytes)
    gc.freeze()  # what was imported stays: the collector need not walk through it again and again
    asked = theirs.makefile("rb")
    while os.getppid() != 1 or parent == 1:
        question = _question(asked)
        if question is None:
            return
        function, args = question
        try:
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
            theirs.sendall(_SIZE.pack(len(answer)) + answer)
        except ConnectionError:
            return


def _question(asked: BinaryIO) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
    """The next call; None when the parent closed its end."""
    head = asked.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    (size,) = _SIZE.unpack(head)
    raw = asked.read(size)
    return pickle.loads(raw) if len(raw) == size else None  # noqa: S301 - the parent's


def _limit_memory(memory_bytes: int) -> None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return  # no Linux: RLIMIT_AS would not hold either
    used = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))
