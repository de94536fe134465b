"""A schema that is written as a JSON Schema file rather than as a pydantic model."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.fields import parse_amount, parse_currency, parse_date
from schemas.fingerprints import fingerprint
from schemas.habits import Evidence, PageHabits, evidence_of
from schemas.json_faults import schema_faults
from schemas.keywords import NOTES, THE_RECORD, all_familiar, with_nearest
from schemas.portable import portable
from schemas.record import InvalidRecord, Schema, SchemaFault, names_of_format, snake_case, unkept
from schemas.shapes import branches
from schemas.subschemas import inside
from schemas.wrappers import unwrapped
from schemas.written import Written, asked, written

_WIRE = re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100})?", re.ASCII)
_SAME_VALUE = ("allOf", "anyOf", "oneOf")
_NAMED = {"properties", "patternProperties", "$defs", "definitions"}
_LISTED = {*_SAME_VALUE, "prefixItems"}
_SINGLE = {"items", "contains", "additionalProperties", "unevaluatedProperties", "if", "then", "else"}
"""Keywords whose value is schemas by name, a list of schemas, or one."""
_OF_ROOT = ("$schema", "title")  # they are used: for the draft, and for the name


def schema_of_json(document: dict[str, Any], name: str) -> Schema:
    """A JSON Schema as a schema; optional properties may be null in answers.

    Args:
        document: the decoded file: a JSON Schema of any draft, or a request or tool that holds one. `x-allow-empty:
            true` at its root makes an all-null record a good answer.
        name: used when the file has no `title` and no `name`.

    Raises:
        ValueError: the file is no valid JSON Schema, or holds several; the message says where.
    """
    whole = unwrapped(document)
    found = _as_it_stands(whole.schema) or written(whole.schema)
    checked = found.schema
    validator = _validator(_nullable(_readable(checked)))
    document = asked(checked)
    named = "" if document.get("title") else _fit_name(whole.name or whole.schema.get("name"))
    currency_names = names_of_format(document, "currency")

    def parse(answer: object, habits: PageHabits | None = None, /) -> dict[str, Any]:
        found: Any = read_leaves(answer, document, evidence_of(answer, habits, currency_names))
        errors = sorted(validator.iter_errors(found), key=lambda error: list(map(str, error.absolute_path)))
        if errors:
            raise InvalidRecord(schema_faults(errors))
        if not isinstance(found, dict):
            raise InvalidRecord([SchemaFault("", "not an object")])
        faults = list(unkept(found))
        if faults:
            raise InvalidRecord(faults)
        return found

    return Schema(
        name=snake_case(str(document.get("title") or named or name)),
        json_schema=_with_texts(document),
        parse=parse,
        check=lambda _record: [],
        allow_empty=document.get("x-allow-empty") is True,
        reading=fingerprint(checked),
        remarks=tuple(_remarks(whole.place, found, {"name"} if named else set())),
    )


def _as_it_stands(schema: dict[str, Any]) -> Written | None:
    """A schema of which every keyword is known, untouched: its recipe stays what it was. None for any other."""
    try:
        _validator(schema)
        portable(schema)
    except ValueError:
        return None
    return Written(schema) if all_familiar(schema) else None


def _validator(schema: dict[str, Any]) -> Any:
    """What holds answers against a schema of the draft that it names.

    Raises:
        ValueError: it is no valid schema of that draft.
    """
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(schema.get("$schema", ""), str):
        raise ValueError("not a valid JSON Schema at $: $schema is no text")  # noqa: TRY004 - a fault of the file
    draft = validator_for(schema, default=Draft202012Validator)
    try:
        draft.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"not a valid JSON Schema at {error.json_path}: {error.message}") from None
    return draft(schema, format_checker=FormatChecker(["date", "date-time"]))


def _fit_name(name: object) -> str:
    """A name that can name views; "" for one without letters."""
    return name if isinstance(name, str) and re.search("[A-Za-z]", name) else ""


def _readable(schema: Any) -> Any:
    """The schema without patterns of another dialect, such as those of Unicode classes: nothing here matches them."""
    if not isinstance(schema, dict):
        return schema
    made = {key: value for key, value in _changed(schema, _readable).items() if key != "pattern" or _compiles(value)}
    if isinstance(made.get("patternProperties"), dict):
        made["patternProperties"] = {key: each for key, each in made["patternProperties"].items() if _compiles(key)}
    return made


def _compiles(pattern: object) -> bool:
    try:
        re.compile(str(pattern))
    except re.error:
        return False
    return True


def _remarks(place: str, found: Written, used: set[str]) -> Iterator[str]:
    """What of a file is not used, in words; `used` are keywords of its root that are."""
    if place:
        yield f"the schema is what stands under {place}"
    for path, keys in found.dropped:
        left = [key for key in keys if path != THE_RECORD or key not in used]
        if left:
            yield f"dropped: {path}: {', '.join(map(with_nearest, left))}"
    nodes = list(inside(found.schema))
    notes = Counter(key for steps, node in nodes for key in node if key in NOTES and (steps or key not in _OF_ROOT))
    if notes:
        yield f"notes, not sent: {', '.join(f'{key} ({count})' for key, count in sorted(notes.items()))}"
    for steps, node in nodes:
        if "pattern" in node and not _compiles(node["pattern"]):
            yield f"told, not checked: {'.'.join(steps)}: pattern {node['pattern']!r} is not one of Python's"


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
        if _is_number(value) and formats == {"decimal"} and not kinds & {"number", "integer"}:
            return format(parse_amount(value), "f")  # a decimal that was answered as a number
        if not isinstance(value, str):
            return value
        if not formats and kinds & {"number", "integer"} and "string" not in kinds and _WIRE.fullmatch(value):
            return int(value) if "." not in value else float(value)  # and the reverse, as pydantic reads it
        return _leaf(value, formats.pop(), self.evidence) if len(formats) == 1 else value


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
    if kind == "date":
        day = parse_date(value, evidence)
        return day.isoformat() if isinstance(day, date) else value
    return str(parse_currency(value, evidence)) if kind == "currency" else value


def _nullable(node: Any, required: frozenset[str] = frozenset()) -> Any:
    """The same schema with null allowed wherever a property is not required: that is how it is asked for.

    Args:
        node: a schema.
        required: what the schema around it demands of the same object.
    """
    if not isinstance(node, dict):
        return node
    demanded = required | frozenset(node.get("required", ()))
    made = _changed(node, _nullable)
    if "if" in node:
        made["if"] = node["if"]  # what is null does not meet a condition
    made |= {key: [_nullable(part, demanded) for part in node[key]] for key in _SAME_VALUE if key in node}
    if isinstance(node.get("properties"), dict):
        made["properties"] = {
            name: _nullable(child) if name in demanded else {"anyOf": [_nullable(child), {"type": "null"}]}
            for name, child in node["properties"].items()
        }
    return made


def _with_texts(node: Any) -> Any:
    """The same schema, each choice between a number and a text marked (`x-text`): only pydantic's is a decimal."""
    if not isinstance(node, dict):
        return node
    made = _changed(node, _with_texts)
    options = [option for key in ("anyOf", "oneOf") for option in node.get(key, ()) if isinstance(option, dict)]
    kinds = [node.get("type"), *(option.get("type") for option in options if option.get("format") != "decimal")]
    named = {kind for each in kinds for kind in (each if isinstance(each, list) else [each])}
    return {**made, "x-text": True} if {"number", "string"} <= named else made


def _changed(node: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """The schema with every schema in it changed; what only looks like one (`enum`, `default`) stays."""
    made = dict(node)
    for key, child in node.items():
        if key in _NAMED and isinstance(child, dict):
            made[key] = {name: change(each) for name, each in child.items()}
        elif key in _LISTED and isinstance(child, list):
            made[key] = [change(each) for each in child]
        elif key in _SINGLE:
            made[key] = change(child)
    return made
