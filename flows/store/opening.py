"""Opens a store that may be away just now: a part of a job under way waits for it as one that has it open does."""

import asyncio
import time
from collections.abc import Callable

from extractors.errors import StoreUnavailable
from flows.store.store import Store

_PAUSE = 2.0
"""Seconds between two attempts."""


async def open_when_back(url: str, *, patience: float, notice: Callable[[str], None]) -> Store:
    """`Store.open`, again and again; the store waits as patiently afterwards.

    Args:
        url: as `Store.open` takes it.
        patience: seconds; 0: it is tried once.
        notice: hears once that it is waited for.

    Raises:
        StoreUnavailable: it was away for so long, or the URL names none.
    """
    began = time.monotonic()
    told = False
    while True:
        try:
            store = await asyncio.to_thread(Store.open, url)
        except StoreUnavailable as error:
            left = patience - (time.monotonic() - began)
            if left <= 0:
                raise
            if not told:
                notice(f"{error}; trying for {left:.0f} s more")
                told = True
            await asyncio.sleep(min(_PAUSE, left))
        else:
            store.patience, store.notice = patience, notice
            return store
