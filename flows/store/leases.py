"""Who works on what: each process holds its claims by one lease, which it renews while it lives.

A claim (`extractions.held_by`) names a lease; it holds as long as that row of `leases` is there and has
not expired by the database's own clock. So renewing costs one row, however many documents are in flight.
A holder that was killed on this machine is known to be dead at once, since the system takes its lock on
a file away; one on another machine is waited for until its lease expires.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, delete, or_, select

from flows.store.dialects import insert, moment
from flows.store.tables import leases

LEASE_SECONDS = 60.0
"""How long a lease holds without being renewed: longer than any wait for the database."""

RENEWED_EVERY = 15.0
"""Seconds between two renewals."""

_DAY = 86_400.0


class Holder:
    """This process as the holder of claims.

    Attributes:
        id: names its lease.
        holds: it has taken the lease, and not given it up.
    """

    def __init__(self) -> None:
        self.id = uuid4().hex
        self.holds = False
        self._file: int | None = None
        # Without the file (a full or read-only disk), others wait for the lease to expire: slower, not wrong.
        with suppress(OSError):
            _folder().mkdir(mode=0o700, exist_ok=True)
            _sweep()
            self._file = os.open(_file_of(self.id), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def close(self) -> None:
        """Gives its file up; its lease is given up by `release`.

        Where that could not be done, the file stays without its lock: so others know that this process is gone.
        """
        if self._file is not None:
            os.close(self._file)
            if not self.holds:
                _file_of(self.id).unlink(missing_ok=True)
            self._file = None


def renew(connection: Connection, *, holder: str, run_id: str | None = None) -> None:
    """Makes a lease hold for `LEASE_SECONDS` from now; takes it when there is none (any more)."""
    until = moment(connection, LEASE_SECONDS)
    connection.execute(
        insert(connection, leases)
        .values(id=holder, run_id=run_id, expires_at=until)
        .on_conflict_do_update(index_elements=["id"], set_={"expires_at": until})
    )


def release(connection: Connection, holder: str) -> None:
    """Lets go of everything that a holder claimed and has not finished; forgets leases that ran out long ago."""
    long_ago = leases.c.expires_at < moment(connection, -_DAY)
    connection.execute(delete(leases).where(or_(leases.c.id == holder, long_ago)))


def holds(connection: Connection, holder: str | None) -> bool:
    """Whether a lease stands: not expired, and its process, when it ran on this machine, not dead."""
    if holder is None:
        return False
    standing = select(leases.c.id).where(leases.c.id == holder, leases.c.expires_at > moment(connection))
    return connection.scalar(standing) is not None and not _died_here(holder)


def alive(connection: Connection, run_ids: Sequence[str]) -> set[str]:
    """Those runs whose process renews its lease, on whatever machine."""
    standing = select(leases.c.run_id).where(leases.c.run_id.in_(run_ids), leases.c.expires_at > moment(connection))
    return set(connection.scalars(standing))


def standing(connection: Connection) -> list[str]:
    """Who works on the store: the run of each lease that stands, or what else it is called."""
    held = select(leases).where(leases.c.expires_at > moment(connection)).order_by(leases.c.id)
    return [row.run_id or row.id for row in connection.execute(held).all() if not _died_here(row.id)]


def _died_here(holder: str) -> bool:
    """Whether a process of this machine and user held it, and its lock is gone with it."""
    try:
        file = os.open(_file_of(holder), os.O_RDONLY)
    except OSError:
        return False  # of another machine or user
    try:
        return _is_unlocked(file)
    finally:
        os.close(file)


def _is_unlocked(file: int) -> bool:
    try:
        # Shared, so that several who look at once do not take each other for the holder.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"octavo-leases-{os.getuid()}"


def _file_of(holder: str) -> Path:
    return _folder() / holder


def _sweep() -> None:
    """Removes what processes killed days ago left."""
    for path in _folder().iterdir():
        if time.time() - path.stat().st_mtime > _DAY and _died_here(path.name):
            path.unlink(missing_ok=True)
