"""Work beside other work: a lease that is renewed, a message that is kept hidden, shards that are looked at."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

_COLLECTED_AFTER = 10_000
"""New objects, after which the collector looks: a page's words alone are hundreds."""

_OLD_AFTER = 50
"""Looks at the young ones, ten each, after which it looks at all that lives: that takes long, and finds little."""

_TURN = 0.001
"""Seconds after which a thread gives way: at Python's own 5 ms, each wait for a lock costs the event loop so much."""


def prepare_interpreter() -> None:
    """Settles a process that is to run documents, once everything is imported."""
    # What the imports made stays: the collector need not walk through it again and again.
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER, 10, _OLD_AFTER)
    sys.setswitchinterval(_TURN)


@asynccontextmanager
async def alongside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs `work` for as long as the block lasts; it is cancelled at the block's end.

    Raises:
        Exception: what `work` itself raised, at the block's end.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def every(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    """Takes a step again and again, first after so many seconds; never ends by itself."""
    while True:
        await asyncio.sleep(seconds)
        await step()


@contextmanager
def first_signal(stop: Callable[[], bool]) -> Iterator[None]:
    """Ctrl-C and SIGTERM, while the block lasts: `stop` is called; what handled them before does so again afterwards.

    Args:
        stop: False when it had been asked before: then every task is cancelled.
    """
    loop = asyncio.get_running_loop()

    def hear() -> None:
        if not stop():
            for task in asyncio.all_tasks(loop):
                task.cancel()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            loop.add_signal_handler(number, hear)
    except (ValueError, RuntimeError):  # not the main thread: whoever runs the thread handles signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            if handler is not None:
                signal.signal(number, handler)
