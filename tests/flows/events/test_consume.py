"""`octavo consume`: S3 notifications from SQS, deleted only when their documents are done with."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pages
import pytest
from fakes import Answer, Asked, ModelServer, model_server, says
from runs import TOTAL, rows
from s3_servers import S3Server, free_ports, moto_server
from services import dashboard_misses, end, get, service, wait_for

from flows.storage import s3

MODEL = ("--model", "m")


@pytest.fixture(scope="module")
def cloud() -> Iterator[S3Server]:
    """S3 and SQS in one server."""
    with moto_server() as server:
        yield server


class Queue:
    """A bucket whose uploads are announced in a queue with a dead-letter queue."""

    def __init__(self, cloud: S3Server, name: str) -> None:
        import boto3

        session = boto3.session.Session(cloud.key, cloud.secret, region_name="us-east-1")
        self.s3 = cloud.client()
        self.sqs = session.client("sqs", endpoint_url=cloud.url)
        self.sns = session.client("sns", endpoint_url=cloud.url)
        self.bucket = name
        self.dead = self.sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        policy = {"deadLetterTargetArn": self.arn(self.dead), "maxReceiveCount": "2"}
        self.url = self.sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(policy)})["QueueUrl"]
        self.s3.create_bucket(Bucket=name)
        told = {"QueueArn": self.arn(self.url), "Events": ["s3:ObjectCreated:*"]}
        self.s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"QueueConfigurations": [told]}
        )  # fmt: skip
        self.sqs.purge_queue(QueueUrl=self.url)  # of the test event that S3 begins with

    def arn(self, url: str) -> str:
        """A queue's other name."""
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def upload(self, key: str, body: bytes) -> None:
        """An object, announced by the server itself."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def send(self, body: str) -> None:
        """A message of the test's own."""
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def held(self) -> tuple[int, int]:
        """Messages that are visible, and those that are hidden because somebody works on them."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return int(found[names[0]]), int(found[names[1]])


@pytest.fixture
def queue(cloud: S3Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Queue]:
    """A queue and bucket of the test's own, with the environment pointing at them."""
    cloud.settle_in(monkeypatch)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield Queue(cloud, request.node.name.replace("_", "-")[:40])
    s3._shared_client.cache_clear()


@contextmanager
def consumer(queue: Queue, model: ModelServer, log: Path, *more: str) -> Iterator[Any]:
    """`octavo consume` on the queue."""
    arguments = ("consume", "--queue", queue.url, "--schema", "receipt", "--base-url", model.base_url, *MODEL, *more)
    with service(*arguments, log=log) as process:
        yield process


def uris() -> list[str]:
    """The documents whose records the view shows; none while there is no store yet."""
    if not Path("octavo.db").exists() or not rows("select 1 from sqlite_master where name = 'receipt'"):
        return []
    return sorted(uri for (uri,) in rows("select document_uri from receipt"))


def receipt(number: int) -> bytes:
    """A document of its own."""
    return pages.digital_pdf([f"receipt {number}", "Total 12.00"])


