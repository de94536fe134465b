"""Alerts that fire: the rules over an outage, a poison message and a bill; counters that move while work goes on."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest
from fakes import Answer, model_server, says
from runs import TOTAL
from s3_servers import S3Server, free_ports, moto_server
from services import ROOT, end, get, service, wait_for

from flows.storage import s3

RULES = Path(ROOT) / "deploy" / "prometheus"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is Prometheus's own (Debian: prometheus)")
def test_the_rules_fire_and_keep_quiet() -> None:
    """`promtool test rules`: an outage, one poison message, one bill, and a quiet day."""
    for command in (["check", "rules", "octavo.rules.yml"], ["test", "rules", "octavo.test.yml"]):
        done = subprocess.run(["promtool", *command], cwd=RULES, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def value(metrics: str, series: str, **labels: str) -> float:
    """The sum of a series' samples that have the labels."""
    lines = [line for line in metrics.splitlines() if re.match(rf"{series}[ {{]", line)]
    found = [line for line in lines if all(f'{name}="{said}"' in line for name, said in labels.items())]
    return sum(float(line.rpartition(" ")[2]) for line in found)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """S3 and SQS in one server, with the environment pointing at it."""
    with moto_server() as server:
        server.settle_in(monkeypatch)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield server
        s3._shared_client.cache_clear()


def test_an_outage_is_seen_while_it_lasts(cloud: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and calls by outcome rise within a run that ends no document; ready is 0, and 1 again afterwards."""
    import boto3

    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "2")
    sqs = boto3.session.Session(cloud.key, cloud.secret, region_name="us-east-1").client(
        "sqs", endpoint_url=cloud.url
    )
    queue = sqs.create_queue(QueueName="outage")["QueueUrl"]
    cloud.client().create_bucket(Bucket="outage")
    cloud.client().put_object(Bucket="outage", Key="a.pdf", Body=pages.digital_pdf(["Total 12.00"]))
    up = threading.Event()
    (port,) = free_ports(1)
    with (
        model_server(lambda _: says(TOTAL) if up.is_set() else Answer(status=503, body=b"busy")) as model,
        service(
            "consume", "--queue", queue, "--schema", "receipt", "--base-url", model.base_url, "--model", "m",
            "--port", str(port), log=tmp_path / "log",
        ) as process,
    ):  # fmt: skip

        def metrics() -> str:
            return get(f"http://127.0.0.1:{port}/metrics")[1]

        wait_for(lambda: _answers(port))
        first = metrics()
        for series in (
            "octavo_retries_total",
            "octavo_calls_total",
            "octavo_documents_total",
            "octavo_cost_usd_total",
        ):
            assert series in first
            assert value(first, series) == 0
        assert value(first, "octavo_ready") == 1
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"uri": "s3://outage/a.pdf"}))
        wait_for(lambda: value(metrics(), "octavo_retries_total") > 0)
        wait_for(lambda: value(metrics(), "octavo_ready") == 0)
        seen = metrics()
        assert value(seen, "octavo_calls_total", outcome="overloaded", status="503") > 0
        assert value(seen, "octavo_documents_total", status="complete") == 0
        up.set()
        wait_for(lambda: value(metrics(), "octavo_documents_total", status="complete") == 1, 90)
        wait_for(lambda: value(metrics(), "octavo_ready") == 1)
        assert end(process) == 0


def _answers(port: int) -> bool:
    try:
        return get(f"http://127.0.0.1:{port}/healthz")[0] == 200
    except OSError:
        return False


SHARD = """
import asyncio, os, sys
from flows.prefect.temporary import temporary_server
os.environ["PREFECT_API_URL"] = temporary_server()
from flows.prefect.bulk import Listed, extract_shard
objects = [Listed(uri=sys.argv[1], size=os.path.getsize(sys.argv[1]), etag="1")]
asyncio.run(extract_shard(objects=objects, schema_name="receipt", base_url=sys.argv[2], model="m"))
"""


def test_runs_without_a_port_add_up_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run and a bulk run's shard, one file: what they counted is added, the bill too."""
    Path("octavo.toml").write_text("[endpoint.custom]\nprice_input = 100\nprice_output = 100\n", "utf-8")
    inbox, file = tmp_path / "in", tmp_path / "metrics" / "octavo.prom"
    inbox.mkdir()
    file.parent.mkdir()
    monkeypatch.setenv("OCTAVO_METRICS_FILE", str(file))
    monkeypatch.setenv("PYTHONPATH", ROOT)
    for number in (1, 2):
        (inbox / f"{number}.pdf").write_bytes(pages.digital_pdf([f"receipt {number}", "Total 12.00"]))
    with model_server(lambda _: says(TOTAL)) as model:
        asked = ("--schema", "receipt", "--base-url", model.base_url, "--model", "m")
        ways = (
            ("-m", "flows.cli", "extract", str(inbox / "1.pdf"), *asked),
            ("-c", SHARD, str(inbox / "2.pdf"), model.base_url),
        )
        for number, way in enumerate(ways, 1):
            done = subprocess.run([sys.executable, *way], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            said = file.read_text()
            assert value(said, "octavo_documents_total", status="complete") == number
            assert value(said, "octavo_calls_total", outcome="answer", status="200") == number
            assert value(said, "octavo_call_seconds_count") == number
            assert value(said, "octavo_cost_usd_total", endpoint="custom") > 0
            assert value(said, "octavo_documents_total", status="quarantined") == 0
    assert 'status="quarantined"' in said
    if shutil.which("promtool"):
        command = ["promtool", "check", "metrics"]
        checked = subprocess.run(command, input=said, capture_output=True, text=True, check=False)
        assert "error" not in checked.stderr.lower(), checked.stderr
    assert {path.name for path in file.parent.iterdir()} == {"octavo.prom", ".octavo.prom.lock"}


def test_a_damaged_file_stops_no_run_and_is_healed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told and kept aside; the documents are read all the same, and counted in a new file."""
    inbox, file = tmp_path / "in", tmp_path / "octavo.prom"
    inbox.mkdir()
    (inbox / "1.pdf").write_bytes(pages.digital_pdf(["Total 12.00"]))
    file.write_text("not a metric {{{\n")
    command = [sys.executable, "-m", "flows.cli", "extract", str(inbox), "--schema", "receipt", "--model", "m"]
    monkeypatch.setenv("PYTHONPATH", ROOT)
    monkeypatch.setenv("OCTAVO_METRICS_FILE", str(file))
    with model_server(lambda _: says(TOTAL)) as model:
        done = subprocess.run([*command, "--base-url", model.base_url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("OCTAVO_METRICS_FILE") == 1
    assert file.with_name("octavo.prom.damaged").read_text() == "not a metric {{{\n"
    assert value(file.read_text(), "octavo_documents_total", status="complete") == 1
