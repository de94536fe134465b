"""Worker processes for what may crash, hang or eat memory: opening and drawing documents.

Each worker has a pipe of its own, so that a death takes down one worker and one call. The dead one is
replaced at its next call; calls in flight elsewhere finish.
"""

import asyncio
import contextlib
import gc
import multiprocessing
import os
import resource
import signal
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self, TypeVar, TypeVarTuple

from extractors.errors import OctavoError, RenderCrashed, RenderMemory, RenderTimeout

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_END, _DYING = 2.0, 0.2
"""Seconds that an idle worker, and one whose pipe broke, get to end by themselves."""


class Workers:
    """A few worker processes; `async with Workers(2, 2 << 30) as workers: await workers.run(function, ...)`."""

    def __init__(self, count: int, memory_bytes: int) -> None:
        """Starts nothing yet: a worker begins at its first call.

        Args:
            count: processes at most.
            memory_bytes: address space that each may use beyond what it starts with.
        """
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["extractors.rendering", "extractors.opening", "pymupdf"])
        self._workers = [_Worker(self._context, memory_bytes) for _ in range(count)]
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="octavo-worker")
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()

    async def __aenter__(self) -> Self:
        for worker in reversed(self._workers):
            self._idle.put_nowait(worker)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=True)
        for worker in self._workers:
            worker.end()

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
        call = asyncio.get_running_loop().run_in_executor(self._threads, worker.call, function, args, seconds)
        call.add_done_callback(lambda _: self._idle.put_nowait(worker))
        return await asyncio.shield(call)


class _Worker:
    """One process and its pipe."""

    def __init__(self, context: Any, memory_bytes: int) -> None:
        self._context = context
        self._memory = memory_bytes
        self._process: Any = None
        self._pipe: Connection | None = None

    def call(self, function: Callable[..., T], args: tuple[Any, ...], seconds: float) -> T:
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._pipe is not None  # noqa: S101 - just started
        try:
            self._pipe.send((function, args))
            if not self._pipe.poll(seconds):
                self._kill()
                raise RenderTimeout(
                    f"not done after {seconds:g} s (document_seconds): the file is hostile, or far too complex"
                )
            good, outcome = self._pipe.recv()
        except (EOFError, ConnectionError, OSError):
            code = self._kill()
            raise RenderCrashed(f"the renderer's process died ({_told(code)}) on this file") from None
        if good:
            result: T = outcome
            return result
        if isinstance(outcome, OctavoError):
            raise outcome
        raise RuntimeError(outcome)

    def _start(self) -> None:
        """Starts the process; once more when the fork server itself was killed, which starts that anew."""
        self._kill()
        try:
            self._begin()
        except (EOFError, ConnectionError):
            self._begin()

    def _begin(self) -> None:
        pipe, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._memory, os.getpid()), daemon=True)
        try:
            process.start()
        except BaseException:
            pipe.close()
            raise
        finally:
            theirs.close()
        self._pipe, self._process = pipe, process

    def _kill(self) -> int | None:
        code: int | None = None
        if self._process is not None:
            self._process.join(_DYING)
            code = self._process.exitcode
            if code is None:
                self._process.kill()
                self._process.join()
            self._process.close()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None
        return code

    def end(self) -> None:
        """Closes the pipe, on which the worker ends."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.join(_END)
            self._kill()


def _told(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _serve(pipe: Connection, memory_bytes: int, parent: int) -> None:
    """A worker's life: calls in, outcomes out, until the parent closes the pipe or dies."""
    # Ctrl-C reaches the whole process group; whether to stop is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Decoders print what they think of broken bytes; what matters travels back through the pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    _limit_memory(memory_bytes)
    gc.freeze()  # what was imported stays: the collector need not walk through it again and again
    while os.getppid() != 1 or parent == 1:
        try:
            function, args = pipe.recv()
        except EOFError:
            return
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
        try:
            pipe.send(outcome)
        except BrokenPipeError:
            return


def _limit_memory(memory_bytes: int) -> None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return  # no Linux: RLIMIT_AS would not hold either
    used = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))
