"""Exports to a bucket of a server that checks credentials: files and a Delta table, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable
from s3_servers import S3Server, seaweed_server
from stores import Note, draft, extract, outcome

from extractors.errors import DestinationUnavailable
from flows.export.export import export
from flows.storage import s3
from flows.storage.destinations import destination
from flows.store.store import Store
from flows.store.views import make_views
from schemas.record import schema_of


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server with an empty bucket `docs`."""
    with seaweed_server(tmp_path_factory.mktemp("weed")) as server:
        yield server


@pytest.fixture
def store(bucket: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with one record; the environment points at the server."""
    bucket.settle_in(monkeypatch)
    with Store.open(f"sqlite:///{tmp_path / 'octavo.db'}") as opened:
        make_views(opened, schema_of(Note))
        extract(opened, "a", "A", outcome("complete", draft(text="first")))
        yield opened
    s3._shared_client.cache_clear()


def test_files_arrive_in_a_bucket(store: Store, bucket: S3Server) -> None:
    """One file for each export, and the lists of what to leave out beside them."""
    assert export(store, schema_name="note", place="s3://docs/lake/notes/").added == 1
    extract(store, "a", "B", outcome("complete", draft(text="second")), etag="2")
    done = export(store, schema_name="note", place="s3://docs/lake/notes")
    assert (done.place, done.number, done.added, done.removed) == ("s3://docs/lake/notes", 2, 1, 1)
    found = bucket.client().list_objects_v2(Bucket="docs", Prefix="lake/notes/")["Contents"]
    names = sorted(entry["Key"].split("/", 2)[2][:14] for entry in found)
    assert names == ["records/000001", "records/000002", "removed/000001", "removed/000002"]


def test_what_an_interrupted_export_left_is_removed(store: Store, bucket: S3Server) -> None:
    """Files under the next export's number are nobody's."""
    client = bucket.client()
    client.put_object(Bucket="docs", Key="left/records/000001-2026-01-01.jsonl", Body=b"half")
    export(store, schema_name="note", place="s3://docs/left", form="jsonl")
    (record,) = [name for name in destination("s3://docs/left").names() if name.startswith("records/")]
    assert client.get_object(Bucket="docs", Key=f"left/{record}")["Body"].read().count(b"\n") == 1


def test_a_delta_table_lives_in_a_bucket(store: Store) -> None:
    """It is made, merged into, and read with the same settings."""
    assert export(store, schema_name="note", place="s3://docs/delta", form="delta").added == 1
    extract(store, "a", "B", outcome("complete", draft(text="second")), etag="2")
    assert export(store, schema_name="note", place="s3://docs/delta", form="delta").removed == 1
    table = DeltaTable("s3://docs/delta", storage_options=destination("s3://docs/delta").delta_options())
    assert table.to_pandas()["text"].tolist() == ["second"]


@pytest.mark.parametrize("form", ["parquet", "delta"])
def test_a_bucket_that_refuses_is_told_in_one_line(store: Store, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong credentials and missing buckets say so, without secrets, and leave nothing noted."""
    with pytest.raises(DestinationUnavailable, match="s3://nosuch/x"):
        export(store, schema_name="note", place="s3://nosuch/x", form=form)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    s3._shared_client.cache_clear()
    with pytest.raises(DestinationUnavailable) as refused:
        export(store, schema_name="note", place="s3://docs/refused", form=form)
    assert "wrong-secret" not in str(refused.value)
    assert str(refused.value).isprintable()  # no line ends, and nothing that paints a terminal
    with pytest.raises(DestinationUnavailable, match="names no place in a bucket"):
        export(store, schema_name="note", place="s3://docs", form=form)
