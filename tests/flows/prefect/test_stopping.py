"""Shards live and die with their parent, and workers drain: what is in flight is finished, the rest stays pending."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pages
import prefect_stack
import pytest
from fakes import Answer, Asked, model_server
from runs import TOTAL
from sqlalchemy import update

from flows.store import jobs
from flows.store.dialects import moment
from flows.store.store import Store
from flows.store.tables import leases

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("prefect_server")]

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 120
"""Seconds that anything may take on a busy machine; what is waited for is a condition, never a time."""

until = partial(prefect_stack.until, seconds=PATIENCE)


@pytest.fixture
def objects(tmp_path: Path) -> list[dict[str, Any]]:
    """Six documents, as a parent lists them."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.pdf").write_bytes(pages.digital_pdf([f"no. {number}"]))
    found = sorted(folder.iterdir())
    return [{"uri": path.as_uri(), "size": path.stat().st_size, "etag": path.name} for path in found]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of all, which has heard of no job."""
    url = f"sqlite:///{tmp_path / 'octavo.db'}"
    monkeypatch.setenv("OCTAVO_STORE", url)
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard asks without a pause, and a lease that ran out is believed at once."""
    monkeypatch.setattr("flows.prefect.stopping._ASK_EVERY", 0.05)
    monkeypatch.setattr("flows.prefect.stopping._SILENT", 0.0)


def shard(objects: list[dict[str, Any]], base_url: str, job_id: str | None) -> Any:
    """A shard's final state."""
    from flows.prefect.bulk import Listed, extract_shard

    wishes = {"schema_name": "receipt", "base_url": base_url, "model": "m", "concurrency": 1}
    listed = [Listed(**each) for each in objects]
    return asyncio.run(extract_shard(objects=listed, job_id=job_id, **wishes, return_state=True))  # type: ignore[call-overload]


def slow(_: Asked) -> Answer:
    """A receipt, after a moment."""
    return Answer(text=json.dumps(TOTAL), delay=1.0)


def stored(store: Store) -> int:
    """Replies that were kept."""
    with store.reading() as connection:
        return int(connection.exec_driver_sql("select count(*) from replies").scalar_one())


JOB = "7f1f3f5e-0000-4000-8000-000000000001"


def test_a_shard_of_a_job_that_is_over_does_not_begin(objects: list[dict[str, Any]], store: Store) -> None:
    """A queued shard whose parent ended or was cancelled is Cancelled when a worker takes it; nothing is asked."""
    assert not stored(store)
    with model_server(slow) as model:
        state = shard(objects, model.base_url, JOB)
    assert state.is_cancelled()
    assert state.message == f"its job ({JOB}) is over or was called off; 6 documents not begun"
    assert model.asked == []


@pytest.mark.usefixtures("asks_often")
def test_a_shard_of_a_dead_parent_does_not_begin(objects: list[dict[str, Any]], store: Store) -> None:
    """Its lease in the store has run out: no Prefect is asked."""
    store.transact(jobs.want, [JOB])
    with store.writing() as connection:
        connection.execute(update(leases).values(expires_at=moment(connection, -1)))
    with model_server(slow) as model:
        state = shard(objects, model.base_url, JOB)
    assert state.is_cancelled()
    assert "parent" in state.message
    assert "is gone" in state.message
    assert model.asked == []


@pytest.mark.usefixtures("asks_often")
def test_a_shard_whose_job_is_called_off_finishes_what_is_in_flight(
    objects: list[dict[str, Any]], store: Store
) -> None:
    """Every call that was sent is answered, stored and counted; the rest stays pending, and the state says why."""

    def answer(asked: Asked) -> Answer:
        store.transact(jobs.call_off, [JOB])
        return slow(asked)

    store.transact(jobs.want, [JOB])
    with model_server(answer) as model:
        state = shard(objects, model.base_url, JOB)
    assert state.is_cancelled()
    assert "was called off; 6 seen" in state.message
    assert "pending" in state.message
    assert 0 < len(model.asked) < len(objects)
    assert stored(store) == len(model.asked)


def test_a_shard_in_which_nothing_could_be_read_is_red(tmp_path: Path, store: Store) -> None:
    """All of it quarantined is no Completed; one that is good makes it one."""
    locked, good = tmp_path / "locked.pdf", tmp_path / "good.pdf"
    locked.write_bytes(pages.encrypted_pdf("secret"))
    good.write_bytes(pages.digital_pdf(["Corner Shop"]))
    listed = [{"uri": each.as_uri(), "size": each.stat().st_size, "etag": "1"} for each in (locked, good)]
    with model_server(lambda _: Answer(text=json.dumps(TOTAL))) as model:
        red = shard(listed[:1], model.base_url, None)
        green = shard(listed, model.base_url, None)
    assert red.is_failed()
    assert "not one could be read" in red.message
    assert green.is_completed()
    assert stored(store) == 1


