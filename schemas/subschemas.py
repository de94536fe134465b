"""Where schemas stand inside a schema: what only looks like one (`enum`, `default`) is left alone. Pure."""

from collections.abc import Callable, Iterator
from typing import Any

NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SINGLE = frozenset({
    "items", "additionalItems", "contains", "additionalProperties", "unevaluatedProperties", "unevaluatedItems",
    "propertyNames", "if", "then", "else", "not",
})  # fmt: skip
"""Keywords whose value is schemas by name, a list of schemas, or one; `items` of older drafts may be a list too."""

Steps = tuple[str, ...]


def children(node: dict[str, Any]) -> Iterator[tuple[Steps, Any]]:
    """The schemas right inside a schema, each with its place: `("properties", "total")`."""
    for key, child in node.items():
        if (key in NAMED or key == "dependencies") and isinstance(child, dict):
            yield from (((key, str(name)), each) for name, each in child.items() if not isinstance(each, list))
        elif (key in LISTED or key == "items") and isinstance(child, list):
            yield from (((key, str(number)), each) for number, each in enumerate(child))
        elif key in SINGLE:
            yield (key,), child


def inside(node: Any, steps: Steps = ()) -> Iterator[tuple[Steps, dict[str, Any]]]:
    """Every schema of a schema with its place, itself first."""
    if isinstance(node, dict):
        yield steps, node
        for place, child in children(node):
            yield from inside(child, (*steps, *place))


def changed(node: dict[str, Any], change: Callable[[Steps, Any], Any]) -> dict[str, Any]:
    """The schema with every schema right inside it changed; `change` is told its place."""
    made = dict(node)
    for (key, *name), child in children(node):
        if not name:
            made[key] = change((key,), child)
            continue
        if made[key] is node[key]:
            made[key] = node[key].copy()
        step: Any = int(name[0]) if isinstance(made[key], list) else name[0]
        made[key][step] = change((key, name[0]), child)
    return made


def besides_null(node: dict[str, Any]) -> list[dict[str, Any]]:
    """What may stand at a place of a portable schema besides null; null itself where nothing else may."""
    options = node.get("anyOf")
    if options is None:
        return [node]
    return [option for option in options if option.get("type") != "null"] or [{"type": "null"}]


def at(node: Any, steps: Steps) -> Any:
    """What stands at a place; None where it leads nowhere."""
    for step in steps:
        if isinstance(node, list):
            node = node[int(step)] if step.isdigit() and int(step) < len(node) else None
        else:
            node = node.get(step) if isinstance(node, dict) else None
    return node
