"""Sources, as listed and read: folders and lists on disk, S3 from real servers on loopback."""

import asyncio
import hashlib
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st
from s3_servers import S3Server, moto_server, seaweed_server

from extractors.documents import ObjectRef
from extractors.errors import SourceUnavailable, TooLarge
from flows import objects
from flows.folders import no_document, path_of
from flows.objects import (
    Found,
    ObjectGone,
    Skipped,
    list_batches,
    list_objects,
    s3_uri,
    split_s3_uri,
    spool,
    spool_async,
)

ROOT = Path(__file__).resolve().parents[1]
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
    objects._shared_client.cache_clear()


def refs(found: Iterator[Found]) -> list[str]:
    """The uris of what would be read."""
    return [each.uri for each in found if isinstance(each, ObjectRef)]


def reasons(found: Iterator[Found]) -> dict[str, str]:
    """Last part of the uri -> why it is skipped."""
    return {each.uri.rsplit("/", 1)[-1]: each.reason for each in found if isinstance(each, Skipped)}


def write(folder: Path, *names: str) -> None:
    """Small files, with the folders they need."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"bytes of " + name.encode())


def fill(server: S3Server, bucket: str, *keys: str) -> None:
    """Small objects in a new bucket."""
    client = server.client()
    client.create_bucket(Bucket=bucket)
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"bytes of " + key.encode())


def asks(source: str) -> str:
    """What a person is told about a source that cannot be listed."""
    with pytest.raises(SourceUnavailable) as told:
        list(list_objects(source))
    message = str(told.value)
    assert "\n" not in message
    return message


def test_a_folder_is_listed_with_all_below_it_in_order(tmp_path: Path) -> None:
    """Recursive, sorted; every uri leads back to its file."""
    names = ["a/1.pdf", "a/b/2.jpg", "a/c.PDF", "b.tiff", "no extension", "odd.dat"]
    write(tmp_path, *reversed(names))
    found = list(list_objects(str(tmp_path)))
    assert [path_of(each.uri) for each in found] == [tmp_path / name for name in names]
    assert all(isinstance(each, ObjectRef) and not each.explicit and each.size > 8 for each in found)


def test_what_is_no_document_is_skipped_with_the_reason(tmp_path: Path) -> None:
    """Known other kinds, hidden and system files; nothing is left out in silence."""
    write(tmp_path, "a.pdf", "list.CSV", "notes.txt", "page.html", ".DS_Store", "Thumbs.db", "_SUCCESS", ".git/x.pdf")
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "broken.pdf").symlink_to(tmp_path / "nowhere")
    found = list(list_objects(str(tmp_path)))
    assert refs(iter(found)) == [(tmp_path / "a.pdf").as_uri()]
    assert reasons(iter(found)) == {
        ".DS_Store": "hidden: its name starts with a dot",
        ".git": "hidden: its name starts with a dot",
        "Thumbs.db": "a system file",
        "_SUCCESS": "a system file",
        "broken.pdf": "cannot be read: No such file or directory",
        "list.CSV": "a data file, neither a PDF nor an image",
        "notes.txt": "a text file, neither a PDF nor an image",
        "page.html": "a web page, neither a PDF nor an image",
        "pipe.pdf": "not a regular file",
    }


def test_a_named_file_is_always_read(tmp_path: Path) -> None:
    """By path or by uri, whatever it is called; only what a listing finds is judged by its name."""
    write(tmp_path, "notes.txt", ".hidden")
    for source in (str(tmp_path / "notes.txt"), (tmp_path / ".hidden").as_uri()):
        (only,) = list_objects(source)
        assert isinstance(only, ObjectRef)
        assert only.explicit
        assert only.uri in {(tmp_path / "notes.txt").as_uri(), (tmp_path / ".hidden").as_uri()}


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    """A folder that links back to its parent is told once and not entered again."""
    inbox, archive = tmp_path / "inbox", tmp_path / "archive"
    write(tmp_path, "inbox/a.pdf", "archive/old.pdf")
    (inbox / "loop").symlink_to(inbox)
    (inbox / "more").symlink_to(archive)
    (inbox / "self").symlink_to(inbox / "self")
    found = list(list_objects(str(inbox)))
    assert refs(iter(found)) == [(inbox / "a.pdf").as_uri(), (inbox / "more/old.pdf").as_uri()]
    assert set(reasons(iter(found))) == {"loop", "self"}


@given(
    st.binary(min_size=1, max_size=40).filter(lambda name: not set(name) & set(b"/\0") and name not in {b".", b".."})
)
def test_every_file_name_survives_its_uri(name: bytes) -> None:
    """UTF-8 or not, with spaces, percent signs, hashes and question marks: the uri is ASCII and leads back."""
    path = Path("/inbox") / os.fsdecode(name)
    assert path.as_uri().isascii()
    assert path_of(path.as_uri()) == path


def test_names_that_are_no_utf8_are_listed_and_read(tmp_path: Path) -> None:
    """They come from old archives and shares; neither listing nor reading may crash."""
    path = tmp_path / os.fsdecode(b"Rechnung M\xfcller.pdf")
    path.write_bytes(b"content")
    (ref,) = list_objects(str(tmp_path))
    assert isinstance(ref, ObjectRef)
    assert ref.uri.endswith("Rechnung%20M%FCller.pdf")
    spooled = spool(ref, tmp_path, MOST)
    assert spooled.path.read_bytes() == b"content"
    assert r"M\xfc" in asks(os.fsdecode(b"/nowhere/M\xfc"))


@given(st.text())
def test_any_key_can_be_judged_by_its_name(key: str) -> None:
    """Hostile keys give a reason or None, never an error."""
    assert no_document(key) is None or no_document(key)


@given(st.from_regex(r"[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]", fullmatch=True), st.text(min_size=1))
def test_every_key_survives_its_uri(bucket: str, key: str) -> None:
    """A key stands in the uri as it is."""
    assert split_s3_uri(s3_uri(bucket, key)) == (bucket, key)


def test_a_list_names_sources_line_by_line(tmp_path: Path) -> None:
    """Files, folders, blank lines, comments, a byte order mark, Windows line ends; paths as on the command line."""
    write(tmp_path, "a.pdf", "inbox/b.pdf", "inbox/c.txt", "# odd.pdf")
    Path("list.txt").write_bytes(b"\xef\xbb\xbfa.pdf\r\n\r\n# a comment\r\n  inbox\r\n./# odd.pdf\r\n")
    found = list(list_objects("@list.txt"))
    assert refs(iter(found)) == [(tmp_path / name).as_uri() for name in ("a.pdf", "inbox/b.pdf", "# odd.pdf")]
    assert set(reasons(iter(found))) == {"c.txt"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("@other.txt", "line 2 of list.txt names another list"),
        ("missing.pdf", "line 2 of list.txt: missing.pdf does not exist"),
        ("https://example.com/a.pdf", "line 2 of list.txt: https://example.com/a.pdf is no source"),
    ],
)
def test_a_bad_line_stops_the_list_before_anything_is_read(tmp_path: Path, line: str, told: str) -> None:
    """The line's number is told, and the good line before it was not listed yet."""
    write(tmp_path, "a.pdf")
    Path("list.txt").write_text(f"a.pdf\n{line}\n")
    with pytest.raises(SourceUnavailable, match=told):
        next(list_objects("@list.txt"))


