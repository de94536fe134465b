"""Wide schemas with their true records, and servers that answer no more fields at once than they can."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fakes import Answer, Asked

from extractors.asking.groups import leaf_paths

AT_ONCE = 60
"""Leaves that the scripted servers answer; of more they leave some out, or are cut off."""


def wide_schema(leaves: int, *, columns: int = 0) -> dict[str, Any]:
    """A JSON Schema file of a form: sections of 15 boxes, the last one shorter, and a table of `columns`."""
    boxes = leaves - columns
    sections: dict[str, Any] = {}
    for first in range(0, boxes, 15):
        names = [f"box_{number}" for number in range(first + 1, min(first + 15, boxes) + 1)]
        inside = {name: {"type": ["string", "null"], "description": f"What stands in {name}"} for name in names}
        sections[f"section_{first // 15 + 1}"] = {"type": "object", "properties": inside, "required": names}
    if columns:
        told = ["position", "description", *(f"column_{number}" for number in range(3, columns + 1))]
        row = {name: {"type": ["string", "null"]} for name in told}
        sections["lines"] = {"type": "array", "items": {"type": "object", "properties": row, "required": told}}
    return {"title": "form", "type": "object", "properties": sections, "required": list(sections)}


def written(folder: Path, schema: dict[str, Any]) -> str:
    """The schema as a file, for `--schema`."""
    path = folder / "form.json"
    path.write_text(json.dumps(schema), "utf-8")
    return str(path)


def record_of(schema: dict[str, Any], rows: int = 3) -> dict[str, Any]:
    """The true record: every leaf says its own path."""
    made: dict[str, Any] = {}
    for name, child in schema["properties"].items():
        if child["type"] == "array":
            columns = list(child["items"]["properties"])
            made[name] = [{column: f"{column} of {row}" for column in columns} for row in range(1, rows + 1)]
        else:
            made[name] = {box: f"value of {box}" for box in child["properties"]}
    return made


def asked_schema(asked: Asked) -> dict[str, Any]:
    """The schema that a request asks for."""
    found: dict[str, Any] = asked.body["response_format"]["json_schema"]["schema"]
    return found


def projected(value: Any, schema: dict[str, Any]) -> Any:
    """What a record says of a portable schema's fields."""
    options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    if len(options) == 1 and isinstance(value, dict):
        return {name: projected(value[name], child) for name, child in options[0]["properties"].items()}
    if len(options) == 1 and isinstance(value, list) and "items" in options[0]:
        return [projected(row, options[0]["items"]) for row in value]
    return value


def leaves_in(value: Any) -> int:
    """Single values that are there."""
    if isinstance(value, dict | list):
        return sum(map(leaves_in, value.values() if isinstance(value, dict) else value))
    return value is not None


def answers(record: dict[str, Any], asked: Asked, most: int = AT_ONCE, *, cuts: bool = False) -> Answer:
    """The truth about the fields asked for; of more than `most` every third is left out, or the answer is cut off."""
    schema = asked_schema(asked)
    right = projected(record, schema)
    few = len(leaf_paths(schema)) <= most
    told = json.dumps(right if few or cuts else _thinned(right, [0]))
    usage = {"prompt_tokens": len(asked.text) // 4 + 1500 * len(asked.images), "completion_tokens": len(told) // 4}
    if cuts and not few:
        return Answer(text=told[:200], finish_reason="length", usage=usage)
    return Answer(text=told, usage=usage)


def _thinned(value: Any, count: list[int]) -> Any:
    if isinstance(value, dict):
        return {name: _thinned(child, count) for name, child in value.items()}
    if isinstance(value, list):
        return [_thinned(row, count) for row in value]
    count[0] += 1
    return None if count[0] % 3 == 0 else value


def group_sizes(asked: Sequence[Asked]) -> list[int]:
    """Leaves of each request."""
    return [len(leaf_paths(asked_schema(each))) for each in asked]
