"""Rows for every table of a store, whatever its columns may hold."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, Table

from flows.store import inbox, notices
from flows.store.tables import leases, metadata, schema_views, schemas
from flows.store.types import CleanJson, Moment

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
_FLOAT = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.booleans() | st.integers() | _FLOAT | _TEXT,
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=6,
)  # fmt: skip
_MOMENT = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given apart
_OURS = {leases.name, schemas.name, schema_views.name}
"""Not filled in: not copied, or what views are made from."""


def filled_tables() -> list[Table]:
    """Those that get rows, each after those it refers to."""
    own = [table for table in metadata.sorted_tables if table.name not in _OURS]
    return [*own, inbox.arrivals, notices.notices, notices.notices_looked]


@st.composite
def stored_rows(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Up to three rows for each table; what must be unique is, and what a row refers to is there."""
    numbers = count(1)
    made: dict[str, list[dict[str, Any]]] = {}
    for table in filled_tables():
        rows = made[table.name] = []
        for _ in range(draw(st.integers(0, 3))):
            row = {column.name: _value(draw, column, made, next(numbers)) for column in table.columns}
            if not any(row[column.name] is _NOTHING for column in table.columns):
                rows.append(row)
        for column in table.columns:
            if any(key.column.table is table for key in column.foreign_keys):
                for row in rows:
                    row[column.name] = draw(st.sampled_from([None, *(each["id"] for each in rows)]))
    return made


_NOTHING = object()


def _value(draw: st.DrawFn, column: Column[Any], made: dict[str, list[dict[str, Any]]], number: int) -> Any:
    for key in column.foreign_keys:
        if key.column.table is column.table:
            return None
        there = [row[key.column.name] for row in made[key.column.table.name]]
        return draw(st.sampled_from(there)) if there else _NOTHING
    if column.nullable and not column.primary_key and draw(st.booleans()):
        return None
    return draw(_values(column, number if _unique(column) else None))


def _values(column: Column[Any], number: int | None) -> st.SearchStrategy[Any]:
    """What a column may hold; of one that is a part of a key, its number."""
    if isinstance(column.type, Integer) and number is None:
        bits = 63 if isinstance(column.type, BigInteger) else 31
        return st.integers(-(2**bits), 2**bits - 1)
    for kind, values in ((Moment, _MOMENT), (CleanJson, _JSON), (Boolean, st.booleans()), (Float, _FLOAT)):
        if isinstance(column.type, kind):
            return values
    if isinstance(column.type, Integer):
        return st.just(number)
    return _TEXT.map(lambda text: text if number is None else f"{number} {text}")


def _unique(column: Column[Any]) -> bool:
    """Whether it is a part of some key."""
    keys = [each.columns for each in column.table.constraints if hasattr(each, "columns")]
    return column.primary_key or bool(column.unique) or any(column.name in key for key in keys)
