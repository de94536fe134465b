"""How full Octavo keeps an endpoint: pages/s as a share of the ideal, CPU a page, peak memory.

A loopback server with N slots and a fixed latency answers at most N / latency calls a second; with
one page a call that is the ideal. Octavo runs as the command does, in a process of its own, beside
the server, on the same cores. `python tests/benchmarks/bench_saturation.py [--quick]`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    """One run: seconds, CPU seconds of all its processes, peak bytes of all together, the server's counts."""

    startup: float
    busy: float
    cpu: float
    peak: int
    calls: int
    faulty: int
    most: int
    counts: dict[str, object]


def make_documents(folder: Path, pages: int) -> None:
    """Documents of 1 to 8 pages with dense text, `pages` pages in all, no two pages alike."""
    import pymupdf

    made = number = 0
    while made < pages:
        number += 1
        size = min(1 + number % 8, pages - made)
        with pymupdf.open() as pdf:
            for _ in range(size):
                made += 1
                page = pdf.new_page(width=595, height=842)
                for line in range(40):
                    text = (
                        f"{made:05} {line:02} Lorem ipsum dolor sit amet, consectetur adipiscing elit {made * line}"
                    )
                    page.insert_text((50, 60 + 18 * line), text, fontsize=10)
            pdf.save(folder / f"{number:05}.pdf")


def tree(session: int, *, exact: bool = False) -> dict[int, tuple[float, int]]:
    """By pid: CPU seconds and resident bytes, of every process of a session.

    Pages that processes share count for each of them, or `exact` in shares (which costs the kernel some CPU).
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == session:
                resident = _shares(entry) if exact else int(fields[21]) * PAGE
                found[int(entry.name)] = ((int(fields[11]) + int(fields[12])) / TICKS, resident)
        except OSError:
            continue
    return found


def _shares(process: Path) -> int:
    told = (process / "smaps_rollup").read_text()
    return next((int(line.split()[1]) * 1024 for line in told.splitlines() if line.startswith("Pss:")), 0)


def as_a_user_runs_it() -> dict[str, str]:
    """The environment, with compiled modules kept as they are by default: start-up is measured too."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT)}


def measure(
    documents: Path, slots: int, latency: float, faults: float, tokens: int,
    *, stream: str = "auto", pages_per_request: int = 1, exact: bool = False,
) -> Measured:  # fmt: skip
    """Runs Octavo once against a server of its own; `exact` memory as in `tree`."""
    server = subprocess.Popen(
        [sys.executable, HERE / "model_server.py", str(slots), str(latency), str(faults), str(tokens)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    port = server.stdout.readline().strip()
    with tempfile.TemporaryDirectory() as store:
        began = time.monotonic()
        run = subprocess.Popen(
            [
                sys.executable, "-m", "flows.cli", "extract", documents, "--schema", "receipt", "--json",
                "--base-url", f"http://127.0.0.1:{port}/v1", "--model", "m",
                "--pages-per-request", str(pages_per_request), "--concurrency", str(slots), "--store", f"sqlite:///{store}/octavo.db",
            ],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=store, start_new_session=True,
            env={**as_a_user_runs_it(), "OCTAVO_STREAM": stream},
        )  # fmt: skip
        cpu: dict[int, float] = {}
        peak = 0
        while run.poll() is None:
            now = tree(run.pid, exact=exact)
            cpu.update({pid: seconds for pid, (seconds, _) in now.items()})
            peak = max(peak, sum(resident for _, resident in now.values()))
            time.sleep(0.5)
        assert run.stdout is not None
        counts = json.loads(run.stdout.read().splitlines()[-1])
    told, _ = server.communicate("")
    served = json.loads(told)
    return Measured(
        served["first"] - began, served["last"] - served["first"], sum(cpu.values()), peak,
        served["calls"], served["faulty"], served["most"], counts,
    )  # fmt: skip


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer pages")
    parser.add_argument("--slots", type=int, nargs="*", default=[16, 64, 128])
    parser.add_argument("--latency", type=float, default=1.0)
    options = parser.parse_args()
    seconds = 8 if options.quick else 25
    print(
        "| slots | faults | answer | pages | share of ideal | CPU ms a page | peak MB | calls a page | start-up s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    kinds = [(slots, faults, 100, "never") for slots in options.slots for faults in (0.0, 0.05)]
    if 64 in options.slots:
        kinds += [(64, 0.0, 500, "never"), (64, 0.0, 500, "always")]
    for slots, faults, tokens, stream in kinds:
        pages = int(slots * seconds / options.latency)
        with tempfile.TemporaryDirectory() as folder:
            make_documents(Path(folder), pages)
            run = measure(Path(folder), slots, options.latency, faults, tokens, stream=stream)
        assert run.counts["pages"] == {"read": pages, "blank": 0, "failed": 0}, run.counts
        answer = f"{tokens} tokens" + (", streamed" if stream == "always" else "")
        print(
            f"| {slots} | {faults:.0%} | {answer} | {pages} | {pages / run.busy / (slots / options.latency):.0%} | "
            f"{1000 * run.cpu / pages:.1f} | {run.peak / 1e6:.0f} | {run.calls / pages:.2f} | {run.startup:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
