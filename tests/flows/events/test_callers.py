"""Who may announce what to `octavo listen`, and that no caller holds it up."""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from fakes import model_server, says
from runs import TOTAL, rows
from s3_servers import free_ports
from services import TOKEN, dashboard_misses, end, get, listener, post, wait_for

from flows.events import callers
from flows.events.notifications import OutsidePrefixes, let_in
from flows.store.inbox import Arrival

SECRET = "a-secret-made-up-for-tests"  # noqa: S105 - it opens nothing
NEXT = "made-up-to-take-their-place"
LOOKS = "a-token-for-whoever-looks"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SETTINGS = {
    "OCTAVO_LISTEN_TOKEN": f"{NEXT},{TOKEN}", "OCTAVO_LISTEN_SECRET": f"{SECRET}, {NEXT}",
    "OCTAVO_LISTEN_PREFIXES": "s3://docs/in/, s3://scans",
    "OCTAVO_METRICS_TOKEN": LOOKS,
    # Nobody answers there: what is accepted waits.
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the listener's log and store are."""
    return tmp_path_factory.mktemp("listener")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """A listener with prefixes, a secret and a token for its numbers; it ends in order, and without a traceback."""
    (port,) = free_ports(1)
    log, settings = folder / "log", {**SETTINGS, "OCTAVO_STORE": f"sqlite:///{folder / 'octavo.db'}"}
    with (
        model_server(lambda _: says(TOTAL)) as model,
        listener(port, "--base-url", model.base_url, "--model", "m", log=log, **settings) as process,
    ):
        yield f"http://127.0.0.1:{port}/"
        assert end(process) == 0
    assert "Traceback" not in log.read_text()
    assert "OCTAVO_LISTEN_PREFIXES is not set" not in log.read_text()


def told(*uris: str) -> bytes:
    """A notification of some objects."""
    records = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}
        for bucket, _, key in (uri.removeprefix("s3://").partition("/") for uri in uris)
    ]
    return json.dumps({"Records": records}).encode()


