"""Whether a job is still wanted, as its parent says in the store, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from stores import fresh_url

from flows.store import jobs, leases
from flows.store.dialects import moment
from flows.store.jobs import Standing
from flows.store.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        yield opened


def of(store: Store, job_id: str) -> Standing:
    """How a job stands."""
    return store.transact(jobs.standing, job_id)


def test_a_job_is_wanted_until_it_is_called_off(store: Store) -> None:
    """Each job by itself; one that nobody ever wanted is none."""
    assert of(store, "a") == Standing.CALLED_OFF
    store.transact(jobs.want, ["a", "b"])
    store.transact(jobs.want, ["a"])
    assert (of(store, "a"), of(store, "b")) == (Standing.WANTED, Standing.WANTED)
    store.transact(jobs.call_off, ["a"])
    assert (of(store, "a"), of(store, "b")) == (Standing.CALLED_OFF, Standing.WANTED)


def test_a_parent_that_is_not_heard_of_is_told_from_one_that_ended(store: Store) -> None:
    """Its lease ran out: it is dead, or lost the store; another that takes the job over makes it wanted again."""
    store.transact(jobs.want, ["a"])
    with store.writing() as connection:
        connection.execute(update(leases.leases).values(expires_at=moment(connection, -1)))
    assert of(store, "a") == Standing.SILENT
    store.transact(jobs.want, ["a"])
    assert of(store, "a") == Standing.WANTED


def test_a_jobs_lease_is_nobodys_claim(store: Store) -> None:
    """A parent's own lease, by which its documents and its life are known, is another one."""
    store.transact(jobs.want, ["a"])
    assert store.alive(["a"]) == set()
    store.renew("a")
    store.transact(jobs.call_off, ["a"])
    assert store.alive(["a"]) == {"a"}
    store.release()
