"""`octavo consume`: S3 event notifications from an SQS queue (direct, through SNS, through EventBridge).

A message is deleted only once every document it names has a final state; while it is worked on its
visibility is extended. What cannot be read as a notification stays in the queue, so that the queue's
own policy moves it to the dead-letter queue; why is noted in the store (`arrivals`, state `poison`).
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from extractors.errors import BadNotification, CannotRun, SourceUnavailable
from flows.background import alongside, every
from flows.events.batch import MOST_AT_ONCE, SIDE_BY_SIDE, Batch, Ended, TakeUploads, held_up, job_beside
from flows.events.notifications import arrivals_in, let_in
from flows.observe import telemetry
from flows.observe.logs import tell
from flows.run.parameters import Job
from flows.store import inbox
from flows.store.inbox import Arrival
from flows.store.store import Store

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

VISIBILITY = 120
"""Seconds that a received message stays hidden; extended thrice in that time while it is worked on."""

_TEN = 10
"""Messages in one call, and entries in one batch: SQS's own limit."""

_COUNT: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"

_POLL = 5
"""Seconds of a long poll: it is waited for at the end, so that no message is received and then left."""

TRY_LATER = 30
"""Seconds before a message that was not finished is seen again."""

_THREADS = ThreadPoolExecutor(4, thread_name_prefix="events")


@dataclass(frozen=True)
class Message:
    """A received message.

    Attributes:
        id: SQS's own.
        handle: to delete it or extend its visibility.
        arrived: the uploads it names; none for what is no upload (deleted objects, `s3:TestEvent`).
    """

    id: str
    handle: str
    arrived: tuple[Arrival, ...]


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
        under_way: uploads that are being read, in all micro-batches.
        unreachable: why the queue could not be asked last time; None when it could.
        stuck: why the last batch could not be read, or not to its end; None when it could.
    """

    queue: str
    store: Store
    schema_name: str
    job: Job
    take: TakeUploads
    concurrency: int = 64
    prefixes: tuple[str, ...] = ()
    poll: int = _POLL
    rest: int = TRY_LATER
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    receiving: asyncio.Lock = field(default_factory=asyncio.Lock)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    under_way: int = 0
    unreachable: str | None = None
    stuck: str | None = None


async def consume(consumer: Consumer) -> None:
    """Reads the queue, batch by batch, until told to stop; what is in flight then ends first.

    Raises:
        SourceUnavailable: the queue does not exist or refuses, at the start; later it is asked again.
        CannotRun: configuration, credentials or store.
    """
    client = _client(consumer.queue)
    await _call(client.get_queue_attributes, QueueUrl=consumer.queue, AttributeNames=["VisibilityTimeout"])
    try:
        async with asyncio.TaskGroup() as group:
            # One more than is read: while that is done the next is received, and the endpoint does not wait for it.
            for _ in range(SIDE_BY_SIDE + 1):
                group.create_task(_work(consumer, client))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _work(consumer: Consumer, client: "SQSClient") -> None:
    """One micro-batch after the other."""
    while not consumer.stopping.is_set():
        try:
            async with consumer.receiving:
                messages = await _receive(consumer, client)
            consumer.unreachable = None
            if messages:
                await _take(messages, consumer, client)
        except SourceUnavailable as error:
            consumer.unreachable = str(error)
            tell(str(error), level=logging.ERROR)
            await _rest(consumer)


async def _take(messages: list[Message], consumer: Consumer, client: "SQSClient") -> None:
    """Reads the documents of some messages, and deletes those messages that are finished."""
    arrived = list(dict.fromkeys(each for message in messages for each in message.arrived))
    async with _kept_hidden(messages, consumer, client):
        batch = await _read(arrived, consumer) if arrived else Batch({}, None)
        await _note_gone(batch, consumer)
    finished = [each for each in messages if all(batch.ended[a.uri].state != "waiting" for a in each.arrived)]
    left = [each for each in messages if each not in finished]
    for some in _tens(finished):
        entries = [{"Id": str(n), "ReceiptHandle": each.handle} for n, each in enumerate(some)]
        await _call(client.delete_message_batch, QueueUrl=consumer.queue, Entries=entries)
    await _hide(left, consumer.rest, consumer, client)
    for state in ("done", "gone", "waiting"):
        telemetry.uploads(state, sum(ended.state == state for ended in batch.ended.values()))


async def _read(arrived: Sequence[Arrival], consumer: Consumer) -> Batch:
    """The batch's outcome; when nothing could be run, all of it stays in the queue, and the next one waits too."""
    waiting = {each.uri: Ended("waiting") for each in arrived}
    async with consumer.reading:
        if consumer.stopping.is_set():
            return Batch(waiting, None)
        job = job_beside(consumer.job, consumer.under_way, consumer.concurrency)
        consumer.under_way += len(arrived)
        reading = asyncio.ensure_future(consumer.take(arrived, job, consumer.stopping))
        await asyncio.wait({reading}, timeout=held_up(consumer.under_way, consumer.concurrency))
    try:
        batch = await reading
        consumer.stuck = f"paused: {batch.paused}" if batch.paused else None
    except CannotRun as error:
        batch = Batch(waiting, None)
        consumer.stuck = f"{error.kind}: {error}"
    finally:
        consumer.under_way -= len(arrived)
        reading.cancel()
    if consumer.stuck and not consumer.stopping.is_set():
        tell(consumer.stuck, level=logging.WARNING if batch.paused else logging.ERROR)
        async with consumer.reading:
            await _rest(consumer)
    return batch


