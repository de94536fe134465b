"""`octavo db`: a store's tables brought up to date, and a whole store copied into another database."""

from typing import Annotated

from cyclopts import Parameter

from flows.cli.options import StoreUrl, command, settings_with, warn_of_ps
from flows.cli.parser import misused
from flows.store.migrations import REVISIONS
from flows.store.store import Store
from flows.store.upgrade import upgrade as upgrade_tables

app = command(
    "db",
    """
octavo db upgrade --store postgresql://host/octavo
octavo db copy --store sqlite:///octavo.db --to postgresql://host/octavo
octavo db copy --in-use --to sqlite:////backup/octavo.db
""",
)


@app.default
def _db() -> int:
    """Looks after the store's tables."""
    return misused("say what to do with the store: octavo db upgrade, or octavo db copy", "octavo db")


@app.command
def upgrade(*, store: StoreUrl = None) -> int:
    """Brings the tables of an older Octavo up to date, in one transaction."""
    with Store.open(settings_with(store=store).store, any_version=True) as opened:
        before = upgrade_tables(opened)
    print(f"{opened.shown_url}: " + (f"version {before} to {REVISIONS[-1]}" if before else "up to date"))
    return 0


@app.command
def copy(
    *,
    to: Annotated[str, Parameter(help="where to: a new SQLite file, or an empty PostgreSQL database (URL)")],
    in_use: Annotated[
        bool, Parameter(help="also while others work on it: a backup, as of the moment at which it begins")
    ] = False,
    store: StoreUrl = None,
) -> int:
    """Copies a whole store into another database, SQLite or PostgreSQL, in one transaction."""
    from rich import box
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Table

    from flows.store.copying import copy_store

    warn_of_ps(to, "put it into PGPASSWORD, or ~/.pgpass")
    console = Console(highlight=False)
    columns = (TextColumn("copying"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("")
    with Store.open(settings_with(store=store).store, read_only=True) as source, Store.open(to) as target, bar:
        rows = copy_store(
            source,
            target,
            in_use=in_use,
            progressed=lambda done, all_of: bar.update(task, completed=done, total=all_of),
        )
    title = f"{source.shown_url} to {target.shown_url}: {sum(rows.values()):,} rows"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("table")
    table.add_column("rows", justify="right")
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    return 0
