"""`deploy/kubernetes/` given to those it is for: kubectl, Prefect's server and Kubernetes worker, a pod's shell."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pages
import prefect_stack
import pytest
import yaml
from fakes import Answer, Asked, model_server
from kubernetes_api import Cluster, kubernetes_api
from runs import TOTAL
from s3_servers import free_ports

from flows.store.store import Store

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
PATIENCE = 60
"""Seconds that anything may take on a busy machine; what is waited for is a condition, never a time."""

until = partial(prefect_stack.until, seconds=PATIENCE)

SCRATCH = "/tmp"  # noqa: S108 - of a container
"""All that a pod may write to."""

pytestmark = pytest.mark.filterwarnings("ignore")


def applied() -> list[dict[str, Any]]:
    """What `kubectl apply -f deploy/kubernetes/` reads: each .json, .yaml and .yml of that folder, none below it."""
    paths = [path for path in sorted((DEPLOY / "kubernetes").iterdir()) if path.suffix in {".json", ".yaml", ".yml"}]
    return [resource for path in paths for resource in yaml.safe_load_all(path.read_text())]


def template() -> dict[str, Any]:
    """The work pool's base job template."""
    found: dict[str, Any] = json.loads((DEPLOY / "kubernetes" / "work-pool" / "base-job-template.json").read_text())
    return found


def pods() -> dict[str, dict[str, Any]]:
    """Each pod that comes of the folder, by its owner's name; a run's is `shard`."""
    owners = {each["metadata"]["name"]: each for each in applied() if "template" in each.get("spec", {})}
    owners["shard"] = template()["job_configuration"]["job_manifest"]
    return {name: owner["spec"]["template"]["spec"] for name, owner in owners.items()}


