"""`make run`: sample documents through the flow with the built-in model, and what to try next.

All flow runs share this process, so that one ephemeral Prefect server (about 10 s to start) serves them.
"""

import os
import sys
from pathlib import Path

from rich.console import Console

from extractors.errors import CannotRun
from flows.cli import parser
from flows.cli.quarantine import show_quarantine
from flows.cli.records import show_records
from flows.samples import make_samples
from flows.settings import read_settings

FOLDER = Path("samples")
KINDS = (("invoices", "invoice"), ("receipts", "receipt"), ("statements", "bank_statement"), ("damaged", "invoice"))
"""Each folder of samples, and the schema that it is read with."""


def main() -> int:
    """Makes the samples, extracts each folder, shows the tables; 0 when the store holds what it should."""
    console = Console(highlight=False)
    os.environ.setdefault("PREFECT_HOME", str(Path(".prefect").absolute()))
    made = make_samples(FOLDER)
    console.print(f"{len(made)} sample documents in {FOLDER}/")
    worst, store = 0, read_settings().store
    for folder, schema in KINDS:
        worst = max(worst, parser.main(["extract", str(FOLDER / folder), "--schema", schema, "--prefect"]))
        console.print()
    for schema in dict.fromkeys(schema for _, schema in KINDS):
        show_records(schema, "table", store)
    show_quarantine(store)
    console.print(
        "\nTry next:\n"
        "  .venv/bin/octavo extract YOUR_FOLDER --schema invoice    your own, with the built-in model\n"
        "  export OPENROUTER_API_KEY=...                            the same command then asks Mistral Small\n"
        "  .venv/bin/octavo records invoice --format json           the records with every field\n"
        "  .venv/bin/octavo doctor                                  what is configured and what is missing"
    )
    # 3 is expected: two samples are damaged on purpose, and that they are told is the point.
    return 0 if worst in {0, 3} else worst


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotRun as error:
        sys.exit(f"octavo: {error}")
