"""How bulk runs end, for `make deploy-check`: cancelled, drained and killed, over workers in folders of their own."""

import json
import signal
from collections.abc import Callable
from typing import Any

import pages
import psutil
from fakes import Answer, Asked, ModelServer, model_server
from prefect_stack import Stack, until
from runs import TOTAL
from s3_servers import S3Server

_DOCUMENTS, _SHARD = 24, 6
_CONCURRENCY = 4
"""Calls in flight of all shards together."""

_FINAL = frozenset({"Completed", "Failed", "Crashed", "Cancelled"})

Told = Callable[[str], None]


def endings(stack: Stack, s3: S3Server, told: Told) -> None:
    """One bulk run after the other over the same bucket; in the end each document has its record, and was asked once.

    Raises:
        AssertionError: a call went on after its run, a document was lost or asked twice.
    """
    with model_server(_slow) as model:
        parameters = {
            "sources": ["s3://docs/slow/"], "schema_name": "receipt", "base_url": model.base_url, "model": "m",
            "endpoints": ["custom"], "shard_documents": _SHARD, "shards_at_once": 2, "concurrency": _CONCURRENCY,
        }  # fmt: skip
        _upload(s3, 0)
        _cancelled(stack, model, parameters, told)
        _drained(stack, model, parameters, told)
        _upload(s3, _DOCUMENTS)
        _killed(stack, model, parameters, told)


def _slow(_: Asked) -> Answer:
    return Answer(text=json.dumps(TOTAL), delay=0.7)


def _upload(s3: S3Server, first: int) -> None:
    client = s3.client()
    for number in range(first, first + _DOCUMENTS):
        client.put_object(Bucket="docs", Key=f"slow/{number:03}.pdf", Body=pages.digital_pdf([f"no. {number}"]))


def _cancelled(stack: Stack, model: ModelServer, parameters: dict[str, Any], told: Told) -> None:
    run = _asking(stack, model, parameters)
    stack.prefect("flow-run", "cancel", run)
    until(lambda: stack.state(run) in _FINAL and not _shards_under_way(stack), "the cancelled run and its shards end")
    assert stack.state(run) == "Cancelled", stack.state(run)
    asked = len(model.asked)
    assert asked < _DOCUMENTS, "the cancelled run read everything"
    assert _stored(stack) == asked, f"{asked} calls, {_stored(stack)} of them stored"
    told(f"cancelled amid {asked} of {_DOCUMENTS} calls: its shards ended with it, every reply is stored")


def _drained(stack: Stack, model: ModelServer, parameters: dict[str, Any], told: Told) -> None:
    run = _asking(stack, model, parameters)
    name = _worker_of_a_shard(stack)
    worker = stack.processes.pop(name)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(300) == 0, f"{name} ended with {worker.returncode}"
    amid = len(model.asked)
    stack.start_worker(name)
    _completed(stack, run)
    _all_once(stack, model, _DOCUMENTS, again=0)
    told(f"{name} told to end amid {amid} calls: it drained, its shard was handed out anew, no call a second time")


def _killed(stack: Stack, model: ModelServer, parameters: dict[str, Any], told: Told) -> None:
    run = _asking(stack, model, parameters, calls=8)
    name = _worker_of_a_shard(stack)
    for each in psutil.Process(stack.processes[name].pid).children(recursive=True):
        each.kill()
    amid = len(model.asked)
    _completed(stack, run)
    again = _all_once(stack, model, 2 * _DOCUMENTS, again=_CONCURRENCY // 2)
    told(f"{name}'s shard killed -9 amid {amid} calls: handed out anew; of those in flight {again} asked again")


def _asking(stack: Stack, model: ModelServer, parameters: dict[str, Any], calls: int = 2) -> str:
    """A bulk run that has asked so often."""
    before = len(model.asked)
    run = stack.begun("bulk-extract/bulk-extract", parameters)
    until(lambda: len(model.asked) >= before + calls or stack.state(run) in _FINAL, "the run asks")
    assert stack.state(run) == "Running", stack.api(f"flow_runs/{run}")["state"]
    return run


def _completed(stack: Stack, run: str) -> None:
    until(lambda: stack.state(run) in _FINAL, "the bulk run ends")
    assert stack.state(run) == "Completed", stack.api(f"flow_runs/{run}")["state"]


def _shards_under_way(stack: Stack) -> list[Any]:
    wanted = {
        "flows": {"name": {"any_": ["extract-shard"]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING"]}}},
    }
    found: list[Any] = stack.api("flow_runs/filter", wanted)
    return found


def _worker_of_a_shard(stack: Stack) -> str:
    """A worker that has begun a shard and not ended it, by its log."""
    until(stack.busy_workers, "a worker has a shard")
    return stack.busy_workers()[0]


def _stored(stack: Stack) -> int:
    return int(stack.told_by_store("select count(*) from replies where endpoint = 'custom' and model = 'm'")[0])


def _all_once(stack: Stack, model: ModelServer, count: int, *, again: int) -> int:
    """Calls that were asked a second time, of which there may be so many; all documents have one record."""
    found = stack.told_by_store("select count(*), count(distinct document_uri) from receipt")
    assert found == (count, count), f"{found} records and documents, not {count}"
    twice = len(model.asked) - len({asked.fingerprint for asked in model.asked})
    assert twice <= again, f"{twice} calls a second time"
    return twice