def test_uploads_become_records_and_messages_go(queue: Queue, tmp_path: Path) -> None:
    """The server's own messages, one through SNS's envelope, a duplicate, a test event and a deleted object."""
    Path("octavo.toml").write_text("[endpoint.custom]\nprice_input = 1\nprice_output = 1\n", "utf-8")
    (port,) = free_ports(1)
    beside = ("--port", str(port))
    with model_server(lambda _: says(TOTAL)) as model, consumer(queue, model, tmp_path / "log", *beside) as process:
        queue.upload("in/März & Co +1%.pdf", receipt(1))
        queue.upload("in/gone.pdf", receipt(2))
        queue.s3.delete_object(Bucket=queue.bucket, Key="in/gone.pdf")
        queue.s3.put_object(Bucket=queue.bucket, Key="in/two.pdf", Body=receipt(3))
        told = {
            "Records": [
                {
                    "eventName": "ObjectCreated:Put",
                    "s3": {"bucket": {"name": queue.bucket}, "object": {"key": "in/two.pdf"}},
                }
            ]
        }
        queue.send(json.dumps({"Type": "Notification", "Message": json.dumps(told)}))
        queue.send('{"Event": "s3:TestEvent"}')
        wait_for(lambda: len(uris()) == 2 and queue.held() == (0, 0))
        health = f"http://127.0.0.1:{port}"
        assert [get(f"{health}/{path}")[0] for path in ("healthz", "readyz", "other")] == [200, 200, 404]
        assert dashboard_misses(get(f"{health}/metrics")[1]) == set()
        assert end(process) == 0
    assert uris() == [f"s3://{queue.bucket}/in/März & Co +1%.pdf", f"s3://{queue.bucket}/in/two.pdf"]
    assert rows("select uri from arrivals where state = 'gone'") == [(f"s3://{queue.bucket}/in/gone.pdf",)]
    assert rows("select count(*) from arrivals where state = 'done'") == [(2,)]
    assert len(model.asked) == 2


def test_poison_stays_for_the_dead_letter_queue(queue: Queue, tmp_path: Path) -> None:
    """A message nobody can read is not deleted; its reason is in the store; the others go on."""
    with model_server(lambda _: says(TOTAL)) as model, consumer(queue, model, tmp_path / "log") as process:
        queue.send("hello")
        queue.upload("good.pdf", receipt(1))
        wait_for(lambda: uris() and queue.held() == (0, 1))
        assert end(process) == 0
    ((name, state, cause),) = rows("select uri, state, cause from arrivals where state <> 'done'")
    assert (name[:4], state, cause) == ("sqs:", "poison", "the body is not JSON")


def test_paused_leaves_the_message(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that is down ends no document: the message stays, and a later consumer finishes it."""
    queue.upload("late.pdf", receipt(1))
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "0.5")
    (port,) = free_ports(1)
    with (
        model_server(lambda _: Answer(status=503, body=b"busy")) as model,
        consumer(queue, model, tmp_path / "log", "--port", str(port)) as process,
    ):
        wait_for(lambda: " paused: " in (tmp_path / "log").read_text())
        assert get(f"http://127.0.0.1:{port}/healthz")[0] == 200
        status, told = get(f"http://127.0.0.1:{port}/readyz")
        assert (status, "paused: " in told) == (503, True)
        assert end(process) == 0
    assert sum(queue.held()) == 1
    assert uris() == []


def test_one_that_is_refused_holds_up_no_other(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a quiet night, when nothing else was answered yet: what comes later is received, and read."""
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "1")
    first: list[list[bytes]] = []

    def answer(asked: Asked) -> Answer:
        first.append(asked.images)
        if asked.images == first[0]:
            return Answer(status=400, body=b'{"error": {"message": "the image is broken", "code": 400}}')
        return says(TOTAL)

    with model_server(answer) as model, consumer(queue, model, tmp_path / "log") as process:
        queue.upload("in/bad.pdf", receipt(1))
        wait_for(lambda: (tmp_path / "log").read_text().count("endpoint_refused") >= 2)
        queue.upload("in/good.pdf", receipt(2))
        wait_for(lambda: uris() == [f"s3://{queue.bucket}/in/good.pdf"])
        assert end(process) == 0
    assert sum(queue.held()) == 1