async def _note_gone(batch: Batch, consumer: Consumer) -> None:
    for uri, ended in batch.ended.items():
        if ended.state == "gone":
            await _note(consumer, uri, "gone", str(ended.cause))


async def _note(consumer: Consumer, name: str, state: str, cause: str) -> None:
    tell(f"{state}: {name}: {cause}", level=logging.WARNING, state=state)
    store = consumer.store
    await store.run(store.transact, inbox.note, schema_name=consumer.schema_name, name=name, state=state, cause=cause)


async def _receive(consumer: Consumer, client: "SQSClient") -> list[Message]:
    """What the queue holds, up to a micro-batch; the first call waits for something, the others do not."""
    messages: list[Message] = []
    held = await _call(client.get_queue_attributes, QueueUrl=consumer.queue, AttributeNames=[_COUNT])
    wait, first_sent = consumer.poll, math.inf
    while len(messages) < MOST_AT_ONCE and not consumer.stopping.is_set():
        answer = await _call(
            client.receive_message, QueueUrl=consumer.queue, MaxNumberOfMessages=_TEN,
            WaitTimeSeconds=wait, VisibilityTimeout=VISIBILITY, MessageSystemAttributeNames=["All"],
        )  # fmt: skip
        received = answer.get("Messages", [])
        if not received:
            break
        for each in received:
            messages += await _understood(each, consumer)
            first_sent = min(first_sent, int(each["Attributes"]["SentTimestamp"]) / 1000)
        wait = 0
    telemetry.queue(int(held["Attributes"][_COUNT]), max(0.0, time.time() - first_sent))
    return messages


async def _understood(raw: dict[str, Any], consumer: Consumer) -> list[Message]:
    try:
        arrived, kept_out = let_in(arrivals_in(raw["Body"]), consumer.prefixes)
    except BadNotification as error:
        telemetry.uploads("poison", 1)
        await _note(consumer, f"sqs:{raw['MessageId']}", "poison", str(error))
        return []
    for each in kept_out:
        await _note(consumer, each.uri, "refused", "outside OCTAVO_LISTEN_PREFIXES")
    telemetry.uploads("refused", len(kept_out))
    telemetry.uploads("accepted", len(arrived))
    return [Message(raw["MessageId"], raw["ReceiptHandle"], tuple(arrived))]


def _kept_hidden(
    messages: list[Message], consumer: Consumer, client: "SQSClient"
) -> AbstractAsyncContextManager[None]:
    async def extend() -> None:
        with suppress(SourceUnavailable):  # the next round may reach it, and a message seen twice does no harm
            await _hide(messages, VISIBILITY, consumer, client)

    return alongside(every(VISIBILITY / 3, extend))


async def _hide(messages: list[Message], seconds: int, consumer: Consumer, client: "SQSClient") -> None:
    for some in _tens(messages):
        entries = [
            {"Id": str(n), "ReceiptHandle": each.handle, "VisibilityTimeout": seconds} for n, each in enumerate(some)
        ]
        await _call(client.change_message_visibility_batch, QueueUrl=consumer.queue, Entries=entries)


def _tens(messages: list[Message]) -> Iterator[list[Message]]:
    for start in range(0, len(messages), _TEN):
        yield messages[start : start + _TEN]


def _client(queue: str) -> "SQSClient":
    """A client for the queue's server, with boto3's own settings (`AWS_ENDPOINT_URL_SQS` for other servers)."""
    import boto3
    from botocore.config import Config

    parts = urlsplit(queue)
    if not parts.scheme.startswith("http") or not parts.netloc:
        raise SourceUnavailable(f"{queue} is no queue's URL: write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
    names = parts.netloc.split(".")
    region = names[1] if names[0] == "sqs" and len(names) > 2 else None  # noqa: PLR2004 - sqs.REGION.amazonaws...
    config = Config(
        connect_timeout=5, read_timeout=_POLL + 10, retries={"mode": "standard", "total_max_attempts": 5}
    )  # fmt: skip
    with _told(queue):
        session = boto3.session.Session()
        return session.client("sqs", config=config, region_name=region or session.region_name or "us-east-1")


async def _call(method: Callable[..., Any], **arguments: Any) -> Any:
    def call() -> Any:
        with _told(arguments["QueueUrl"]):
            return method(**arguments)

    return await asyncio.get_running_loop().run_in_executor(_THREADS, call)


@contextmanager
def _told(queue: str) -> Iterator[None]:
    """Turns what boto3 raises into one line; no secret is in it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        raise SourceUnavailable(f"{queue}: {said.get('Message')} ({said.get('Code')})") from None
    except (BotoCoreError, ValueError) as error:
        raise SourceUnavailable(f"{queue}: {type(error).__name__}: check the URL, credentials and network") from None


async def _rest(consumer: Consumer) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(consumer.stopping.wait(), consumer.rest)
