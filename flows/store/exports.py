"""What has gone to which destination, and what is to go next. Each function is one transaction's work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update

from extractors.errors import BadConfiguration, DestinationUnavailable
from extractors.vocabulary import WITH_RECORDS
from flows.store import leases
from flows.store.dialects import insert
from flows.store.evidence import with_states
from flows.store.objects import batches
from flows.store.succession import current, document_uri
from flows.store.tables import WHOLE, export_targets, exported_records, exports, extractions, records, schemas
from flows.store.views import AROUND

EXPORT = "export"
"""The column that says by which export a row came."""

BESIDE = (*AROUND, EXPORT)
"""The columns beside a record's fields, whose names a field cannot take."""


@dataclass(frozen=True)
class Target:
    """A destination as the store knows it, held by this process until it is let go.

    Attributes:
        id: its row.
        number: of the export that comes next, from 1.
        kinds: the type of each field that ever went there, by its name; None where that is not known.
    """

    id: int
    number: int
    kinds: dict[str, str] | None = None


@dataclass(frozen=True)
class Row:
    """A record to export: its provenance by column; its data, issues and evidence as JSON."""

    provenance: dict[str, Any]
    data: dict[str, Any]
    issues: list[dict[str, Any]]
    evidence: list[dict[str, Any]]


@dataclass(frozen=True)
class Removal:
    """A record that is no longer current, and the number of the export that brought it."""

    record_id: int
    added_in: int


@dataclass(frozen=True)
class Shipment:
    """What one export brings and takes away.

    Attributes:
        target_id: of the destination.
        number: of the export there.
        added: ids of the records that it brings, in order.
        removed: what it takes away.
    """

    target_id: int
    number: int
    added: tuple[int, ...]
    removed: tuple[Removal, ...]


def shape(connection: Connection, schema_name: str) -> dict[str, Any] | None:
    """The JSON Schema under which a schema's records are kept; None where nothing was extracted with it."""
    found = connection.scalar(select(schemas.c.json_schema).where(schemas.c.name == schema_name))
    return None if found is None else dict(found)


def hold(connection: Connection, *, place: str, schema_name: str, form: str, holder: str) -> Target:
    """Takes hold of a destination, so that one process at a time exports to it.

    Raises:
        DestinationUnavailable: another process is exporting to it.
        BadConfiguration: it holds exports in another format.
    """
    key = {"destination": place, "schema_name": schema_name}
    connection.execute(
        insert(connection, export_targets)
        .values(**key, format=form)
        .on_conflict_do_nothing(index_elements=["destination", "schema_name"])
    )
    row = connection.execute(select(export_targets).filter_by(**key).with_for_update()).one()
    if row.held_by != holder and leases.holds(connection, row.held_by):
        raise DestinationUnavailable(f"another process is exporting {schema_name} to {place}: wait for it")
    if row.format != form:
        raise BadConfiguration(f"{place} holds {schema_name} as {row.format}: give that --format, or another DEST")
    connection.execute(update(export_targets).where(export_targets.c.id == row.id).values(held_by=holder))
    last = connection.scalar(select(func.max(exports.c.number)).where(exports.c.target_id == row.id))
    return Target(row.id, (last or 0) + 1, row.kinds)


def let_go(connection: Connection, target: Target) -> None:
    """Lets others export to the destination; one that never got anything is forgotten."""
    began = select(exports.c.target_id)
    connection.execute(
        delete(export_targets).where(export_targets.c.id == target.id, export_targets.c.id.not_in(began))
    )
    connection.execute(update(export_targets).where(export_targets.c.id == target.id).values(held_by=None))


def begin_anew(connection: Connection, target: Target) -> Target:
    """Forgets what went to a destination, whose files somebody has removed."""
    for table in (exported_records, exports):
        connection.execute(delete(table).where(table.c.target_id == target.id))
    return Target(target.id, 1)


def shipment(connection: Connection, target: Target, schema_name: str) -> Shipment:
    """What an export to a destination has to bring and to take away now."""
    added, removed = _to_add(connection, target, schema_name), _to_remove(connection, target, schema_name)
    return Shipment(target.id, target.number, tuple(added), tuple(removed))


def _to_add(connection: Connection, target: Target, schema_name: str) -> Iterable[int]:
    """The ids of current records that are not there, in order."""
    there = and_(
        exported_records.c.target_id == target.id,
        exported_records.c.record_id == records.c.id,
        exported_records.c.removed_in.is_(None),
    )
    found = (
        select(records.c.id)
        .select_from(records.join(extractions).outerjoin(exported_records, there))
        .where(*_current(schema_name), exported_records.c.record_id.is_(None))
    )
    return connection.scalars(found.order_by(records.c.id))


def _to_remove(connection: Connection, target: Target, schema_name: str) -> Iterable[Removal]:
    """The records that are there and no longer current, by id."""
    shown = select(records.c.id).join(extractions).where(*_current(schema_name))
    gone = select(exported_records.c.record_id, exported_records.c.added_in).where(
        exported_records.c.target_id == target.id,
        exported_records.c.removed_in.is_(None),
        exported_records.c.record_id.not_in(shown),
    )
    return (Removal(*row) for row in connection.execute(gone.order_by(exported_records.c.record_id)))


def rows(connection: Connection, shipped: Shipment) -> Iterator[list[Row]]:
    """The records that an export brings, a few hundred at a time."""
    for batch in batches(shipped.added):
        found = connection.execute(
            select(records, document_uri(extractions).label("document_uri"), extractions.c.status)
            .select_from(records.join(extractions))
            .where(records.c.id.in_(batch))
            .order_by(records.c.id)
        )
        yield [
            Row(
                {
                    "record_id": row.id,
                    "document_uri": row.document_uri,
                    "extraction_id": row.extraction_id,
                    "status": row.status,
                    "grounded": row.grounded,
                    "issue_count": len(row.issues),
                    EXPORT: shipped.number,
                },
                row.data,
                row.issues,
                with_states(row.evidence),
            )
            for row in found
        ]


def note(connection: Connection, shipped: Shipment, kinds: dict[str, str]) -> None:
    """Notes an export that has arrived as a whole, and the type of each field that ever went there."""
    target, number = shipped.target_id, shipped.number
    counts = {"added": len(shipped.added), "removed": len(shipped.removed)}
    connection.execute(
        exports.insert().values(target_id=target, number=number, exported_at=datetime.now(UTC), **counts)
    )
    connection.execute(update(export_targets).where(export_targets.c.id == target).values(kinds=kinds))
    arrived = {"added_in": number, "removed_in": None}
    upsert = insert(connection, exported_records).on_conflict_do_update(
        index_elements=["target_id", "record_id"], set_=arrived
    )
    for ids in batches(shipped.added):
        connection.execute(upsert, [{"target_id": target, "record_id": each, **arrived} for each in ids])
    for gone in batches(shipped.removed):
        there = exported_records.c.record_id.in_([each.record_id for each in gone])
        connection.execute(
            update(exported_records).where(exported_records.c.target_id == target, there).values(removed_in=number)
        )


def _current(schema_name: str) -> tuple[Any, ...]:
    return *current(schema_name), extractions.c.status.in_(WITH_RECORDS), WHOLE
