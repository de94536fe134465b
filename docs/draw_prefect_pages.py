"""Draws docs/prefect-*.png: what a bulk run with one document in quarantine looks like on Prefect's pages.

    PYTHONPATH=.:tests/support .venv/bin/python docs/draw_prefect_pages.py

A real server, two `octavo worker`, `deploy/prefect.yaml` deployed, the samples read by the built-in model; Debian's
`chromium` looks at the pages. All that is started is ended. Takes about two minutes.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pymupdf
from PIL import Image
from prefect_stack import Stack, prefect_stack

from flows.samples import make_samples

FOLDER = Path(__file__).parent
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--force-device-scale-factor=1", "--window-size=1280,1120",
    "--run-all-compositor-stages-before-draw",  # without it a page is often still being faded in
)  # fmt: skip
ATTEMPTS, MENU, FADED = 8, 270, 200
"""Looks at a page; pixels of its menu, from the left; and what its brightest text is above, once it is all there."""

COLOURS = 64
"""In a picture: a page of texts needs no more, and is a third of the size."""


def main() -> None:
    """Runs once, and draws four pages."""
    with tempfile.TemporaryDirectory(prefix="octavo-pages-") as made:
        folder = Path(made)
        documents(folder / "inbox")
        with prefect_stack(folder / "stack", OCTAVO_ENDPOINTS="local") as stack:
            for name in ("worker", "worker-2"):
                stack.start_worker(name)
            bulk = bulk_run(stack, folder / "inbox")
            for name, page in pages_of(stack, bulk).items():
                draw(stack, page, FOLDER / f"prefect-{name}.png", folder / name)


def documents(inbox: Path) -> None:
    """The sample invoices, and one that is locked."""
    make_samples(inbox.parent / "samples")
    inbox.mkdir()
    for path in sorted((inbox.parent / "samples" / "invoices").glob("*.pdf")):
        (inbox / path.name).write_bytes(path.read_bytes())
    with pymupdf.open(inbox / "digital.pdf") as pdf:
        pdf.save(inbox / "locked.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="secret")


def bulk_run(stack: Stack, inbox: Path) -> dict[str, Any]:
    """A run of `bulk-extract` that has ended, as the API has it."""
    asked = {"schema_name": "invoice", "sources": [str(inbox)]}
    stack.prefect("deployment", "run", "bulk-extract/bulk-extract", "--params", json.dumps(asked))
    wanted = {"flows": {"name": {"any_": ["bulk-extract"]}}, "flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}}
    until = time.monotonic() + 240
    while not (found := stack.api("flow_runs/filter", wanted)):
        if time.monotonic() > until:
            raise SystemExit("the bulk run did not end")
        time.sleep(1)
    run: dict[str, Any] = found[0]
    return run


def pages_of(stack: Stack, bulk: dict[str, Any]) -> dict[str, str]:
    """What is drawn: a name, and the page's path."""
    (shard,) = stack.api("flow_runs/filter", {"flows": {"name": {"any_": ["extract-shard"]}}})
    of_bulk = {"flow_runs": {"id": {"any_": [bulk["id"]]}}}
    (troubles,) = stack.api("artifacts/filter", {**of_bulk, "artifacts": {"key": {"any_": ["octavo-troubles"]}}})
    return {
        "run": f"runs/flow-run/{bulk['id']}",
        "shard": f"runs/flow-run/{shard['id']}",
        "troubles": f"artifacts/artifact/{troubles['id']}",
        "parameters": f"deployments/deployment/{bulk['deployment_id']}/run",
    }


def draw(stack: Stack, page: str, picture: Path, home: Path) -> None:
    """A page, as a browser shows it, in few colours; taken again where it is still being faded in."""
    url = f"http://127.0.0.1:{stack.port}/{page}"
    for attempt in range(1, ATTEMPTS + 1):
        subprocess.run(
            ["chromium", *FLAGS, f"--user-data-dir={home}-{attempt}", f"--virtual-time-budget={15_000 * attempt}",
             f"--screenshot={picture}", url],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        with Image.open(picture) as drawn:
            seen = drawn.convert("RGB")
        if seen.convert("L").crop((MENU, 0, *seen.size)).getextrema()[1] > FADED:
            break
    else:
        raise SystemExit(f"{url} is not there after {ATTEMPTS} looks")
    seen.quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)
    print(f"{picture} ({picture.stat().st_size // 1000} kB)")


if __name__ == "__main__":
    main()
