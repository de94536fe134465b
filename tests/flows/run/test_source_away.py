"""S3 that goes away in the middle of a run: waited for, then a pause; no document pays for it."""

from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pages
import pytest
from fakes import model_server, says
from runs import TOTAL, rows, run
from s3_servers import odd_server, reply

from flows.storage import s3

KEYS = [f"{number}.pdf" for number in range(4)]
BODIES = {key: pages.digital_pdf([key]) for key in KEYS}
LISTING = "".join(f"<Contents><Key>{key}</Key><Size>9</Size><ETag>{key}</ETag></Contents>" for key in KEYS).encode()


@pytest.fixture(autouse=True)
def no_client_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The next test's environment makes a client of its own."""
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "1")
    monkeypatch.setenv("OCTAVO_RENDER_WORKERS", "1")
    yield
    s3._shared_client.cache_clear()


def key_of(handler: BaseHTTPRequestHandler) -> str | None:
    """The key that is read; None for a listing, which is answered."""
    if "list-type=2" in handler.path:
        body = b"<ListBucketResult>" + LISTING + b"</ListBucketResult>"
        reply(handler, body, len(body))
        return None
    return handler.path.rsplit("/", 1)[-1].partition("?")[0]


def unavailable(handler: BaseHTTPRequestHandler) -> None:
    """503, as a server says that restarts."""
    handler.send_response(503)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_an_outage_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 more often than boto3 tries, bodies that end early: all is read all the same, each asked for once."""
    reads = Counter[str]()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if key := key_of(handler):
            reads[key] += 1
            if reads[key] <= 7 and key in KEYS[:2]:
                unavailable(handler) if key == KEYS[0] else reply(handler, BODIES[key][:50], len(BODIES[key]))
            else:
                reply(handler, BODIES[key], len(BODIES[key]))

    with odd_server(monkeypatch, answer), model_server(lambda _: says(TOTAL)) as model:
        summary = run("s3://bucket/", model.base_url)
    assert (summary.exit_code, summary.documents["complete"], len(model.asked)) == (0, 4, 4)


def test_away_for_good_is_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is done, the rest is pending, the pause is told with its cause; nothing is quarantined."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if key := key_of(handler):
            reply(handler, BODIES[key], len(BODIES[key])) if key == KEYS[0] else unavailable(handler)

    with odd_server(monkeypatch, answer), model_server(lambda _: says(TOTAL)) as model:
        summary = run("s3://bucket/", model.base_url)
    assert summary.exit_code == 4
    assert summary.documents["complete"] == 1
    assert summary.documents["pending"] == 3
    assert "503" in str(summary.paused)
    assert rows("select count(*) from extractions where status = 'quarantined'") == [(0,)]


def test_one_object_that_cannot_be_read_pauses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are read while it is not: it alone stays pending."""
    reads = Counter[str]()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if key := key_of(handler):
            reads[key] += 1
            late = key == KEYS[1] and reads[KEYS[0]] < 2
            unavailable(handler) if key == KEYS[0] or late else reply(handler, BODIES[key], len(BODIES[key]))

    with odd_server(monkeypatch, answer), model_server(lambda _: says(TOTAL)) as model:
        summary = run("s3://bucket/", model.base_url)
    assert (summary.exit_code, summary.documents["complete"], summary.paused) == (4, 3, None)
