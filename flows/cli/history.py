"""`octavo history`: every outcome of what an object shows and showed."""

import json as json_format
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.cli.options import StoreUrl, command, settings_with
from flows.store.history import Attempt, history
from flows.store.store import Store

_SHORT = 8
"""Characters of a run's and a recipe's name in a table for people."""

app = command(
    "history",
    """
octavo history s3://bucket/inbox/a.pdf
octavo history file:///data/a.pdf --json
""",
)


@app.default
def _history(
    uri: Annotated[str, Parameter(name="URI", help="of the document, as the views show it")],
    /,
    *,
    json: Annotated[bool, Parameter(name="--json", help="print it as JSON")] = False,
    store: StoreUrl = None,
) -> int:
    """Shows every outcome of what a document shows and showed, and which of them counts."""
    with Store.open(settings_with(store=store).store, read_only=True) as opened:
        found = history(opened, uri)
    if json:
        told = [vars(each) | {"finished_at": each.finished_at.isoformat()} for each in found]
        print(json_format.dumps(told, ensure_ascii=False))
        return 0
    _show(uri, found, Console(highlight=False))
    return 0


def _show(uri: str, found: list[Attempt], console: Console) -> None:
    many = "1 outcome" if len(found) == 1 else f"{len(found)} outcomes"
    table = Table(title=f"{many} of {uri}", title_justify="left", show_lines=True)
    table.add_column("when (UTC), run", no_wrap=True)
    table.add_column("schema, recipe", overflow="fold")
    table.add_column("outcome", overflow="fold")
    table.add_column("records", justify="right")
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=1)
    for each in found:
        counts = "shown" if each.shown else "counts" if each.counts else "worse than before"
        table.add_row(
            f"{each.finished_at:%Y-%m-%d %H:%M:%S}\n{(each.run_id or '')[:_SHORT]}",
            f"{each.schema_name}\n{each.recipe[:_SHORT]}",
            f"{each.status}\n{counts}", str(each.records),
            "unknown" if each.cost_usd is None else f"${each.cost_usd:.4f}",
            Text("\n".join(_why(each))),
        )  # fmt: skip
    console.print(table)


def _why(each: Attempt) -> list[str]:
    """Why it is not complete, and what stands without a record."""
    cause = ": ".join(filter(None, (each.kind, each.cause)))
    return [*filter(None, [cause]), *(f"{issue['kind']}: {issue['message']}" for issue in each.issues)]
