"""`make deploy-check`: the deployment for real, on loopback, in about three minutes; everything it starts it ends.

A Prefect server, three process workers, PostgreSQL as the store, an S3 server and the built-in model;
`deploy/prefect.yaml` deployed; `bulk-extract` (in two shards), `on-upload`, `export` and `evaluate` triggered; the
records looked up in the view; bulk runs cancelled, drained and killed; the alerts' rules tried. What fails is told
with the end of every process's log; `LIMIT` bounds it all.
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from prefect_stack import ROOT, Stack, prefect_stack
from run_endings import endings
from s3_servers import S3Server, free_ports, seaweed_server

from flows.samples import make_samples

LIMIT = 480
"""Seconds for all of it; twice what it takes on a machine that does nothing else."""

WORKERS = ("worker", "worker-2", "worker-3")
"""One for the parent of a bulk run, which takes a place for as long as its shards run, and one for each shard."""


def main() -> int:
    """Prints a line a step; 0 when all holds."""
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, ended)
    signal.alarm(LIMIT)
    with tempfile.TemporaryDirectory(prefix="octavo-deploy-") as made:
        folder = Path(made)
        (folder / "weed").mkdir()
        (model,) = free_ports(1)
        with seaweed_server(folder / "weed") as s3:
            environment = {
                "AWS_ENDPOINT_URL": s3.url, "AWS_ACCESS_KEY_ID": s3.key, "AWS_SECRET_ACCESS_KEY": s3.secret,
                "OCTAVO_ENDPOINTS": "custom", "OCTAVO_BASE_URL": f"http://127.0.0.1:{model}/v1",
                "OCTAVO_MODEL": "octavo-ocr",
            }  # fmt: skip
            with prefect_stack(folder / "stack", **environment) as stack:
                told(f"Prefect server on {stack.database}, PostgreSQL store, S3 server; deploy/prefect.yaml deployed")
                stack.start("model", sys.executable, "-m", "flows.cli", "serve-model", "--port", str(model))
                for name in WORKERS:
                    stack.start_worker(name)
                _answers(f"http://127.0.0.1:{model}/healthz")
                check(stack, s3, folder)
    told("all of it holds")
    return 0


def ended(number: int, _: object) -> None:
    """Out of time, or told to end: what was started is ended on the way out."""
    signal.alarm(0)
    why = f"not done after {LIMIT} s" if number == signal.SIGALRM else "told to end"
    sys.exit(f"deploy-check: {why}; the last step above went well, the next did not end")


def check(stack: Stack, s3: S3Server, folder: Path) -> None:
    """Triggers the three deployments and looks at what they did."""
    make_samples(folder / "samples")
    invoices = sorted((folder / "samples" / "invoices").iterdir())
    client = s3.client()
    for path in invoices[:-1]:
        client.put_object(Bucket="docs", Key=f"in/{path.name}", Body=path.read_bytes())
    shared = {"schema_name": "invoice"}
    bulk = {**shared, "sources": ["s3://docs/in/"], "shard_documents": 2, "shards_at_once": 2}
    triggered(stack, "bulk-extract/bulk-extract", bulk)
    expected(stack, len(invoices) - 1)
    last = invoices[-1]
    client.put_object(Bucket="docs", Key=f"in/{last.name}", Body=last.read_bytes())
    triggered(stack, "on-upload/on-upload", {**shared, "uris": [f"s3://docs/in/{last.name}"]})
    expected(stack, len(invoices))
    triggered(stack, "bulk-extract/bulk-extract", bulk)
    expected(stack, len(invoices))
    triggered(stack, "export/export", {**shared, "destination": "s3://docs/exports/", "form": "jsonl"})
    keys = [each["Key"] for each in client.list_objects_v2(Bucket="docs", Prefix="exports/")["Contents"]]
    assert keys, "the export wrote nothing"
    told(f"export wrote {', '.join(keys)}")
    label = json.dumps({"uri": f"s3://docs/in/{last.name}", "currency": "EUR"})
    client.put_object(Bucket="docs", Key="labels.jsonl", Body=label.encode())
    triggered(stack, "evaluate/evaluate", {**shared, "labels": "s3://docs/labels.jsonl"})
    due = scheduled(stack, "bulk-extract")
    assert due, "the server's scheduler planned no run: the nightly run would never come"
    told(f"the schedule's next run of bulk-extract is planned for {min(due)}")
    endings(stack, s3, told)
    alerts()


def triggered(stack: Stack, deployment: str, parameters: dict[str, Any]) -> None:
    """Runs a deployment to its end; anything but Completed ends the check."""
    began = time.monotonic()
    stack.prefect(
        "deployment", "run", deployment, "--params", json.dumps(parameters), "--watch", "--watch-interval", "1",
        seconds=LIMIT,
    )  # fmt: skip
    told(f"{deployment}: Completed after {time.monotonic() - began:.0f} s")


def scheduled(stack: Stack, deployment: str) -> list[str]:
    """When the runs are due that the server's scheduler has planned; it does so within a minute."""
    wanted = {
        "deployments": {"name": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    until = time.monotonic() + 70
    while not (found := stack.api("flow_runs/filter", wanted)) and time.monotonic() < until:
        time.sleep(2)
    return [each["expected_start_time"] for each in found]


def expected(stack: Stack, count: int) -> None:
    """As many documents in the view as there are, none twice."""
    found = stack.told_by_store("select count(*), count(distinct document_uri) from invoice")
    assert found == (count, count), f"{found} records and documents, not {count}"
    told(f"the view has {count} invoices, each once")


def alerts() -> None:
    """The alerts' rules over an outage, one poison message and one bill, by Prometheus's own tool where it is."""
    if shutil.which("promtool") is None:
        told("promtool is not here: the alerts' rules were not tried")
        return
    command = ["promtool", "test", "rules", str(ROOT / "deploy" / "prometheus" / "octavo.test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told("the alerts' rules fire and keep quiet, as promtool tries them")


def told(line: str) -> None:
    """A step, with the time since the start."""
    print(f"{time.monotonic() - BEGAN:5.0f} s  {line}", flush=True)


def _answers(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - ours
                return
        except (URLError, OSError):
            assert time.monotonic() < until, f"{url} does not answer"
            time.sleep(0.3)


BEGAN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
