"""`octavo consume`: S3 event notifications from an SQS queue (direct, through SNS, through EventBridge).

Uploads are noted in the store (`arrivals`) first. A message is deleted only once every document it names has a final
state; while it is worked on its visibility is extended. While endpoint, store or source are away the messages in hand
are kept, and no other is received: the queue counts how often a message was received, and moves it to the dead-letter
queue for that. What cannot be read as a notification stays in the queue, for the queue's own policy; why is noted in
the store (state `poison`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from extractors.errors import CannotRun, Kind, SourceAway, SourceUnavailable, StoreUnavailable
from flows.background import alongside, every
from flows.events.batch import MOST_AT_ONCE, SIDE_BY_SIDE, Batch, Ended, TakeUploads, held_up, job_beside
from flows.events.holding import holding
from flows.events.notifications import OutsidePrefixes, let_in
from flows.events.permitted import OUTSIDE, permitted, tell_refused
from flows.events.queue import POLL, Message, Queue, open_queue
from flows.observe import telemetry
from flows.observe.logs import tell
from flows.run.parameters import Job
from flows.store import inbox
from flows.store.inbox import Arrival, Taken
from flows.store.store import Store

T = TypeVar("T")

VISIBILITY = 120
"""Seconds that a received message stays hidden; extended thrice in that time while it is worked on."""

TRY_LATER = 30
"""Seconds before a message that was not finished is seen again, and between two looks whether an outage is over."""

_LOOK_EVERY = 3.0
"""Seconds between two looks for arrivals that are to be read and have no message: those that a person re-drove."""

_AGAIN = 2.0
"""Seconds between two attempts at a queue or a store that is away."""

_A_LITTLE = 0.2

_LONGEST_REST = 300
"""Seconds between two looks whether what was refused is refused still, at most."""


@dataclass
class Consumer:
    """A queue and what is done with it.

    Attributes:
        queue: its URL.
        store: open, with the table `arrivals` made.
        schema_name: whose records the uploads become.
        job: schema, endpoints and store of every run.
        take: reads a micro-batch.
        concurrency: calls in flight, of all micro-batches together.
        prefixes: what may be announced, as `s3://bucket/prefix`; none: everything.
        poll: seconds of a long poll.
        rest: seconds before a message that was not finished is seen again.
        stopping: no further message is received, and the run under way ends early.
        receiving: held by the micro-batch that is being received.
        reading: held by the one whose documents are read, as long as that is not long, or fills the endpoint.
        being_read: uploads, in all micro-batches.
        unreachable: why queue or store could not be asked last time; None when they could.
        stuck: why the last batch could not be read, or not to its end; None when it could. Nothing is received then.
        refused: it is that its questions were refused, and nothing else was answered: then something is received now
            and then, for another's answer shows whose fault it is.
        good_at: when a batch was last read to its end (monotonic).
        under_way: uris that are worked on.
    """

    queue: str
    store: Store
    schema_name: str
    job: Job
    take: TakeUploads
    concurrency: int = 64
    prefixes: tuple[str, ...] = ()
    poll: int = POLL
    rest: int = TRY_LATER
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    receiving: asyncio.Lock = field(default_factory=asyncio.Lock)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    being_read: int = 0
    unreachable: str | None = None
    stuck: str | None = None
    refused: bool = False
    good_at: float = 0.0
    under_way: set[str] = field(default_factory=set)

    @property
    def trouble(self) -> str | None:
        """What keeps it from its work now, in one line; None for nothing."""
        return self.unreachable or self.stuck


async def consume(consumer: Consumer) -> None:
    """Reads the queue, batch by batch, until told to stop; what is in flight then ends first.

    Raises:
        SourceUnavailable: the queue does not exist or refuses, at the start; later it is asked again.
        CannotRun: configuration or credentials.
    """
    queue = open_queue(consumer.queue)
    await queue.check()
    try:
        async with holding(consumer.store), asyncio.TaskGroup() as group:
            # One more than is read: while that is done the next is received, and the endpoint does not wait for it.
            for _ in range(SIDE_BY_SIDE + 1):
                group.create_task(_again_and_again(consumer, lambda: _work(consumer, queue)))
            group.create_task(_again_and_again(consumer, lambda: _redrive(consumer)))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _again_and_again(consumer: Consumer, step: Callable[[], Awaitable[None]]) -> None:
    """One step after the other; queue and store that cannot be asked end none of it."""
    while not consumer.stopping.is_set():
        try:
            await step()
        except (SourceUnavailable, StoreUnavailable) as error:
            consumer.unreachable = str(error)
            tell(str(error), level=logging.ERROR)
            await _rest(consumer, consumer.rest)


async def _work(consumer: Consumer, queue: Queue) -> None:
    """One micro-batch of messages."""
    async with consumer.receiving:
        began = time.monotonic()
        while consumer.stuck and not consumer.stopping.is_set():
            await _rest(consumer, _A_LITTLE)
            if consumer.refused and time.monotonic() - began >= consumer.rest:
                break
        # Proven first: what is received while the store is away would have been received for nothing.
        store = consumer.store
        await _insist(consumer, lambda: store.run(store.transact, inbox.waiting, consumer.schema_name))
        messages = await queue.receive(
            most=MOST_AT_ONCE, poll=consumer.poll, visibility=VISIBILITY, stopping=consumer.stopping.is_set
        )
    consumer.unreachable = None
    if messages:
        await _take(messages, consumer, queue)


async def _take(messages: list[Message], consumer: Consumer, queue: Queue) -> None:
    """Reads the documents of some messages, and deletes those messages that are finished."""
    messages, refused = _let_in(messages, consumer.prefixes)
    readable = [each for each in messages if each.poison is None]
    arrived = list(dict.fromkeys(each for message in readable for each in message.arrived))
    telemetry.uploads("accepted", len(arrived))
    async with _kept_hidden(readable, queue):
        await _note_poison(messages, consumer)
        await _note_refused(refused, consumer)
        taken = await _insist(consumer, lambda: _noted(arrived, consumer)) if arrived else []
        ended = await _read(taken, consumer) if taken else {}
    finished = [each for each in readable if all(ended[a.uri].state != "waiting" for a in each.arrived)]
    left = [each for each in readable if each not in finished]
    await _insist(consumer, lambda: queue.delete(finished))
    await _insist(consumer, lambda: queue.hide(left, 0 if consumer.stopping.is_set() else consumer.rest))


async def _redrive(consumer: Consumer) -> None:
    """Arrivals that wait and have no message here: re-driven by a person, or left by a process that died."""
    store = consumer.store
    if not consumer.stuck:
        taken = await store.run(
            store.transact, inbox.take, schema_name=consumer.schema_name, holder=store.holder.id, most=MOST_AT_ONCE,
            besides=consumer.under_way,
        )  # fmt: skip
        taken = await permitted(taken, store, consumer.schema_name, consumer.prefixes)
        if taken:
            consumer.under_way |= {each.arrival.uri for each in taken}
            await _read(taken, consumer)
    await _rest(consumer, _LOOK_EVERY)


async def _noted(arrived: Sequence[Arrival], consumer: Consumer) -> list[Taken]:
    """Uploads as they are noted, held by this process."""
    store = consumer.store
    consumer.under_way |= {each.uri for each in arrived}
    return await store.run(
        store.transact, inbox.begin, schema_name=consumer.schema_name, arrived=arrived, holder=store.holder.id
    )


async def _read(taken: Sequence[Taken], consumer: Consumer) -> dict[str, Ended]:
    """How each upload ended, which is noted; what could not be run for an outage is tried until that is over."""
    ended: dict[str, Ended] = {}
    left = [each.arrival for each in taken]
    refused = 0
    try:
        while left:
            batch = await _read_once(left, consumer)
            ended |= batch.ended
            left = [each for each in left if ended[each.uri].state == "waiting"]
            if not batch.paused or consumer.stopping.is_set():
                break
            paused_at = time.monotonic()
            if consumer.refused:
                refused += 1
                await _rest_while_refused(consumer, min(_LONGEST_REST, consumer.rest * 2 ** (refused - 1)), paused_at)
                continue
            async with consumer.reading:
                # Who had to wait for its turn need not rest as well: another one found it well meanwhile.
                if consumer.good_at < paused_at:
                    await _rest(consumer, consumer.rest)
        for uri, each in ended.items():
            if each.state == "gone":
                tell(f"gone: {uri}: {each.cause}", level=logging.WARNING, state="gone")
        store, name = consumer.store, consumer.schema_name
        how = {uri: (each.state, each.cause) for uri, each in ended.items()}
        await _insist(consumer, lambda: store.run(store.transact, inbox.settle_all, name, taken, how))
    finally:
        consumer.under_way -= {each.arrival.uri for each in taken}
    for state in ("done", "gone", "waiting"):
        telemetry.uploads(state, sum(each.state == state for each in ended.values()))
    return ended


async def _read_once(arrived: Sequence[Arrival], consumer: Consumer) -> Batch:
    """The batch's outcome; when nothing could be run, all of it waits."""
    waiting = {each.uri: Ended("waiting") for each in arrived}
    async with consumer.reading:
        if consumer.stopping.is_set():
            return Batch(waiting, None)
        job = job_beside(consumer.job, consumer.being_read, consumer.concurrency)
        consumer.being_read += len(arrived)
        reading = asyncio.ensure_future(consumer.take(arrived, job, consumer.stopping))
        await asyncio.wait({reading}, timeout=held_up(consumer.being_read, consumer.concurrency))
    try:
        batch = await reading
    except CannotRun as error:
        batch = Batch(waiting, None, str(error))
        consumer.refused = error.kind == Kind.ENDPOINT_REFUSED
        _stuck(f"{error.kind}: {error}", logging.ERROR, consumer)
    else:
        consumer.refused = False
        if batch.paused:
            _stuck(f"paused: {batch.paused}", logging.WARNING, consumer)
        else:
            consumer.stuck, consumer.good_at = None, time.monotonic()
    finally:
        consumer.being_read -= len(arrived)
        reading.cancel()
    return batch


