"""Fields whose type has changed since the last export to a destination: files of both cannot be read together."""

from collections.abc import Iterator, Mapping
from typing import Any

from extractors.errors import BadConfiguration
from flows.store.exports import BESIDE
from flows.store.shape import ViewColumn, field_names, shape_of
from flows.store.types import clean_text
from schemas.portable import portable, with_computed


def kinds_in(form: str, json_schema: dict[str, Any]) -> dict[str, str]:
    """What type each field of an export has, by its dotted name.

    Args:
        form: `parquet`, `csv`, `jsonl` or `delta`: what is one type in one of them may be two in another.
        json_schema: of the records.
    """
    if form in {"parquet", "delta"}:
        from flows.export.arrow import Columns, leaf_types

        return dict(leaf_types(Columns(json_schema).schema))
    if form == "csv":
        return dict(_columns(json_schema))
    names = field_names(json_schema, BESIDE)
    properties = portable(with_computed(json_schema))["properties"]
    return {
        path: kind
        for key, node in properties.items()
        for path, kind in _json_kinds(node, names[clean_text(key)])
    }  # fmt: skip


def refuse_retyped(place: str, before: Mapping[str, str] | None, now: Mapping[str, str]) -> None:
    """Sees that no field has another type than in earlier exports.

    Args:
        place: the destination.
        before: the types of all that went there; None where they are not known.
        now: those of the export that comes next.

    Raises:
        BadConfiguration: one has; the message names it, and says what to do.
    """
    changed = [name for name, kind in now.items() if (before or {}).get(name, kind) != kind]
    if changed:
        name = changed[0]
        more = f" (and {len(changed) - 1} more fields)" if changed[1:] else ""
        raise BadConfiguration(
            f"{place}: {name} was {(before or {})[name]} in earlier exports and is {now[name]} now{more}, which no "
            "reader opens together: export to another DEST, or remove what is there and everything goes anew"
        )


def _columns(json_schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    shape = shape_of(json_schema, BESIDE, BESIDE)
    yield from ((_named(column), column.kind) for column in shape.columns)
    for inner in shape.lists:
        within = ".".join(inner.path)
        yield from ((f"{within}.{_named(column)}", column.kind) for column in inner.columns)


def _named(column: ViewColumn) -> str:
    return ".".join(column.path) or "value"


def _json_kinds(node: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    options = [option for option in node.get("anyOf", [node]) if option.get("type") != "null"]
    kinds = sorted({"number" if each.get("type") == "integer" else str(each.get("type")) for each in options})
    yield path, " or ".join(kinds)
    if len(options) == 1:
        (only,) = options
        for key, child in only.get("properties", {}).items():
            yield from _json_kinds(child, f"{path}.{key}")
        if "items" in only:
            yield from _json_kinds(only["items"], f"{path}[]")