@contextmanager
def in_a_pod(run_id: Any, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command that a Job of Kubernetes has for a flow run, with what its worker tells it."""
    from prefect.settings import PREFECT_API_URL

    folder.mkdir()
    template = json.loads((ROOT / "deploy/kubernetes/work-pool/base-job-template.json").read_text())
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    program, *arguments = pod["containers"][0]["command"]
    assert program == "python"
    environment = {
        **os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value()), "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1",
        "PREFECT__FLOW_RUN_ID": str(run_id), "OCTAVO_RENDER_WORKERS": "1",
    }  # fmt: skip
    with _started([sys.executable, *arguments], folder, environment) as process:
        yield process


@contextmanager
def worker(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`octavo worker` in a folder whose own `flows` and `schemas` are not Octavo's."""
    from prefect.settings import PREFECT_API_URL

    for name in ("flows", "schemas", "extractors"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise SystemExit('this is not Octavo')\n")
    environment = {
        **os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value()), "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "1", "OCTAVO_RENDER_WORKERS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "flows.cli", "worker", "--pool", "octavo-here"]
    with _started(command, folder, environment) as process:
        yield process


@contextmanager
def _started(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "its.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )  # fmt: skip
    try:
        yield process
    except BaseException:
        print((folder / "its.log").read_text(errors="replace")[-6000:])
        raise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def begun(objects: list[dict[str, Any]], base_url: str) -> Any:
    """A run of `extract-shard`, deployed for the worker as `deploy/prefect.yaml` does."""
    import yaml
    from prefect.client.orchestration import get_client

    from flows.prefect.bulk import extract_shard

    declared = yaml.safe_load((ROOT / "deploy" / "prefect.yaml").read_text())
    (mine,) = (each for each in declared["deployments"] if each["name"] == "extract-shard")
    async with get_client() as client:
        deployment = await client.create_deployment(
            await client.create_flow(extract_shard), "extract-shard", entrypoint=mine["entrypoint"],
            work_pool_name="octavo-here", job_variables=mine["work_pool"]["job_variables"],
            pull_steps=declared["pull"], tags=mine["tags"],
        )  # fmt: skip
        wishes = {"schema_name": "receipt", "base_url": base_url, "model": "m", "concurrency": 1}
        return (
            await client.create_flow_run_from_deployment(deployment, parameters={**wishes, "objects": objects})
        ).id


async def pool_is_there() -> bool:
    """Whether the worker has made its pool."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    async with get_client() as client:
        try:
            await client.read_work_pool("octavo-here")
        except ObjectNotFound:
            return False
    return True


async def state_of(run_id: Any) -> Any:
    """A flow run's state."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        return (await client.read_flow_run(run_id)).state


async def cancel(run_id: Any) -> None:
    """As `prefect flow-run cancel` does."""
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelling

    async with get_client() as client:
        await client.set_flow_run_state(run_id, Cancelling())


def final(run_id: Any) -> Any:
    """A flow run's state, once it is final."""
    until(lambda: asyncio.run(state_of(run_id)).is_final(), "the run ends")
    return asyncio.run(state_of(run_id))


def test_a_worker_that_is_told_to_end_drains(objects: list[dict[str, Any]], store: Store, tmp_path: Path) -> None:
    """Cancelled by a person, a run ends so within its grace; by its worker's SIGTERM, as Interrupted.

    The worker stands in a folder whose `flows` and `schemas` are not Octavo's: its runs take the installed ones.
    """
    with model_server(slow) as model, worker(tmp_path / "elsewhere") as process:
        until(lambda: asyncio.run(pool_is_there()), "the worker makes its pool")
        first = asyncio.run(begun(objects, model.base_url))
        until(lambda: model.asked, "the first run asks")
        asyncio.run(cancel(first))
        cancelled = final(first)
        asked = len(model.asked)
        assert stored(store) == asked
        second = asyncio.run(begun(objects, model.base_url))
        until(lambda: len(model.asked) > asked, "the second run asks")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        interrupted = final(second)
    assert (cancelled.name, cancelled.message.split(";")[0]) == ("Cancelled", "cancelled")
    assert "pending" in cancelled.message
    assert (interrupted.name, interrupted.type.value) == ("Interrupted", "FAILED")
    assert "pending" in interrupted.message
    assert asked < len(model.asked) < len(objects) + 1
    assert stored(store) == len(model.asked) == len({each.fingerprint for each in model.asked})


def test_a_pod_that_is_told_to_end_drains(objects: list[dict[str, Any]], store: Store, tmp_path: Path) -> None:
    """The command of a Job of Kubernetes passes the signal on to its run, which ends as under `octavo worker`."""
    with model_server(slow) as model, worker(tmp_path / "elsewhere") as pool_maker:
        until(lambda: asyncio.run(pool_is_there()), "the pool is there")
        pool_maker.kill()
        pool_maker.wait()
        run = asyncio.run(begun(objects, model.base_url))
        with in_a_pod(run, tmp_path / "pod") as process:
            until(lambda: model.asked, "the run asks")
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        interrupted = final(run)
    assert (interrupted.name, interrupted.type.value) == ("Interrupted", "FAILED")
    assert "pending" in interrupted.message
    assert 0 < len(model.asked) < len(objects)
    assert stored(store) == len(model.asked)
