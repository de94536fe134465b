"""`bulk-extract`: a run over more documents than one process takes, as shards on a work pool.

The parent lists, leaves out what is done, and hands shards out as runs of the deployment
`extract-shard/extract-shard`; any worker of the pool takes them. What is done is in the store, not in
Prefect: a parent that is started again waits for the shards of its forerunner that are still on their
way, lists again, and makes shards of the rest. A shard whose process died is handed out anew; should it
be alive after all, the store's leases keep the two from doing a document twice.
"""

from datetime import timedelta
from typing import Annotated, Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import BaseModel, Field

from extractors.documents import ObjectRef
from extractors.vocabulary import DocumentStatus
from flows.observe import telemetry
from flows.observe.logs import Logged
from flows.observe.summary import Summary
from flows.prefect.extract import Artifacts, concluded
from flows.prefect.parameters import takes_job
from flows.prefect.pool import Pool
from flows.run.job import Cut, run_job
from flows.run.parameters import Job
from flows.settings import read_settings
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
        shard_documents: documents in a shard at most; 3 to 10 minutes of work is a good shard.
        shard_bytes: bytes in a shard at most.
        shards_at_once: shards handed out at once; as many workers (or worker slots) are of use.

    Returns:
        Completed when every document is complete or was done before; Failed with the counts otherwise.
    """
    known, job = read_settings(), Job(**wishes)
    share = max(1, (job.concurrency or known.concurrency) // shards_at_once)
    budget = job.max_cost if job.max_cost is not None else known.max_cost
    told = {"concurrency": share, "max_cost": None if budget is None else float(budget)}
    for_each = job.model_copy(update=told).model_dump(mode="json", exclude=set(_OF_THE_WHOLE))
    cut = Cut(shard_documents, shard_bytes, one_by_one=False, at_once=shards_at_once)
    job_id = str(flow_run.id) if flow_run.id else None
    store = await open_when_back(known.store, patience=known.give_up_after, notice=Logged().notice)
    with store:
        pool = Pool(store, for_each, job.sources)
        async with Artifacts(Logged()) as watch, pool.watching(watch.notice):
            await pool.wait_for_forerunners()
            summary = await run_job(job, known, watch, run_id=job_id, cut=cut, hand_out=pool.hand_out)
    return concluded(summary)


@flow(
    name="extract-shard", flow_run_name="shard of {schema_name}", validate_parameters=True, persist_result=False,
    timeout_seconds=timedelta(hours=6).total_seconds(),
)  # fmt: skip
@takes_job(without=_OF_THE_WHOLE)
async def extract_shard(objects: list[Listed], job_id: str | None = None, **wishes: Any) -> State[dict[str, Any]]:
    """Extracts records from the objects of one shard; `bulk-extract` makes these runs.

    Args:
        objects: as the parent listed them.
        job_id: the parent's run, whose budget all shards draw from.
        **wishes: the job (`flows.run.parameters.Job`), with this shard's share of calls in flight.

    Returns:
        Completed when every document has a final state, good or bad: the parent's table says which.
    """
    refs = tuple(ObjectRef(each.uri, each.size, each.etag, explicit=each.explicit) for each in objects)
    settings = read_settings()
    telemetry.start_for_run(settings.metrics_file)
    async with Artifacts(telemetry.measured(Logged())) as watch:
        summary = await run_job(
            Job(sources=(), **wishes), settings, watch, objects=refs, run_id=str(flow_run.id),
            job_id=job_id, cut=Cut(documents=len(refs) or 1),
        )  # fmt: skip
    telemetry.finish()
    return _shard_state(summary)


def _shard_state(summary: Summary) -> State[dict[str, Any]]:
    counts = summary.as_json()
    told = ", ".join(f"{count} {status}" for status, count in counts["documents"].items() if count)
    if counts["documents"][DocumentStatus.PENDING] or summary.paused:
        return Failed(message=f"{told}: {summary.paused or 'some could not be fetched'}", data=counts)
    return Completed(message=told, data=counts)
