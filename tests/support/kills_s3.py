"""Runs over a bucket that are killed and given once more while S3 restarts, cuts bodies short, or says SlowDown.

`python tests/support/kills_s3.py [KILLS] [SEED]` does ten kills of each kind on each database, and tells how runs end
when S3 stays away.
"""

import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

import pages  # noqa: E402 - after the path
from fakes import Answer, Asked, ModelServer, model_server  # noqa: E402 - likewise
from kills import replies_stored  # noqa: E402 - likewise
from runs import TOTAL  # noqa: E402 - likewise
from s3_servers import WEED_PORTS, S3Server, free_ports, seaweed_server  # noqa: E402 - likewise
from sqlalchemy import create_engine, text  # noqa: E402 - likewise
from stores import fresh_url  # noqa: E402 - likewise

_DOCUMENTS, _CONCURRENCY, _SHARE, _AWAY = 40, 4, 0.2, 2.0
"""Objects; calls in flight; answers of S3 that are faults; seconds of an outage, to which its start adds two."""

_FAILED = "attempts where status <> 'complete'"

_SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class Bucket:
    """A server at one place, which can be stopped and started again and keeps what it holds."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ports = folder, free_ports(len(WEED_PORTS))
        self._running = ExitStack()
        self.server = S3Server("", "", "")

    def start(self) -> None:
        """Starts it, until it answers."""
        self.server = self._running.enter_context(seaweed_server(self._folder, ports=self._ports))

    def stop(self) -> None:
        """Kills it."""
        self._running.close()

    def restart(self) -> None:
        """Takes it away for some seconds."""
        self.stop()
        time.sleep(_AWAY)
        self.start()


class _Between(ThreadingHTTPServer):
    """In front of S3; some of its answers are cut short, or are 503."""

    daemon_threads = True

    def __init__(self, s3: str, fault: str, dice: random.Random) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.s3, self.fault, self.dice = urlsplit(s3).netloc, fault, dice
        self.faults = 0

    def handle_error(self, *_: object) -> None:
        """A client that was killed is nothing to tell."""


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Between

    def do_GET(self) -> None:
        odd = self.server.dice.random() < _SHARE
        self.server.faults += odd
        if odd and self.server.fault == "slow":
            self._send(503, {"Content-Type": "application/xml"}, _SLOW_DOWN, len(_SLOW_DOWN))
            return
        connection = http.client.HTTPConnection(self.server.s3, timeout=30)
        connection.request(self.command, self.path, headers=dict(self.headers.items()))
        answer = connection.getresponse()
        body, headers = answer.read(), dict(answer.getheaders())
        length = int(headers.get("Content-Length", len(body)))
        cut = odd and self.server.fault == "cut" and bool(body)
        self._send(answer.status, headers, body[: len(body) // 2] if cut else body, length)
        self.close_connection = self.close_connection or cut
        connection.close()

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, status: int, headers: dict[str, str], body: bytes, length: int) -> None:
        self.send_response(status)
        for name in headers.keys() - {"Content-Length", "Transfer-Encoding", "Connection", "Date", "Server"}:
            self.send_header(name, headers[name])
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@contextmanager
def between(s3: str, fault: str, dice: random.Random) -> Iterator[str]:
    """The proxy's URL."""
    proxy = _Between(s3, fault, dice)
    serving = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}"
    finally:
        proxy.shutdown()
        proxy.server_close()
        serving.join()


