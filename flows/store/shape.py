"""A schema as columns and lists: what its views look like, whatever the database. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from flows.store.types import clean_text
from schemas.portable import portable, with_computed

_LONGEST = 63
"""Bytes of a name in PostgreSQL, which cuts longer ones off in silence."""

_KINDS = {"number": "numeric", "integer": "numeric", "boolean": "boolean"}
_FORMATS = {"date": "date", "date-time": "timestamp"}


@dataclass(frozen=True)
class ViewColumn:
    """One column of a view.

    Attributes:
        name: unique in its view, letter case aside.
        path: the keys that lead to the value; empty for an element that is a scalar itself.
        kind: `text`, `numeric`, `boolean`, `date` or `timestamp`. What has no column of its own (a list
            inside a list, one of several objects) is its JSON text.
    """

    name: str
    path: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class ViewList:
    """A list of the record, which has a view of its own: the keys that lead to it, and its columns."""

    path: tuple[str, ...]
    columns: tuple[ViewColumn, ...]


@dataclass(frozen=True)
class Shape:
    """A record's columns, nested objects flattened (`seller_name`), and its lists."""

    columns: tuple[ViewColumn, ...]
    lists: tuple[ViewList, ...]


def shape_of(json_schema: dict[str, Any], beside: tuple[str, ...], beside_elements: tuple[str, ...]) -> Shape:
    """The shape of a schema's records.

    Args:
        json_schema: as declared.
        beside: the view's own columns, whose names a field cannot take.
        beside_elements: likewise, of the views of lists.

    Raises:
        schemas.portable.NotPortable: the schema cannot be asked for at all.
    """
    root = portable(_decimals_as_numbers(with_computed(json_schema)))
    leaves = list(_leaves(root, ()))
    scalars = [(path, node) for path, node in leaves if not _is_list(node)]
    lists = []
    for path, node in leaves:
        if _is_list(node):
            element = _single(_single(node)["items"])
            inner = list(_leaves(element, ())) if element.get("type") == "object" else [((), element)]
            lists.append(ViewList(path, _columns(inner, beside_elements)))
    return Shape(_columns(scalars, beside), tuple(lists))


def declared_paths(json_schema: dict[str, Any]) -> list[str]:
    """The dotted paths of a schema's fields, then of its lists, each before its columns: `items`, `items.amount`."""
    shape = shape_of(json_schema, (), ())
    paths = [column.path for column in shape.columns]
    for each in shape.lists:
        paths += [each.path, *((*each.path, *column.path) for column in each.columns)]
    return [".".join(path) for path in paths]


def field_names(json_schema: dict[str, Any], beside: tuple[str, ...]) -> dict[str, str]:
    """The top-level fields of a schema's records, each with its name beside columns of an export's own."""
    taken = {name.casefold() for name in beside}
    return {key: free_name(key, taken) for key in record_keys(json_schema)}


def record_keys(json_schema: dict[str, Any]) -> list[str]:
    """The keys of a schema's records, computed fields last, as they are stored."""
    return [clean_text(key) for key in portable(with_computed(json_schema))["properties"]]


def free_name(wanted: str, taken: set[str]) -> str:
    """A name that is not taken (names without letter case), by a number at its end if need be; then it is."""
    name = _shortened("".join(character if character >= " " else "_" for character in wanted) or "field")
    number = 1
    while name.casefold() in taken:
        number += 1
        name = _shortened(f"{wanted or 'field'}_{number}")
    taken.add(name.casefold())
    return name


def _shortened(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= _LONGEST:
        return name
    return encoded[: _LONGEST - 9].decode(errors="ignore") + "_" + sha256(encoded).hexdigest()[:8]


def _decimals_as_numbers(node: Any) -> Any:
    """The schema with decimals, which are asked for as text, declared as the numbers that they are."""
    if isinstance(node, list):
        return [_decimals_as_numbers(child) for child in node]
    if not isinstance(node, dict):
        return node
    made = {key: _decimals_as_numbers(child) for key, child in node.items()}
    if made.get("format") == "decimal":
        made["type"] = "number"
    options = [option for option in made.get("anyOf", ()) if isinstance(option, dict)]
    if any(option.get("type") == "number" for option in options) and not made.get("x-text"):
        # Pydantic declares Decimal so.
        made["anyOf"] = [option for option in options if option.get("type") != "string"]
    return made


def _leaves(node: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every property that is no object, with the keys that lead to it."""
    for name, child in node["properties"].items():
        inner = _single(child)
        here = (*path, clean_text(name))
        if inner.get("type") == "object":
            yield from _leaves(inner, here)
        else:
            yield here, child


def _single(node: dict[str, Any]) -> dict[str, Any]:
    """What a nullable node is when it is not null; itself when that could be several things."""
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    single: dict[str, Any] = options[0] if len(options) == 1 else node
    return single


def _is_list(node: dict[str, Any]) -> bool:
    return _single(node).get("type") == "array"


def _columns(
    leaves: Sequence[tuple[tuple[str, ...], dict[str, Any]]], beside: tuple[str, ...]
) -> tuple[ViewColumn, ...]:
    taken = {name.casefold() for name in beside}
    return tuple(
        ViewColumn(free_name("_".join(path) if path else "value", taken), path, _kind(node)) for path, node in leaves
    )


def _kind(node: dict[str, Any]) -> str:
    options = [option for option in node.get("anyOf", [node]) if option.get("type") != "null"]
    kinds = {
        _FORMATS.get(str(option.get("format"))) or _KINDS.get(str(option.get("type")), "text") for option in options
    }
    return kinds.pop() if len(kinds) == 1 else "text"