def _stuck(why: str, level: int, consumer: Consumer) -> None:
    consumer.stuck = why
    if not consumer.stopping.is_set():
        tell(why, level=level)


def _let_in(messages: Sequence[Message], prefixes: tuple[str, ...]) -> tuple[list[Message], list[Arrival]]:
    """The messages with what may be read of them, and what may not; one of nothing else is as one nobody can read."""
    inside: list[Message] = []
    refused: list[Arrival] = []
    for each in messages:
        try:
            arrived, outside = let_in(each.arrived, prefixes)
        except OutsidePrefixes as error:
            inside.append(replace(each, arrived=(), poison=str(error)))
        else:
            inside.append(replace(each, arrived=tuple(arrived)))
            refused += outside
    return inside, refused


async def _note_refused(refused: Sequence[Arrival], consumer: Consumer) -> None:
    store, name = consumer.store, consumer.schema_name
    tell_refused(refused)
    if refused:
        noted = {each.uri: (OUTSIDE, None) for each in refused}
        await _insist(consumer, lambda: store.run(store.transact, inbox.note_all, name, "refused", noted))


async def _note_poison(messages: Sequence[Message], consumer: Consumer) -> None:
    store, name = consumer.store, consumer.schema_name
    poison = {f"sqs:{each.id}": (each.poison, each.body) for each in messages if each.poison is not None}
    for message, (cause, _) in poison.items():
        telemetry.uploads("poison", 1)
        tell(f"poison: {message}: {cause}", level=logging.WARNING, state="poison")
    if poison:
        await _insist(consumer, lambda: store.run(store.transact, inbox.note_all, name, "poison", poison))


