"""What a command does while one of its dependencies is away: all of them are real, each behind a gate of its own."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from fakes import Answer, Asked, ModelServer, model_server
from gates import Gate, How, gate
from pages import digital_pdf
from prefect_stack import PREFECT, prefect_stack
from runs import TOTAL
from s3_servers import S3Server, free_ports, moto_server
from services import TOKEN, end, listener, service
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from stores import fresh_url

COMMANDS = ("extract", "listen", "consume", "bulk")
"""`bulk` is the deployment `bulk-extract` on a Prefect server, its shards on three process workers."""
AWAY = ("endpoint", "store", "source", "queue")
CONCURRENCY = 4
_ROOT = Path(__file__).resolve().parents[2]
_RECEIVED = "3"
"""Times that the queue gives a message before it is dead."""


@dataclass(frozen=True)
class Came:
    """What came of one outage.

    Attributes:
        lost: documents without a record at the end.
        twice: records beyond one for each document.
        again: questions asked again, beside those that were in flight when the endpoint went.
        dead: messages in the dead-letter queue, or still in the queue.
        code: the command's exit code.
        told: what it printed or logged last.
    """

    lost: int
    twice: int
    again: int
    dead: int
    code: int
    told: str

    @property
    def well(self) -> bool:
        """Nothing to complain of."""
        return (self.lost, self.twice, self.again, self.dead, self.code) == (0, 0, 0, 0, 0)


@dataclass
class House:
    """The dependencies, each behind its gate, and the documents.

    Attributes:
        gates: by the dependency's name.
        store: its URL through the gate; `behind` is the one without.
        settings: for the command's environment.
    """

    folder: Path
    documents: int
    model: ModelServer
    cloud: S3Server
    gates: dict[str, Gate]
    store: str
    behind: str
    queue: str
    dead: str
    settings: dict[str, str]

    @property
    def options(self) -> tuple[str, ...]:
        """Of every command."""
        base = f"http://127.0.0.1:{self.gates['endpoint'].port}/v1"
        return ("--schema", "receipt", "--base-url", base, "--model", "m", "--concurrency", str(CONCURRENCY))

    def upload(self) -> list[str]:
        """The documents, which the bucket announces in the queue; returns their keys."""
        s3 = self.cloud.client()
        keys = [f"in/{number:03}.pdf" for number in range(self.documents)]
        for key in keys:
            s3.put_object(Bucket="docs", Key=key, Body=digital_pdf([f"receipt {key}"]))
        return keys

    def records(self) -> list[str]:
        """The uri of each record."""
        engine = create_engine(self.behind)
        try:
            with engine.connect() as connection:
                if not connection.scalar(text("select to_regclass('receipt')")):
                    return []
                return list(connection.scalars(text("select document_uri from receipt")))
        finally:
            engine.dispose()

    def messages(self, queue: str) -> int:
        """In a queue, hidden ones too."""
        found = _sqs(self.cloud).get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    def come(self, code: int, told: str, in_flight: int) -> Came:
        """What there is in the end."""
        found = Counter(self.records())
        asked = Counter(each.fingerprint for each in self.model.asked)
        again = sum(count - 1 for count in asked.values())
        return Came(
            lost=self.documents - len(found), twice=sum(found.values()) - len(found), again=max(0, again - in_flight),
            dead=self.messages(self.dead), code=code, told=told,
        )  # fmt: skip


@contextmanager
def house(folder: Path, documents: int, patience: float, delay: float = 0.2) -> Iterator[House]:
    """All of it, for one outage."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        cloud = stack.enter_context(moto_server())
        model = stack.enter_context(model_server(lambda asked: _answer(asked, delay)))
        behind = fresh_url("postgresql", folder)
        url = make_url(behind)
        where = {
            "endpoint": _host(model.base_url), "source": _host(cloud.url), "queue": _host(cloud.url),
            "store": str(url.query["host"]) + "/.s.PGSQL.5432",
        }  # fmt: skip
        gates = {name: stack.enter_context(gate(each)) for name, each in where.items()}
        through = url.set(host="127.0.0.1", port=gates["store"].port, query={"sslmode": "disable"})
        store = through.render_as_string(hide_password=False)
        queue, dead = _queues(cloud, gates["queue"].port)
        settings = {
            "OCTAVO_STORE": store, "OCTAVO_GIVE_UP_AFTER": str(patience), "OCTAVO_RENDER_WORKERS": "1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{gates['source'].port}",
            "AWS_ENDPOINT_URL_SQS": f"http://127.0.0.1:{gates['queue'].port}",
            "AWS_ACCESS_KEY_ID": cloud.key, "AWS_SECRET_ACCESS_KEY": cloud.secret, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "PYTHONPATH": str(_ROOT),
        }  # fmt: skip
        yield House(folder, documents, model, cloud, gates, store, behind, queue, dead, settings)


def suffer(made: House, command: str, away: Sequence[str], seconds: float, how: How = "refuse") -> Came:
    """One command, with each of some dependencies away for so many seconds, one after the other, amid the work."""
    run = {"extract": _extract, "listen": _listen, "consume": _consume, "bulk": _bulk}[command]
    in_flight = CONCURRENCY if "endpoint" in away else 0
    return made.come(*run(made, away, seconds, how), in_flight)


