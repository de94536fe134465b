"""The deployments' flows beside `bulk-extract`: `on-upload`, `export` and `evaluate`."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from prefect import State, flow
from prefect.artifacts import acreate_table_artifact
from prefect.states import Completed, Failed

from flows.evaluation.evaluate import Evaluation, evaluate
from flows.evaluation.tables import as_rows
from flows.events.batch import Batch, take_uploads
from flows.export.export import Exported, export
from flows.notify.telling import Teller
from flows.observe import telemetry
from flows.observe.logs import Logged
from flows.prefect.extract import Artifacts, nothing_good
from flows.prefect.parameters import takes_job
from flows.prefect.run_logs import in_run_logs
from flows.prefect.stopping import stopping
from flows.prefect.workplace import settings_at_work
from flows.run.parameters import ONCE, Job
from flows.settings import Settings
from flows.store.inbox import Arrival
from flows.store.store import Store

_FLOW: dict[str, Any] = {
    "name": "on-upload", "flow_run_name": "on-upload {schema_name}", "validate_parameters": True,
    "persist_result": False,
}  # fmt: skip


@flow(**_FLOW)
@takes_job(without={*ONCE, "store"})
async def on_upload(uris: list[str], **wishes: Any) -> State[dict[str, Any]]:
    """Reads uploaded objects as they are now.

    Args:
        uris: s3://bucket/key, each one object
        **wishes: the job (`flows.run.parameters.Job`).

    Returns:
        Completed when every object has a final state; Failed with the counts when some wait for another try, when
        every one ended in quarantine, and when none was named.
    """
    settings = settings_at_work()
    telemetry.start_for_run(settings.metrics_file)
    job, teller = Job(sources=(), **wishes), Teller(settings, Logged().notice, str(wishes["schema_name"]))
    with in_run_logs(), stopping(teller.notice) as stop:
        async with teller.delivering():
            batch = await _take([Arrival(uri) for uri in uris], job, settings, teller, stop.asked)
        telemetry.finish()
        if stop.asked.is_set() and batch.paused:
            return await stop.state(_counts(batch), {})
    return _told(batch)


async def take_as_flow_run(
    settings: Settings, teller: Teller, arrived: Sequence[Arrival], job: Job, stopping: asyncio.Event
) -> Batch:
    """A micro-batch as a flow run in this process, with its settings and who tells (`TakeUploads` after these).

    Raises:
        CannotRun: as `take_uploads` does.
    """
    taken: list[Batch] = []

    @flow(**_FLOW)
    @takes_job(without={*ONCE, "store"})
    async def here(uris: list[str], **wishes: Any) -> State[dict[str, Any]]:  # noqa: ARG001 - shown in Prefect
        """As `on_upload`."""
        with in_run_logs():
            taken.append(await _take(arrived, Job(sources=(), **wishes), settings, teller, stopping))
        return _told(taken[0])

    wishes = job.model_dump(mode="json", exclude={*ONCE, "store"})
    state: Any = await here(uris=[each.uri for each in arrived], **wishes, return_state=True)
    if not taken:
        raise await state.result(raise_on_failure=False)
    return taken[0]


async def _take(
    arrived: Sequence[Arrival], job: Job, settings: Settings, teller: Teller, stopping: asyncio.Event
) -> Batch:
    async with Artifacts(teller.watching(telemetry.measured(Logged()))) as watch:
        return await take_uploads(arrived, job, settings, watch, stopping)


def _told(batch: Batch) -> State[dict[str, Any]]:
    states = [ended.state for ended in batch.ended.values()]
    counts = {state: states.count(state) for state in ("done", "gone", "waiting")}
    told = _counts(batch)
    if not states:
        return Failed(message="no objects were named: nothing was read", data=counts)
    if batch.summary is not None and nothing_good(batch.summary):
        return Failed(message=f"{told}: not one could be read; see `octavo quarantine list`", data=counts)
    state = Failed if counts["waiting"] else Completed
    return state(message=told, data=counts)


def _counts(batch: Batch) -> str:
    states = [ended.state for ended in batch.ended.values()]
    return ", ".join(f"{states.count(each)} {each}" for each in ("done", "gone", "waiting") if each in states)


@flow(name="export", flow_run_name="export {schema_name}", validate_parameters=True, persist_result=False)
async def export_records(
    schema_name: str, destination: str, form: Literal["parquet", "csv", "jsonl", "delta"] = "parquet"
) -> str:
    """Writes what is new since the last export (`octavo export`).

    Args:
        schema_name: whose records are written: the schema's name
        destination: s3://bucket/prefix or a folder that every worker sees
        form: of the files: parquet and csv are typed, jsonl is a record a line, delta a table that grows

    Returns:
        What went where.
    """
    with stopping(Logged().notice):  # an export is one piece: it is finished
        done = await asyncio.to_thread(_export, schema_name, destination, form)
    return f"{done.place}: {done.added} records added, {done.removed} removed"


def _export(schema_name: str, destination: str, form: str) -> Exported:
    with Store.open(settings_at_work().store) as store:
        return export(store, schema_name=schema_name, place=destination, form=form)


@flow(name="evaluate", flow_run_name="evaluate {schema_name}", validate_parameters=True, persist_result=False)
async def evaluate_records(labels: str, schema_name: str) -> State[dict[str, Any]]:
    """Holds the store's records against labels (`octavo evaluate`): a table artifact with a row for each field.

    Args:
        labels: s3://bucket/key or a path that every worker sees: JSON Lines, or CSV by its name
        schema_name: whose records are held against them: the schema's name

    Returns:
        Completed, whatever share is right, with the evaluation as data; it fails as `evaluate` raises.
    """
    with stopping(Logged().notice):
        found = await asyncio.to_thread(_evaluate, labels, schema_name)
    told = f"{found.schema_name}: {found.total.right} of {found.total.labels} labels right"
    await acreate_table_artifact(table=as_rows(found), key="octavo-evaluation", description=told)
    return Completed(message=told, data=found.as_json())


def _evaluate(labels: str, schema_name: str) -> Evaluation:
    settings = settings_at_work()
    with Store.open(settings.store, read_only=True) as store:
        return evaluate(store, schema_name=schema_name, place=labels, max_bytes=settings.max_bytes)