def _kept_hidden(messages: list[Message], queue: Queue) -> AbstractAsyncContextManager[None]:
    async def extend() -> None:
        try:
            await queue.hide(messages, VISIBILITY)
        except SourceUnavailable as error:
            # The next round may reach it, and a message seen twice does no harm.
            tell(str(error), level=logging.WARNING)

    return alongside(every(VISIBILITY / 3, extend))


async def _insist(consumer: Consumer, step: Callable[[], Awaitable[T]]) -> T:
    """A step that is tried until queue and store answer.

    Raises:
        SourceUnavailable: the queue refuses; or it is away, and the consumer stops.
        StoreUnavailable: the store is away, and the consumer stops.
    """
    while True:
        try:
            done = await step()
        except (SourceAway, StoreUnavailable) as error:
            if consumer.unreachable is None:
                tell(str(error), level=logging.ERROR)
            consumer.unreachable = str(error)
            if consumer.stopping.is_set():
                raise
            await _rest(consumer, _AGAIN)
        else:
            consumer.unreachable = None
            return done


async def _rest_while_refused(consumer: Consumer, seconds: float, since: float) -> None:
    """Others are read meanwhile: as soon as one of them is answered, who was refused is asked again."""
    until = since + seconds
    while time.monotonic() < until and consumer.good_at < since and not consumer.stopping.is_set():
        await _rest(consumer, _A_LITTLE)


async def _rest(consumer: Consumer, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(consumer.stopping.wait(), seconds)
