"""A bulk run over three workers, one killed in the middle, the Prefect server restarted: every document once.

    PYTHONPATH=.:tests python tests/benchmarks/kill_workers.py [DOCUMENTS]      (1000; takes some minutes)

Real parts on loopback: Prefect's server, process workers, the store on PostgreSQL, SeaweedFS, and a model
server that answers from a script and counts. Prints the counts, and fails unless every document has one
record, none is missing, and the calls in flight never were more than the limit for all shards together.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import pages
from fakes import Answer, Asked, ModelServer, model_server
from prefect_stack import PREFECT, Stack, prefect_stack
from runs import TOTAL
from s3_servers import seaweed_server
from sqlalchemy import create_engine, text

WORKERS = 3
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
                return check(stack, model, count)


def check(stack: Stack, model: ModelServer, count: int) -> int:
    """Starts the run, kills and restarts, waits for the end, counts."""
    for number in range(WORKERS):
        stack.start_worker(f"worker-{number}")
    stack.start_worker("parent")
    parameters = {
        "sources": ["s3://docs/in/"], "schema_name": "receipt", "shard_documents": max(10, count // 12),
        "shards_at_once": WORKERS, "concurrency": CONCURRENCY,
    }  # fmt: skip
    began = time.monotonic()
    triggered = [
        *PREFECT, "deployment", "run", "bulk-extract/bulk-extract", "--params", json.dumps(parameters),
        "--watch", "--watch-timeout", "1500", "--watch-interval", "3",
    ]  # fmt: skip
    stack.start("first", *triggered)
    wait_for_calls(model, count // 4)
    killed = busy_worker(stack)
    stack.kill(killed)
    told(f"{killed} killed with what it ran after {len(model.asked)} calls")
    wait_for_calls(model, count // 2)
    stack.kill("server")
    told(f"Prefect's server killed after {len(model.asked)} calls")
    time.sleep(5)
    stack.start_server()
    told("and started again")
    stack.start_worker("another")
    # Prefect ends the parent when its server goes away: it is started again, as its schedule would.
    run = stack.start("run", *triggered)
    while counts(stack)[0] < count and time.monotonic() - began < 1200:
        time.sleep(2)
    documents, records, twice = counts(stack)
    told(
        f"{count} documents: {documents} with a record, {records} records, {twice} documents with more than one; "
        f"{len(model.asked)} calls; at most {model.most_in_flight} in flight (limit {CONCURRENCY}); "
        f"{time.monotonic() - began:.0f} s"
    )
    run.wait(timeout=300)
    told(f"the run: {(stack.folder / 'run.log').read_text().strip().splitlines()[-1]}")
    good = (documents, records, twice) == (count, count, 0) and model.most_in_flight <= CONCURRENCY
    return 0 if good else 1


def busy_worker(stack: Stack) -> str:
    """A worker that has begun a shard, by its log."""
    for name in stack.processes:
        log = stack.folder / f"{name}.log"
        if name.startswith("worker-") and "shard" in log.read_text():
            return name
    return "worker-0"


def wait_for_calls(model: ModelServer, calls: int) -> None:
    """Until the model was asked so often."""
    until = time.monotonic() + 300
    while len(model.asked) < calls:
        assert time.monotonic() < until, f"only {len(model.asked)} calls"
        time.sleep(0.2)


def counts(stack: Stack) -> tuple[int, int, int]:
    """Documents with a record, records, and documents with more than one."""
    engine = create_engine(stack.environment["OCTAVO_STORE"])
    query = (
        "select count(*), coalesce(sum(n), 0), count(*) filter (where n > 1)"
        " from (select document_uri, count(*) n from receipt group by 1) as each"
    )
    with engine.connect() as connection:
        row = connection.execute(text(query)).one()
    engine.dispose()
    return int(row[0]), int(row[1]), int(row[2])


def told(line: str) -> None:
    """A step, with the time since the start."""
    print(f"{time.monotonic() - BEGAN:5.0f} s  {line}", flush=True)


BEGAN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
