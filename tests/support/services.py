"""The services as processes of their own, as an operator runs them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import yaml

TOKEN = "a-token-made-up-for-tests"  # noqa: S105 - it opens nothing
ROOT = str(Path(__file__).resolve().parents[2])


def post(url: str, body: bytes, **headers: str) -> int:
    """The status of a POST."""
    request = Request(url, body, {name.replace("_", "-"): value for name, value in headers.items()})  # noqa: S310
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310 - our own loopback server
            return int(answer.status)
    except HTTPError as refused:
        with refused:
            return refused.code


def get(url: str) -> tuple[int, str]:
    """The status and body of a GET."""
    try:
        with urlopen(url, timeout=20) as answer:  # noqa: S310 - our own loopback server
            return int(answer.status), answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def dashboard_misses(metrics: str) -> set[str]:
    """What the dashboard, a rule or the docs ask for and `/metrics` does not show: series, and their labels."""
    dashboard = json.loads((Path(ROOT) / "deploy" / "grafana" / "octavo.json").read_text())
    groups = yaml.safe_load((Path(ROOT) / "deploy" / "prometheus" / "octavo.rules.yml").read_text())["groups"]
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    queries += [rule["expr"] for group in groups for rule in group["rules"]]
    queries += re.findall(r"`([^`]*octavo_[^`]*)`", (Path(ROOT) / "docs/operations.md").read_text())
    return {miss for query in queries for miss in _misses(query, metrics)}


def _misses(query: str, metrics: str) -> Iterator[str]:
    """A query's series, each with the labels in its braces and those that the query sums by."""
    summed = {label.strip() for each in re.findall(r"by \(([^)]*)\)", query) for label in each.split(",")}
    for series, braces in re.findall(r"(octavo_[a-z_]+)(?:\{([^}]*)\})?", query):
        lines = [line for line in metrics.splitlines() if re.match(rf"{series}[ {{]", line)]
        # Whom Prometheus asked is its own label.
        labels = (summed | set(re.findall(r"(\w+)[=!]", braces))) - {"job", "instance"}
        yield from (f"{series}: {each}" for each in labels if lines and f"{each}=" not in lines[0])
        if not lines:
            yield series


def wait_for(held: Callable[[], Any], seconds: float = 120.0) -> None:
    """Waits until something holds; what it last was is the failure's text."""
    until = time.monotonic() + seconds
    while not (last := held()):
        assert time.monotonic() < until, f"still {last!r} after {seconds} s"
        time.sleep(0.05)


@contextmanager
def service(*arguments: str, log: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """`octavo ARGUMENTS` as a process; killed at the end if it is still there."""
    environment = {**os.environ, "PYTHONPATH": ROOT, "OCTAVO_LISTEN_TOKEN": TOKEN, **settings}
    with log.open("ab") as told:
        process = subprocess.Popen([sys.executable, "-m", "flows.cli", *arguments], env=environment, stderr=told)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def listener(
    port: int, *arguments: str, log: Path, schema: str = "receipt", **settings: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`octavo listen` that answers already."""
    with service(
        "listen", "--port", str(port), "--schema", schema, *arguments, log=log, **settings
    ) as process:  # fmt: skip
        wait_for(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, log.read_text()
        yield process


def _answers(port: int) -> bool:
    try:
        return get(f"http://127.0.0.1:{port}/readyz")[0] == 200
    except (URLError, OSError):
        return False


def end(process: subprocess.Popen[bytes]) -> int:
    """SIGTERM, and the exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=60)
