"""What lies in deploy/ is well formed: checked against the formats' own schemas, and against the code it names."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"


def test_compose_follows_its_specification() -> None:
    """Checked against the schema of compose-spec.org, as `check-jsonschema` ships it."""
    command = [
        sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
        str(DEPLOY / "compose.yaml"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore")  # of the package that holds the schemas
@pytest.mark.parametrize("path", sorted((DEPLOY / "kubernetes").glob("*.yaml")), ids=lambda path: path.name)
def test_manifests_follow_the_api(path: Path) -> None:
    """Every resource is valid, and has no field that Kubernetes does not know."""
    import kubernetes_validate

    for resource in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


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
