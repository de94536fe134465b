"""A micro-batch of uploads through one run; `octavo listen`, `octavo consume` and `on-upload` all end here."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from extractors.documents import ObjectRef
from extractors.errors import SourceAway, SourceUnavailable
from extractors.vision.endpoints import Endpoint
from extractors.vocabulary import DocumentStatus
from flows.observe.summary import Outcome, Summary
from flows.observe.watch import Watch
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.settings import Settings
from flows.storage.s3 import find_object_async
from flows.store.inbox import Arrival

MOST_AT_ONCE = 200
"""Uploads in one run: what waits meanwhile is the next one's."""

LONG, SIDE_BY_SIDE = 5.0, 3
"""Seconds after which a run holds up no other, for one slow document is not to be waited for; how many at most."""

_APART = 1.0
"""Seconds between the beginnings of two runs where there is room for both: what comes meanwhile is one run."""


@dataclass(frozen=True)
class Ended:
    """How an upload ended.

    Attributes:
        state: `done` (its document has a final state), `gone` (not there when it was looked for), or `waiting`.
        cause: why not `done`; None for one that waits because the run stopped before its turn.
    """

    state: str
    cause: str | None = None


@dataclass(frozen=True)
class Batch:
    """What came of a micro-batch.

    Attributes:
        ended: each upload, by its uri.
        summary: the run's counts; None when nothing was there to be run.
        away: why none of the objects could be looked up, for which none of them is to blame; None otherwise.
    """

    ended: dict[str, Ended]
    summary: Summary | None
    away: str | None = None

    @property
    def paused(self) -> str | None:
        """Why nothing was run, or the run stopped early; None when it went to its end."""
        return self.summary.paused if self.summary else self.away


TakeUploads = Callable[[Sequence[Arrival], Job, asyncio.Event], Awaitable[Batch]]


def held_up(under_way: int, concurrency: int) -> float:
    """Seconds that a run which has just begun holds up the next one at most.

    Args:
        under_way: uploads that are being read, in all runs.
        concurrency: calls in flight that the endpoint is to bear.
    """
    return LONG if under_way >= concurrency else _APART


def job_beside(job: Job, under_way: int, concurrency: int) -> Job:
    """The job of a run beside others: what is in flight of all of them keeps to the limit, or near it.

    Args:
        job: of each run.
        under_way: uploads that the others are reading.
        concurrency: calls in flight, of all of them.
    """
    if not under_way:
        return job
    return job.model_copy(update={"concurrency": max(1, concurrency // SIDE_BY_SIDE, concurrency - under_way)})


async def take_uploads(
    arrived: Sequence[Arrival], job: Job, settings: Settings, watch: Watch, stopping: asyncio.Event | None = None
) -> Batch:
    """Reads some uploads as their objects are now, in one run.

    Args:
        arrived: what was announced; an object that is named twice is read once.
        job: how they are read; it has no sources of its own.
        settings: what the job does not say.
        watch: who looks on.
        stopping: ends the run early; None leaves signals to the run.

    Returns:
        How each ended; whatever did not end is `waiting`, and may be handed in again without harm.

    Raises:
        CannotRun: configuration, credentials or store.
    """
    looked = dict(zip(arrived, await asyncio.gather(*(_look_up(each) for each in arrived)), strict=True))
    away = [str(each) for each in looked.values() if isinstance(each, SourceAway)]
    if away and len(away) == len(looked):
        return Batch({each.uri: Ended("waiting") for each in arrived}, None, away[0])
    looked = {each: Ended("waiting", str(found)) if isinstance(found, SourceAway) else found
              for each, found in looked.items()}  # fmt: skip
    refs = {each.uri: found for each, found in looked.items() if isinstance(found, ObjectRef)}
    ended = {each.uri: found for each, found in looked.items() if isinstance(found, Ended)}
    if not refs:
        return Batch(ended, None)
    seen = _Outcomes(watch)
    objects = tuple({ref.uri: ref for ref in refs.values()}.values())
    summary = await run_job(job, settings, seen, objects=objects, stopping=stopping)
    for uri, ref in refs.items():
        ended[uri] = _ended(seen.outcomes.get(ref.uri), summary)
    return Batch(ended, summary)


async def _look_up(arrival: Arrival) -> ObjectRef | Ended | SourceAway:
    try:
        found = await find_object_async(arrival.uri)
        if found is None and arrival.otherwise:
            found = await find_object_async(arrival.otherwise)
    except SourceAway as error:
        return error
    except SourceUnavailable as error:
        return Ended("waiting", str(error))
    return found or Ended("gone", "not there when it was looked for")


def _ended(outcome: Outcome | None, summary: Summary) -> Ended:
    if outcome is not None:
        return Ended("waiting" if outcome.status == DocumentStatus.PENDING else "done")
    if summary.paused:
        return Ended("waiting")
    # Without a word it was done before, unless some could not be fetched: then it is looked at once more.
    return (
        Ended("waiting", "its bytes could not be fetched")
        if summary.documents[DocumentStatus.PENDING]
        else Ended("done")
    )


class _Outcomes:
    """Keeps every outcome by its object, and passes all on."""

    def __init__(self, also: Watch) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._also = also

    def started(self, endpoints: Sequence[Endpoint], schema_name: str) -> None:
        self._also.started(endpoints, schema_name)

    def progressed(self, summary: Summary, outcome: Outcome | None) -> None:
        if outcome is not None:
            self.outcomes[outcome.uri] = outcome
        self._also.progressed(summary, outcome)

    def notice(self, line: str) -> None:
        self._also.notice(line)

    def finished(self, summary: Summary) -> None:
        self._also.finished(summary)
