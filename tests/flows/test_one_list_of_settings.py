"""One list of settings: what the code reads is what deploy/ passes on and the README tells."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from extractors.errors import BadConfiguration
from extractors.vision.endpoints import PROFILES
from flows.cli.parser import main
from flows.setting_names import BESIDE
from flows.settings import Settings, read_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {f"OCTAVO_{name.upper()}" for name in Settings.model_fields}
KEYS = {profile.key_env for profile in PROFILES.values() if profile.key_env}
OTHERS = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION",
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SERVICE_NAME",
}  # fmt: skip
OF_COMPOSE = {"POSTGRES_PASSWORD"}


def _octavos() -> dict[str, dict[str, Any]]:
    """The services of compose.yaml that run Octavo's own code on documents."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    ours = {name: each for name, each in services.items() if each.get("image", "").startswith("octavo:")}
    return {name: each for name, each in ours.items() if name not in {"prefect", "deploy"}}


def test_the_example_lists_every_setting() -> None:
    """`.env.example` has each name once or more, and no other."""
    listed = set(re.findall(r"^#?([A-Z_0-9]+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    assert listed == SETTINGS | KEYS | OTHERS | BESIDE | OF_COMPOSE


def test_every_name_reaches_every_container() -> None:
    """Whoever fills in `.env` is heard by the worker and by `listen`; Prefect's own server gets none of it."""
    services = _octavos()
    assert {"worker", "listen"} <= services.keys()
    for name, each in services.items():
        assert each["environment"].keys() >= SETTINGS | KEYS | OTHERS, name
        for variable, value in each["environment"].items():
            assert variable in {"OCTAVO_STORE", "PREFECT_API_URL"} or f"${{{variable}:-" in value, variable
    everything = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert not (SETTINGS | KEYS | OTHERS) & everything["prefect"]["environment"].keys()


def test_kubernetes_and_systemd_hand_on_the_whole_list() -> None:
    """Runs and containers of `octavo` take the whole secret, each unit the whole file; the docs make the secret."""
    for path in (DEPLOY / "kubernetes").glob("*.yaml"):
        for resource in yaml.safe_load_all(path.read_text()):
            pod = resource.get("spec", {}).get("template", {}).get("spec", {})
            for container in pod.get("containers", ()):
                if "command" not in container:  # its entry point: `octavo`
                    assert {"secretRef": {"name": "octavo"}} in container["envFrom"], path
    template = DEPLOY / "kubernetes" / "work-pool" / "base-job-template.json"
    assert '"secretRef": {"name": "octavo"}' in template.read_text()
    for path in (DEPLOY / "systemd").glob("octavo-*.service"):
        assert "EnvironmentFile=/etc/octavo/env" in path.read_text(), path
    assert "--from-env-file=deploy/.env" in (ROOT / "docs" / "operations.md").read_text()


def test_the_readme_tells_of_every_setting() -> None:
    """In the table of settings, with the others in the text below it."""
    told = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    rows = "".join(line for line in told.splitlines() if line.startswith("| `OCTAVO_"))
    assert set(re.findall(r"`(OCTAVO_[A-Z_]+)`", rows)) == SETTINGS
    assert {each for each in KEYS | OTHERS if not each.startswith("AWS_")} <= set(re.findall(r"`([A-Z_]+)`", told))


def test_settings_in_the_files_exist() -> None:
    """Every OCTAVO_ variable in deploy/ is a setting, or is given to a command beside it."""
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            named = set(re.findall(r"\bOCTAVO_[A-Z_]+", path.read_text(encoding="utf-8"))) - {"OCTAVO_"}
            assert named <= SETTINGS | BESIDE, path


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("OCTAVO_CONCURENCY", "3", "did you mean OCTAVO_CONCURRENCY?"),
        ("OCTAVO_LISTEN_PREFIX", "s3://docs/", "did you mean OCTAVO_LISTEN_PREFIXES?"),
        ("OCTAVO_LISTEN_PORT", "8400", "OCTAVO_LISTEN_PORT is no setting"),
        ("OCTAVO_ENDPOINTS", "openruter", "did you mean openrouter?"),
        ("OCTAVO_LISTEN_PREFIXES", "docs/in", "each is s3://bucket"),
    ],
)
def test_a_mistyped_variable_is_refused(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 before anything is done, in one line that names the nearest."""
    monkeypatch.setenv(variable, value)
    assert main(["extract", ".", "--schema", "receipt"]) == 1
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert told in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("concurency = 3\n", "octavo.toml: concurency is no setting: did you mean concurrency?"),
        ("[endpoint.openruter]\nimages = 3\n", "there is no endpoint 'openruter': did you mean openrouter?"),
        ("[smapling]\ntop_k = 3\n", "did you mean sampling?"),
    ],
)
def test_a_mistyped_name_in_the_file_is_refused(text: str, told: str) -> None:
    """Likewise, whatever endpoint the run would ask."""
    Path("octavo.toml").write_text(text, "utf-8")
    with pytest.raises(BadConfiguration, match=re.escape(told)):
        read_settings()


def test_what_others_put_beside_ours_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes tells every container of a service `octavo-listen`; empty variables are as if they were not set."""
    linked = {
        "OCTAVO_LISTEN_SERVICE_HOST": "10.0.0.7", "OCTAVO_LISTEN_SERVICE_PORT": "80",
        "OCTAVO_LISTEN_SERVICE_PORT_HTTP": "80", "OCTAVO_LISTEN_PORT": "tcp://10.0.0.7:80",
        "OCTAVO_LISTEN_PORT_80_TCP": "tcp://10.0.0.7:80", "OCTAVO_LISTEN_PORT_80_TCP_PROTO": "tcp",
    }  # fmt: skip
    for name, value in {**linked, **dict.fromkeys(SETTINGS, ""), "OCTAVO_SCHEMA": "invoice"}.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert (settings.max_cost, settings.listen_token, settings.concurrency) == (None, (), 64)
    assert settings.endpoint == {}
