"""What `octavo extract --dry-run` prints."""

from rich.console import Console
from rich.table import Table

from extractors.vision.endpoints import Endpoint
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
    if found.unreachable:
        console.print(f"{found.unreachable} unreachable: files or folders that may not be read")
    for kind, count in found.quarantined.items():
        console.print(f"{count} cannot be opened: {kind}")
    if not found.to_do:
        return
    console.print(f"{found.pages} pages in {found.requests} requests")
    for name, (leaves, groups) in found.groups.items():
        console.print(f"{name} has {leaves} single values: its fields are asked for in {groups} groups")
    table = Table(title="Cost in USD: as it usually goes, and at most")
    for heading in ("endpoint", "usually", "at most", ""):
        table.add_column(heading, justify="left" if heading in {"endpoint", ""} else "right")
    asked = [endpoint.name for endpoint in endpoints]
    for name, each in sorted(found.figures.items(), key=lambda pair: pair[0] not in asked):
        notes = [word for word, holds in (("asked", name in asked), ("measured", each.is_measured)) if holds]
        table.add_row(name, _usd(each.cost), _usd(each.cost_at_most), ", ".join(notes))
    console.print(table)
    console.print(
        "Usually: the mean of earlier answers where the store has five or more (measured), else answers an eighth as "
        "long as they may be.\nAt most: every answer is cut off, asked again with twice the room, repaired, after "
        "answers of nothing; every window is halved down to single pages, every group of a wide schema cut once "
        "more. Calls that are never answered come on top."
    )
    console.print("Nothing was sent or written.")


def _usd(cost: float | None) -> str:
    return "unknown" if cost is None else f"{cost:.4f}"
