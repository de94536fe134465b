"""`octavo export`: the current records of a schema to a folder or bucket, only what is new since the last time.

An export is noted in the store once it has arrived as a whole. One that was cut off is not noted: the next
one has its number, and begins by removing what it left.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from extractors.errors import BadConfiguration
from flows.export.files import WRITERS, CsvFiles, Files
from flows.export.retyped import kinds_in, refuse_retyped
from flows.storage.destinations import Destination, destination
from flows.storage.spools import spool_folder, sweep
from flows.store import exports
from flows.store.exports import Row, Shipment, Target
from flows.store.store import Store


@dataclass(frozen=True)
class Exported:
    """What an export did.

    Attributes:
        place: where it went.
        number: of this export there, from 1; when there was nothing to do, of the next one.
        added: records that are new there.
        removed: records that were there and are no longer current.
        misfits: values that did not fit their column's type and are empty, by field.
        anew: what went there before was gone, so everything went again.
    """

    place: str
    number: int
    added: int
    removed: int
    misfits: dict[str, int] = field(default_factory=dict)
    anew: bool = False


def export(store: Store, *, schema_name: str, place: str, form: str = "parquet", formulas: bool = False) -> Exported:
    """Brings a destination up to date with the store.

    Args:
        store: open for writing, since it remembers what went where.
        schema_name: whose records.
        place: a folder, or `s3://bucket/prefix`; one schema and format each.
        form: `parquet`, `csv`, `jsonl` or `delta`.
        formulas: CSV cells that a spreadsheet would run stay as they are.

    Raises:
        BadConfiguration: no such schema, another format is there already, a field has another type than before
            (`retyped`), or a library is missing.
        DestinationUnavailable: it cannot be written, or another process is exporting to it.
        StoreUnavailable: the store cannot be read or written.
    """
    _check_libraries(form)
    json_schema = _json_schema(store, schema_name)
    there = destination(place)
    sweep()
    with _held(store, there, schema_name, form) as held:
        there.tidy()
        anew = held.number > 1 and not _is_there(there, form)
        target = store.transact(exports.begin_anew, held) if anew else held
        with store.reading() as connection:
            shipped = exports.shipment(connection, target, schema_name)
            if not shipped.added and not shipped.removed and target.number > 1:
                return Exported(there.uri, target.number, 0, 0)
            kinds = kinds_in(form, json_schema)
            refuse_retyped(there.uri, target.kinds, kinds)
            rows = _renewing(store, exports.rows(connection, shipped))
            if form == "delta":
                misfits = _merge(there, json_schema, shipped, rows)
            else:
                misfits = _put(there, _writer(form, formulas=formulas), json_schema, shipped, rows)
        store.transact(exports.note, shipped, (target.kinds or {}) | kinds)
    return Exported(there.uri, target.number, len(shipped.added), len(shipped.removed), misfits, anew)


def _check_libraries(form: str) -> None:
    needed = {"parquet": ("pyarrow",), "delta": ("pyarrow", "deltalake")}.get(form, ())
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise BadConfiguration(f"{form} needs {missing[0]}: install Octavo with its extra `export`")


def _json_schema(store: Store, schema_name: str) -> dict[str, Any]:
    with store.reading() as connection:
        found = exports.shape(connection, schema_name)
    if found is None:
        raise BadConfiguration(f"nothing was extracted with a schema {schema_name!r} into {store.shown_url}")
    return found


@contextmanager
def _held(store: Store, there: Destination, schema_name: str, form: str) -> Iterator[Target]:
    """Holds the destination: one export at a time."""
    store.renew()
    target = store.transact(exports.hold, place=there.uri, schema_name=schema_name, form=form, holder=store.holder.id)
    try:
        yield target
    finally:
        store.transact(exports.let_go, target)
        store.release()


def _is_there(there: Destination, form: str) -> bool:
    if form == "delta":
        from flows.export.delta import delta_table_is_there

        return delta_table_is_there(there.uri, there.delta_options())
    return bool(there.names("records/"))


def _renewing(store: Store, rows: Iterator[list[Row]]) -> Iterator[list[Row]]:
    """The records to send, with the lease renewed on the way."""
    for some in rows:
        yield some
        store.renew()


def _writer(form: str, *, formulas: bool) -> Callable[[Path, dict[str, Any]], Files]:
    return partial(CsvFiles, formulas=formulas) if form == "csv" else WRITERS[form]


def _put(
    there: Destination,
    write: Callable[[Path, dict[str, Any]], Files],
    json_schema: dict[str, Any],
    shipped: Shipment,
    rows: Iterable[list[Row]],
) -> dict[str, int]:
    """Writes the files of an export and puts them in place; returns the misfits."""
    begin = f"{shipped.number:06}-"
    for name in there.names():
        if Path(name).name.startswith(begin):
            there.remove(name)
    with spool_folder() as folder:
        files = write(folder, json_schema)
        for some in rows:
            files.add(some)
        made = dict(files.close())
        if shipped.removed or shipped.number == 1:
            # The first one is empty: whoever reads all of them finds a file.
            made["removed"] = files.removals(shipped.removed, shipped.number)
        for name, file in made.items():
            there.put(f"{name}/{begin}{datetime.now(UTC):%Y-%m-%d}{file.suffix}", file)
    return dict(files.misfits)


def _merge(
    there: Destination, json_schema: dict[str, Any], shipped: Shipment, rows: Iterable[list[Row]]
) -> dict[str, int]:
    """Merges an export into the Delta table, in one commit; returns the misfits."""
    from flows.export.delta import DeltaMerges

    table = DeltaMerges(there.uri, there.delta_options(), json_schema)
    for some in rows:
        table.add(some)
    table.commit(shipped.removed)
    return dict(table.misfits)
