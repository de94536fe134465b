"""A bulk run over three workers; a worker, the Prefect server and the run's parent killed: every document once.

    PYTHONPATH=.:tests/support python tests/benchmarks/kill_workers.py [DOCUMENTS]  (1000; ten minutes)

Real parts on loopback: Prefect's server, process workers, the store on PostgreSQL, SeaweedFS, and a model
server that answers from a script and counts. Killed with -9, one after the other: a worker with the shard
that it runs, the server (started again), and the worker that runs the parent, which nobody tells Prefect of.
Then the deployment is started again, as its schedule would. Fails unless every document has one record,
none was paid for twice but those in flight when they were killed, and the calls in flight never were more
than the limit for all shards together.
"""

import json
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pages
from fakes import Answer, Asked, ModelServer, model_server
from prefect_stack import Stack, prefect_stack, until
from runs import TOTAL
from s3_servers import seaweed_server

WORKERS = 3
BULK = "bulk-extract/bulk-extract"
COUNTS = (
    "select count(*), coalesce(sum(n), 0), count(*) filter (where n > 1)"
    " from (select document_uri, count(*) n from receipt group by 1) as each"
)
"""Documents with a record, records, and documents with more than one."""
CONCURRENCY = 12
"""Calls in flight of all shards together; shards at once get a share each."""


def answer(_: Asked) -> Answer:
    """A receipt, after a moment."""
    return Answer(text=json.dumps(TOTAL), delay=0.2)


def main() -> int:
    """0 when every document was done once."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="octavo-kill-") as made, model_server(answer) as model:
        folder = Path(made)
        (folder / "weed").mkdir()
        with seaweed_server(folder / "weed") as s3:
            client = s3.client()
            for number in range(count):
                client.put_object(Bucket="docs", Key=f"in/{number:05}.pdf", Body=pages.digital_pdf([f"no. {number}"]))
            told(f"{count} documents in a bucket")
            environment = {
                "AWS_ENDPOINT_URL": s3.url, "AWS_ACCESS_KEY_ID": s3.key, "AWS_SECRET_ACCESS_KEY": s3.secret,
                "OCTAVO_ENDPOINTS": "custom", "OCTAVO_BASE_URL": model.base_url, "OCTAVO_MODEL": "m",
                "OCTAVO_RENDER_WORKERS": "1",
            }  # fmt: skip
            with prefect_stack(folder / "stack", **environment) as stack:
                check(stack, model, count)
    return 0


def check(stack: Stack, model: ModelServer, count: int) -> None:
    """Starts the run, kills and restarts, starts it again, counts."""
    # The parent takes a worker of its own, the first that is there.
    parameters = {
        "sources": ["s3://docs/in/"], "schema_name": "receipt", "shard_documents": max(10, count // 12),
        "shards_at_once": WORKERS, "concurrency": CONCURRENCY,
    }  # fmt: skip
    stack.start_worker("parent")
    first = stack.begun(BULK, parameters)
    until(lambda: stack.state(first) == "Running", "the parent runs")
    for number in range(WORKERS):
        stack.start_worker(f"worker-{number}")
    began = time.monotonic()
    until(lambda: len(model.asked) >= count // 4, "a quarter of the calls")
    until(stack.busy_workers, "a worker has a shard")
    killed = stack.busy_workers()[0]
    stack.kill(killed)
    told(f"{killed} and its shard killed after {len(model.asked)} calls")
    stack.start_worker("another")
    until(lambda: len(model.asked) >= count // 2, "half of the calls")
    stack.kill("server")
    told(f"Prefect's server killed after {len(model.asked)} calls")
    time.sleep(5)
    stack.start_server()
    told(f"and started again; the parent is {stack.state(first)}")
    until(lambda: len(model.asked) >= 3 * count // 4, "three quarters of the calls")
    stack.kill("parent")
    told(f"the parent killed after {len(model.asked)} calls; Prefect calls it {stack.state(first)}")
    stack.start_worker("parent-2")
    last = begun_again(stack, parameters)
    until(lambda: stack.state(last) in {"Completed", "Failed", "Crashed", "Cancelled"}, "the run ends")
    told(f"the next run: {stack.state(last)}: {stack.api(f'flow_runs/{last}')['state']['message']}")
    for run in (first, last):
        told(f"artifacts of {run}: {dict(artifacts(stack, run))}")
    documents, records, twice = map(int, stack.told_by_store(COUNTS))
    paid_twice = len(model.asked) - len({asked.fingerprint for asked in model.asked})
    told(
        f"{count} documents: {documents} with a record, {records} records, {twice} documents with more than one; "
        f"{len(model.asked)} calls, {paid_twice} of them a second time; at most {model.most_in_flight} in flight "
        f"(limit {CONCURRENCY}); {time.monotonic() - began:.0f} s"
    )
    assert (documents, records, twice) == (count, count, 0)
    assert paid_twice <= CONCURRENCY
    assert model.most_in_flight <= CONCURRENCY


def begun_again(stack: Stack, parameters: dict[str, Any]) -> str:
    """The id of a run that was let in: while Prefect believes the dead parent to run, others are cancelled."""
    began = time.monotonic()
    while True:
        run = stack.begun(BULK, parameters)
        until(partial(decided, stack, run), "the next run is let in or not")
        if stack.state(run) != "Cancelled":
            told(f"another run was let in {time.monotonic() - began:.0f} s after the parent's death")
            return run
        assert time.monotonic() - began < 600, "no other run is let in"
        time.sleep(15)


def decided(stack: Stack, run: str) -> bool:
    """Whether a flow run was let in or cancelled."""
    return stack.state(run) not in {"Scheduled", "Pending", "Late"}


def artifacts(stack: Stack, run: str) -> Counter[str]:
    """How many artifacts of each type a flow run has."""
    found = stack.api("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}})
    return Counter(each["type"] for each in found)


def told(line: str) -> None:
    """A step, with the time since the start."""
    print(f"{time.monotonic() - BEGAN:5.0f} s  {line}", flush=True)


BEGAN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
