"""Whole runs over a bucket: a real S3 server on loopback, a scripted model, the command as it is typed."""

from collections.abc import Iterator
from pathlib import Path

import pages
import pytest
from fakes import model_server, says
from runs import TOTAL, rows, run
from s3_servers import S3Server, seaweed_server

from flows.cli.parser import main
from flows.storage import s3


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server that checks credentials, with documents and other things in a bucket `docs`."""
    with seaweed_server(tmp_path_factory.mktemp("weed")) as server:
        client = server.client()
        for key, body in {
            "in/2026/Rechnung März & Co.pdf": pages.digital_pdf(["Corner Shop", "two pages"]),
            "in/2026/領収書 +1%.jpg": pages.scan_jpeg(["Corner Shop", "12.00"]),
            "in/no-extension": pages.digital_pdf(["decided by content"]),
            "in/export.csv": b"a,b\n1,2\n",
            "in/blob": b"\x00\x01\x02 neither",
            "in/locked.pdf": pages.encrypted_pdf("secret"),
            "elsewhere/other.pdf": pages.digital_pdf(["not asked for"]),
        }.items():
            client.put_object(Bucket="docs", Key=key, Body=body)
        yield server


@pytest.fixture(autouse=True)
def no_client_stays() -> Iterator[None]:
    """The next test's environment makes a client of its own."""
    yield
    s3._shared_client.cache_clear()


def test_a_prefix_becomes_records(bucket: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are read whatever their names; what is none is skipped with its reason; a second run asks nothing."""
    bucket.settle_in(monkeypatch)
    with model_server(lambda _: says(TOTAL)) as server:
        first = run("s3://docs/in/", server.base_url)
        again = run("s3://docs/in/", server.base_url)
    assert len(server.asked) == 3
    assert first.as_json()["documents"] == {
        "seen": 6, "skipped": 2, "complete": 3, "partial": 0, "quarantined": 1, "pending": 0,
    }  # fmt: skip
    assert {other.uri.rsplit("/", 1)[-1] for other in first.not_documents} == {"export.csv", "blob"}
    assert all(other.cause for other in first.not_documents)
    assert (again.exit_code, again.documents["complete"]) == (0, 0)
    uris = {uri for (uri,) in rows("select document_uri from receipt")}
    assert uris == {
        "s3://docs/in/2026/Rechnung März & Co.pdf",
        "s3://docs/in/2026/領収書 +1%.jpg",
        "s3://docs/in/no-extension",
    }


@pytest.mark.parametrize(
    ("source", "setting", "told"),
    [
        ("s3://absent/in/", {}, "absent"),
        ("s3://docs/in/", {"AWS_SECRET_ACCESS_KEY": "wrong-and-secret"}, "AWS_SECRET_ACCESS_KEY"),
        ("s3://docs/in/", {"AWS_ACCESS_KEY_ID": "nobody"}, "AWS_ACCESS_KEY_ID"),
        ("s3://docs/in/", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "AWS_ENDPOINT_URL"),
    ],
)
def test_a_bucket_that_cannot_be_read_is_one_line(
    bucket: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    source: str,
    setting: dict[str, str],
    told: str,
) -> None:
    """Missing bucket, wrong credentials, no server: exit code 1, what to do, no traceback, no secret."""
    bucket.settle_in(monkeypatch)
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    assert (
        main(["extract", source, "--schema", "receipt", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"]) == 1
    )
    printed = capsys.readouterr()
    assert told in printed.err
    assert "Traceback" not in printed.err
    assert "wrong-and-secret" not in printed.err + printed.out


def test_a_prefix_without_objects_is_nothing_to_do(
    bucket: S3Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit code 0, and a line that says so."""
    bucket.settle_in(monkeypatch)
    command = ["extract", "s3://docs/nothing/here/", "--schema", "receipt", "--base-url", "http://127.0.0.1:9/v1"]
    assert main([*command, "--model", "m", "--store", f"sqlite:///{tmp_path}/s3.db"]) == 0
    assert "No documents in s3://docs/nothing/here/" in capsys.readouterr().out
