"""An SQS queue as it is spoken to: messages received, hidden for longer, deleted; boto3 in threads."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from extractors.errors import BadNotification, SourceAway, SourceUnavailable
from flows.events.notifications import arrivals_in
from flows.observe import telemetry
from flows.store.inbox import Arrival

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

POLL = 5
"""Seconds of a long poll: it is waited for at the end, so that no message is received and then left."""

_TEN = 10
"""Messages in one call, and entries in one batch: SQS's own limit."""

_COUNT: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"

_FOR_A_WHILE = {"ConnectionError", "HTTPClientError"}
_BUSY = {429, 500, 502, 503, 504}

_THREADS = ThreadPoolExecutor(4, thread_name_prefix="events")


@dataclass(frozen=True)
class Message:
    """A received message.

    Attributes:
        id: SQS's own.
        handle: to delete it or extend its visibility.
        body: as it was sent.
        arrived: the uploads it names; none for what is no upload (deleted objects, `s3:TestEvent`).
        poison: why nobody can read it; None when it was understood.
    """

    id: str
    handle: str
    body: str
    arrived: tuple[Arrival, ...]
    poison: str | None = None


@dataclass(frozen=True)
class Queue:
    """A queue, and the client that reaches it."""

    url: str
    client: "SQSClient"

    async def check(self) -> None:
        """Raises `SourceUnavailable` where the queue does not exist or refuses."""
        await self._call(self.client.get_queue_attributes, AttributeNames=["VisibilityTimeout"])

    async def receive(self, *, most: int, poll: int, visibility: int, stopping: Callable[[], bool]) -> list[Message]:
        """What the queue holds; the first call waits for something, the others do not.

        Args:
            most: messages, about.
            poll: seconds of the first call.
            visibility: seconds for which they stay hidden.
            stopping: whether no more are to be received.

        Raises:
            SourceUnavailable: the queue cannot be asked. What was received until then is returned: a message that
                were dropped here would have been received for nothing.
        """
        messages: list[Message] = []
        held = await self._call(self.client.get_queue_attributes, AttributeNames=[_COUNT])
        wait, first_sent = poll, math.inf
        while len(messages) < most and not stopping():
            try:
                answer = await self._call(
                    self.client.receive_message, MaxNumberOfMessages=_TEN, WaitTimeSeconds=wait,
                    VisibilityTimeout=visibility, MessageSystemAttributeNames=["All"],
                )  # fmt: skip
            except SourceUnavailable:
                if messages:
                    break
                raise
            received = answer.get("Messages", [])
            if not received:
                break
            messages += [_understood(each) for each in received]
            first_sent = min(first_sent, *(int(each["Attributes"]["SentTimestamp"]) / 1000 for each in received))
            wait = 0
        telemetry.queue(int(held["Attributes"][_COUNT]), max(0.0, time.time() - first_sent))
        return messages

    async def hide(self, messages: Sequence[Message], seconds: int) -> None:
        """Nobody else receives them for so long from now; 0: anybody does at once.

        Raises:
            SourceUnavailable: the queue cannot be asked.
        """
        for some in _tens(messages):
            entries = [
                {"Id": str(n), "ReceiptHandle": each.handle, "VisibilityTimeout": seconds}
                for n, each in enumerate(some)
            ]
            await self._call(self.client.change_message_visibility_batch, Entries=entries)

    async def delete(self, messages: Sequence[Message]) -> None:
        """They are done with, for good.

        Raises:
            SourceUnavailable: the queue cannot be asked.
        """
        for some in _tens(messages):
            entries = [{"Id": str(n), "ReceiptHandle": each.handle} for n, each in enumerate(some)]
            await self._call(self.client.delete_message_batch, Entries=entries)

    async def _call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        def call() -> Any:
            with _told(self.url):
                return method(QueueUrl=self.url, **arguments)

        return await asyncio.get_running_loop().run_in_executor(_THREADS, call)


def open_queue(url: str) -> Queue:
    """A client for the queue's server, with boto3's own settings (`AWS_ENDPOINT_URL_SQS` for other servers).

    Raises:
        SourceUnavailable: it is no queue's URL, or a setting of boto3's means nothing.
    """
    import boto3
    from botocore.config import Config

    parts = urlsplit(url)
    if not parts.scheme.startswith("http") or not parts.netloc:
        raise SourceUnavailable(f"{url} is no queue's URL: write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
    names = parts.netloc.split(".")
    region = names[1] if names[0] == "sqs" and len(names) > 2 else None  # noqa: PLR2004 - sqs.REGION.amazonaws...
    config = Config(
        connect_timeout=5, read_timeout=POLL + 10, retries={"mode": "standard", "total_max_attempts": 5}
    )  # fmt: skip
    with _told(url):
        session = boto3.session.Session()
        return Queue(
            url, session.client("sqs", config=config, region_name=region or session.region_name or "us-east-1")
        )


def _understood(raw: dict[str, Any]) -> Message:
    identity, handle, body = raw["MessageId"], raw["ReceiptHandle"], raw["Body"]
    try:
        return Message(identity, handle, body, tuple(arrivals_in(body)))
    except BadNotification as error:
        return Message(identity, handle, body, (), str(error))


def _tens(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for start in range(0, len(messages), _TEN):
        yield messages[start : start + _TEN]


@contextmanager
def _told(queue: str) -> Iterator[None]:
    """Turns what boto3 raises into one line; no secret is in it. A queue that may answer later is `SourceAway`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        busy = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in _BUSY
        kind = SourceAway if busy else SourceUnavailable
        raise kind(f"{queue}: {said.get('Message')} ({said.get('Code')})") from None
    except (BotoCoreError, ValueError) as error:
        names = {each.__name__ for each in type(error).__mro__}
        kind = SourceUnavailable if names.isdisjoint(_FOR_A_WHILE) else SourceAway
        raise kind(f"{queue}: {type(error).__name__}: check the URL, credentials and network") from None
