"""The Prefect flow: the same run, with its tasks, artifacts and a state that tells the truth.

Prefect holds a task run for each document of a small job and for each shard of a large one, never
for a page (measured costs: DESIGN section 8). Without Prefect `flows.run.job.run_job` does the same.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self
from uuid import UUID

from prefect import State, flow, task
from prefect.artifacts import acreate_progress_artifact, acreate_table_artifact, aupdate_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from extractors.errors import advice_for
from extractors.vision.endpoints import Endpoint
from extractors.vocabulary import DocumentStatus
from flows.notify.telling import Teller
from flows.observe import telemetry
from flows.observe.logs import Logged, tell
from flows.observe.summary import Outcome, Summary
from flows.observe.watch import Several, Watch
from flows.prefect.linking import page_link
from flows.prefect.parameters import takes_job
from flows.prefect.run_logs import in_run_logs, what_next
from flows.prefect.stopping import Stop, stopping
from flows.run.job import Shard, TakeShard, run_job
from flows.run.parameters import Job
from flows.settings import Settings, read_settings

_ARTIFACT_EVERY = 2.0
"""Seconds between two updates of the progress artifact; each costs about 40 ms."""

_MORE = "All of them: `octavo quarantine list`; pages, records and evidence: `octavo report OUT.html`."
_SUMMARY = f"What this run did. {_MORE} A bulk run's shards each have their own table of what needs a person."


_FLOW: dict[str, Any] = {
    "name": "extract", "flow_run_name": "extract {schema_name}", "validate_parameters": True, "persist_result": False,
}  # fmt: skip


@flow(**_FLOW)
@takes_job()
async def extract(**wishes: Any) -> State[dict[str, Any]]:
    """Extracts records from documents into the store.

    Args:
        **wishes: the job (`flows.run.parameters.Job`).

    Returns:
        Completed when every document is complete or was done before; Failed with the counts otherwise.
    """
    settings = read_settings()
    telemetry.start_for_run(settings.metrics_file)
    with in_run_logs():
        state = await _run(Job(**wishes), settings, telemetry.measured(Logged()))
    telemetry.finish()
    return state


async def extract_here(job: Job, settings: Settings, watch: Watch) -> None:
    """The same flow run in the caller's process, with its settings, which may hold secrets, and its watch.

    Raises:
        CannotRun: as `run_job`.
    """

    @flow(**_FLOW)
    @takes_job()
    async def here(**wishes: Any) -> State[dict[str, Any]]:
        """As `extract`."""
        with in_run_logs(elsewhere=False):
            return await _run(Job(**wishes), settings, Several(watch, Logged()))

    state: Any = await here(**job.model_dump(mode="json"), return_state=True)
    outcome = await state.result(raise_on_failure=False)
    if isinstance(outcome, BaseException):
        raise outcome


async def _run(job: Job, settings: Settings, also: Watch) -> State[dict[str, Any]]:
    settings = settings.model_copy(update={"store": job.store or settings.store})
    teller = Teller(settings, also.notice, job.schema_name)
    with stopping(also.notice) as stop:
        async with teller.delivering(), Artifacts(teller.watching(also)) as watch:
            summary = await run_job(job, settings, watch, _as_task, stopping=stop.asked)
        return await concluded(summary, stop, job.sources)


async def concluded(summary: Summary, stop: Stop, sources: Sequence[str]) -> State[dict[str, Any]]:
    """Completed when every document is complete or was done before; Failed with the counts otherwise.

    Failed too, and its message says so, when there was nothing to read: green is a run that has read something, or
    has nothing left to read.
    """
    if stop.asked.is_set() and (summary.paused or summary.documents[DocumentStatus.PENDING]):
        return await stop.state(counted(summary), summary.as_json())
    counts = summary.documents
    if nothing := _nothing_read(summary, sources):
        return Failed(message=nothing, data=summary.as_json())
    if summary.exit_code == 0:
        done = f"{counts['complete']} documents complete, {counts['skipped']} skipped"
        if not summary.all_good:
            done += f", {summary.not_complete} not complete, as --fail-over lets be"
        return Completed(message=done, data=summary.as_json())
    bad = ", ".join(
        f"{counts[name]} {name}"
        for name in (DocumentStatus.PARTIAL, DocumentStatus.QUARANTINED, DocumentStatus.PENDING)
        if counts[name]
    )
    total = counts["seen"] - counts["skipped"]
    not_complete = total - counts[DocumentStatus.COMPLETE]
    message = f"{not_complete} of {total} documents are not complete: {bad}" if not_complete else ""
    missed = f"{summary.unreachable_count} files or folders are unreachable" if summary.unreachable_count else ""
    return Failed(message="; ".join(filter(None, (message, missed))), data=summary.as_json())


def counted(summary: Summary) -> str:
    """The documents by how they ended: `12 complete, 5 pending`."""
    return ", ".join(f"{count} {status}" for status, count in summary.as_json()["documents"].items() if count)


def nothing_good(summary: Summary) -> bool:
    """Whether documents were taken, and every one of them ended in quarantine."""
    counts = summary.documents
    good = counts[DocumentStatus.COMPLETE] + counts[DocumentStatus.PARTIAL] + counts[DocumentStatus.PENDING]
    return counts[DocumentStatus.QUARANTINED] > 0 and not good


def _nothing_read(summary: Summary, sources: Sequence[str]) -> str | None:
    """Why a run that took nothing is not to be called done; None where it did, or all is done already."""
    counts = summary.documents
    if counts["seen"] > counts["skipped"] or summary.unreachable_count:
        return None
    if not sources:
        return "no sources were named: nothing was read"
    told = " ".join(sources)
    if not counts["seen"]:
        return f"there is nothing under {told}: nothing was read"
    before = summary.done_before
    if not before.total():
        return f"none of the {counts['seen']} objects under {told} is a document: nothing was read"
    if not before.total() - before[DocumentStatus.QUARANTINED]:
        return (
            f"all {before.total()} documents failed before, and none is new: nothing was read; "
            "see `octavo quarantine list`, then `octavo quarantine retry`"
        )
    return None


def _as_task(take_shard: TakeShard) -> TakeShard:
    """One task run a shard; called directly, never submitted (8-15x the CPU)."""

    @task(name="extract", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
    async def extract_shard(name: str, shard: Shard) -> str:
        return await take_shard(name, shard)

    return extract_shard


class Artifacts:
    """Shows the run in Prefect: a progress bar while it goes, a table of what needs a person at its end.

    Args:
        also: looks on beside it.
        links: what the tables link to at the end, in Markdown, beside the run's own page.
    """

    def __init__(self, also: Watch, links: Callable[[], Sequence[str]] = tuple) -> None:
        self._also = also
        self._links = links
        self._summary: Summary | None = None
        self._updates: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        progress = await acreate_progress_artifact(progress=0.0, description="documents")
        self._updates = asyncio.create_task(self._keep_up(progress))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._updates is not None:
            self._updates.cancel()
            with suppress(asyncio.CancelledError):
                await self._updates
        if self._summary is not None:
            own = [f"Of the run {page_link(str(flow_run.name), str(flow_run.id))}."] if flow_run.id else []
            await _conclude(self._summary, [*own, *self._links()])

    def started(self, endpoints: Sequence[Endpoint], schema_name: str) -> None:
        """Passed on."""
        self._also.started(endpoints, schema_name)

    def progressed(self, summary: Summary, outcome: Outcome | None) -> None:
        """Passed on; the progress artifact follows at its own pace."""
        self._summary = summary
        self._also.progressed(summary, outcome)

    def notice(self, line: str) -> None:
        """Passed on."""
        self._also.notice(line)

    def finished(self, summary: Summary) -> None:
        """Kept for the table at the end."""
        self._summary = summary
        self._also.finished(summary)

    async def _keep_up(self, progress: UUID) -> None:
        try:
            while True:
                await asyncio.sleep(_ARTIFACT_EVERY)
                await aupdate_progress_artifact(progress, progress=_percent(self._summary))
        except asyncio.CancelledError:
            await aupdate_progress_artifact(progress, progress=_percent(self._summary))
            raise


def _percent(summary: Summary | None) -> float:
    if summary is None or not summary.documents["seen"]:
        return 0.0
    return 100.0 * (1 - summary.documents[DocumentStatus.PENDING] / summary.documents["seen"])


async def _conclude(summary: Summary, links: Sequence[str]) -> None:
    """The summary's table, one of the documents that are not complete, and what to do about them."""
    counts = {key: value for key, value in summary.as_json().items() if not isinstance(value, dict)}
    rows = [{"what": f"documents {name}", "count": count} for name, count in summary.as_json()["documents"].items()]
    rows += [{"what": f"pages {name}", "count": count} for name, count in summary.as_json()["pages"].items()]
    rows += [{"what": name, "count": value} for name, value in counts.items()]
    following = what_next(summary)
    if following is not None:
        tell(following, level=logging.WARNING)
    told = [_SUMMARY, *links, *([following] if following else [])]
    await acreate_table_artifact(table=rows, key="octavo-summary", description="\n\n".join(told))
    if summary.troubles:
        troubles = [
            {
                "document": t.uri, "status": t.status, "kind": t.kind,
                "next": advice_for(t.kind) if t.kind else "", "cause": t.cause, "pages": t.pages,
            }
            for t in summary.troubles
        ]  # fmt: skip
        shown = f"{len(troubles)} of {summary.trouble_count} documents that are not complete. {_MORE}"
        await acreate_table_artifact(table=troubles, key="octavo-troubles", description="\n\n".join([shown, *links]))
