"""Shards on their way: handed out to a work pool, watched until they end, handed out anew when their process died.

Prefect tells what ended and what crashed; it does not tell of a machine that is gone (its run stays
`Running` for ever). The store does: a shard's process renews its lease there (`flows.store.leases`), under
the flow run's id. A run that Prefect calls running, without a lease for `_SILENT`, is dead.

The other way round the parent tells its shards that it lives, and wants them (`flows.store.jobs`). Once it is told to
end, it takes that word back: shards that run finish what is in flight, those that have not begun are cancelled.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, StateType
from prefect.runtime import flow_run
from prefect.states import Cancelled, Crashed

from extractors.errors import BudgetExhausted, CannotRun, EndpointDown, Kind, ShardLost, StoreUnavailable
from extractors.vocabulary import DocumentStatus
from flows.background import alongside, every
from flows.observe.summary import Outcome
from flows.prefect.linking import job_tag, link_to_shard, page_link
from flows.prefect.stopping import INTERRUPTED
from flows.run.document import Run
from flows.run.job import Shard
from flows.store import jobs
from flows.store.jobs import Standing
from flows.store.leases import RENEWED_EVERY
from flows.store.store import Store
from flows.store.troubles import troubles_of

DEPLOYMENT = "extract-shard/extract-shard"

_LOOK_EVERY = 2.0
"""Seconds between two looks at all shards under way: one call of the API and one query of the store."""

_SILENT = 120.0
"""Seconds without a lease before a running shard counts as dead: twice `leases.LEASE_SECONDS`, start-up included."""

_TIMES = 4
"""Times that a shard is handed out while its processes die, before a person is asked."""

_MOST_LINKS = 100

_PATIENCE = 600.0
"""Seconds that the Prefect server may be away."""


class Pool:
    """The shards of one bulk run.

    Args:
        store: open; where shards' leases and counts are.
        wishes: parameters that every shard gets.
        sources: what the whole run is over: with the wishes, they name the job.
        job_id: the parent's flow run, under which the store knows whether the job is wanted.
        stopping: set once the parent is to end.
    """

    def __init__(
        self, store: Store, wishes: dict[str, Any], sources: Sequence[str], job_id: str, stopping: asyncio.Event
    ) -> None:
        self._store = store
        self._wishes = wishes
        self._job_id = job_id
        self._stopping = stopping
        self._adopted: set[str] = set()
        self._job = "octavo-job:" + sha256(repr((list(sources), sorted(wishes.items()))).encode()).hexdigest()[:16]
        self._ended: list[str] = []
        self._under_way: dict[UUID, asyncio.Future[FlowRun]] = {}
        self._alive_at: dict[UUID, float] = {}

    @asynccontextmanager
    async def watching(self, notice: Callable[[str], None]) -> AsyncIterator[None]:
        """Looks at the shards under way, and keeps them wanted, for as long as it lasts."""

        async def keep_wanted() -> None:
            try:
                if not self._stopping.is_set():
                    await self._store.run(self._store.transact, jobs.want, [self._job_id, *self._adopted])
            except StoreUnavailable as error:
                notice(f"{error}; the shards wait for it too")

        await self._store.run(self._store.transact, jobs.want, [self._job_id])
        try:
            async with alongside(self._look(notice)), alongside(every(RENEWED_EVERY, keep_wanted)):
                yield
        finally:
            await self._call_off()

    def links(self) -> list[str]:
        """The shards that ended, each with a link to its page; in Markdown, and no more than a page shows."""
        if not self._ended:
            return []
        more = f" and {len(self._ended) - _MOST_LINKS} more" if len(self._ended) > _MOST_LINKS else ""
        return ["Its shards: " + ", ".join(self._ended[:_MOST_LINKS]) + more + "."]

    async def wait_for_forerunners(self) -> None:
        """Waits for shards that an earlier parent of the same job handed out: what they do need not be done here.

        Those that run are adopted; those that have not begun, and whose parent is gone, are cancelled: what they were
        to do is listed here.
        """
        open_states = [state for state in StateType if state not in TERMINAL_STATES]
        async with get_client() as client:
            found = await client.read_flow_runs(
                flow_run_filter=FlowRunFilter(
                    tags=FlowRunFilterTags(all_=[self._job]),
                    state=FlowRunFilterState(type=FlowRunFilterStateType(any_=open_states)),
                )
            )
            orphans = [each for each in found if await self._is_orphan(each)]
            for each in orphans:
                await client.set_flow_run_state(each.id, Cancelled(message="its parent is gone; another took over"))
        left = [each for each in found if each not in orphans]
        self._adopted = {str(each.parameters["job_id"]) for each in left if each.parameters.get("job_id")}
        if self._adopted:
            await self._store.run(self._store.transact, jobs.want, sorted(self._adopted))
        await asyncio.gather(*(self._end_of(each.id) for each in left))
        self._adopted = set()

    async def _is_orphan(self, shard: FlowRun) -> bool:
        """Whether a shard waits for a worker while its parent is not heard of any more."""
        if shard.state_type != StateType.SCHEDULED or not shard.parameters.get("job_id"):
            return False
        found = await self._store.run(self._store.transact, jobs.standing, str(shard.parameters["job_id"]))
        return found != Standing.WANTED

    async def _call_off(self) -> None:
        await self._store.run(self._store.transact, jobs.call_off, [self._job_id, *self._adopted])

    async def hand_out(self, name: str, shard: Shard, run: Run) -> str:
        """Has a shard taken by a worker, and adds its counts to the run's (`flows.run.job.HandOut`).

        Raises:
            ShardLost: its processes died again and again; its documents are pending.
        """
        if run.stopped:
            return f"{name}: not begun"
        for attempt in range(1, _TIMES + 1):
            ended = await self._end_of(await self._create(name, shard, attempt, run.run_id))
            counts = await self._store.run(self._store.summaries, [str(ended.id)])
            anew = ended.state_name == INTERRUPTED and attempt < _TIMES and not run.stopped
            troubles = await self._troubles(ended, run)
            if counts and not anew:
                break
            # What it ended is done with, and not among the next one's counts.
            run.summary.trouble_count += troubles
            run.watch.notice(f"{name}: {ended.state_name}, attempt {attempt}: {ended.state and ended.state.message}")
            if run.stopped or ended.state_type == StateType.CANCELLED:
                return f"{name}: {ended.state_name}"  # what it was to do is pending
            if ended.state_type == StateType.FAILED and not anew:
                break  # it says itself why it cannot run, and would say so again
        else:
            raise ShardLost(f"{name}: its process died {_TIMES} times; see flow run {ended.id}")
        self._ended.append(f"{page_link(name, str(ended.id))} ({ended.state_name})")
        self._settle(shard, run, ended, counts.get(str(ended.id)))
        return f"{name}: {ended.state_name}"

    async def _troubles(self, ended: FlowRun, run: Run) -> int:
        """Names what a shard, or a part of it, left partial or in quarantine; how many that are, of those named."""
        found = await self._store.run(troubles_of, self._store, str(ended.id), run.summary.most_told)
        for each in found:
            trouble = Outcome(each.uri, each.status, each.kind, each.cause, each.pages)
            run.summary.tell(trouble)
            run.watch.progressed(run.summary, trouble)
        return len(found)

    def _settle(self, shard: Shard, run: Run, ended: FlowRun, counts: dict[str, Any] | None) -> None:
        """Counts what the shard did; one that stopped early stops the others."""
        if counts is None:
            run.stopped = run.stopped or CannotRun(f"{ended.name}: {ended.state and ended.state.message}")
            return
        run.summary.add_shard(counts, len(shard))
        if ended.state_type == StateType.FAILED and counts["documents"][DocumentStatus.PENDING]:
            reason = BudgetExhausted if counts.get("paused_by") == Kind.BUDGET_EXHAUSTED else EndpointDown
            run.stopped = run.stopped or reason(f"{ended.name}: {ended.state and ended.state.message}")
        run.watch.progressed(run.summary, None)

    async def _create(self, name: str, shard: Shard, attempt: int, job_id: str) -> UUID:
        """A run of the deployment; asked for twice (a lost answer, a retry), it is still one."""
        objects = [{"uri": r.uri, "size": r.size, "etag": r.etag, "explicit": r.explicit} for r in shard]
        content = sha256("\n".join(f"{ref.uri} {ref.etag}" for ref in shard).encode()).hexdigest()[:16]
        async with get_client() as client:
            deployment = await client.read_deployment_by_name(DEPLOYMENT)
            made = await client.create_flow_run_from_deployment(
                deployment.id,
                name=f"{name} of {self._wishes['schema_name']}",
                parameters={**self._wishes, "objects": objects, "job_id": job_id},
                tags=["octavo-shard", self._job, job_tag(job_id)],
                idempotency_key=f"{flow_run.id}:{flow_run.run_count}:{content}:{attempt}",
            )
        identity: UUID = made.id
        await link_to_shard(name if attempt == 1 else f"{name}, attempt {attempt}", str(identity))
        return identity

    async def _end_of(self, run_id: UUID) -> FlowRun:
        ending: asyncio.Future[FlowRun] = asyncio.get_running_loop().create_future()
        self._under_way[run_id] = ending
        self._alive_at[run_id] = time.monotonic()
        try:
            return await ending
        finally:
            del self._under_way[run_id], self._alive_at[run_id]

    async def _look(self, notice: Callable[[str], None]) -> None:
        answered = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            try:
                await self._look_once()
                answered = time.monotonic()
            except Exception as error:
                # A server that restarts is waited for; what lasts ends every shard's wait with its cause.
                notice(f"the shards cannot be looked at: {type(error).__name__}: {error}")
                if time.monotonic() - answered > _PATIENCE:
                    for ending in self._under_way.values():
                        ending.set_exception(error)
                    raise

    async def _look_once(self) -> None:
        if self._stopping.is_set():
            await self._call_off()
        waited = [run_id for run_id, ending in self._under_way.items() if not ending.done()]
        if not waited:
            return
        async with get_client() as client:
            found = await client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=waited)))
            if self._stopping.is_set():
                for each in (each for each in found if each.state_type == StateType.SCHEDULED):
                    await client.set_flow_run_state(each.id, Cancelled(message="its parent was told to end"))
            await self._bury([each for each in found if each.state_type not in TERMINAL_STATES], client)
        for each in found:
            if each.state_type in TERMINAL_STATES:
                self._under_way[each.id].set_result(each)

    async def _bury(self, open_runs: list[FlowRun], client: Any) -> None:
        """Notes as crashed those that Prefect believes to run and that have been silent for too long."""
        ids = [str(each.id) for each in open_runs]
        alive = await self._store.run(self._store.alive, ids)
        now = time.monotonic()
        for each in open_runs:
            begun = each.state_type in {StateType.PENDING, StateType.RUNNING, StateType.CANCELLING}
            if not begun or str(each.id) in alive:
                self._alive_at[each.id] = now
            elif now - self._alive_at[each.id] > _SILENT:
                await client.set_flow_run_state(each.id, Crashed(message="its process is gone"), force=True)
