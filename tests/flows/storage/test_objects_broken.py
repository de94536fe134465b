"""S3 that breaks off or dawdles: read again from the start, told in the end, and never in the way of others."""

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from s3_servers import odd_server, reply

from extractors.documents import ObjectRef
from extractors.errors import SourceAway, SourceUnavailable
from flows.storage import s3
from flows.storage.s3 import find_object, list_objects, spool, spool_async

ROOT = Path(__file__).resolve().parents[3]
MOST = 100_000_000


@pytest.fixture(autouse=True)
def no_client_stays() -> Iterator[None]:
    """The next test's environment makes a client of its own."""
    yield
    s3._shared_client.cache_clear()


REF = ObjectRef("s3://bucket/a.pdf", 10, "etag")


def test_a_connection_that_breaks_off_is_tried_again_from_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Half an object is never taken for one."""
    bodies = [b"01234", b"012", b"0123456789"]
    with odd_server(monkeypatch, lambda handler: reply(handler, bodies.pop(0), 10)):
        spooled = spool(REF, tmp_path, MOST)
    assert spooled.path.read_bytes() == b"0123456789"
    assert list(tmp_path.iterdir()) == [spooled.path]


def test_a_connection_that_always_breaks_off_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After three readings it is no use: the object stays for the next run, and no half of it on disk."""
    with (
        odd_server(monkeypatch, lambda handler: reply(handler, b"01234", 10)),
        pytest.raises(SourceUnavailable, match="broke off"),
    ):
        spool(REF, tmp_path, MOST)
    assert list(tmp_path.iterdir()) == []


def test_reading_leaves_the_event_loop_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server answers only after the loop has gone on: were it blocked, this would never end."""
    went_on = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        went_on.wait(30)
        reply(handler, b"0123456789", 10)

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
        reply(handler, b"0123456789", 10)

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


def _page(number: int, more: str) -> bytes:
    """A listing's page with one key."""
    key = f"<Contents><Key>{number}.pdf</Key><Size>1</Size><ETag>e</ETag></Contents>"
    return f"<ListBucketResult><Name>bucket</Name>{key}{more}</ListBucketResult>".encode()


def test_a_listing_goes_on_where_the_server_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page that was not answered is asked for again, whatever was listed before it; and nothing twice."""
    asked, heard = Counter[str](), []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        page = "second" if "continuation-token=second" in handler.path else "first"
        asked[page] += 1
        if page == "second" and asked["second"] <= 5:
            handler.send_response(503)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        more = "<IsTruncated>true</IsTruncated><NextContinuationToken>second</NextContinuationToken>"
        body = _page(1, more) if page == "first" else _page(2, "<IsTruncated>false</IsTruncated>")
        reply(handler, body, len(body))

    with odd_server(monkeypatch, answer):
        found = list(list_objects("s3://bucket/", again=lambda error, _: heard.append(type(error))))
    assert [each.uri for each in found] == ["s3://bucket/1.pdf", "s3://bucket/2.pdf"]
    assert asked == {"first": 1, "second": 6}
    assert heard == [SourceAway]


@pytest.mark.parametrize("status", [400, 403, 404])
@pytest.mark.parametrize("body", [b"", b"<html>not here</html>", b"<Error><Code>NoSuchBucket</Code></Error>"])
def test_what_is_no_bucket_proves_no_object_gone(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    """Another server at a mistaken address, a bucket that is missing for a minute: never "deleted"."""

    def refuse(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(b"" if handler.command == "HEAD" else body)

    with odd_server(monkeypatch, refuse, refuse), pytest.raises(SourceUnavailable):
        find_object(REF.uri)


def test_any_page_with_200_proves_no_object_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers everything lists no bucket of this name."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = b"<ListBucketResult></ListBucketResult>"
        reply(handler, body, len(body))

    with (
        odd_server(monkeypatch, answer, lambda handler: handler.send_error(404)),
        pytest.raises(SourceAway, match="no S3 server"),
    ):
        find_object(REF.uri)
