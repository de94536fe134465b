"""S3 as listed and read, from real servers on loopback."""

import asyncio
import hashlib
import os
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from s3_servers import S3Server, moto_server, seaweed_server
from sources import asks, fill, reasons, refs

from extractors.documents import ObjectRef
from extractors.errors import TooLarge
from flows.storage import s3
from flows.storage.s3 import (
    Found,
    ObjectGone,
    Skipped,
    list_batches,
    list_objects,
    spool,
)

ROOT = Path(__file__).resolve().parents[3]
MOST = 100_000_000


@pytest.fixture(scope="module")
def moto() -> Iterator[S3Server]:
    """A server that takes any credentials."""
    with moto_server() as server:
        yield server


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server that checks credentials, with a bucket `docs`."""
    with seaweed_server(tmp_path_factory.mktemp("weed")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_client_stays() -> Iterator[None]:
    """The next test's environment makes a client of its own."""
    yield
    s3._shared_client.cache_clear()


@pytest.fixture(scope="module")
def large(moto: S3Server) -> list[str]:
    """The uris in a bucket `large` of 2,500 objects, three pages of a listing."""
    keys = [f"in/{number:05}.pdf" for number in range(2_500)]
    fill(moto, "large")
    for key in keys:
        # moto asks for no signature, and a plain request is much faster to make than boto3's.
        with urlopen(Request(f"{moto.url}/large/{key}", data=b"x", method="PUT")):  # noqa: S310 - loopback
            pass
    return [f"s3://large/{key}" for key in keys]


