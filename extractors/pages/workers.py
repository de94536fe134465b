"""Worker processes for what may crash, hang or eat memory: opening, drawing and OCR of documents.

Each worker has a socket of its own, so that a death takes down one worker and one call. The dead one is
replaced at its next call; calls in flight elsewhere finish. A worker is started as a module, so that it never runs
the caller's script again, and with none but the named parts of the environment, for secrets are in the rest.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar, TypeVarTuple

from extractors.errors import BadConfiguration, OctavoError, RenderCrashed, RenderTimeout
from extractors.pages.worker import READY, SIZE

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_END, _DYING = 2.0, 0.2
"""Seconds that an idle worker, and one whose socket broke, get to end by themselves."""

_BUFFER = 1 << 20
"""Bytes of an answer that may wait unread, in either process."""

_START = 120.0
"""Seconds that a process gets to start: a fifth of one, unless the machine is swamped."""

_PASSED_ON = {
    "PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OMP_NUM_THREADS",
    "MALLOC_ARENA_MAX",
}  # fmt: skip
"""What a worker has of the environment, beside the `LC_` settings: a hostile file may take the process over."""


class Workers:
    """A few worker processes; `async with Workers(2, 2 << 30) as workers: await workers.run(function, ...)`."""

    def __init__(self, count: int, memory_bytes: int, who: str = "renderer") -> None:
        """Starts nothing yet: a worker begins at its first call.

        Args:
            count: processes at most.
            memory_bytes: address space that each may use beyond what it starts with.
            who: they are, where one dies.
        """
        self._workers = [_Worker(memory_bytes, who) for _ in range(count)]
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
            BadConfiguration: no process can be started here.
        """
        worker = await self._idle.get()
        call = asyncio.create_task(worker.call(function, args, seconds))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        call.add_done_callback(lambda _: self._idle.put_nowait(worker))
        return await asyncio.shield(call)


class _Worker:
    """One process and its socket, which the event loop reads: a thread's turns would cost more than the calls."""

    def __init__(self, memory_bytes: int, who: str) -> None:
        self._who = who
        self._memory = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
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
        self._writer.write(SIZE.pack(len(question)) + question)
        (size,) = SIZE.unpack(await self._reader.readexactly(SIZE.size))
        answer: tuple[bool, Any] = pickle.loads(await self._reader.readexactly(size))  # noqa: S301 - our own worker's
        return answer

    async def _start(self) -> None:
        """Starts the process, which is no part of the document's time, and waits until it has loaded what it needs.

        Raises:
            BadConfiguration: it cannot be started, or ended at once: that is no document's fault.
        """
        await self.end(_DYING)
        ours, self._process = _started(self._memory, self._who)
        ready = b""
        try:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_START):
                    ready = await asyncio.get_running_loop().sock_recv(ours, len(READY))
        finally:
            if ready != READY:
                ours.close()
        if ready != READY:
            self._process.kill()
            _, said = self._process.communicate()
            last = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise BadConfiguration(
                f"the {self._who}'s process does not start ({_told(self._process.returncode)}): {last}"
            )
        self._socket = ours
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=_BUFFER)

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


def _started(memory_bytes: int, who: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A new process, and our end of its socket.

    Raises:
        BadConfiguration: it cannot be started.
    """
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    ours.settimeout(0.0)
    command = [sys.executable, "-P", "-m", "extractors.pages.worker", str(theirs.fileno()), str(memory_bytes)]
    # Ctrl-C reaches the whole process group: until the process can say that it does not care, it waits.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, env=_environment(), pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        ours.close()
        raise BadConfiguration(f"the {who}'s process cannot be started: {error}") from None
    finally:
        theirs.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return ours, process


def _environment() -> dict[str, str]:
    passed_on = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}
    return passed_on | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


def _ended(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Waits for a process's end; its exit code, or None when it had to be killed."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
    finally:
        if process.stderr is not None:
            process.stderr.close()


def _told(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"
