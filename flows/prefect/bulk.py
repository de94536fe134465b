"""`bulk-extract`: a run over more documents than one process takes, as shards on a work pool.

The parent lists, leaves out what is done, and hands shards out as runs of the deployment
`extract-shard/extract-shard`; any worker of the pool takes them. What is done is in the store, not in
Prefect: a parent that is started again waits for the shards of its forerunner that are still on their
way, lists again, and makes shards of the rest. A shard whose process died is handed out anew; should it
be alive after all, the store's leases keep the two from doing a document twice.

Shards live and die with their parent: it keeps its job wanted in the store (`flows.store.jobs`), and each shard asks
there before it begins and while it runs. A parent that is cancelled, told to stop or dead has no shards for long.
"""

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Annotated, Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import BaseModel, Field

from extractors.documents import ObjectRef
from extractors.vocabulary import DocumentStatus
from flows.notify.telling import Teller
from flows.observe import telemetry
from flows.observe.logs import Logged
from flows.observe.summary import Summary
from flows.prefect.extract import Artifacts, concluded, counted, nothing_good
from flows.prefect.linking import link_to_parent, page_link, tag_job
from flows.prefect.parameters import takes_job
from flows.prefect.pool import Pool
from flows.prefect.run_logs import in_run_logs
from flows.prefect.stopping import Stop, heeding, stopping, wait_for_word
from flows.prefect.workplace import settings_at_work
from flows.run.job import Cut, run_job
from flows.run.parameters import Job
from flows.store.opening import open_when_back

_Count = Annotated[int, Field(ge=1)]

_OF_THE_WHOLE = frozenset({"sources", "store", "limit", "deleted", "fail_over"})
"""What a shard is not told: the parent lists and counts, and each process has its store from its settings."""


class Listed(BaseModel):
    """An object as the parent listed it: a shard need not look it up again."""

    uri: str
    size: int
    etag: str
    explicit: bool = False


@flow(name="bulk-extract", flow_run_name="bulk {schema_name}", validate_parameters=True, persist_result=False)
@takes_job(without={"store"})
async def bulk_extract(
    *, shard_documents: _Count = 300, shard_bytes: _Count = 2_000_000_000, shards_at_once: _Count = 4, **wishes: Any
) -> State[dict[str, Any]]:
    """Extracts records from many documents, with any number of workers.

    Every worker must see the sources; `max_cost` and `concurrency` are of all shards together: calls are booked on
    one budget in the store, over restarts too, and each shard gets its share of the calls in flight.

    Args:
        **wishes: the job (`flows.run.parameters.Job`).
        shard_documents: documents in a shard at most; 3 to 10 minutes of work is a good shard
        shard_bytes: bytes in a shard at most
        shards_at_once: shards handed out at once; as many workers (or worker slots) are of use

    Returns:
        Completed when every document is complete or was done before; Failed with the counts otherwise, also when
        there was nothing to read at all; Cancelled when a person did.
    """
    known, job = settings_at_work(), Job(**wishes)
    share = max(1, (job.concurrency or known.concurrency) // shards_at_once)
    budget = job.max_cost if job.max_cost is not None else known.max_cost
    told = {"concurrency": share, "max_cost": None if budget is None else float(budget)}
    for_each = job.model_copy(update=told).model_dump(mode="json", exclude=set(_OF_THE_WHOLE))
    cut = Cut(shard_documents, shard_bytes, one_by_one=False, at_once=shards_at_once)
    job_id, logged = str(flow_run.id), Logged()
    # The whole run is told of once, here: its shards tell nobody.
    teller = Teller(known, logged.notice, job.schema_name)
    async with teller.delivering():
        store = await open_when_back(known.store, patience=known.give_up_after, notice=logged.notice)
        with store, in_run_logs(), stopping(logged.notice) as stop:
            await tag_job(job_id)
            pool = Pool(store, for_each, job.sources, job_id, stop.asked)
            async with Artifacts(teller.watching(logged), pool.links) as watch, pool.watching(watch.notice):
                await pool.wait_for_forerunners()
                summary = await run_job(
                    job, known, watch, run_id=job_id, cut=cut, hand_out=pool.hand_out, stopping=stop.asked
                )  # fmt: skip
            return await concluded(summary, stop, job.sources)


@flow(
    name="extract-shard", validate_parameters=True, persist_result=False,
    timeout_seconds=timedelta(hours=6).total_seconds(),
)  # fmt: skip
@takes_job(without=_OF_THE_WHOLE)
async def extract_shard(objects: list[Listed], job_id: str | None = None, **wishes: Any) -> State[dict[str, Any]]:
    """Extracts records from the objects of one shard; `bulk-extract` makes these runs.

    Args:
        objects: as the parent listed them: uri, size, etag, and whether a person named each
        job_id: the parent's run, whose budget all shards draw from
        **wishes: the job (`flows.run.parameters.Job`), with this shard's share of calls in flight.

    Returns:
        Completed when every document has a final state, and some are good: the parent's table says which. Failed
        when none is, or some are pending; Cancelled when the job is over before the shard is.
    """
    refs = tuple(ObjectRef(each.uri, each.size, each.etag, explicit=each.explicit) for each in objects)
    known, logged = settings_at_work(), Logged()
    with in_run_logs(), stopping(logged.notice) as stop:
        async with AsyncExitStack() as asking:
            if job_id is not None:
                opened = await open_when_back(known.store, patience=known.give_up_after, notice=logged.notice)
                store = asking.enter_context(opened)
                await wait_for_word(store, job_id, stop)
                if stop.asked.is_set():
                    return await stop.state(f"{len(refs)} documents not begun", {})
                await asking.enter_async_context(heeding(store, job_id, stop))
                await link_to_parent(job_id)
            telemetry.start_for_run(known.metrics_file)
            links = [] if job_id is None else [f"It is a part of {page_link('the bulk run', job_id)}."]
            async with Artifacts(telemetry.measured(logged), lambda: links) as watch:
                summary = await run_job(
                    Job(sources=(), **wishes), known, watch, objects=refs, run_id=str(flow_run.id),
                    job_id=job_id, cut=Cut(documents=len(refs) or 1), stopping=stop.asked,
                )  # fmt: skip
            telemetry.finish()
        return await _shard_state(summary, stop)


async def _shard_state(summary: Summary, stop: Stop) -> State[dict[str, Any]]:
    counts, told = summary.as_json(), counted(summary)
    if counts["documents"][DocumentStatus.PENDING] or summary.paused:
        if stop.asked.is_set():
            return await stop.state(told, counts)
        return Failed(message=f"{told}: {summary.paused or 'some could not be fetched'}", data=counts)
    if nothing_good(summary):
        return Failed(message=f"{told}: not one could be read; see `octavo quarantine list`", data=counts)
    return Completed(message=told, data=counts)
