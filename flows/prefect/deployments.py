"""The deployments' flows beside `bulk-extract`: `on-upload`, `export` and `evaluate`."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from prefect import State, flow
from prefect.artifacts import acreate_table_artifact
from prefect.states import Completed, Failed

from flows.evaluation.evaluate import Evaluation, evaluate
from flows.evaluation.tables import as_rows
from flows.events.batch import Batch, take_uploads
from flows.export.export import Exported, export
from flows.observe import telemetry
from flows.observe.logs import Logged
from flows.prefect.extract import Artifacts
from flows.run.job import Job
from flows.settings import read_settings
from flows.store.inbox import Arrival
from flows.store.store import Store


@dataclass
class _Hand:
    """What a service in this process hands to the flow that it calls, and gets back from it."""

    arrived: Sequence[Arrival]
    stopping: asyncio.Event
    store: str | None
    batch: Batch | None = None


_hand: ContextVar[_Hand | None] = ContextVar("hand", default=None)


@flow(name="on-upload", flow_run_name="on-upload {schema_name}", validate_parameters=True, persist_result=False)
async def on_upload(  # noqa: PLR0917 - Prefect shows them in this order, and calls by name
    uris: list[str],
    schema_name: str,
    endpoints: list[str] | None = None,
    base_url: str | None = None,
    model: str | None = None,
    concurrency: int | None = None,
) -> State[dict[str, Any]]:
    """Reads uploaded objects as they are now.

    Args:
        uris: s3://bucket/key, each one object.
        schema_name: as for `extract`.
        endpoints: likewise.
        base_url: likewise.
        model: likewise.
        concurrency: likewise.

    Returns:
        Completed when every object has a final state; Failed with the counts when some wait for another try.
    """
    hand = _hand.get()
    arrived = hand.arrived if hand else [Arrival(uri) for uri in uris]
    job = Job((), schema_name, tuple(endpoints or ()), base_url, model, hand.store if hand else None,
              concurrency=concurrency)  # fmt: skip
    async with Artifacts(telemetry.measured(Logged())) as watch:
        batch = await take_uploads(arrived, job, read_settings(), watch, hand.stopping if hand else None)
    if hand:
        hand.batch = batch
    states = [ended.state for ended in batch.ended.values()]
    counts = {state: states.count(state) for state in ("done", "gone", "waiting")}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    state = Failed if counts["waiting"] else Completed
    return state(message=told, data=counts)


async def take_as_flow_run(arrived: Sequence[Arrival], job: Job, stopping: asyncio.Event) -> Batch:
    """A micro-batch as a flow run in this process (`flows.events.batch.TakeUploads`).

    Raises:
        CannotRun: as `take_uploads` does.
    """
    hand = _Hand(arrived, stopping, job.store)
    _hand.set(hand)
    state: Any = await on_upload(
        [each.uri for each in arrived], job.schema, list(job.endpoints) or None, job.base_url, job.model,
        job.concurrency, return_state=True,
    )  # fmt: skip
    if hand.batch is None:
        raise await state.result(raise_on_failure=False)
    return hand.batch


@flow(name="export", flow_run_name="export {schema_name}", validate_parameters=True, persist_result=False)
async def export_records(
    schema_name: str, destination: str, form: Literal["parquet", "csv", "jsonl", "delta"] = "parquet"
) -> str:
    """Writes what is new since the last export (`octavo export`).

    Args:
        schema_name: whose records.
        destination: s3://bucket/prefix or a folder.
        form: of the files.

    Returns:
        What went where.
    """
    done = await asyncio.to_thread(_export, schema_name, destination, form)
    return f"{done.place}: {done.added} records added, {done.removed} removed"


def _export(schema_name: str, destination: str, form: str) -> Exported:
    with Store.open(read_settings().store) as store:
        return export(store, schema_name, destination, form)


@flow(name="evaluate", flow_run_name="evaluate {schema_name}", validate_parameters=True, persist_result=False)
async def evaluate_records(labels: str, schema_name: str) -> State[dict[str, Any]]:
    """Holds the store's records against labels (`octavo evaluate`): a table artifact with a row for each field.

    Args:
        labels: s3://bucket/key or a path that every worker sees: JSON Lines, or CSV by its name.
        schema_name: whose records.

    Returns:
        Completed, whatever share is right, with the evaluation as data; it fails as `evaluate` raises.
    """
    found = await asyncio.to_thread(_evaluate, labels, schema_name)
    told = f"{found.schema_name}: {found.total.right} of {found.total.labels} labels right"
    await acreate_table_artifact(table=as_rows(found), key="octavo-evaluation", description=told)
    return Completed(message=told, data=found.as_json())


def _evaluate(labels: str, schema_name: str) -> Evaluation:
    with Store.open(read_settings().store, read_only=True) as store:
        return evaluate(store, schema_name, labels)
