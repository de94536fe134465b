"""`octavo ground`: looks for values in scans afterwards, with the words that OCR reads in their pages."""

import asyncio
import json as json_text
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from extractors.vocabulary import EvidenceState, WordsFrom
from flows.cli.options import AsJson, Password, Passwords, StoreUrl, command, settings_with

if TYPE_CHECKING:
    from rich.console import Console

    from flows.run.ground import Grounded

app = command(
    "ground",
    """
octavo ground
octavo ground invoice --json
""",
)

_TOLD = 20
"""Documents that could not be read and are told."""


@app.default
def ground(
    schema: Annotated[str | None, Parameter(name="SCHEMA", help="its records alone")] = None,
    /,
    *,
    store: StoreUrl = None,
    password: Password = None,
    passwords: Passwords = None,
    json: AsJson = False,
) -> int:
    """Reads scans by OCR and looks for the values that could not be looked for; no model is asked."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    from flows.run.ground import ground_stored
    from flows.schema_lookup import name_of
    from flows.store.store import Store

    name = None if schema is None else name_of(schema)
    settings = settings_with(store=store, password=password, passwords=passwords)
    # Opened for looking first: a store that is not there is not made.
    Store.open(settings.store, read_only=True).close()
    console = Console(stderr=json, highlight=False, soft_wrap=True)
    bar = Progress(
        SpinnerColumn(), TextColumn("reading"), BarColumn(), TextColumn("{task.completed}/{task.total} documents"),
        TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=None)
        done = asyncio.run(
            ground_stored(
                name, settings, lambda line: console.print(Text(line, style="yellow")),
                lambda seen, total: bar.update(task, completed=seen, total=total),
            )
        )  # fmt: skip
    show(done, console)
    if json:
        print(json_text.dumps(done.as_json()))
    return done.exit_code


def show(done: "Grounded", console: "Console") -> None:
    """Tells a person what was found, and what could not be read."""
    from rich.table import Table
    from rich.text import Text

    if not done.documents and not done.unread:
        console.print("Nothing to do: no record has a value that could not be looked for for want of words.")
        return
    table = Table(title=f"{done.documents} documents", title_justify="left")
    for heading in ("values", "count", "pages", "number"):
        table.add_column(heading, justify="right" if heading in {"count", "number"} else "left")
    sources = {WordsFrom.OCR: "read by OCR", WordsFrom.LAYER: "text layer"}
    for state, (source, said) in zip(EvidenceState, [*sources.items(), (None, "")], strict=True):
        table.add_row(
            state.replace("_", " "), str(done.values[state]), said, str(done.pages[source]) if source else ""
        )
    console.print(table)
    for uri, why in done.unread[:_TOLD]:
        console.print(Text(f"not read: {uri}: {why}", style="yellow"))
    if len(done.unread) > _TOLD:
        console.print(f"... and {len(done.unread) - _TOLD} more")
