"""500 uploads in a burst through `octavo listen` and `octavo consume`: each document once, whatever is announced.

    PYTHONPATH=.:tests/support python tests/benchmarks/burst.py [UPLOADS]      (500; takes about two minutes)

Real parts on loopback: SeaweedFS with its webhook and one more POST for each upload; moto's S3 and SQS with the
server's own messages and one more for each. A tenth of the keys is written twice, and the additional
announcements come in any order, so that some are older than what is already read. Fails unless every object
has one record, of its last bytes, nothing waits and no call was made twice; prints how well the model,
which takes 0.5 s an answer, was kept busy.
"""

import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pages
from fakes import Answer, Asked, ModelServer, model_server
from runs import TOTAL, rows
from s3_servers import S3Server, free_ports, moto_server, seaweed_server
from services import TOKEN, end, listener, post, service, wait_for

CONCURRENCY = 16
SECONDS = 0.5
"""An answer's, so that the best possible is `calls * SECONDS / CONCURRENCY`."""


def main() -> int:
    """Both ways; fails by an assertion."""
    uploads = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory(prefix="octavo-burst-") as made:
        for way in (through_listen, through_consume):
            folder = Path(made) / way.__name__
            folder.mkdir()
            os.chdir(folder)
            way(folder, uploads)
    return 0


def through_listen(folder: Path, uploads: int) -> None:
    """SeaweedFS announces each upload; a second announcement of each comes by hand."""
    (port,) = free_ports(1)
    webhook = f'endpoint = "http://127.0.0.1:{port}/"\nbearer_token = "{TOKEN}"\npath_prefixes = ["/buckets/docs"]\n'
    (folder / "weed").mkdir()
    with seaweed_server(folder / "weed", webhook) as s3, counted() as model:
        asked = ("--base-url", model.base_url, "--model", "m", "--concurrency", str(CONCURRENCY))
        with listener(port, *asked, log=folder / "log", **settings(s3)) as process:

            def announce(key: str) -> None:
                body = json.dumps({"uri": f"s3://docs/{key}"}).encode()
                assert post(f"http://127.0.0.1:{port}/", body, Authorization=f"Bearer {TOKEN}") == 202

            last = burst(s3, uploads, announce)
            wait_for(lambda: settled() >= len(last), seconds=240)
            assert end(process) == 0
        told("listen", uploads, last, model)
        waiting = rows("select count(*) from arrivals where state <> 'done'")[0][0]
        assert waiting == 0, f"{waiting} are not done"


def through_consume(folder: Path, uploads: int) -> None:
    """Moto sends a message for each upload; a second one of each is sent by hand."""
    import boto3

    with moto_server() as s3, counted() as model:
        session = boto3.session.Session(s3.key, s3.secret, region_name="us-east-1")
        sqs = session.client("sqs", endpoint_url=s3.url)
        queue = sqs.create_queue(QueueName="burst")["QueueUrl"]
        s3.client().create_bucket(Bucket="docs")
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        wanted = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
        s3.client().put_bucket_notification_configuration(Bucket="docs", NotificationConfiguration=wanted)

        def announce(key: str) -> None:
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"uri": f"s3://docs/{key}"}))

        def left() -> int:
            found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
            names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
            return sum(int(found[name]) for name in names)

        asked = ("consume", "--queue", queue, "--schema", "receipt", "--base-url", model.base_url, "--model", "m",
                 "--concurrency", str(CONCURRENCY))  # fmt: skip
        with service(*asked, log=folder / "log", **settings(s3)) as process:
            last = burst(s3, uploads, announce)
            wait_for(lambda: settled() >= len(last) and left() == 0, seconds=240)
            assert end(process) == 0
        told("consume", uploads, last, model)


@contextmanager
def counted() -> Iterator[ModelServer]:
    """A model that takes its time."""

    def answer(_: Asked) -> Answer:
        ASKED_AT.append(time.monotonic())
        return Answer(text=json.dumps(TOTAL), delay=SECONDS)

    ASKED_AT.clear()
    with model_server(answer) as model:
        yield model


def burst(s3: S3Server, uploads: int, announce: Callable[[str], None]) -> dict[str, str]:
    """Uploads and announces, side by side; the sha256 of each key's last bytes."""
    client = s3.client()
    keys = [f"in/{number:04}.pdf" for number in range(uploads * 9 // 10)]
    keys += keys[: uploads - len(keys)]
    bodies = [pages.digital_pdf([f"upload {number}"]) for number in range(uploads)]
    again = random.Random(6).sample(keys, len(keys))
    with ThreadPoolExecutor(4) as pool:
        # The first of two writes of a key is done long before the second one begins.
        sent = [pool.submit(client.put_object, Bucket="docs", Key=key, Body=body)
                for key, body in zip(keys, bodies, strict=True)]  # fmt: skip
        sent += [pool.submit(announce, key) for key in again]
        for each in sent:
            each.result()
    return {key: hashlib.sha256(body).hexdigest() for key, body in zip(keys, bodies, strict=True)}


def settled() -> int:
    """Objects whose current bytes have a final state."""
    if not Path("octavo.db").exists() or not rows("select 1 from sqlite_master where name = 'receipt'"):
        return 0
    waiting = "select 1 from arrivals where state = 'waiting'"
    return 0 if rows(waiting) else int(rows("select count(*) from receipt")[0][0])


def told(way: str, uploads: int, last: dict[str, str], model: ModelServer) -> None:
    """Prints the counts, and fails unless they are right."""
    read = dict(rows("select uri, sha256 from documents"))
    records = rows("select document_uri, count(*) from receipt group by 1")
    calls, runs = len(model.asked), rows("select count(*) from runs")[0][0]
    twice = calls - len({asked.fingerprint for asked in model.asked})
    took, best = ASKED_AT[-1] - ASKED_AT[0] + SECONDS, calls * SECONDS / CONCURRENCY
    gap = max(after - before for before, after in pairwise(ASKED_AT))
    print(
        f"{way}: {uploads} uploads of {len(last)} objects, each announced twice: {len(records)} objects with"
        f" a record, {sum(n for _, n in records)} records; {calls} calls, {twice} of them a second time,"
        f" in {runs} runs; {took:.1f} s from the first call to the last ({best:.1f} at best),"
        f" {gap:.1f} s the longest without a call",
        flush=True,
    )
    assert {uri.removeprefix("s3://docs/"): sha for uri, sha in read.items()} == last
    assert sorted(records) == sorted((f"s3://docs/{key}", 1) for key in last)
    assert twice == 0


def settings(s3: S3Server) -> dict[str, str]:
    """Where the service finds the bucket."""
    return {
        "AWS_ENDPOINT_URL": s3.url, "AWS_ACCESS_KEY_ID": s3.key, "AWS_SECRET_ACCESS_KEY": s3.secret,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip


ASKED_AT: list[float] = []
"""When the model was asked."""

if __name__ == "__main__":
    sys.exit(main())
