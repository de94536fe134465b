"""A schema that is written as a JSON Schema file rather than as a pydantic model."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from schemas.drafts import validator_of
from schemas.fingerprints import fingerprint
from schemas.habits import PageHabits, evidence_of
from schemas.json_faults import schema_faults
from schemas.json_leaves import read_leaves
from schemas.keywords import NOTES, THE_RECORD, all_familiar, with_nearest
from schemas.portable import portable
from schemas.record import InvalidRecord, Schema, SchemaFault, names_of_format, snake_case, unkept
from schemas.subschemas import Steps, changed, inside
from schemas.wrappers import unwrapped
from schemas.written import Written, asked, written

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
    known = _as_it_stands(whole.schema)
    found = known or written(whole.schema)
    checked = found.schema
    validator = validator_of(checked).evolve(schema=_nullable(_without_ids((), checked)))
    document = checked if known else asked(checked)
    named = "" if document.get("title") else _fit_name(whole.name or whole.schema.get("name"))
    currency_names = names_of_format(document, "currency")

    def parse(answer: object, habits: PageHabits | None = None, /) -> dict[str, Any]:
        found: Any = read_leaves(answer, document, evidence_of(answer, habits, currency_names))
        errors = sorted(validator.iter_errors(found), key=lambda error: list(map(str, error.absolute_path)))
        if not errors and not isinstance(found, dict):
            raise InvalidRecord([SchemaFault("", "not an object")])
        faults = schema_faults(errors)
        refused = [fault.steps for fault in faults if fault.what == "value"]
        # Told at once: behind a field that stays empty a number that no column holds would never show.
        faults += [each for each in unkept(found) if not any(each.steps[: len(at)] == at for at in refused)]
        if faults:
            raise InvalidRecord(faults)
        made: dict[str, Any] = found
        return made

    return Schema(
        name=snake_case(str(document.get("title") or named or name)),
        json_schema=_with_texts(document),
        parse=parse,
        check=lambda _record: [],
        allow_empty=document.get("x-allow-empty") is True,
        reading=fingerprint(checked),
        remarks=tuple(_remarks(whole.place, found, {"name"} if named else set())),
    )


def _without_ids(_: Steps, node: Any) -> Any:
    """The schema without names for its parts: a ref is read from the file's root, wherever it stands."""
    if not isinstance(node, dict):
        return node
    return {key: child for key, child in changed(node, _without_ids).items() if key not in {"$id", "id"}}


def _as_it_stands(schema: dict[str, Any]) -> Written | None:
    """A schema of which every keyword is known, untouched: its recipe stays what it was. None for any other."""
    try:
        validator_of(schema)
        portable(schema)
    except ValueError:
        return None
    return Written(schema) if all_familiar(schema) else None


def _fit_name(name: object) -> str:
    """A name that can name views; "" for one without letters."""
    return name if isinstance(name, str) and re.search("[A-Za-z]", name) else ""


def _remarks(place: str, found: Written, used: set[str]) -> Iterator[str]:
    """What of a file is not used, in words; `used` are keywords of its root that are."""
    if place:
        yield f"the schema is what stands under {place}"
    for path, keys in found.dropped:
        left = [key for key in keys if path != THE_RECORD or key not in used]
        if left:
            yield f"dropped: {path}: {', '.join(map(with_nearest, left))}"
    notes = Counter(
        key for steps, node in inside(found.schema) for key in node if key in NOTES and (steps or key not in _OF_ROOT)
    )
    if notes:
        yield f"notes, not sent: {', '.join(f'{key} ({count})' for key, count in sorted(notes.items()))}"
    yield from found.remarks


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