def test_what_is_no_source_says_so(tmp_path: Path) -> None:
    """Missing, neither folder nor file, unknown schemes, impossible names: one line each."""
    assert "nowhere does not exist: give a folder" in asks("nowhere")
    assert "missing.txt does not exist" in asks("@missing.txt")
    assert "neither a folder nor a file" in asks("/dev/null")
    assert "gs://bucket/x is no source" in asks("gs://bucket/x")
    assert "is no path" in asks("nul\0byte")
    assert "names no bucket" in asks("s3://")
    write(tmp_path, "a.pdf")
    assert "a.pdf/b cannot be read: Not a directory" in asks("a.pdf/b")


def test_spooling_copies_and_hashes(tmp_path: Path) -> None:
    """The bytes, their hash and size; the source may change afterwards."""
    content = os.urandom(3 * (1 << 20) + 17)
    (tmp_path / "a.pdf").write_bytes(content)
    (tmp_path / "spool").mkdir()
    (ref,) = list_objects(str(tmp_path / "a.pdf"))
    assert isinstance(ref, ObjectRef)
    spooled = spool(ref, tmp_path / "spool", MOST)
    (tmp_path / "a.pdf").write_bytes(b"changed")
    assert spooled.path.parent == tmp_path / "spool"
    assert spooled.path.read_bytes() == content
    assert (spooled.sha256, spooled.size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_what_cannot_be_spooled_leaves_no_file(tmp_path: Path) -> None:
    """Too large by its listing, grown since, gone, no place to write: each its own error."""
    folder = tmp_path / "spool"
    folder.mkdir()
    (tmp_path / "a.pdf").write_bytes(b"x" * 100)
    (ref,) = list_objects(str(tmp_path / "a.pdf"))
    assert isinstance(ref, ObjectRef)
    with pytest.raises(TooLarge, match="OCTAVO_MAX_BYTES"):
        spool(ref, folder, 99)
    (tmp_path / "a.pdf").write_bytes(b"x" * 1000)
    with pytest.raises(TooLarge):
        spool(ref, folder, 100)
    (tmp_path / "a.pdf").unlink()
    with pytest.raises(ObjectGone, match="gone"):
        spool(ref, folder, MOST)
    assert list(folder.iterdir()) == []
    (tmp_path / "a.pdf").write_bytes(b"x" * 100)
    with pytest.raises(SourceUnavailable, match="missing cannot be written"):
        spool(ref, tmp_path / "missing", MOST)


def test_a_run_over_a_folder_does_not_load_boto3(tmp_path: Path) -> None:
    """Start-up is a feature: boto3 takes a third of a second to import."""
    write(tmp_path, "inbox/a.pdf")
    code = (
        "import sys; from pathlib import Path; from flows.objects import list_objects, spool;"
        "spool(next(list_objects('inbox')), Path('.'), 1000); print({'boto3', 'botocore'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"


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


def test_an_object_keeps_its_etag_and_version(moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ETag, unquoted, is the same listed and named, and changes with the bytes."""
    moto.settle_in(monkeypatch)
    fill(moto, "versions")
    client = moto.client()
    client.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    etags = []
    for content in (b"one", b"two"):
        version = client.put_object(Bucket="versions", Key="a.pdf", Body=content)["VersionId"]
        (listed,), (named,) = list_objects("s3://versions"), list_objects("s3://versions/a.pdf")
        assert isinstance(listed, ObjectRef)
        assert isinstance(named, ObjectRef)
        assert listed.etag == named.etag == hashlib.md5(content).hexdigest()  # noqa: S324 - S3's ETag
        assert named.version == version
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


Handler = type[BaseHTTPRequestHandler]


@contextmanager
def odd_server(monkeypatch: pytest.MonkeyPatch, get: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[None]:
    """A server whose GET misbehaves as the test says."""

    class Odd(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            get(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the base class's
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    S3Server(f"http://127.0.0.1:{server.server_port}", "key", "secret").settle_in(monkeypatch)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _reply(handler: BaseHTTPRequestHandler, body: bytes, length: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(body)


REF = ObjectRef("s3://bucket/a.pdf", 10, "etag")


def test_a_connection_that_breaks_off_is_tried_again_from_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Half an object is never taken for one."""
    bodies = [b"01234", b"012", b"0123456789"]
    with odd_server(monkeypatch, lambda handler: _reply(handler, bodies.pop(0), 10)):
        spooled = spool(REF, tmp_path, MOST)
    assert spooled.path.read_bytes() == b"0123456789"
    assert list(tmp_path.iterdir()) == [spooled.path]


def test_a_connection_that_always_breaks_off_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After three readings it is no use: the object stays for the next run, and no half of it on disk."""
    with (
        odd_server(monkeypatch, lambda handler: _reply(handler, b"01234", 10)),
        pytest.raises(SourceUnavailable, match="broke off"),
    ):
        spool(REF, tmp_path, MOST)
    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_the_event_loop_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server answers only after the loop has gone on: were it blocked, this would never end."""
    went_on = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        went_on.wait(30)
        _reply(handler, b"0123456789", 10)

    async def read_twenty() -> list[int]:
        asyncio.get_running_loop().call_later(0.01, went_on.set)
        return [each.size for each in await asyncio.gather(*(spool_async(REF, tmp_path, MOST) for _ in range(20)))]

    with odd_server(monkeypatch, answer):
        assert asyncio.run(read_twenty()) == [10] * 20


def test_a_cancelled_reading_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the cancellation comes through, no thread writes any more: the folder can be removed."""
    asked, released = threading.Event(), threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        released.wait(30)
        _reply(handler, b"0123456789", 10)

    async def cancel() -> None:
        reading = asyncio.create_task(spool_async(REF, tmp_path, MOST))
        await asyncio.to_thread(asked.wait, 30)
        reading.cancel()
        asyncio.get_running_loop().call_later(0.01, released.set)
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert os.listdir(tmp_path) == []  # noqa: PTH208 - now, not when the loop has ended

    with odd_server(monkeypatch, answer):
        asyncio.run(cancel())