class Runs:
    """`octavo extract s3://docs/PREFIX` into one store, again and again."""

    def __init__(self, url: str, bucket: S3Server, store: str, model: ModelServer) -> None:
        self._url, self._bucket, self.store, self.model = url, bucket, store, model

    def start(self, log: Path | None = None) -> "subprocess.Popen[bytes]":
        """A run in a process of its own."""
        command = [
            sys.executable, "-m", "flows.cli", "extract", "s3://docs/in/", "--schema", "receipt",
            "--store", self.store, "--base-url", self.model.base_url, "--model", "m", "--json",
            "--concurrency", str(_CONCURRENCY),
        ]  # fmt: skip
        environment = {
            **os.environ, "PYTHONPATH": str(HERE.parents[1]), "OCTAVO_RENDER_WORKERS": "1",
            "OCTAVO_GIVE_UP_AFTER": "30", "AWS_ENDPOINT_URL": self._url, "AWS_ACCESS_KEY_ID": self._bucket.key,
            "AWS_SECRET_ACCESS_KEY": self._bucket.secret, "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
        with (log or Path(os.devnull)).open("wb") as told:
            return subprocess.Popen(command, env=environment, stdout=told, stderr=told)

    def asks(self, process: "subprocess.Popen[bytes]", calls: int) -> None:
        """Waits until so many calls were made in all, or the run has ended."""
        while len(self.model.asked) < calls and process.poll() is None:
            time.sleep(0.005)

    def one(self, query: str) -> int:
        """A count of the store's."""
        engine = create_engine(self.store)
        with engine.connect() as connection:
            found = connection.scalar(text(query))
        engine.dispose()
        return int(found or 0)


def killed(runs: Runs, kills: int, disturb: Callable[[], None], dice: random.Random, log: Path) -> list[str]:
    """Some runs that are killed while S3 is disturbed, then one that ends; what is wrong, in words.

    Each is killed after a share of the work that is left; the disturbance begins at a moment of its own.
    """
    again, asked = 0, runs.model.asked
    for left in range(kills, -1, -1):
        begun, answered = len(asked), replies_stored(runs.store)
        share = (_DOCUMENTS - len(answered)) / (left + 1)
        process = runs.start(log)
        runs.asks(process, begun + 1)
        disturbing = threading.Timer(dice.uniform(0.0, 0.3), disturb)
        disturbing.start()
        if left:
            runs.asks(process, begun + round(dice.uniform(0.0, 2.0 * share)))
            time.sleep(dice.uniform(0.0, 0.2))
            process.kill()
        process.wait(300)
        disturbing.join()
        again += sum(each.fingerprint[:8] in answered for each in asked[begun:])
    twice = len(asked) - len({each.fingerprint for each in asked})
    current = "select count(*) from extractions where superseded_by is null"
    outcomes, complete = runs.one(current), runs.one(f"{current} and status = 'complete'")
    records, failed = (runs.one(f"select count(*) from {what}") for what in ("receipt", _FAILED))
    wrong = {
        f"exit code {process.returncode}: {log.read_text()[-600:]}": process.returncode not in {0, 3},
        f"{again} questions asked whose replies were stored": again > 0,
        f"{twice} questions asked twice in {kills} kills": twice > kills * _CONCURRENCY,
        f"{outcomes} current outcomes, {complete} complete": {outcomes, complete} != {_DOCUMENTS},
        f"{records} records": records != _DOCUMENTS,
        f"{failed} attempts failed": failed > 0,
    }
    print(f"  {len(asked)} calls for {_DOCUMENTS} documents, {twice} asked twice", flush=True)
    return [words for words, is_wrong in wrong.items() if is_wrong]


def away_for_good(runs: Runs, bucket: Bucket, log: Path) -> list[str]:
    """S3 goes in mid-run and does not come back: the run ends, says so, and what it could not fetch is pending."""
    process, codes = runs.start(log), []
    runs.asks(process, _DOCUMENTS // 4)
    bucket.stop()
    for when in ("in mid-run", "at the start"):
        began = time.monotonic()
        codes.append(process.wait(300))
        said = [line for line in log.read_text().splitlines() if "s3://" in line or line.startswith("Paused")]
        print(
            f"  S3 away {when}: exit code {codes[-1]} after {time.monotonic() - began:.0f} s: {said[-1]}", flush=True
        )
        if len(codes) == 1:
            process = runs.start(log)
    bad = runs.one("select count(*) from extractions where status = 'quarantined'")
    wrong = [] if codes == [4, 1] else [f"exit codes {codes}"]
    return wrong + ([f"{bad} quarantined for what S3 did"] if bad else [])


def _answer(dice: random.Random) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        return Answer(text=json.dumps({**TOTAL, "number": asked.fingerprint[:8]}), delay=dice.uniform(0.0, 0.1))

    return answer


def trial(kind: str, database: str, kills: int, seed: int) -> list[str]:
    """One kind of trouble on one database; what is wrong, in words."""
    dice = random.Random(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="octavo-killed-")))
        (folder / "weed").mkdir()
        bucket = Bucket(folder / "weed")
        bucket.start()
        stack.callback(bucket.stop)
        client = bucket.server.client()
        for number in range(_DOCUMENTS):
            client.put_object(Bucket="docs", Key=f"in/{number}.pdf", Body=pages.digital_pdf([f"receipt {number}"]))
        model = stack.enter_context(model_server(_answer(dice)))
        proxied: AbstractContextManager[str] = nullcontext(bucket.server.url)
        if kind in {"cut", "slow"}:
            proxied = between(bucket.server.url, kind, dice)
        runs = Runs(stack.enter_context(proxied), bucket.server, fresh_url(database, folder), model)
        if kind == "away":
            return away_for_good(runs, bucket, folder / "log")
        return killed(runs, kills, bucket.restart if kind == "restart" else lambda: None, dice, folder / "log")


def main() -> int:
    """Prints what is wrong; 1 when something is."""
    kills, seed = (int(sys.argv[at]) if len(sys.argv) > at else usual for at, usual in ((1, 10), (2, 1)))
    kinds = {
        "restart": "S3 restarted under each run", "cut": "a fifth of S3's bodies cut short",
        "slow": "a fifth of S3's answers SlowDown", "away": "S3 away for good",
    }  # fmt: skip
    wrong = []
    with suppress(KeyboardInterrupt):
        for database in ("sqlite", "postgresql"):
            for kind, words in kinds.items():
                found = trial(kind, database, kills, seed)
                print(f"{database}, {words}, {kills} kills: {len(found)} wrong {'; '.join(found)}", flush=True)
                wrong += found
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
