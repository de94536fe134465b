"""How a flow run ends before its time: by a signal of its worker, by a person's cancel, or since its job is over.

In each case what is in flight is finished and stored, the rest stays pending, and the run's state says why. A signal
that Prefect handled itself would throw away what the model is answering just then.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from prefect import State
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed

from flows.background import alongside, first_signal
from flows.store import jobs
from flows.store.jobs import Standing
from flows.store.store import Store

INTERRUPTED = "Interrupted"
"""The name of the state of a run that its worker told to end: the same work may be handed out anew."""

_ASK_EVERY = 5.0
"""Seconds between two questions whether a job is still wanted; each is one row by its key."""

_SILENT = 45.0
"""Seconds for which a job's lease may have run out: a parent that lost the store renews within 15 s of its return."""


@dataclass
class Stop:
    """Whether, and why, a flow run is to end.

    Attributes:
        asked: set once it is; for `flows.run.job.run_job`.
        job_over: why its job is not wanted any more; None where that is not the reason.
    """

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    job_over: str | None = None

    async def state(self, told: str, data: dict[str, Any]) -> State[dict[str, Any]]:
        """The state of a run that was stopped: Cancelled by a person or with its job, else `Interrupted`."""
        if self.job_over is not None:
            return Cancelled(message=f"{self.job_over}; {told}", data=data)
        if await _is_cancelling():
            return Cancelled(message=f"cancelled; {told}", data=data)
        return Failed(name=INTERRUPTED, message=f"its worker stopped; {told}; what is pending is not lost", data=data)


@contextmanager
def stopping(notice: Callable[[str], None]) -> Iterator[Stop]:
    """Asks a flow run to end at the first SIGTERM or Ctrl-C; a second one ends it at once."""
    stop = Stop()

    def ask() -> bool:
        if stop.asked.is_set():
            return False
        stop.asked.set()
        notice("stopping: what is in flight is finished first; once more to stop at once")
        return True

    with first_signal(ask):
        yield stop


async def wait_for_word(store: Store, job_id: str, stop: Stop) -> None:
    """Returns once a job is known to be wanted, or to be over: then `stop` is asked, and says why."""
    silent_since: float | None = None
    while not stop.asked.is_set():
        found = await store.run(store.transact, jobs.standing, job_id)
        now = asyncio.get_running_loop().time()
        if found == Standing.WANTED:
            return
        silent_since = now if silent_since is None else silent_since
        if found == Standing.CALLED_OFF:
            stop.job_over = f"its job ({job_id}) is over or was called off"
        elif now - silent_since > _SILENT:
            stop.job_over = f"its job's parent ({job_id}) is gone"
        if stop.job_over is not None:
            stop.asked.set()
            return
        await asyncio.sleep(_ASK_EVERY)


@asynccontextmanager
async def heeding(store: Store, job_id: str, stop: Stop) -> AsyncIterator[None]:
    """Asks now and then, for as long as it lasts, whether a job is still wanted."""

    async def ask() -> None:
        while not stop.asked.is_set():
            await asyncio.sleep(_ASK_EVERY)
            await wait_for_word(store, job_id, stop)

    async with alongside(ask()):
        yield


async def _is_cancelling() -> bool:
    """Whether a person cancels this run: its worker's signal does not say so."""
    if flow_run.id is None:
        return False
    async with get_client() as client:
        state = (await client.read_flow_run(flow_run.id)).state
    return state is not None and (state.is_cancelling() or state.is_cancelled())
