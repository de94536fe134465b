"""What a service has taken from the store's arrivals stays its own for as long as it lives."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from extractors.errors import StoreUnavailable
from flows.background import alongside, every
from flows.observe.logs import tell
from flows.store.leases import RENEWED_EVERY
from flows.store.store import Store


@asynccontextmanager
async def holding(store: Store) -> AsyncIterator[None]:
    """Keeps what this process has taken, and lets go of it at the end; a store that is away is asked again."""

    async def renew() -> None:
        try:
            await store.run(store.renew)
        except StoreUnavailable as error:
            tell(str(error), level=logging.ERROR)

    await renew()
    try:
        async with alongside(every(RENEWED_EVERY, renew)):
            yield
    finally:
        with suppress(StoreUnavailable):  # then the lease ends by itself
            await store.run(store.release)