def test_the_api_takes_every_file_of_the_folder() -> None:
    """Each is a valid resource without a field that Kubernetes does not know."""
    with kubernetes_api() as cluster:
        for resource in applied():
            assert cluster.make(resource["kind"], resource) is None
    assert {"Deployment", "Job", "PersistentVolumeClaim", "Service"} <= cluster.made.keys()
    assert not cluster.unknown


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
def test_kubectl_applies_the_folder_twice(tmp_path: Path) -> None:
    """All is made the first time, nothing changes the second; it wants no more than the folder."""
    with kubernetes_api() as cluster:
        command = [
            "kubectl", "--kubeconfig", str(cluster.kubeconfig(tmp_path)), "--cache-dir", str(tmp_path / "cache"),
            "apply", "--validate=false", "-f", str(DEPLOY / "kubernetes"),
        ]  # fmt: skip
        first, second = (subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert not cluster.refused
    assert {line.rpartition(" ")[2] for line in first.stdout.splitlines()} == {"created"}
    assert {line.rpartition(" ")[2] for line in second.stdout.splitlines()} == {"unchanged"}
    assert len(first.stdout.splitlines()) == len(applied())


@pytest.mark.parametrize("name", sorted(pods()))
def test_pods_may_do_little(name: str) -> None:
    """No root, nothing written but its volumes, no capability, limited memory; only the worker knows Kubernetes."""
    pod = pods()[name]
    assert pod["securityContext"] == {
        "runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    assert "--uid 10001" in (DEPLOY / "Dockerfile").read_text()
    assert pod["enableServiceLinks"] is False
    assert pod.get("automountServiceAccountToken", True) is (name == "octavo-worker")
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    assert {"name": "HOME", "value": SCRATCH} in container["env"]
    assert SCRATCH in {each["mountPath"] for each in container["volumeMounts"]}
    if name not in {"octavo-set-up", "shard"}:
        assert container.keys() >= {"livenessProbe", "readinessProbe"}


def test_octavo_has_one_image_name_and_no_image_floats() -> None:
    """Compose, the manifests, the runs' template, the Dockerfile and the docs name one image, of this version."""
    image = f"octavo:{tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['version']}"
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert template()["variables"]["properties"]["image"]["default"] == image
    assert {pod["containers"][0]["image"] for pod in pods().values()} == {image, "{{ image }}"}
    assert {each["image"] for each in services.values() if "build" in each} == {image}
    for path in (DEPLOY / "Dockerfile", ROOT / "docs" / "operations.md"):
        assert set(re.findall(r"docker build .*-t (\S+)", path.read_text())) == {image}, path
    for each in services.values():
        assert re.search(r":v?[0-9][0-9.]*$", each["image"]), each["image"]


@contextmanager
def process(folder: Path, environment: dict[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A container's command, in a folder of its own; what it said is told when the test fails."""
    folder.mkdir()
    with (folder / "log").open("wb") as told:
        started = subprocess.Popen(command, env=environment, cwd=folder, stdout=told, stderr=told)
    try:
        yield started
    except BaseException:
        print((folder / "log").read_text(errors="replace")[-6000:])
        raise
    finally:
        started.terminate()
        started.wait(PATIENCE)


def answers(url: str) -> bool:
    """Whether a probe finds it well."""
    try:
        with urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def as_in_a_pod(container: dict[str, Any], scratch: Path, **given: str) -> dict[str, str]:
    """A container's environment: its `/tmp` is `scratch`, its namespace `default`, and what the test gives wins."""
    told = {each["name"]: each.get("value", "default") for each in container["env"]}
    told = {name: re.sub(f"^{SCRATCH}", str(scratch), value) for name, value in told.items()}
    installed = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "TMPDIR": str(scratch), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
    }  # fmt: skip
    return {**installed, **told, **given}


@pytest.fixture
def api_url(prefect_server: None) -> Iterator[str]:
    """Prefect's API; the pool and the deployments that a test made there are gone afterwards."""
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    assert url is not None
    yield url
    asyncio.run(cleared())


async def cleared() -> None:
    """Removes what `set-up-prefect.sh` makes."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        for each in await client.read_deployments():
            await client.delete_deployment(each.id)
        await client.delete_work_pool("octavo")
        for automation in await client.read_automations_by_name("octavo-zombies"):
            await client.delete_automation(automation.id)


async def set_up() -> dict[str, Any]:
    """What Prefect's server knows of Octavo."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        pool = await client.read_work_pool("octavo")
        return {
            "pool": (pool.type, pool.base_job_template),
            "deployments": sorted(each.name for each in await client.read_deployments()),
            "automations": len(await client.read_automations_by_name("octavo-zombies")),
        }


async def shard_of(document: Path, size: int, base_url: str) -> Any:
    """A run of `extract-shard`, as a bulk run asks for it; its id."""
    from prefect.client.orchestration import get_client

    parameters = {
        "objects": [{"uri": document.as_uri(), "size": size, "etag": "1"}],
        "schema_name": "receipt", "base_url": base_url, "model": "m",
    }  # fmt: skip
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("extract-shard/extract-shard")
        return (await client.create_flow_run_from_deployment(deployment.id, parameters=parameters)).id


async def state_of(run_id: Any) -> Any:
    """A flow run's state."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        return (await client.read_flow_run(run_id)).state


def receipt(_: Asked) -> Answer:
    """The same for every document."""
    return Answer(text=json.dumps(TOTAL))


def held_to_the_template(job: dict[str, Any], run_id: Any) -> dict[str, Any]:
    """A Job as Octavo's image needs it; its container."""
    assert job["metadata"]["namespace"] == "default"
    assert job["metadata"]["labels"]["prefect.io/flow-run-id"] == str(run_id)
    assert (job["spec"]["backoffLimit"], job["spec"]["ttlSecondsAfterFinished"]) == (0, 600)
    pod = job["spec"]["template"]["spec"]
    assert job["spec"]["template"]["metadata"]["labels"]["prefect.io/deployment-name"] == "extract-shard"
    wanted = pods()["shard"]
    for name in ("securityContext", "terminationGracePeriodSeconds", "restartPolicy", "volumes"):
        assert pod[name] == wanted[name], name
    (container,), (template_of,) = pod["containers"], wanted["containers"]
    for name in ("resources", "securityContext", "envFrom", "volumeMounts"):
        assert container[name] == template_of[name], name
    assert container["envFrom"] == [{"secretRef": {"name": "octavo"}}]
    assert container["image"] == template()["variables"]["properties"]["image"]["default"]
    # The image's entry point is `octavo`: arguments alone would be its.
    assert (container["command"], container.get("args")) == (["python", "-m", "flows.prefect.pod"], [])
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert len(environment) == len(container["env"])
    assert environment["PYTHONSAFEPATH"] == "1"
    assert environment["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert environment["PREFECT__FLOW_RUN_ID"] == str(run_id)
    assert "PREFECT_API_URL" in environment
    return dict(container)


def test_a_run_becomes_a_job_that_reads_its_documents(api_url: str, tmp_path: Path) -> None:
    """Set up twice, then Prefect's worker, with its Role's rights, makes a Job; the Job's command reads a receipt.

    Only the cluster is not real: the API takes and checks what comes, the test starts the containers' commands.
    """
    with kubernetes_api(rules=role()) as cluster:
        (set_up_container,) = pods()["octavo-set-up"]["containers"]
        for number in range(2):
            environment = as_in_a_pod(set_up_container, tmp_path / f"{number}", PREFECT_API_URL=api_url)
            (tmp_path / f"{number}").mkdir()
            subprocess.run(set_up_container["command"], cwd=ROOT, env=environment, check=True)
            known = asyncio.run(set_up())
            assert known["pool"] == ("kubernetes", template())
            assert known["deployments"] == ["bulk-extract", "evaluate", "export", "extract-shard", "on-upload"]
            assert known["automations"] == 1
        document = tmp_path / "receipt.pdf"
        document.write_bytes(pages.digital_pdf(["a receipt"]))
        with model_server(receipt) as model:
            run_id = asyncio.run(shard_of(document, document.stat().st_size, model.base_url))
            job = job_of(cluster, api_url, tmp_path)
            container = held_to_the_template(job, run_id)
            secret = {"OCTAVO_STORE": f"sqlite:///{tmp_path / 'octavo.db'}"}
            environment = as_in_a_pod(container, tmp_path, **secret)
            assert environment["PREFECT_API_URL"] == api_url
            with process(tmp_path / "shard", environment, *container["command"], *container["args"]) as shard:
                assert shard.wait(PATIENCE) == 0
                assert asyncio.run(state_of(run_id)).name == "Completed"
    with Store.open(secret["OCTAVO_STORE"]) as store, store.reading() as connection:
        assert connection.exec_driver_sql("select count(*) from extractions").scalar_one() == 1


def role() -> list[dict[str, Any]]:
    """The rules of the worker's Role."""
    (found,) = (each for each in applied() if each["kind"] == "Role")
    return list(found["rules"])


def job_of(cluster: Cluster, api_url: str, folder: Path) -> dict[str, Any]:
    """The Job that the worker makes of the run that waits."""
    (container,) = pods()["octavo-worker"]["containers"]
    (port,) = free_ports(1)
    scratch = folder / "of the worker"
    scratch.mkdir()
    environment = as_in_a_pod(
        container, scratch, PREFECT_API_URL=api_url, KUBECONFIG=str(cluster.kubeconfig(folder)),
        PREFECT_WORKER_WEBSERVER_HOST="127.0.0.1", PREFECT_WORKER_WEBSERVER_PORT=str(port),
        PREFECT_WORKER_QUERY_SECONDS="1",
    )  # fmt: skip
    with process(folder / "worker", environment, *container["command"]):
        until(lambda: cluster.made.get("jobs"), "the worker makes a Job")
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            until(lambda: answers(f"http://127.0.0.1:{port}{container[probe]['httpGet']['path']}"), probe)  # noqa: B023
        until(lambda: {("watch", "jobs"), ("watch", "pods")} <= cluster.asked, "the worker watches its Jobs")
    assert not cluster.refused
    assert cluster.unknown == {"spec.template.spec.completions", "spec.template.spec.parallelism"}
    (job,) = cluster.made["jobs"]
    return job
