"""Work beside other work: a lease that is renewed, a message that is kept hidden, shards that are looked at."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
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
