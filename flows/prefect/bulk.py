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
from extractors.vocabulary import DocumentStatus, Records
from flows.observe import telemetry
from flows.observe.logs import Logged
from flows.observe.summary import Summary
from flows.prefect.extract import Artifacts, concluded
from flows.prefect.pool import Pool
from flows.run.job import Cut, Job, run_job
from flows.run.rerun import Rerun
from flows.settings import read_settings
from flows.store.store import Store

_Count = Annotated[int, Field(ge=1)]


class Listed(BaseModel):
    """An object as the parent listed it: a shard need not look it up again."""

    uri: str
    size: int
    etag: str
    explicit: bool = False


@flow(name="bulk-extract", flow_run_name="bulk {schema_name}", validate_parameters=True, persist_result=False)
async def bulk_extract(  # noqa: PLR0917 - Prefect shows them in this order, and calls by name
    sources: list[str],
    schema_name: str,
    endpoints: list[str] | None = None,
    base_url: str | None = None,
    model: str | None = None,
    max_cost: Annotated[float, Field(ge=0)] | None = None,
    concurrency: _Count | None = None,
    pages_per_request: _Count | None = None,
    records: Records = Records.ONE,
    limit: _Count | None = None,
    rerun: Rerun = Rerun.CHANGED,
    shard_documents: _Count = 300,
    shard_bytes: _Count = 2_000_000_000,
    shards_at_once: _Count = 4,
    split: bool = False,  # noqa: FBT001, FBT002 - Prefect calls by name
) -> State[dict[str, Any]]:
    """Extracts records from many documents, with any number of workers.

    Args:
        sources: s3://bucket/prefix, s3://bucket/key or @list.txt, as every worker sees them.
        schema_name: as for `extract`.
        endpoints: likewise.
        base_url: likewise.
        model: likewise.
        max_cost: USD that all shards together may spend.
        concurrency: calls in flight, of all shards together: each gets its share.
        pages_per_request: as for `extract`.
        records: likewise.
        limit: documents taken at most.
        rerun: as for `extract`.
        shard_documents: documents in a shard at most; 3 to 10 minutes of work is a good shard.
        shard_bytes: bytes in a shard at most.
        shards_at_once: shards handed out at once; as many workers (or worker slots) are of use.
        split: as for `extract`.

    Returns:
        Completed when every document is complete or was done before; Failed with the counts otherwise.
    """
    known = read_settings()
    job = Job(
        tuple(sources), schema_name, tuple(endpoints or ()), base_url, model, max_cost=max_cost,
        concurrency=concurrency, pages_per_request=pages_per_request, records=records, limit=limit, rerun=rerun,
        split=split,
    )  # fmt: skip
    wishes = {
        "schema_name": schema_name, "endpoints": endpoints, "base_url": base_url, "model": model,
        "concurrency": max(1, (concurrency or known.concurrency) // shards_at_once),
        "pages_per_request": pages_per_request, "records": records, "rerun": rerun, "split": split,
    }  # fmt: skip
    cut = Cut(shard_documents, shard_bytes, one_by_one=False, at_once=shards_at_once)
    budget = max_cost if max_cost is not None else known.max_cost
    with Store.open(known.store) as store:
        pool = Pool(store, wishes, shards_at_once, None if budget is None else float(budget), sources)
        async with Artifacts(Logged()) as watch, pool.watching(watch.notice):
            await pool.wait_for_forerunners()
            summary = await run_job(job, known, watch, cut=cut, hand_out=pool.hand_out)
    return concluded(summary)


@flow(
    name="extract-shard", flow_run_name="shard of {schema_name}", validate_parameters=True, persist_result=False,
    timeout_seconds=timedelta(hours=6).total_seconds(),
)  # fmt: skip
async def extract_shard(  # noqa: PLR0917 - as above
    objects: list[Listed],
    schema_name: str,
    endpoints: list[str] | None = None,
    base_url: str | None = None,
    model: str | None = None,
    max_cost: Annotated[float, Field(ge=0)] | None = None,
    concurrency: _Count | None = None,
    pages_per_request: _Count | None = None,
    records: Records = Records.ONE,
    rerun: Rerun = Rerun.CHANGED,
    split: bool = False,  # noqa: FBT001, FBT002 - Prefect calls by name
) -> State[dict[str, Any]]:
    """Extracts records from the objects of one shard; `bulk-extract` makes these runs.

    Args:
        objects: as the parent listed them.
        schema_name: as for `bulk-extract`, and so are the others.
        endpoints: likewise.
        base_url: likewise.
        model: likewise.
        max_cost: this shard's share.
        concurrency: this shard's share.
        pages_per_request: likewise.
        records: likewise.
        rerun: likewise.
        split: likewise.

    Returns:
        Completed when every document has a final state, good or bad: the parent's table says which.
    """
    refs = tuple(ObjectRef(each.uri, each.size, each.etag, explicit=each.explicit) for each in objects)
    job = Job(
        (), schema_name, tuple(endpoints or ()), base_url, model, None, max_cost, concurrency, pages_per_request,
        records, None, rerun, objects=refs, run_id=str(flow_run.id), split=split,
    )  # fmt: skip
    telemetry.start()
    async with Artifacts(telemetry.measured(Logged())) as watch:
        summary = await run_job(job, read_settings(), watch, cut=Cut(documents=len(refs) or 1))
    telemetry.finish()
    return _shard_state(summary)


def _shard_state(summary: Summary) -> State[dict[str, Any]]:
    counts = summary.as_json()
    told = ", ".join(f"{count} {status}" for status, count in counts["documents"].items() if count)
    if counts["documents"][DocumentStatus.PENDING] or summary.paused:
        return Failed(message=f"{told}: {summary.paused or 'some could not be fetched'}", data=counts)
    return Completed(message=told, data=counts)
