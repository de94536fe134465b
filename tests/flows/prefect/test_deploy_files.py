"""What lies in deploy/ is well formed: checked against the formats' own schemas, and against the code it names."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from flows.run.parameters import Job

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"


def test_compose_follows_its_specification() -> None:
    """Checked against the schema of compose-spec.org, as `check-jsonschema` ships it."""
    command = [
        sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
        str(DEPLOY / "compose.yaml"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_deployments_name_flows_that_exist_with_parameters_that_they_take() -> None:
    """Each entrypoint is a flow, its preset parameters are of its signature, and only one run of a schedule runs."""
    declared: dict[str, Any] = yaml.safe_load((DEPLOY / "prefect.yaml").read_text())
    names = {each["name"] for each in declared["deployments"]}
    assert {"bulk-extract", "extract-shard", "on-upload", "export", "evaluate"} <= names
    for each in declared["deployments"]:
        module, _, name = each["entrypoint"].rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        assert flow.name == each["name"]
        assert set(each.get("parameters", {})) <= set(flow.parameters.properties)
        if "schedules" in each:
            assert each["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_the_policy_allows_no_more_than_is_called() -> None:
    """No wildcard action, no writing to the documents' bucket."""
    policy = json.loads((DEPLOY / "iam-policy.json").read_text())
    for statement in policy["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action]
        if "DOCUMENTS" in statement["Resource"]:
            assert not [action for action in actions if "Put" in action or "Delete" in action]


def test_nothing_of_the_deployers_folder_is_kept() -> None:
    """Deployments pull nothing, run where their worker is, and their runs give a sign of life every 30 s."""
    declared: dict[str, Any] = yaml.safe_load((DEPLOY / "prefect.yaml").read_text())
    assert declared["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "."}}]
    for each in declared["deployments"]:
        assert ":" not in each["entrypoint"], "a file's path would be looked for in the worker's folder"
        assert each["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
        assert each["tags"] == ["octavo"]


def test_a_run_without_three_signs_of_life_is_buried() -> None:
    """The automation is one that Prefect takes; it looks at the deployments' runs, for thrice their heartbeat."""
    from prefect.events.schemas.automations import AutomationCore, EventTrigger

    (declared,) = yaml.safe_load((DEPLOY / "automations.yaml").read_text())["automations"]
    made = AutomationCore.model_validate(declared)
    assert isinstance(made.trigger, EventTrigger)
    assert made.trigger.within.total_seconds() == 3 * 30
    assert declared["trigger"]["match_related"]["prefect.resource.id"] == "prefect.tag.octavo"


def test_prefects_own_notification_is_one_that_it_takes() -> None:
    """Of runs that failed or crashed, but of no shard."""
    from prefect.events.actions import SendNotification
    from prefect.events.schemas.automations import AutomationCore, EventTrigger

    (declared,) = yaml.safe_load((DEPLOY / "notifications.yaml").read_text())["automations"]
    made = AutomationCore.model_validate(declared)
    assert isinstance(made.trigger, EventTrigger)
    assert made.trigger.expect == {"prefect.flow-run.Failed", "prefect.flow-run.Crashed"}
    (action,) = made.actions
    assert isinstance(action, SendNotification)
    flows = {
        each["entrypoint"].rpartition(".")[2]: each
        for each in yaml.safe_load((DEPLOY / "prefect.yaml").read_text())["deployments"]
    }
    told = {name.replace("-", "_") for name in declared["trigger"]["match_related"][1]["prefect.resource.name"]}
    assert {name.removesuffix("_records") for name in flows} - told == {"extract_shard"}


def test_every_parameter_of_every_deployment_has_words_of_its_own() -> None:
    """In Prefect's form: from the job's fields or the docstring, no two alike, none left bare."""
    for each in yaml.safe_load((DEPLOY / "prefect.yaml").read_text())["deployments"]:
        module, _, function = each["entrypoint"].rpartition(".")
        properties = getattr(importlib.import_module(module), function).parameters.properties
        words = {name: shown.get("description", "").strip() for name, shown in properties.items()}
        assert all(len(said.split()) >= 3 for said in words.values()), (each["name"], words)
        assert len(set(words.values())) == len(words), each["name"]
        own = {name: Job.model_fields[name].description for name in words.keys() & Job.model_fields.keys()}
        assert "records" not in own or own.items() <= words.items()


def test_workers_drain_for_as_long_everywhere() -> None:
    """The worker that passes SIGTERM on, and the same time for it, in compose, systemd and Kubernetes."""
    worker = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["worker"]
    unit = (DEPLOY / "systemd" / "octavo-worker.service").read_text()
    template = json.loads((DEPLOY / "kubernetes" / "work-pool" / "base-job-template.json").read_text())
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    assert worker["command"][0] == "worker"
    assert "/octavo worker " in unit
    assert "KillMode=mixed" in unit
    assert "PYTHONSAFEPATH=1" in unit
    assert "PYTHONSAFEPATH=1" in (DEPLOY / "Dockerfile").read_text()
    assert "TimeoutStopSec=300" in unit
    assert (worker["stop_grace_period"], pod["terminationGracePeriodSeconds"]) == ("5m", 300)
