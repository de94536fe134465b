"""`octavo export` and `octavo purge`: what leaves the store."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from cyclopts import Parameter

from extractors.errors import BadConfiguration
from flows.cli.options import StoreUrl, command, settings_with
from flows.export.export import export as export_records
from flows.schema_lookup import name_of
from flows.store.purge import purge_document, purge_old, purge_replies
from flows.store.store import Store

export = command(
    "export",
    """
octavo export invoice lake/invoice
octavo export invoice s3://bucket/lake/invoice --format delta
""",
)
purge = command(
    "purge",
    """
octavo purge --before 2026-01-01
octavo purge --document s3://bucket/inbox/a.pdf
octavo purge --document s3://bucket/inbox/a.pdf --replies
""",
)
Day = Annotated[
    datetime | None,
    Parameter(
        help="YYYY-MM-DD (UTC): only what is older", metavar="DATE",
        converter=lambda _type, tokens: _day(tokens[0].value),
    ),
]  # fmt: skip


@export.default
def _export(
    schema: Annotated[str, Parameter(help="its name, or where it is declared")],
    destination: Annotated[str, Parameter(name="DEST", help="a folder, or s3://bucket/prefix")],
    /,
    *,
    form: Annotated[
        Literal["parquet", "csv", "jsonl", "delta"],
        Parameter(name="--format", help="of the files", show_default=True),
    ] = "parquet",
    formulas: Annotated[bool, Parameter(help="leave CSV cells that a spreadsheet would run as they are")] = False,
    store: StoreUrl = None,
) -> int:
    """Writes records to files or a Delta table, only what is new since the last time."""
    name, url = name_of(schema), settings_with(store=store).store
    # Opened for looking first: a store that is not there is not made for the sake of an export.
    Store.open(url, read_only=True).close()
    with Store.open(url) as opened:
        done = export_records(opened, schema_name=name, place=destination, form=form, formulas=formulas)
    if not done.added and not done.removed:
        print(f"{done.place}: up to date")
        return 0
    anew = " (what was there is gone: everything anew)" if done.anew else ""
    print(f"{done.place}: export {done.number}: {done.added} records added, {done.removed} removed{anew}")
    for field, count in sorted(done.misfits.items()):
        print(f"{count} values of {field} do not fit their column and are empty there; records.data has them")
    return 0


@purge.default
def _purge(
    *,
    before: Day = None,
    document: Annotated[
        str | None, Parameter(help="this document's URI: all of it, or with --replies those alone")
    ] = None,
    replies: Annotated[bool, Parameter(help="raw replies only")] = False,
    store: StoreUrl = None,
) -> int:
    """Removes replies, OCR words and attempts older than a date (records stay), or all of a document."""
    if before is None and document is None:
        raise BadConfiguration("say what to remove: --before DATE, --document URI, or both")
    store_url = settings_with(store=store).store
    Store.open(store_url, read_only=True).close()
    with Store.open(store_url) as opened:
        if document is None and before is not None and not replies:
            done = opened.transact(purge_old, before)
        elif document is None or replies:
            done = opened.transact(purge_replies, before, document)
        else:
            done = opened.transact(purge_document, document, before)
        emptied = opened.empty_log()
    counts = {name: count for name, count in vars(done).items() if count}
    print(
        "removed: " + (", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()) or "nothing")
    )
    if not emptied:
        print("another process reads the store: its log keeps what was removed until that one ends; purge again then")
    return 0


def _day(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time(), UTC)
