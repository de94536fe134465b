"""Work beside other work: a lease that is renewed, a message that is kept hidden, shards that are looked at."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any


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
