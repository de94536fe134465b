"""Whether a job that several processes share is still wanted: each function is one transaction's work.

Its parent says so by a lease of the job's own (`job:` and its id), which it renews for as long as it lives, and
takes away when it ends, is cancelled or told to stop. Whoever does a part of the job asks here, not Prefect.
"""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection, delete, select

from flows.store import leases
from flows.store.dialects import moment
from flows.store.tables import leases as table

_JOB = "job:"


class Standing(StrEnum):
    """How a job stands: its parent lives, has not been heard of for a lease's time, or wants no more of it."""

    WANTED = "wanted"
    SILENT = "silent"
    CALLED_OFF = "called off"


def want(connection: Connection, job_ids: Sequence[str]) -> None:
    """Keeps jobs wanted for another `leases.LEASE_SECONDS`; those of a dead parent are adopted so."""
    for job_id in job_ids:
        leases.renew(connection, holder=_JOB + job_id)


def call_off(connection: Connection, job_ids: Sequence[str]) -> None:
    """Notes that nothing more of these jobs is wanted."""
    connection.execute(delete(table).where(table.c.id.in_([_JOB + each for each in job_ids])))


def standing(connection: Connection, job_id: str) -> Standing:
    """How a job stands, by the database's own clock."""
    wanted = connection.scalar(select(table.c.expires_at > moment(connection)).where(table.c.id == _JOB + job_id))
    if wanted is None:
        return Standing.CALLED_OFF
    return Standing.WANTED if wanted else Standing.SILENT
