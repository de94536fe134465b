"""A schema as Arrow columns, nested and typed, and records as the values that fit them.

Decimals become decimal128 with `SCALE` fraction digits, dates date32, moments UTC microseconds, lists lists
of structs. A value that does not fit its column, which only a record made under an older schema can hold,
is null there, as in the views, and is counted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

import pyarrow as pa

from flows.store.dialects import json_text
from flows.store.exports import BESIDE, EXPORT, Row
from flows.store.shape import field_names
from flows.store.types import clean_text
from flows.store.views import AFTER, BEFORE, ISSUE
from schemas.portable import portable, with_computed

SCALE = 10
"""Fraction digits of a decimal column; 28 digits are left before the point."""

_DECIMAL = "octavo:decimal"
"""Marks a decimal through `portable`, which asks for it as text: the only value of an enum."""

_KEY = b"octavo:key"
"""Metadata of a struct's field that is named otherwise than its value's key."""

_FORMATS = {"date": pa.date32(), "date-time": pa.timestamp("us", tz="UTC")}
_TYPES = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
_PROVENANCE = {
    "record_id": pa.int64(), "document_uri": pa.string(), "extraction_id": pa.int64(), "status": pa.string(),
    "grounded": pa.float64(), "issue_count": pa.int64(),
}  # fmt: skip

_TOLD = [
    ("issues", pa.list_(pa.struct([(name, pa.string()) for name in ISSUE]))),
    ("evidence", pa.list_(pa.struct([
        ("path", pa.string()), ("state", pa.string()), ("page", pa.int64()), ("box", pa.list_(pa.float64())),
        ("text", pa.string()), ("distance", pa.float64()),
    ]))),
]  # fmt: skip
"""What is doubtful about a record, and where its values stand."""


class Columns:
    """A schema's columns.

    Attributes:
        schema: Arrow's: the views' provenance columns around the fields, and the export's number.
        misfits: how many values of a field did not fit, by its dotted name.
    """

    def __init__(self, json_schema: dict[str, Any]) -> None:
        names = field_names(json_schema, BESIDE)
        nodes = portable(_marked(with_computed(json_schema)))["properties"].items()
        self._fields = [(key, pa.field(names[key], _type(node))) for key, node in _clean(nodes)]
        self.schema = pa.schema(
            [(name, _PROVENANCE[name]) for name in BEFORE]
            + [field for _, field in self._fields]
            + [(name, _PROVENANCE[name]) for name in AFTER]
            + [*_TOLD, (EXPORT, pa.int64())]
        )
        self.misfits: Counter[str] = Counter()

    def batch(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """Some records as Arrow holds them."""
        return pa.RecordBatch.from_pylist([self._row(row) for row in rows], self.schema)

    def _row(self, row: Row) -> dict[str, Any]:
        values = {field.name: self._fit(row.data.get(key), field.type, key) for key, field in self._fields}
        told = {"issues": row.issues, "evidence": row.evidence}
        return row.provenance | values | told

    def _fit(self, value: Any, kind: pa.DataType, where: str) -> Any:
        """The value as Python holds that type, or None."""
        if value is None:
            return None
        if pa.types.is_list(kind) and isinstance(value, list):
            return [self._fit(each, kind.value_type, where) for each in value]
        if pa.types.is_struct(kind) and isinstance(value, dict):
            return {
                field.name: self._fit(value.get(_key(field)), field.type, f"{where}.{_key(field)}") for field in kind
            }
        try:
            return _scalar(value, kind)
        except (ValueError, TypeError, InvalidOperation):
            self.misfits[where] += 1
            return None


def _marked(node: Any) -> Any:
    """The schema with its decimals marked; pydantic declares `Decimal` as number or text."""
    if isinstance(node, list):
        return [_marked(child) for child in node]
    if not isinstance(node, dict):
        return node
    made = {key: _marked(child) for key, child in node.items()}
    decimal = {"type": "string", "enum": [_DECIMAL]}
    if made.get("format") == "decimal" and made.get("type") == "string":
        return {**{key: child for key, child in made.items() if key != "format"}, **decimal}
    options = made.get("anyOf", [])
    kinds = [option.get("type") for option in options if isinstance(option, dict)]
    if "number" in kinds and "string" in kinds and not made.get("x-text"):
        made["anyOf"] = [decimal, *(option for option in options if option.get("type") not in {"number", "string"})]
    return made


def _clean(properties: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Properties under the names that their values are stored by."""
    return ((clean_text(key), node) for key, node in properties)


def _type(node: dict[str, Any]) -> pa.DataType:
    options = [option for option in node.get("anyOf", [node]) if option.get("type") != "null"]
    kinds = [_single_type(option) for option in options]
    # What could be several things is text, JSON where it must be.
    return kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else pa.string()


def _single_type(node: dict[str, Any]) -> pa.DataType:
    kind = str(node.get("type"))
    if node.get("enum") == [_DECIMAL]:
        return pa.decimal128(38, SCALE)
    if kind == "array":
        return pa.list_(_type(node["items"]))
    if kind == "object":
        return pa.struct(list(_fields(_clean(node["properties"].items()))))
    return _FORMATS.get(str(node.get("format"))) or _TYPES.get(kind, pa.string())


def _fields(properties: Iterable[tuple[str, Any]]) -> Iterator[pa.Field]:
    """The fields of a struct; one whose name another has but for its case, which Delta refuses, gets a number."""
    taken: set[str] = set()
    for key, child in properties:
        name, number = key, 1
        while name.casefold() in taken:
            number += 1
            name = f"{key}_{number}"
        taken.add(name.casefold())
        yield pa.field(name, _type(child), metadata=None if name == key else {_KEY: key})


def _key(field: pa.Field) -> str:
    """The key of the record's object that a struct's field holds."""
    return field.metadata[_KEY].decode() if field.metadata else str(field.name)


def _scalar(value: Any, kind: pa.DataType) -> Any:
    """The value in Python's own type for a column's; raises what conversions raise when it does not fit."""
    if pa.types.is_string(kind):
        return value if isinstance(value, str) else json_text(value)
    if (
        pa.types.is_nested(kind)
        or isinstance(value, list | dict)
        or (isinstance(value, bool) != pa.types.is_boolean(kind))
    ):
        raise TypeError(value)
    if pa.types.is_decimal(kind):
        return _decimal(value)
    if pa.types.is_date(kind):
        return date.fromisoformat(value)
    if pa.types.is_timestamp(kind):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if pa.types.is_integer(kind):
        return _integer(value)
    return float(value) if pa.types.is_floating(kind) else value


def _decimal(value: Any) -> Decimal:
    """Exactly the value, or an error: nothing is rounded in silence."""
    number = Decimal(str(value))
    with localcontext(prec=38):
        fitting = number.quantize(Decimal(1).scaleb(-SCALE))
    if fitting != number:
        raise ValueError(value)
    return fitting


def _integer(value: Any) -> int:
    number = int(value)
    if number != value or not -(2**63) <= number < 2**63:
        raise ValueError(value)
    return number


def leaf_types(columns: Iterable[pa.Field], path: str = "") -> Iterator[tuple[str, str]]:
    """The type of each column, of each field of a struct and of what a list holds, by its dotted name."""
    for column in columns:
        here, kind = f"{path}{column.name}", column.type
        while pa.types.is_list(kind):
            yield here, "list"
            here, kind = f"{here}[]", kind.value_type
        yield here, "struct" if pa.types.is_struct(kind) else str(kind)
        if pa.types.is_struct(kind):
            yield from leaf_types(kind, f"{here}.")
