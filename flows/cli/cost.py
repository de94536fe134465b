"""`octavo cost`: what was paid, by day, run, schema, endpoint or document."""

import json as json_text
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from flows.cli.options import Positive, StoreUrl, command, settings_with

if TYPE_CHECKING:
    from extractors.ledger import Booked

app = command("cost", "octavo cost --by document --limit 10")

By = Literal["day", "run", "endpoint", "schema", "document"]


@app.default
def cost(
    *,
    by: Annotated[By, Parameter(help="what calls are added up by")] = "day",
    since: Annotated[datetime | None, Parameter(help="only calls from then on (UTC)")] = None,
    limit: Annotated[int, Parameter(help="rows at most", validator=Positive, show_default=True)] = 50,
    store: StoreUrl = None,
    json: Annotated[
        bool, Parameter(name="--json", help="print the rows as one JSON list; an unknown cost is null")
    ] = False,
) -> int:
    """Tells what calls cost, from the ledger: those that nobody answered at what they could cost at most."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from flows.store.costs import costs
    from flows.store.store import Store

    with Store.open(settings_with(store=store).store, read_only=True) as book, book.reading() as connection:
        found = costs(connection, by, since=since, limit=limit)
    if json:
        print(json_text.dumps([{by: each.group, **asdict(each.booked)} for each in found]))
        return 0
    table = Table(title=f"Calls by {by}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(by, overflow="fold")
    for heading in ("calls", "in", "cached", "out", "cost", "unanswered"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found:
        table.add_row(each.group, *_cells(each.booked))
    console = Console(highlight=False)
    console.print(table if found else "No call was made yet: nothing was paid.")
    return 0


def _cells(booked: "Booked") -> tuple[str, ...]:
    unsettled = f"${booked.cost_unsettled_usd:.4f} ({booked.unsettled})" if booked.unsettled else ""
    return (
        f"{booked.calls:,}", f"{booked.input_tokens:,}", f"{booked.cached_tokens:,}", f"{booked.output_tokens:,}",
        "unknown" if booked.cost_usd is None else f"${booked.cost_usd:.4f}", unsettled,
    )  # fmt: skip