def _extract(made: House, away: Sequence[str], seconds: float, how: How) -> tuple[int, str]:
    made.upload()
    command = [sys.executable, "-m", "flows.cli", "extract", "s3://docs/in/", *made.options, "--json"]
    with subprocess.Popen(
        command, cwd=made.folder, env={**os.environ, **made.settings}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        _outage(made, away, seconds, how)
        said, _ = process.communicate(timeout=600)
    last = said.strip().splitlines()[-1] if said.strip() else ""
    return process.returncode, last if process.returncode == 0 and last.startswith("{") else said[-600:]


def _bulk(made: House, away: Sequence[str], seconds: float, how: How) -> tuple[int, str]:
    made.upload()
    wanted = {
        "schema_name": "receipt", "sources": ["s3://docs/in/"], "shard_documents": max(1, made.documents // 4),
        "shards_at_once": 2, "concurrency": CONCURRENCY,
    }  # fmt: skip
    base = f"http://127.0.0.1:{made.gates['endpoint'].port}/v1"
    model = {"OCTAVO_ENDPOINTS": "custom", "OCTAVO_BASE_URL": base, "OCTAVO_MODEL": "m"}
    with prefect_stack(made.folder / "stack", **{**made.settings, **model}) as stack:
        for number in range(3):
            stack.start_worker(f"worker{number}")
        watched = stack.start(
            "bulk", *PREFECT, "deployment", "run", "bulk-extract/bulk-extract", "--params", json.dumps(wanted),
            "--watch", "--watch-interval", "1",
        )  # fmt: skip
        _outage(made, away, seconds, how)
        code = watched.wait(600)
        return code, stack.last_words(15) if code else ""


def _listen(made: House, away: Sequence[str], seconds: float, how: How) -> tuple[int, str]:
    (port,) = free_ports(1)
    log = made.folder / "log"
    with listener(port, *made.options[2:], log=log, **made.settings) as process:
        keys = made.upload()
        sending = threading.Thread(target=lambda: [_announce(port, key) for key in keys])
        sending.start()
        _outage(made, away, seconds, how)
        sending.join()
        _until_done(made, 60 + seconds * len(away), queue=False)
        return end(process), log.read_text()[-600:]


def _consume(made: House, away: Sequence[str], seconds: float, how: How) -> tuple[int, str]:
    made.upload()
    log = made.folder / "log"
    with service("consume", "--queue", made.queue, *made.options, log=log, **made.settings) as process:
        _outage(made, away, seconds, how)
        _until_done(made, 60 + seconds * len(away), queue=True)
        code = end(process) if process.poll() is None else process.wait()
        return code, log.read_text()[-600:]


def _announce(port: int, key: str) -> None:
    """As a bucket does: again until it is accepted."""
    body = json.dumps({"uri": f"s3://docs/{key}"}).encode()
    request = Request(f"http://127.0.0.1:{port}/", body, {"Authorization": f"Bearer {TOKEN}"})
    while True:
        try:
            with urlopen(request, timeout=300):  # noqa: S310 - likewise
                return
        except (URLError, OSError):
            time.sleep(0.5)


def _outage(made: House, away: Sequence[str], seconds: float, how: How) -> None:
    for number, each in enumerate(away, 1):
        until = time.monotonic() + 120
        while len(made.model.asked) < made.documents * number // (len(away) + 2):
            assert time.monotonic() < until, "the work did not go on"
            time.sleep(0.02)
        with made.gates[each].shut(how):
            time.sleep(seconds)


def _until_done(made: House, seconds: float, *, queue: bool) -> None:
    """Until all is read, and where there is a `queue` all of it deleted; at most so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if len(set(made.records())) == made.documents and not (queue and made.messages(made.queue)):
            return
        time.sleep(0.3)


def _answer(asked: Asked, delay: float) -> Answer:
    return Answer(text=json.dumps({**TOTAL, "merchant": asked.fingerprint[:8]}), delay=delay)


def _host(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 80)


def _sqs(cloud: S3Server) -> Any:
    import boto3

    session = boto3.session.Session(cloud.key, cloud.secret, region_name="us-east-1")
    return session.client("sqs", endpoint_url=cloud.url)


def _queues(cloud: S3Server, port: int) -> tuple[str, str]:
    """A queue that is told of every upload to a new bucket, by the gate's port, and its dead-letter queue."""
    sqs, s3 = _sqs(cloud), cloud.client()

    def arn(url: str) -> str:
        return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])

    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": _RECEIVED})
    queue = sqs.create_queue(QueueName="uploads", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    s3.create_bucket(Bucket="docs")
    told = {"QueueArn": arn(queue), "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="docs", NotificationConfiguration={"QueueConfigurations": [told]}
    )  # fmt: skip
    sqs.purge_queue(QueueUrl=queue)  # of the test event that S3 begins with
    return queue.replace(urlsplit(cloud.url).netloc, f"127.0.0.1:{port}"), dead
