"""`octavo listen`: who may call, what is accepted, and that what was accepted is read whatever happens."""

import gzip
import hashlib
import hmac
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pages
import pytest
from fakes import Answer, Asked, ModelServer, model_server, says
from receivers import receiver
from runs import TOTAL, rows
from s3_servers import S3Server, free_ports, seaweed_server
from services import TOKEN, dashboard_misses, end, get, listener, post, service, wait_for

from flows.storage import s3

SECRET = "a-secret-made-up-for-tests"  # noqa: S105 - it opens nothing
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def port() -> int:
    """Where the listener listens: the bucket's server is told it once."""
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def announcing(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[S3Server]:
    """A real S3 server that tells the listener of everything in the bucket `docs`."""
    webhook = (
        f'endpoint = "http://127.0.0.1:{port}/"\nbearer_token = "{TOKEN}"\nmax_retries = 10\nbackoff_seconds = 1\n'
        'max_backoff_seconds = 2\nworkers = 2\npath_prefixes = ["/buckets/docs"]\n'
    )
    with seaweed_server(tmp_path_factory.mktemp("weed"), webhook) as server:
        yield server


@pytest.fixture
def bucket(announcing: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """The server, with the environment pointing at it."""
    announcing.settle_in(monkeypatch)
    yield announcing
    s3._shared_client.cache_clear()


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model that reads every receipt alike."""
    with model_server(lambda _: says(TOTAL)) as server:
        yield server


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A server that takes whatever is posted: its address, and what it got (path and body, unpacked)."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the base class's
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def read_uris() -> list[str]:
    """The documents whose records the view shows."""
    return sorted(uri for (uri,) in rows("select document_uri from receipt"))


def arrivals() -> dict[str, str]:
    """Object -> what became of it."""
    return {uri.removeprefix("s3://docs/"): state for uri, state in rows("select uri, state from arrivals")}


def receipt(number: int) -> bytes:
    """A document of its own."""
    return pages.digital_pdf([f"receipt {number}", "Total 12.00"])


def test_uploaded_announced_read_and_in_the_view(
    bucket: S3Server, model: ModelServer, port: int, tmp_path: Path
) -> None:
    """A real server's own notifications are all it takes; a deleted object is noted, not tried for ever."""
    Path("octavo.toml").write_text("[endpoint.custom]\nprice_input = 1\nprice_output = 1\n", "utf-8")
    log = tmp_path / "listen.log"
    with listener(port, "--base-url", model.base_url, "--model", "m", log=log, OCTAVO_LOG_FORMAT="json") as process:
        client = bucket.client()
        client.put_object(Bucket="docs", Key="in/März & Co +1%.pdf", Body=receipt(1))
        client.put_object(Bucket="docs", Key="in/two.pdf", Body=receipt(2))
        wait_for(lambda: len(read_uris()) == 2)
        assert read_uris() == ["s3://docs/in/März & Co +1%.pdf", "s3://docs/in/two.pdf"]
        gone = json.dumps({"uri": "s3://docs/in/never-there.pdf"}).encode()
        assert post(f"http://127.0.0.1:{port}/", gone, **BEARER) == 202
        wait_for(lambda: arrivals().get("in/never-there.pdf") == "gone")
        client.put_object(Bucket="docs", Key="in/two.pdf", Body=receipt(3))
        wait_for(lambda: len(model.asked) == 3)
        wait_for(lambda: dashboard_misses(get(f"http://127.0.0.1:{port}/metrics")[1]) == set())
        assert end(process) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    told = [line for line in lines if line.get("document") == "s3://docs/in/two.pdf"]
    assert told
    assert all({"time", "level", "run"} <= line.keys() for line in told)
    assert {line["status"] for line in told if "status" in line} == {"complete"}
    assert any(len(line.get("window", "")) == 64 and line["http_status"] == 200 for line in told)
    assert TOKEN not in log.read_text()


def test_a_collector_and_a_receiver_of_notices_get_theirs(
    bucket: S3Server, model: ModelServer, tmp_path: Path
) -> None:
    """What was measured is there when the process ends, in OTLP's two places; what needs a person was posted."""
    (port,) = free_ports(1)
    bucket.client().put_object(Bucket="docs", Key="traced.pdf", Body=receipt(900))
    bucket.client().put_object(Bucket="docs", Key="locked.pdf", Body=pages.encrypted_pdf("secret"))
    with (
        collector() as (address, got),
        receiver(500) as hook,
        listener(
            port,
            "--base-url",
            model.base_url,
            "--model",
            "m",
            log=tmp_path / "log",
            OTEL_EXPORTER_OTLP_ENDPOINT=address,
            OCTAVO_NOTIFY_URL=hook.url,
        ) as process,
    ):
        for name in ("traced", "locked"):
            told = json.dumps({"uri": f"s3://docs/{name}.pdf"}).encode()
            assert post(f"http://127.0.0.1:{port}/", told, **BEARER) == 202
        wait_for(lambda: [*arrivals().values()] == ["done", "done"])
        assert end(process) == 0
    assert hook.events() == ["documents", "documents"]
    assert len({each.told["id"] for each in hook.got}) == 1
    assert [each["uri"] for each in hook.got[0].told["documents"]] == ["s3://docs/locked.pdf"]
    assert {path for path, _ in got} == {"/v1/traces", "/v1/metrics"}
    traces = b"".join(body for path, body in got if path == "/v1/traces")
    assert b"s3://docs/traced.pdf" in traces
    assert b"octavo.window" in traces


def test_strangers_and_nonsense_are_refused(bucket: S3Server, model: ModelServer, tmp_path: Path) -> None:
    """401 without the token or a signature, 413 too large, 422 no notification; health and readiness tell."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/"
    body = json.dumps({"uri": "s3://docs/none.pdf"}).encode()
    signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    arguments = ("--base-url", model.base_url, "--model", "m")
    with listener(port, *arguments, log=tmp_path / "log", OCTAVO_LISTEN_SECRET=SECRET) as process:
        assert post(url, body) == 401
        assert post(url, body, Authorization="Bearer wrong") == 401
        assert post(url, body + b" ", X_Octavo_Signature=signed) == 401
        assert post(url, b"x" * 1_100_000) == 401
        assert post(url, body, X_Octavo_Signature=signed) == 202
        assert post(url, b"x" * 1_100_000, **BEARER) == 413
        assert post(url, b"hello", **BEARER) == 422
        assert post(url, b'{"uri": "file:///etc/passwd"}', **BEARER) == 422
        assert post(url, b'{"Event": "s3:TestEvent"}', **BEARER) == 202
        assert get(url + "healthz")[0] == 200
        assert json.loads(get(url + "readyz")[1])["status"] == "ok"
        assert end(process) == 0


def test_without_token_or_secret_it_does_not_start(tmp_path: Path) -> None:
    """Exit code 1 and what to set; a short token is refused too, without being shown."""
    for token in ("", "short"):
        with service("listen", "--schema", "receipt", log=tmp_path / "log", OCTAVO_LISTEN_TOKEN=token) as process:
            assert process.wait(timeout=60) == 1
    assert "listen_token" in (tmp_path / "log").read_text()
    assert "short" not in (tmp_path / "log").read_text().replace("short_", "").replace("too_short", "")


def test_killed_after_202_reads_it_at_the_next_start(bucket: S3Server, tmp_path: Path) -> None:
    """What was accepted and not read when the process was killed is read by the next, each document once."""
    (port,) = free_ports(1)
    keys = [f"killed/{number}.pdf" for number in range(12)]
    for number, key in enumerate(keys):
        bucket.client().put_object(Bucket="docs", Key=key, Body=receipt(100 + number))

    def slow(_: Asked) -> Answer:
        return Answer(text=json.dumps(TOTAL), delay=0.3)

    with model_server(slow) as model:
        arguments = ("--base-url", model.base_url, "--model", "m", "--concurrency", "2")
        with listener(port, *arguments, log=tmp_path / "log") as process:
            for key in keys * 2:
                told = json.dumps({"uri": f"s3://docs/{key}"}).encode()
                assert post(f"http://127.0.0.1:{port}/", told, **BEARER) == 202
            wait_for(lambda: len(model.asked) >= 4)
            process.send_signal(signal.SIGKILL)
            process.wait()
        before = len(model.asked)
        stored = rows("select count(*) from replies")[0][0]
        assert before < len(keys)
        with listener(port, *arguments, log=tmp_path / "log") as process:
            wait_for(lambda: set(arrivals().values()) == {"done"})
            assert end(process) == 0
    assert read_uris() == sorted(f"s3://docs/{key}" for key in keys)
    assert len(model.asked) - before == len(keys) - stored


def test_sigterm_finishes_what_is_in_flight(bucket: S3Server, tmp_path: Path) -> None:
    """Exit code 0, nothing half done: what was asked is stored, the rest still waits."""
    (port,) = free_ports(1)
    keys = [f"drained/{number}.pdf" for number in range(10)]
    for number, key in enumerate(keys):
        bucket.client().put_object(Bucket="docs", Key=key, Body=receipt(200 + number))

    def slow(_: Asked) -> Answer:
        return Answer(text=json.dumps(TOTAL), delay=0.5)

    with model_server(slow) as model:
        arguments = ("--base-url", model.base_url, "--model", "m", "--concurrency", "2")
        with listener(port, *arguments, log=tmp_path / "log") as process:
            for key in keys:
                told = json.dumps({"uri": f"s3://docs/{key}"}).encode()
                assert post(f"http://127.0.0.1:{port}/", told, **BEARER) == 202
            wait_for(lambda: len(model.asked) >= 2)
            assert end(process) == 0
        states = list(arrivals().values())
        assert len(model.asked) == rows("select count(*) from replies")[0][0]
        assert states.count("done") >= 2
        assert states.count("waiting") == len(keys) - states.count("done") > 0


def test_a_burst_with_duplicates_is_read_once_each(
    bucket: S3Server, model: ModelServer, port: int, tmp_path: Path
) -> None:
    """60 uploads, each announced three times in any order: 60 records, 60 calls, a few runs."""
    keys = [f"burst/{number:03}.pdf" for number in range(60)]
    with listener(port, "--base-url", model.base_url, "--model", "m", log=tmp_path / "log") as process:
        client = bucket.client()
        for number, key in enumerate(keys):
            client.put_object(Bucket="docs", Key=key, Body=receipt(1000 + number))
        for key in [*keys[::-1], *keys]:
            assert (
                post(f"http://127.0.0.1:{port}/", json.dumps({"uri": f"s3://docs/{key}"}).encode(), **BEARER) == 202
            )
        wait_for(lambda: len(read_uris()) == 60 and "waiting" not in arrivals().values())
        assert end(process) == 0
    assert len(model.asked) == 60
    assert rows("select count(*) from runs")[0][0] < 20