def test_a_bucket_is_listed_page_by_page(moto: S3Server, large: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is asked for only when its turn comes: a key that is added meanwhile is seen."""
    moto.settle_in(monkeypatch)
    found = list_objects("s3://large/in/")
    first = list(islice(found, 3))
    moto.client().put_object(Bucket="large", Key="in/99999.pdf", Body=b"late")
    assert refs(iter([*first, *found])) == [*large, "s3://large/in/99999.pdf"]


def test_batches_of_a_listing_hold_it_all(moto: S3Server, large: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 1,000 entries in each, none empty, all of them in the end, in order."""
    moto.settle_in(monkeypatch)

    async def batches() -> list[list[Found]]:
        return [batch async for batch in list_batches("s3://large/in/")]

    found = asyncio.run(batches())
    assert all(0 < len(batch) <= 1_000 for batch in found)
    assert [each.uri for batch in found for each in batch][:2_500] == large


ODD_KEYS = [
    "a b.pdf", "a+b.pdf", "a%20b.pdf", "a#b?c=d.pdf", "Übersicht/Größe.pdf", "請求書/1.pdf", "🧾.pdf",
    "x&y;z=1.pdf", "quote'\"<b>.pdf", "tab\there.pdf",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["moto", "seaweed"])
def test_keys_survive_listing_naming_and_reading(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Spaces, plus and percent signs, hashes, any script: listed, named by their uri, and read."""
    server: S3Server = request.getfixturevalue(kind)
    server.settle_in(monkeypatch)
    fill(server, "odd", *ODD_KEYS)
    assert sorted(refs(list_objects("s3://odd"))) == sorted(f"s3://odd/{key}" for key in ODD_KEYS)
    for key in ODD_KEYS:
        (ref,) = list_objects(f"s3://odd/{key}")
        assert isinstance(ref, ObjectRef)
        assert (ref.uri, ref.explicit) == (f"s3://odd/{key}", True)
        assert spool(ref, tmp_path, MOST).path.read_bytes() == b"bytes of " + key.encode()


def test_a_document_under_a_folder_markers_key_is_told(moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that ends in `/` and holds bytes is no marker: nobody can tell what it is, so it is unreachable."""
    moto.settle_in(monkeypatch)
    fill(moto, "odd", "in/a.pdf", "in/scan.pdf/")
    found = [each for each in list_objects("s3://odd/in/") if isinstance(each, Skipped)]
    assert [(each.uri, each.unreachable) for each in found] == [("s3://odd/in/scan.pdf/", True)]
    assert "copy it to another key" in found[0].reason


@pytest.mark.parametrize("kind", ["moto", "seaweed"])
def test_a_prefix_means_what_it_means_to_s3(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that start with it; an exact key only itself; what matches nothing yields nothing."""
    server: S3Server = request.getfixturevalue(kind)
    server.settle_in(monkeypatch)
    fill(server, "mail", "in/1.pdf", "in/1.pdf.old", "in/10.pdf", "in/a.csv", "in/.b/c.pdf", "inner.pdf")
    server.client().put_object(Bucket="mail", Key="marker/", Body=b"")
    listed = list(list_objects("s3://mail"))
    assert len(listed) == 7
    assert reasons(iter(listed)) == {
        "": "a folder marker",
        "a.csv": "a data file, neither a PDF nor an image",
        "c.pdf": "hidden: its name starts with a dot",
    }
    assert not any(each.unreachable for each in listed if isinstance(each, Skipped))
    assert refs(list_objects("s3://mail/in/")) == [
        f"s3://mail/in/{name}" for name in ("1.pdf", "1.pdf.old", "10.pdf")
    ]
    assert refs(list_objects("s3://mail/in/1")) == [
        f"s3://mail/in/{name}" for name in ("1.pdf", "1.pdf.old", "10.pdf")
    ]
    assert refs(list_objects("s3://mail/in"))[-1] == "s3://mail/inner.pdf"
    assert refs(list_objects("s3://mail/in/1.pdf")) == ["s3://mail/in/1.pdf"]
    assert refs(list_objects("s3://mail/in/a.csv")) == ["s3://mail/in/a.csv"]
    assert refs(list_objects("s3://mail/in/.b/")) == ["s3://mail/in/.b/c.pdf"]
    assert list(list_objects("s3://mail/none")) == []


def test_a_line_that_matches_no_object_is_told(moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is written by hand or by a program: a key in it that is not there must not vanish."""
    moto.settle_in(monkeypatch)
    fill(moto, "listed", "a.pdf")
    Path("list.txt").write_text("s3://listed/a.pdf\ns3://listed/b.pdf\n")
    first, second = list_objects("@list.txt")
    assert isinstance(first, ObjectRef)
    assert second == Skipped("s3://listed/b.pdf", "line 2 of list.txt matches no object")


def test_an_empty_object_that_stands_for_a_folder_hides_nothing(
    moto: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some tools write an empty key `in` beside `in/1.pdf`: both are listed."""
    moto.settle_in(monkeypatch)
    fill(moto, "tools", "in/1.pdf")
    moto.client().put_object(Bucket="tools", Key="in", Body=b"")
    assert refs(list_objects("s3://tools/in")) == ["s3://tools/in", "s3://tools/in/1.pdf"]


def test_an_object_keeps_its_etag(moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ETag, unquoted, is the same listed and named, and changes with the bytes."""
    moto.settle_in(monkeypatch)
    fill(moto, "versions")
    client = moto.client()
    client.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    etags = []
    for content in (b"one", b"two"):
        client.put_object(Bucket="versions", Key="a.pdf", Body=content)
        (listed,), (named,) = list_objects("s3://versions"), list_objects("s3://versions/a.pdf")
        assert isinstance(listed, ObjectRef)
        assert isinstance(named, ObjectRef)
        assert listed.etag == named.etag == hashlib.md5(content).hexdigest()  # noqa: S324 - S3's ETag
        etags.append(named.etag)
    assert etags[0] != etags[1]


def test_a_large_object_takes_little_memory(
    seaweed: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """48 MiB arrive in pieces of 1 MiB: at no time are more than a few of them held."""
    seaweed.settle_in(monkeypatch)
    content = os.urandom(1 << 20) * 48
    seaweed.client().put_object(Bucket="docs", Key="large.pdf", Body=content)
    (ref,) = list_objects("s3://docs/large.pdf")
    assert isinstance(ref, ObjectRef)
    tracemalloc.start()
    spooled = spool(ref, tmp_path, MOST)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (spooled.size, spooled.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert peak < 8 << 20


def test_an_object_that_cannot_be_read_has_its_own_error(
    seaweed: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Gone since it was listed; larger than it was listed; nothing is left on disk."""
    seaweed.settle_in(monkeypatch)
    client = seaweed.client()
    client.put_object(Bucket="docs", Key="brief.pdf", Body=b"x" * 100)
    (ref,) = list_objects("s3://docs/brief.pdf")
    assert isinstance(ref, ObjectRef)
    client.put_object(Bucket="docs", Key="brief.pdf", Body=b"x" * 300)
    with pytest.raises(TooLarge):
        spool(ref, tmp_path, 200)
    client.delete_object(Bucket="docs", Key="brief.pdf")
    with pytest.raises(ObjectGone, match=r"s3://docs/brief.pdf .* gone"):
        spool(ref, tmp_path, MOST)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AWS_ACCESS_KEY_ID", "unknown-key", "does not know this access key: check AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "wrong-secret", "secret key is wrong: check AWS_SECRET_ACCESS_KEY"),
        ("AWS_ACCESS_KEY_ID", None, "set AWS_ACCESS_KEY_ID"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "127.0.0.1:9: the server does not answer: check AWS_ENDPOINT_URL"),
        ("AWS_ENDPOINT_URL", "http://me:wrong-secret@127.0.0.1:9", "the server does not answer"),
        ("AWS_ENDPOINT_URL", "127.0.0.1:9", "check AWS_ENDPOINT_URL"),
        ("AWS_PROFILE", "nobody", "AWS_PROFILE names a profile"),
    ],
)
def test_wrong_settings_are_told_with_what_to_do(
    seaweed: S3Server, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, told: str
) -> None:
    """One line names the variable to look at, and no secret stands in it."""
    seaweed.settle_in(monkeypatch)
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    message = asks("s3://docs/inbox/")
    assert told in message
    assert seaweed.secret not in message
    assert "wrong-secret" not in message


def test_no_credentials_at_all_is_told(seaweed: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variables that set them."""
    seaweed.settle_in(monkeypatch)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in asks("s3://docs")


def test_buckets_that_are_not_there_are_told(seaweed: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown or impossible: an error, unlike a prefix that matches nothing."""
    seaweed.settle_in(monkeypatch)
    assert "s3://nosuch: the bucket does not exist" in asks("s3://nosuch")
    assert "s3://nosuch/a.pdf: the bucket does not exist" in asks("s3://nosuch/a.pdf")
    assert "no valid bucket name" in asks("s3://no such/a.pdf")
    assert list(list_objects("s3://docs/nothing/here/")) == []
