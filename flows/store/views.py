"""One view per schema, one per list in it and one of its issues: typed columns of the current records.

`invoice` has a row per record, `invoice_line_items` a row per element of that list, `invoice_issues` a row per
thing that a person should know about a record, or about a document that has none. A record has one
row even when its bytes lie under several uris: `document_uri` is the smallest that shows them now
and is not gone from its source.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Select,
    cast,
    delete,
    exists,
    inspect,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import quoted_name

from extractors.vocabulary import WITH_RECORDS
from flows.store.dialects import Elements, JsonReader, Sql, insert, json_reader, json_text, lock_definitions
from flows.store.origins import ORIGIN, refuse_another
from flows.store.shape import Shape, ViewColumn, ViewList, free_name, shape_of
from flows.store.store import Store
from flows.store.succession import current, document_uri
from flows.store.tables import WHOLE, extractions, metadata, records, schema_views, schemas
from flows.store.types import clean_json
from schemas.record import Schema

BEFORE, AFTER = ("record_id", "document_uri"), ("extraction_id", "status", "grounded", "issue_count")
ELEMENT_BEFORE = ("record_id", "document_uri", "ordinal")
"""Columns around a record's fields, and before a list element's; a field of such a name gets a number."""

AROUND = (*BEFORE, *AFTER, "issues", "evidence")
"""What stands around the fields of a whole record."""


RECORD = json_text(())
"""The path under which a schema's own view is listed, beside those of its lists."""


ISSUES = json_text("issues")
"""The path under which the view of a schema's issues is listed: no field's, since those are lists of keys."""

ISSUE = ("kind", "path", "message")

Query = Select[tuple[object, ...]] | CompoundSelect[tuple[object, ...]]
"""What a view is defined by."""


def make_views(store: Store, schema: Schema) -> None:
    """Makes a schema's views, or makes them anew when the schema has changed; notes how it is declared.

    A view whose name another schema's view or a table has taken gets a number at its end. In
    PostgreSQL a view that others are built on cannot be made anew: drop those first.

    Args:
        store: open for writing.
        schema: whose `json_schema` can be asked for (`portable`).

    Raises:
        schemas.portable.NotPortable: it cannot.
        BadConfiguration: another schema has that name in this store (`origins`).
        StoreUnavailable: the store cannot be written.
    """
    shape = shape_of(schema.of_records, (*BEFORE, *AFTER), ELEMENT_BEFORE)
    kept = schema.of_records | ({ORIGIN: schema.origin} if schema.origin else {})
    with store.reading() as connection:
        same_views = _stored(connection, schema.name) == _planned(connection, schema.name, shape)
        if same_views and _declared(connection, schema.name) == clean_json(kept):
            return
    with store.writing() as connection:
        lock_definitions(connection)
        refuse_another(_declared(connection, schema.name), schema, store.shown_url)
        declared = {"json_schema": kept, "changed_at": datetime.now(UTC)}
        connection.execute(
            insert(connection, schemas)
            .values(name=schema.name, **declared)
            .on_conflict_do_update(index_elements=["name"], set_=declared)
        )
        _make(connection, schema.name, shape)


def remake_views(connection: Connection) -> None:
    """Makes the views of all schemas as this version has them; those on which others are built stay as they are."""
    for name, declared in connection.execute(select(schemas.c.name, schemas.c.json_schema)).all():
        # The next run with that schema says what is in the way.
        with suppress(DBAPIError), connection.begin_nested():
            _make(connection, name, shape_of(declared, (*BEFORE, *AFTER), ELEMENT_BEFORE))


def _make(connection: Connection, schema_name: str, shape: Shape) -> None:
    """Makes a schema's views, unless they are as they should be: in PostgreSQL, other people's may stand on them."""
    planned, stored = _planned(connection, schema_name, shape), _stored(connection, schema_name)
    if planned == stored:
        return
    for name in stored:
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {_quoted(connection, name)}")
    connection.execute(delete(schema_views).where(schema_views.c.schema_name == schema_name))
    for name, (path, definition) in planned.items():
        connection.exec_driver_sql(f"CREATE VIEW {_quoted(connection, name)} AS {definition}")
        connection.execute(
            schema_views.insert().values(name=name, schema_name=schema_name, path=path, definition=definition)
        )


def _declared(connection: Connection, schema_name: str) -> dict[str, Any] | None:
    return connection.scalar(select(schemas.c.json_schema).where(schemas.c.name == schema_name))


