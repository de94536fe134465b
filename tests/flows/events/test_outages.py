"""Each dependency of a service away for some seconds: nothing lost, nothing twice or paid again, no dead letter."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import model_server, says
from outages import house, suffer
from pages import digital_pdf
from runs import TOTAL, rows
from s3_servers import S3Server, moto_server
from services import end, service, wait_for

from flows.cli.parser import main
from flows.storage import s3


@pytest.mark.parametrize(
    ("command", "away"), [("consume", ("endpoint", "store", "source", "queue")), ("listen", ("store", "source"))]
)
def test_outages_longer_than_the_patience(tmp_path: Path, command: str, away: tuple[str, ...]) -> None:
    """The queue gives a message thrice before it is dead, and none is: those in hand are kept, no other comes."""
    with house(tmp_path, documents=18, patience=1, delay=0.1) as made:
        came = suffer(made, command, away, seconds=3)
    assert came.well, came


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """S3 and SQS in one server, with the environment pointing at it."""
    with moto_server() as server:
        server.settle_in(monkeypatch)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "1")
        yield server
    s3._shared_client.cache_clear()


def test_a_missing_bucket_is_an_outage_and_a_missing_key_is_gone(cloud: S3Server, tmp_path: Path) -> None:
    """Nothing is deleted for a bucket that is not there; what is really gone is noted, and can be re-driven."""
    import boto3

    sqs = boto3.session.Session(cloud.key, cloud.secret, region_name="us-east-1").client(
        "sqs", endpoint_url=cloud.url
    )
    queue = sqs.create_queue(QueueName="uploads")["QueueUrl"]
    log, names = tmp_path / "log", [f"s3://docs/{number}.pdf" for number in range(3)]
    for uri in names:
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"uri": uri}))
    sqs.send_message(QueueUrl=queue, MessageBody="hello")

    def held() -> int:
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    def states() -> dict[str, str]:
        return dict(rows("select uri, state from arrivals where uri like 's3:%'"))

    with model_server(lambda _: says(TOTAL)) as model:
        asked = ("--queue", queue, "--schema", "receipt", "--base-url", model.base_url, "--model", "m")
        with service("consume", *asked, log=log) as process:
            wait_for(lambda: "paused: " in log.read_text())
            assert (held(), set(states().values())) == (4, {"waiting"})
            cloud.client().create_bucket(Bucket="docs")
            wait_for(lambda: set(states().values()) == {"gone"} and held() == 1)
            for uri in names:
                put(cloud, uri)
            assert main(["arrivals", "retry"]) == 3  # the poison is still none of the shapes that are understood
            wait_for(lambda: set(states().values()) == {"done"})
            assert end(process) == 0
        assert len(model.asked) == 3


def test_arrivals_are_listed_and_their_bodies_looked_at_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A poison message that is understood by now becomes its uploads; a name that is not listed is told."""
    from flows.store import inbox
    from flows.store.store import Store

    with Store.open("sqlite:///octavo.db") as store:
        assert main(["arrivals"]) == 0
        store.transact(inbox.make_table)
        body = json.dumps({"uri": "s3://docs/a.pdf"})
        store.transact(inbox.note_all, "receipt", "poison", {"sqs:1": ("the body is not JSON", body)})
        assert main(["arrivals", "list", "--json"]) == 0
        told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        assert [(each["name"], each["state"]) for each in told["arrivals"]] == [("sqs:1", "poison")]
        assert main(["arrivals", "retry", "s3://docs/none.pdf"]) == 3
        assert main(["arrivals", "retry", "--state", "poison"]) == 0
    assert rows("select uri, state from arrivals order by uri") == [("s3://docs/a.pdf", "waiting"), ("sqs:1", "done")]


def put(cloud: S3Server, uri: str) -> None:
    """A document of its own at an uri."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    cloud.client().put_object(Bucket=bucket, Key=key, Body=digital_pdf([f"receipt {key}", "Total 12.00"]))


def test_what_waits_for_one_service_is_not_refused_by_another(capsys: pytest.CaptureFixture[str]) -> None:
    """Two services of a store and schema may have other prefixes: what one accepted stays; the rest is listed."""
    from flows.store import inbox
    from flows.store.inbox import Arrival
    from flows.store.store import Store

    waits, read, new = "s3://docs/a/1.pdf", "s3://docs/a/2.pdf", "s3://docs/b/3.pdf"
    with Store.open("sqlite:///octavo.db") as store:
        store.transact(inbox.make_table)
        taken = store.transact(
            inbox.begin, schema_name="receipt", arrived=[Arrival(waits), Arrival(read)], holder=store.holder.id
        )
        done = next(each for each in taken if each.arrival.uri == read)
        store.transact(inbox.settle, "receipt", done, state="done", cause=None)
        told = dict.fromkeys((waits, read, new), ("outside OCTAVO_LISTEN_PREFIXES", None))
        store.transact(inbox.note_all, "receipt", "refused", told)
        assert rows("select uri, state from arrivals order by uri") == [
            (waits, "waiting"), (read, "done"), (new, "refused"),
        ]  # fmt: skip
        assert main(["arrivals"]) == 0
        assert "1 may not be announced: `octavo arrivals --state refused`" in capsys.readouterr().out
        assert main(["arrivals", "--state", "refused", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["arrivals"]
    assert (listed["name"], listed["state"], listed["cause"]) == (new, "refused", "outside OCTAVO_LISTEN_PREFIXES")
