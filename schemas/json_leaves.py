"""The leaves of an answer as a record holds them, by the types and formats of a JSON Schema file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from schemas.fields import parse_amount, parse_currency, parse_date
from schemas.habits import Evidence
from schemas.printed_times import day_and_time
from schemas.record import InvalidRecord, SchemaFault
from schemas.shapes import branches

_WIRE = re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100})?", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_NUMBERS = frozenset({"number", "integer"})
_READ = frozenset({"decimal", "date", "date-time", "currency"})
"""Formats that have a reading of their own."""
_BOOLEAN = TypeAdapter(bool)
_LONGEST = 80


def read_leaves(answer: Any, document: Mapping[str, Any], evidence: Evidence) -> Any:
    """The answer with its decimals, dates and currencies as a record holds them, by the formats of a JSON Schema.

    Raises:
        InvalidRecord: what reads as none of its format, every fault at once.
    """
    faults: list[SchemaFault] = []
    made = _Leaves(document, evidence, faults).read(answer, [document], ())
    if faults:
        raise InvalidRecord(faults)
    return made


@dataclass(frozen=True)
class _Leaves:
    """Goes through an answer and its schema side by side; `faults` are found on the way."""

    document: Mapping[str, Any]
    evidence: Evidence
    faults: list[SchemaFault]

    def read(self, value: Any, nodes: list[Any], steps: tuple[str | int, ...]) -> Any:
        schemas = list(branches(nodes, self.document))
        if isinstance(value, dict):
            return {
                name: self.read(child, _properties(schemas, name), (*steps, name)) for name, child in value.items()
            }
        if isinstance(value, list):
            items = [node["items"] for node in schemas if isinstance(node.get("items"), dict)]
            return [self.read(child, items, (*steps, number)) for number, child in enumerate(value)]
        if any({"enum", "const"} & node.keys() for node in schemas):
            return value
        formats = {node["format"] for node in schemas if isinstance(node.get("format"), str)}
        kinds = {kind for node in schemas for kind in _kinds(node)}
        try:
            return self._leaf(value, formats, kinds)
        except ValueError as error:
            self.faults.append(SchemaFault(".".join(map(str, steps)), str(error), steps))
            return value

    def _leaf(self, value: Any, formats: set[str], kinds: set[str]) -> Any:
        if _is_number(value):
            return _of_number(value, formats, kinds)
        if not isinstance(value, str):
            return value
        known = formats & _READ
        if not known and "string" not in kinds:
            if kinds & _NUMBERS:
                return _number(value, self.evidence)
            return _truth(value) if "boolean" in kinds else value
        return _leaf(value, known.pop(), self.evidence) if len(known) == 1 else value


def _of_number(value: float, formats: set[str], kinds: set[str]) -> Any:
    """A number where a decimal, a text or yes and no belong: how it is written is all that differs."""
    if formats == {"decimal"} and not kinds & _NUMBERS:
        return format(parse_amount(value), "f")
    if kinds - {"null"} == {"string"} and not formats & _READ:
        return format(parse_amount(value), "f")
    return _truth(value) if kinds - {"null"} == {"boolean"} else value


def _number(value: str, evidence: Evidence) -> Any:
    """A number as the wire has it, else as it is printed: "1,234.56" where the page says what its marks mean."""
    if _WIRE.fullmatch(value):
        return int(value) if "." not in value else float(value)  # as pydantic reads it
    amount = parse_amount(value, evidence=evidence)
    if not isinstance(amount, Decimal):
        return value
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _truth(value: Any) -> Any:
    """True or false for the words and numbers that pydantic takes for them; else the value, which is then refused."""
    try:
        return _BOOLEAN.validate_python(value)
    except ValidationError:
        return value


def is_moment(value: object) -> bool:
    """Whether a text is a point in time as ISO 8601 or RFC 3339 has it, with a zone or without; no text is none."""
    if not isinstance(value, str):
        return True
    try:
        datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return True


def _moment(value: str, evidence: Evidence) -> str:
    """An ISO date-time, or a printed one; a day alone begins at midnight, as pydantic has it."""
    plain = value.strip()
    if is_moment(plain):
        return value if _RFC_3339.fullmatch(value) else datetime.fromisoformat(plain.upper()).isoformat()
    before, clock = day_and_time(plain)
    day = parse_date(before, evidence) if ":" not in before else None
    if not isinstance(day, date):
        raise ValueError(f"{value[:_LONGEST]!r} is not an ISO date-time; write it as YYYY-MM-DDTHH:MM:SS")  # noqa: TRY004 - as in fields
    return datetime.combine(day, clock).isoformat()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kinds(node: Mapping[str, Any]) -> list[str]:
    kinds = node.get("type")
    return kinds if isinstance(kinds, list) else [kinds] if isinstance(kinds, str) else []


def _properties(schemas: list[dict[str, Any]], name: str) -> list[Any]:
    return [node["properties"][name] for node in schemas if name in (node.get("properties") or ())]


def _leaf(value: str, kind: str, evidence: Evidence) -> str:
    if kind == "decimal":
        return format(parse_amount(value, evidence=evidence), "f")
    if kind == "date-time":
        return _moment(value, evidence)
    if kind == "date":
        day = parse_date(value, evidence)
        return day.isoformat() if isinstance(day, date) else value
    return str(parse_currency(value, evidence)) if kind == "currency" else value
