"""Uploads that a model never answers, or refuses: what becomes of them, and of the others meanwhile."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pages
import pytest
from fakes import Answer, Asked, model_server, says
from runs import TOTAL, rows, states
from s3_servers import S3Server, free_ports, moto_server
from services import TOKEN, get, listener, post, service, wait_for

from flows.events import webhook
from flows.events.batch import Batch, Ended
from flows.events.callers import Locks
from flows.events.webhook import Listener
from flows.run.parameters import Job
from flows.storage import s3
from flows.store import inbox
from flows.store.inbox import Arrival
from flows.store.store import Store

BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def cloud() -> Iterator[S3Server]:
    """S3 and SQS in one server."""
    with moto_server() as server:
        yield server


@pytest.fixture(autouse=True)
def bucket(cloud: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """The server with a bucket, the environment pointing at it, and little patience."""
    cloud.settle_in(monkeypatch)
    settings = {
        "AWS_DEFAULT_REGION": "us-east-1", "OCTAVO_TIMEOUT": "0.25", "OCTAVO_GIVE_UP_AFTER": "0.5",
        "OCTAVO_RENDER_WORKERS": "1", "OCTAVO_BASE_URL": "", "OCTAVO_MODEL": "m",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    cloud.client().create_bucket(Bucket="docs")
    for name in ("bad", "one", "two"):
        body = pages.digital_pdf([f"receipt {name}" * (3 if name == "bad" else 1)])
        cloud.client().put_object(Bucket="docs", Key=f"{name}.pdf", Body=body)
    yield cloud
    s3._shared_client.cache_clear()


def but_one(bad: Answer) -> Callable[[Asked], Answer]:
    """A model that answers the first document that it is asked about so, and all others well."""
    first: list[bytes] = []

    def answer(asked: Asked) -> Answer:
        first[:] = first or asked.images
        return bad if asked.images == first else says(TOTAL)

    return answer


def announced(name: str) -> bytes:
    """A notification of an upload."""
    return json.dumps({"uri": f"s3://docs/{name}.pdf"}).encode()


def became(name: str) -> tuple[str, str | None] | None:
    """The state and kind of an upload's document; None while it has none."""
    with suppress(sqlite3.OperationalError):  # no tables yet
        return states().get(f"{name}.pdf")
    return None


def test_never_answered_is_quarantined_and_holds_nobody_up(tmp_path: Path) -> None:
    """`listen`: announced again and again, the document ends as `no_answer`, and others are answered meanwhile."""
    (port,) = free_ports(1)
    url, log = f"http://127.0.0.1:{port}/", tmp_path / "log"
    with (
        model_server(but_one(Answer(text="too late", delay=20))) as model,
        listener(port, "--base-url", model.base_url, log=log),
    ):
        assert post(url, announced("bad"), **BEARER) == 202
        wait_for(lambda: "paused: " in get(f"{url}readyz")[1])
        for name in ("bad", "one", "two"):
            assert post(url, announced(name), **BEARER) == 202
        wait_for(lambda: len(rows("select 1 from receipt")) == 2)
        wait_for(lambda: became("bad") == ("quarantined", "no_answer"))
        wait_for(lambda: set(rows("select state from arrivals")) == {("done",)})
        asked = len(model.asked)
        assert post(url, announced("bad"), **BEARER) == 202
        wait_for(lambda: set(rows("select state from arrivals")) == {("done",)})
        assert get(f"{url}readyz")[0] == 200
    assert len(model.asked) == asked < 20
    assert became("one") == became("two") == ("complete", None)


def test_alone_and_never_answered_is_quarantined_after_some_runs(bucket: S3Server, tmp_path: Path) -> None:
    """`consume`: after three runs without an answer it is quarantined, and its message is gone."""
    import boto3

    session = boto3.session.Session(bucket.key, bucket.secret, region_name="us-east-1")
    queue = session.client("sqs", endpoint_url=bucket.url)
    queue_url = queue.create_queue(QueueName="uploads")["QueueUrl"]
    queue.send_message(QueueUrl=queue_url, MessageBody=announced("bad").decode())

    def queue_held() -> set[str]:
        left = queue.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
        return {left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]}

    with (
        model_server(but_one(Answer(text="too late", delay=20))) as model,
        service(
            "consume", "--queue", queue_url, "--schema", "receipt", "--base-url", model.base_url, log=tmp_path / "log"
        ),
    ):
        wait_for(lambda: became("bad") == ("quarantined", "no_answer"))
        wait_for(lambda: queue_held() == {"0"})
    assert rows("select count(distinct run_id) from calls where outcome = 'unanswered'") == [(3,)]


def test_alone_and_refused_is_told_until_another_is_answered(tmp_path: Path) -> None:
    """`listen`: whose fault a lone 400 is shows with the next upload; until then it waits, and that is told."""
    (port,) = free_ports(1)
    url, log = f"http://127.0.0.1:{port}/", tmp_path / "log"
    with (
        model_server(but_one(Answer(status=400, body=b'{"error": {"message": "no such thing"}}'))) as model,
        listener(port, "--base-url", model.base_url, log=log),
    ):
        assert post(url, announced("bad"), **BEARER) == 202
        wait_for(lambda: len(model.asked) >= 2)
        status, told = get(f"{url}readyz")
        assert (status, json.loads(told)["waiting"], "no such thing" in told) == (200, 1, True)
        assert "endpoint_refused: " in log.read_text()
        assert rows("select count(*) from extractions where status = 'quarantined'") == [(0,)]
        assert post(url, announced("one"), **BEARER) == 202
        wait_for(lambda: became("one") == ("complete", None))
        wait_for(lambda: became("bad") == ("quarantined", "rejected_request"))
        wait_for(lambda: json.loads(get(f"{url}readyz")[1]) == {"status": "ok", "waiting": 0, "oldest_seconds": 0.0})


def test_a_slow_upload_is_not_waited_for() -> None:
    """What arrives while a run lasts long is another run's, and what is being read is not taken twice."""
    began: list[list[str]] = []
    begun = asyncio.Event()

    async def take(arrived: Sequence[Arrival], _job: Job, stopping: asyncio.Event) -> Batch:
        began.append([each.uri for each in arrived])
        begun.set()
        if began[-1] == ["s3://docs/slow.pdf"]:
            await stopping.wait()
            return Batch({each.uri: Ended("done") for each in arrived}, None)
        stopping.set()
        return Batch({each.uri: Ended("done") for each in arrived}, None)

    async def scenario(listener: Listener) -> None:
        listener.store.transact(inbox.accept, "receipt", [Arrival("s3://docs/slow.pdf")])
        working = asyncio.create_task(webhook.work(listener))
        await asyncio.wait_for(begun.wait(), 20)
        listener.store.transact(
            inbox.accept, "receipt", [Arrival(f"s3://docs/{name}.pdf") for name in ("slow", "one")]
        )
        listener.news.set()
        await asyncio.wait_for(working, 20)

    with Store.open("sqlite:///octavo.db") as store:
        store.transact(inbox.make_table)
        job = Job(sources=(), schema_name="receipt")
        asyncio.run(scenario(Listener(store, "receipt", job, take, Locks((), ()), concurrency=64)))
    assert began == [["s3://docs/slow.pdf"], ["s3://docs/one.pdf"]]
    # Announced again while it was read, it waits for its next turn.
    assert rows("select uri, state from arrivals order by uri") == [
        ("s3://docs/one.pdf", "done"), ("s3://docs/slow.pdf", "waiting"),
    ]  # fmt: skip