def _stored(connection: Connection, schema_name: str) -> dict[str, tuple[str, str]]:
    """The schema's views as they are: name -> path of the list, definition."""
    rows = connection.execute(select(schema_views).where(schema_views.c.schema_name == schema_name))
    return {row.name: (row.path, row.definition) for row in rows}


def _planned(connection: Connection, schema_name: str, shape: Shape) -> dict[str, tuple[str, str]]:
    """The schema's views as they should be, under the names that they have or are free."""
    reader = json_reader(connection)
    wanted: list[tuple[str, str, Query]] = [
        (RECORD, schema_name, _record_view(reader, schema_name, shape.columns)),
        *((json_text(each.path), "_".join([schema_name, *each.path]), _list_view(reader, schema_name, each))
          for each in shape.lists),
        (ISSUES, f"{schema_name}_issues", _issues_view(reader, schema_name)),
    ]  # fmt: skip
    had = {path: name for name, (path, _) in _stored(connection, schema_name).items()}
    there = inspect(connection)
    taken = {name.casefold() for name in [*metadata.tables, *there.get_table_names(), *there.get_view_names()]}
    planned = {}
    for path, plain, query in wanted:
        name = had.get(path) or free_name(_allowed(plain), taken)
        planned[name] = (path, _text(connection, query))
    return planned


def _allowed(name: str) -> str:
    """SQLite keeps names that begin so for itself."""
    return f"schema_{name}" if name.casefold().startswith("sqlite_") else name


def _text(connection: Connection, query: Query) -> str:
    return str(query.compile(connection, compile_kwargs={"literal_binds": True}))


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _record_view(reader: JsonReader, schema_name: str, columns: tuple[ViewColumn, ...]) -> Select[tuple[object, ...]]:
    before = (records.c.id, document_uri(extractions))
    after = (extractions.c.id, extractions.c.status, records.c.grounded, reader.length(records.c.issues))
    return _current(
        schema_name,
        *_labelled(BEFORE, before),
        *(_column(reader, records.c.data, column) for column in columns),
        *_labelled(AFTER, after),
    ).select_from(records.join(extractions))


def _list_view(reader: JsonReader, schema_name: str, inner: ViewList) -> Select[tuple[object, ...]]:
    items = reader.elements(records.c.data, inner.path)
    before = (records.c.id, document_uri(extractions), items.ordinal)
    fields = (
        _column(reader, items.object, column)
        if column.path
        else reader.typed(items.value, column.kind).label(quoted_name(column.name, quote=True))
        for column in inner.columns
    )
    source = records.join(extractions).join(items.source, true())
    return _current(schema_name, *_labelled(ELEMENT_BEFORE, before), *fields).select_from(source)


def _issues_view(reader: JsonReader, schema_name: str) -> Query:
    """A row for each issue of each current record and, without a `record_id`, of each document without one."""
    found, alone = reader.elements(records.c.issues, ()), reader.elements(extractions.c.issues, ())
    of_records = _current(schema_name, *_issue(reader, found, records.c.id), whole=False).select_from(
        records.join(extractions).join(found.source, true())
    )
    no_id = cast(null(), records.c.id.type)
    without = (
        select(*_issue(reader, alone, no_id))
        .select_from(extractions.join(alone.source, true()))
        .where(*current(schema_name), ~exists().where(records.c.extraction_id == extractions.c.id))
    )
    return union_all(of_records, without)


def _issue(reader: JsonReader, found: Elements, record_id: Sql) -> tuple[Sql, ...]:
    """The columns of an issue."""
    before = (record_id, document_uri(extractions), found.ordinal)
    told = (reader.typed(reader.value_at(found.object, (name,)), "text") for name in ISSUE)
    return (*_labelled(ELEMENT_BEFORE, before), *_labelled(ISSUE, tuple(told)))


def _column(reader: JsonReader, document: Sql, column: ViewColumn) -> Sql:
    value = reader.typed(reader.value_at(document, column.path), column.kind)
    return value.label(quoted_name(column.name, quote=True))


def _labelled(names: tuple[str, ...], values: tuple[Sql, ...]) -> list[Sql]:
    return [value.label(name) for name, value in zip(names, values, strict=True)]


def _current(schema_name: str, *columns: Sql, whole: bool = True) -> Select[tuple[object, ...]]:
    found = select(*columns).where(WHOLE) if whole else select(*columns)
    return found.where(*current(schema_name), extractions.c.status.in_(WITH_RECORDS))
