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
    table = Table(title=f"{len(found)} outcomes of {uri}", title_justify="left")
    for heading in ("when (UTC)", "run", "schema", "recipe", "status", "kind", "records", "cost", "counts", "why"):
        table.add_column(heading, overflow="fold", justify="right" if heading in {"records", "cost"} else "left")
    for each in found:
        counts = "shown" if each.shown else "yes" if each.counts else "no: worse than before"
        table.add_row(
            f"{each.finished_at:%Y-%m-%d %H:%M:%S}", (each.run_id or "")[:_SHORT], each.schema_name,
            each.recipe[:_SHORT], each.status, each.kind or "", str(each.records), f"${each.cost_usd:.4f}", counts,
            Text(each.cause or ""),
        )  # fmt: skip
    console.print(table)