def test_a_queue_that_is_not_there_is_told(queue: Queue, tmp_path: Path) -> None:
    """Exit code 1 at once, with its URL and no traceback."""
    log = tmp_path / "log"
    arguments = ("consume", "--queue", queue.url + "-none", "--schema", "receipt", "--endpoint", "local")
    with service(*arguments, log=log) as process:
        assert process.wait(timeout=60) == 1
    assert "-none" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_long_batch_stays_hidden(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While documents are worked on longer than the visibility lasts, nobody else gets their messages."""
    from flows.events import sqs
    from flows.events.batch import Batch, Ended
    from flows.events.sqs import Consumer, consume
    from flows.run.parameters import Job
    from flows.store import inbox
    from flows.store.store import Store

    monkeypatch.setattr(sqs, "VISIBILITY", 3)
    queue.send(json.dumps({"uri": f"s3://{queue.bucket}/slow.pdf"}))
    seen: list[tuple[int, int]] = []

    async def slowly(arrived: Any, _job: Job, stopping: asyncio.Event) -> Batch:
        for _ in range(7):
            await asyncio.sleep(1)
            seen.append(await asyncio.to_thread(queue.held))
        stopping.set()
        return Batch({each.uri: Ended("done") for each in arrived}, None)

    with Store.open("sqlite:///octavo.db") as store:
        store.transact(inbox.make_table)
        asyncio.run(
            consume(Consumer(queue.url, store, "receipt", Job(sources=(), schema_name="receipt"), slowly, poll=1))
        )
    assert set(seen) == {(0, 1)}
    assert queue.held() == (0, 0)


def test_what_waits_is_held_to_the_prefixes(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever let it wait (a retry, an older setting, a neighbour): both services refuse it, and read none of it."""
    from pydantic import SecretStr

    from flows.cli.parser import main
    from flows.events.batch import Batch, Ended
    from flows.events.callers import Locks
    from flows.events.sqs import Consumer, consume
    from flows.events.webhook import Listener, work
    from flows.run.parameters import Job
    from flows.store import inbox
    from flows.store.inbox import Arrival
    from flows.store.store import Store

    job, prefixes, locks = Job(sources=(), schema_name="receipt"), ("s3://docs/in/",), Locks((SecretStr("x"),), ())
    waiting = [Arrival("s3://docs/in/a b", "s3://docs/in/a+b"), Arrival("s3://docs/in/c", "s3://x/c")]
    for service_name in ("consume", "listen"):
        read: list[Arrival] = []

        async def take(arrived: Any, _job: Job, stopping: asyncio.Event, read: list[Arrival] = read) -> Batch:
            read.extend(arrived)
            stopping.set()
            return Batch({each.uri: Ended("done") for each in arrived}, None)

        url = f"sqlite:///{service_name}.db"
        retry = ["arrivals", "retry", "--store", url]
        with Store.open(url) as store:
            store.transact(inbox.make_table)
            body = '{"uri": "s3://docs/payroll.pdf"}'
            store.transact(inbox.note_all, "receipt", "poison", {"sqs:1": ("outside", body)})
            monkeypatch.setenv("OCTAVO_LISTEN_PREFIXES", prefixes[0])
            assert main(retry) == 3
            assert "sqs:1: outside OCTAVO_LISTEN_PREFIXES: s3://docs/payroll.pdf" in capsys.readouterr().out
            monkeypatch.delenv("OCTAVO_LISTEN_PREFIXES")
            assert main(retry) == 0
            store.transact(inbox.accept, "receipt", waiting)
            if service_name == "consume":
                asyncio.run(consume(Consumer(queue.url, store, "receipt", job, take, prefixes=prefixes, poll=1)))
            else:
                asyncio.run(work(Listener(store, "receipt", job, take, locks, concurrency=4, prefixes=prefixes)))
            monkeypatch.setenv("OCTAVO_LISTEN_PREFIXES", prefixes[0])
            assert main([*retry, "--state", "refused"]) == 3
        assert read == [waiting[0], Arrival("s3://docs/in/c")], service_name
        refused = "select uri, cause, held_by from arrivals where state = 'refused'"
        assert rows(refused, store=f"{service_name}.db") == [
            ("s3://docs/payroll.pdf", "outside OCTAVO_LISTEN_PREFIXES", None)
        ]  # fmt: skip
