"""Every runbook of docs/runbooks.md, tried as it is written; a table says what came of it.

    PYTHONPATH=.:tests/support python tests/benchmarks/runbooks.py

Those that need no Prefect are the tests of `tests/flows/store/test_runbooks.py`; the bulk run that is cancelled is
here, on a Prefect server with two workers (about a minute).
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree as ET

from desks import OLD_KEY, ROOT, Desk, blocks, desk
from prefect_stack import PREFECT, Stack, prefect_stack, until

_CHEAP = ROOT / "tests" / "flows" / "store" / "test_runbooks.py"


def main() -> int:
    """Returns 1 when one of them does not do what it says."""
    with tempfile.TemporaryDirectory(prefix="octavo-runbooks-") as made:
        report = Path(made) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", _CHEAP, f"--junit-xml={report}"], cwd=ROOT, check=False,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        came = {
            case.attrib["name"].removeprefix("test_").replace("_", " "): "failed" if len(case) else "as written"
            for case in ET.parse(report).iter("testcase")  # noqa: S314 - pytest's own
        }
        came["cancel a bulk run of Prefect"] = _cancel(Path(made))
    for name, said in came.items():
        print(f"{name:45} {said}")
    return int(any(not said.startswith("as written") for said in came.values()))


def _cancel(folder: Path) -> str:
    """A bulk run in two shards is cancelled amid its work, by the commands of the page."""
    with desk(folder / "desk", delay=2.0) as at:
        for number in range(17):
            at.add(f"more{number}")
        model = {"OCTAVO_ENDPOINTS": "custom", "OCTAVO_BASE_URL": at.model.base_url, "OCTAVO_MODEL": "m"}
        with prefect_stack(folder / "stack", **model, OCTAVO_API_KEY=OLD_KEY) as stack:
            for name in ("parent", "shard"):
                stack.start_worker(name)
            wanted = {
                "schema_name": "receipt", "sources": [str(at.folder / "inbox")], "shard_documents": 10,
                "shards_at_once": 1, "concurrency": 1,
            }  # fmt: skip
            stack.start(
                "bulk", *PREFECT, "deployment", "run", "bulk-extract/bulk-extract", "--params", json.dumps(wanted)
            )
            until(lambda: len(at.model.asked) >= 2, "the work begins", 180)
            return _cancelled(stack, at)


def _cancelled(stack: Stack, at: Desk) -> str:
    running = {"state": {"type": {"any_": ["RUNNING"]}}}
    (run,) = stack.api("flow_runs/filter", {"flows": {"name": {"any_": ["bulk-extract"]}}, "flow_runs": running})
    began = time.monotonic()
    known = {**stack.environment, "PATH": at.environment["PATH"], "ID": run["id"]}
    told = at.run(blocks("The bill runs away")[0], **known)
    paused = not any(
        schedule["active"] for each in stack.api("deployments/filter", {}) for schedule in each["schedules"]
    )  # fmt: skip
    until(lambda: _state(stack, run["id"]) == "CANCELLED", "the run is cancelled", 180)
    seconds = time.monotonic() - began
    asked = len(at.model.asked)
    time.sleep(10)
    again = len(at.model.asked) - asked
    if not paused or again > 1 or run["id"][:8] not in told.replace("\n", ""):
        return f"failed: paused {paused}, {again} calls afterwards; {told}"
    return f"as written: Cancelled after {seconds:.0f} s, {asked + again} of 20 calls, {again} after that; all paused"


def _state(stack: Stack, run_id: str) -> str:
    return str(stack.api(f"flow_runs/{run_id}")["state"]["type"])


if __name__ == "__main__":
    sys.exit(main())
