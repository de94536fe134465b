"""What `octavo extract --dry-run` prints."""

from rich.console import Console
from rich.table import Table

from extractors.vision.endpoints import PROFILES, Endpoint
from flows.run.dry_run import Estimate

_WORDS = {
    "new": "new", "changed": "changed bytes", "recipe": "done with other settings", "pending": "begun, not finished",
    "failed": "failed before", "again": "done before",
}  # fmt: skip


def show_estimate(found: Estimate, endpoints: list[Endpoint], console: Console) -> None:
    """Tells a person what a run would take, and what it would cost at each endpoint."""
    reasons_told = ", ".join(f"{count} {_WORDS[kind]}" for kind, count in found.to_do.items())
    console.print(f"{found.to_do.total()} documents to do" + (f": {reasons_told}" if reasons_told else ""))
    for detail, count in found.details.items():
        if detail:
            console.print(f"  {count}: {detail}")
    if found.done or found.skipped:
        console.print(f"{found.done} done before, {found.skipped} not documents")
    for kind, count in found.quarantined.items():
        console.print(f"{count} cannot be opened: {kind}")
    if not found.usage:
        return
    tokens = next(iter(found.usage.values()))
    console.print(
        f"{found.pages} pages in {found.requests} requests: {tokens.input:,} tokens in, at most {tokens.output:,} out"
    )
    table = Table(title="Cost at most, if no page is blank and every answer is as long as it may be")
    table.add_column("endpoint")
    table.add_column("USD", justify="right")
    table.add_column("")
    asked = [endpoint.name for endpoint in endpoints]
    known = {endpoint.name: endpoint for endpoint in endpoints}
    for name in sorted(found.usage, key=lambda name: name not in asked):
        priced = known.get(name, PROFILES[name]).price_input is not None
        table.add_row(
            name, f"{found.usage[name].cost_usd:.4f}" if priced else "price unknown", "asked" if name in asked else ""
        )
    console.print(table)
    console.print("Nothing was sent or written.")
