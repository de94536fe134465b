"""A PostgreSQL that takes connections and answers nothing: told from one that is long about a statement.

What waits for it sees no difference, and the system none either, for its packets are acknowledged. So a new
connection is asked for: a server at work lets it in, however long the statement beside it takes.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, event

from flows.store.dialects import connecting

DRIVER = "postgresql+psycopg"
"""The one whose time-out for connecting is told from other troubles; with others nothing is watched."""


def watch(engine: Engine) -> Callable[[], bool] | None:
    """A function that cuts an engine's connections off when its server is silent, and returns whether it did.

    It blocks for `connect_timeout` at most. What waited on those connections fails as when the server is away; its
    last transaction may be committed all the same. None where nothing is watched.
    """
    if engine.url.drivername != DRIVER:
        return None
    connections: WeakSet[Any] = WeakSet()

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connections.add(connection)

    def cut_if_silent() -> bool:
        if not _silent(engine):
            return False
        for each in list(connections):
            _cut(each)
        return True

    return cut_if_silent


def _silent(engine: Engine) -> bool:
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