def signed(body: bytes, stamp: str | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers of a caller that knows a secret."""
    content = body if stamp is None else f"{stamp}.".encode() + body
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return {"X_Octavo_Signature": f"sha256={digest}"} | ({} if stamp is None else {"X_Octavo_Timestamp": stamp})


def test_only_what_lies_under_a_prefix_is_let_in(url: str, folder: Path) -> None:
    """403 for anything else, 422 for what no server has; a mixed notification is taken for what may be."""
    assert post(url, told("s3://docs/in/a.pdf"), **BEARER) == 202
    assert post(url, told("s3://scans/anything.pdf"), **BEARER) == 202
    for uri in (
        "s3://docs/other/a.pdf",
        "s3://scans-of-others/a.pdf",
        "s3://payroll/2026.pdf",
        "s3://docs/input.pdf",
    ):
        assert post(url, told(uri), **BEARER) == 403, uri
    assert post(url, told("s3://payroll/b.pdf", "s3://docs/in/b.pdf"), **BEARER) == 202
    for uri in ("s3://bad bucket/a.pdf", "s3://../a.pdf", f"s3://docs/in/{'k' * 1025}", "s3://docs/in/a\x00b"):
        assert post(url, told(uri), **BEARER) == 422, uri
    kept = {uri for (uri,) in rows("select uri from arrivals", store=str(folder / "octavo.db"))}
    assert kept == {"s3://docs/in/a.pdf", "s3://scans/anything.pdf", "s3://docs/in/b.pdf"}


def test_a_signature_with_a_time_stamp_is_good_for_minutes(url: str) -> None:
    """The stamp is signed too: an old one is refused, and so is one that was put on or taken off afterwards."""
    body, now = told("s3://docs/in/a.pdf"), str(int(time.time()))
    assert post(url, body, **signed(body)) == 202
    assert post(url, body, **signed(body, now)) == 202
    assert post(url, body, **signed(body, str(int(now) - 4000))) == 401
    assert post(url, body, **signed(body, "soon")) == 401
    assert post(url, body, **(signed(body) | {"X_Octavo_Timestamp": now})) == 401
    assert post(url, body, X_Octavo_Signature=signed(body, now)["X_Octavo_Signature"]) == 401


def test_the_old_and_the_new_are_both_known(url: str) -> None:
    """While a token or secret is changed, senders may use either; both together, or another one, is none."""
    body = told("s3://docs/in/a.pdf")
    for token, status in ((TOKEN, 202), (NEXT, 202), (f"{NEXT},{TOKEN}", 401), ("neither-of-the-two-is-this", 401)):
        assert post(url, body, Authorization=f"Bearer {token}") == status
    for secret, status in ((SECRET, 202), (NEXT, 202), ("neither-of-the-two-is-this", 401)):
        assert post(url, body, **signed(body, secret=secret)) == status


def test_numbers_are_for_who_has_their_token(url: str) -> None:
    """`/metrics` asks for it; a probe, which has none, is told whether and not why."""
    assert get(f"{url}metrics")[0] == 401
    assert get(f"{url}healthz") == (200, '{"status":"ok"}')
    assert get(f"{url}readyz") == (200, '{"status":"ok"}')
    assert dashboard_misses(looked(f"{url}metrics")) == {"octavo_call_seconds_bucket"}  # no call was made yet
    assert "waiting" in json.loads(looked(f"{url}readyz"))


def looked(url: str) -> str:
    """The body of a GET with the token for numbers."""
    request = Request(url, headers={"Authorization": f"Bearer {LOOKS}"})  # noqa: S310 - our own loopback server
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310 - our own loopback server
            return str(answer.read().decode())
    except HTTPError as refused:
        with refused:
            return f"{refused.code}"


def test_callers_that_stop_halfway_are_let_go(url: str) -> None:
    """300 half-sent requests: others are served, and each is ended by the server; who leaves is no error."""
    address = ("127.0.0.1", int(url.rsplit(":", 1)[1].strip("/")))
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n"
    halves = [head.encode(), f"{head}\r\n{{".encode(), b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /he"]
    with ExitStack() as stack:
        held = []
        for number in range(300):
            caller = stack.enter_context(socket.create_connection(address, timeout=callers.PATIENCE * 6))
            caller.sendall(halves[number % len(halves)])
            held.append(caller)
        for _ in range(20):
            with socket.create_connection(address) as leaving:
                leaving.sendall(halves[1])
        assert post(url, told("s3://docs/in/a.pdf"), **BEARER) == 202
        answers = [b"".join(iter(lambda caller=caller: caller.recv(65536), b"")) for caller in held]
    assert {answer[:12] for answer in answers[1::4]} == {b"HTTP/1.1 408"}
    assert set(answers[0::4]) | set(answers[2::4]) == {b""}
    assert {answer.count(b"HTTP/1.1") for answer in answers[3::4]} == {1}
    wait_for(lambda: get(f"{url}healthz")[0] == 200)


def test_either_reading_of_a_key_may_lie_under_a_prefix() -> None:
    """Ceph sends keys as they are, AWS encodes them: what is outside in one reading is not read by that one."""
    both = Arrival("s3://docs/a b/x.pdf", "s3://docs/a+b/x.pdf")
    assert let_in([both], []) == ([both], [])
    assert let_in([both], ["s3://docs"]) == ([both], [])
    assert let_in([both], ["s3://docs/a+b/"]) == ([Arrival("s3://docs/a+b/x.pdf")], [])
    assert let_in([both], ["s3://docs/a b/"]) == ([Arrival("s3://docs/a b/x.pdf")], [])
    with pytest.raises(OutsidePrefixes):
        let_in([both], ["s3://doc", "s3://docs/b"])
    assert let_in([], ["s3://docs"]) == ([], [])
