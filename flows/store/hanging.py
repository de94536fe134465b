"""A PostgreSQL that takes connections and answers nothing: told from one that is long about a statement.

What waits for it sees no difference, and the system none either, for its packets are acknowledged. So a new
connection is asked for: a server at work lets it in, however long the statement beside it takes.
"""

import asyncio
import os
import socket
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Engine, event

from flows.store.dialects import connecting

T = TypeVar("T")

_DRIVER = "postgresql+psycopg"
"""The one whose time-out for connecting is told from other troubles; with others nothing is watched."""

SILENCE = 15.0
"""Seconds without an answer after which the server is asked whether it is there at all."""


class Watch:
    """Over an engine's connections: cuts them off when their server is silent."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connections: WeakSet[Any] = WeakSet()
        self._asking: asyncio.Task[None] | None = None
        self._watches = engine.url.drivername == _DRIVER
        if self._watches:
            event.listen(engine, "connect", lambda connection, _: self._connections.add(connection))

    async def result(self, working: asyncio.Future[T], patience: float) -> T:
        """What a thread's work comes to; cut off by silence, it fails as when the server is away.

        Its last transaction may be committed all the same.

        Args:
            working: the work.
            patience: seconds; a shorter one than `SILENCE` has the server asked sooner.
        """
        try:
            while self._watches and not working.done():
                await asyncio.wait([working], timeout=min(SILENCE, max(patience, 1.0)))
                if not working.done():
                    await self._ask(working)
            return await working
        finally:
            working.cancel()

    async def _ask(self, working: asyncio.Future[Any]) -> None:
        """Cuts off all that is connected when the server is silent, once for all that wait."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(asyncio.to_thread(self._cut_if_silent))
        waiting: list[asyncio.Future[Any]] = [working, self._asking]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._asking.done():
            self._asking.result()

    def _cut_if_silent(self) -> None:
        """Blocks for `connect_timeout` at most."""
        if _is_silent(self._engine):
            for each in list(self._connections):
                _cut(each)


def _is_silent(engine: Engine) -> bool:
    import psycopg

    arguments, said = engine.dialect.create_connect_args(engine.url)
    try:
        psycopg.connect(*arguments, **{**connecting(engine.url), **said}).close()
    except psycopg.errors.ConnectionTimeout:
        return True
    except psycopg.Error:
        # It answers something, or is away in a way that its connections notice themselves.
        return False
    return False


def _cut(connection: Any) -> None:
    """Ends a connection under whoever waits on it, in another thread."""
    with suppress(OSError):
        if not connection.closed:
            with socket.socket(fileno=os.dup(connection.fileno())) as held:
                held.shutdown(socket.SHUT_RDWR)
