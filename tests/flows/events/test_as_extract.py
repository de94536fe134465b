"""`octavo listen` and `octavo consume` read as `octavo extract` does: `--split`, `--records`, calls in flight."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest
from fakes import Answer, Asked, model_server, says
from runs import rows
from s3_servers import S3Server, free_ports, moto_server
from services import TOKEN, end, listener, post, service, wait_for
from statements import pages_asked

from flows.events.batch import LONG, SIDE_BY_SIDE, held_up, job_beside
from flows.run.parameters import Job
from flows.storage import s3


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    """S3 and SQS in one server."""
    with moto_server() as running:
        yield running


@pytest.fixture
def cloud(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """The same with a bucket, and the environment pointing at it."""
    server.settle_in(monkeypatch)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server.client().create_bucket(Bucket="mail")
    yield server
    s3._shared_client.cache_clear()


def reads(asked: Asked) -> Answer:
    """Page 1 is an invoice, page 2 a receipt; a record names the first page that it was asked of."""
    name, (first, *_) = asked.body["response_format"]["json_schema"]["name"], pages_asked(asked)
    if name == "page_kinds":
        kinds = [{"page": page, "kind": ("invoice", "receipt")[page - 1], "begins": True} for page in (1, 2)]
        return says({"pages": kinds})
    return says({"number": f"N-{first}"} if name == "invoice" else {"merchant": f"Shop {first}"})


def shown(view: str, column: str) -> list[str]:
    """What a view shows; nothing while there is no store yet."""
    if not Path("octavo.db").exists() or not rows("select 1 from sqlite_master where name = ?", view):
        return []
    return sorted(value for (value,) in rows(f"select {column} from {view}"))


def test_listen_splits(cloud: S3Server, tmp_path: Path) -> None:
    """One uploaded file of an invoice and a receipt is a record of each."""
    cloud.client().put_object(Bucket="mail", Key="both.pdf", Body=pages.digital_pdf(["Invoice 1", "Corner Shop"]))
    (port,) = free_ports(1)
    told = json.dumps({"uri": "s3://mail/both.pdf"}).encode()
    with (
        model_server(reads) as model,
        listener(
            port, "--split", "--base-url", model.base_url, "--model", "m",
            log=tmp_path / "log", schema="invoice,receipt",
        ) as process,
    ):  # fmt: skip
        assert post(f"http://127.0.0.1:{port}/", told, Authorization=f"Bearer {TOKEN}") == 202
        wait_for(lambda: shown("invoice", "number") == ["N-1"] and shown("receipt", "merchant") == ["Shop 2"])
        assert end(process) == 0


def test_consume_makes_each_page_a_record(cloud: S3Server, tmp_path: Path) -> None:
    """`--records per-page`: a file of two receipts is two records."""
    import boto3

    session = boto3.session.Session(cloud.key, cloud.secret, region_name="us-east-1")
    sqs = session.client("sqs", endpoint_url=cloud.url)
    queue = sqs.create_queue(QueueName="mail")["QueueUrl"]
    cloud.client().put_object(Bucket="mail", Key="two.pdf", Body=pages.digital_pdf(["Corner Shop", "Other Shop"]))
    arguments = ("consume", "--queue", queue, "--schema", "receipt", "--records", "per-page", "--model", "m")
    with (
        model_server(reads) as model,
        service(*arguments, "--base-url", model.base_url, log=tmp_path / "log") as process,
    ):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"uri": "s3://mail/two.pdf"}))
        wait_for(lambda: shown("receipt", "merchant") == ["Shop 1", "Shop 2"])
        assert end(process) == 0


def test_several_schemas_need_split(tmp_path: Path) -> None:
    """Exit code 1 before anything is received, with what to say."""
    with service("listen", "--schema", "invoice,receipt", "--endpoint", "local", log=tmp_path / "log") as process:
        assert process.wait(timeout=60) == 1
    assert re.search("several schemas .* need --split", (tmp_path / "log").read_text())


def test_micro_batches_beside_each_other_share_the_calls_in_flight() -> None:
    """A batch that does not fill the endpoint holds up the next for a second; each further one has what is left."""
    job = Job(sources=(), schema_name="receipt", concurrency=60)
    assert held_up(1, 60) < held_up(60, 60) == LONG
    assert job_beside(job, 0, 60) is job
    assert [job_beside(job, busy, 60).concurrency for busy in (1, 20, 59, 400)] == [59, 40, 20, 20]
    assert job_beside(job.model_copy(update={"concurrency": 1}), 5, 1).concurrency == 1
    assert SIDE_BY_SIDE == 3
