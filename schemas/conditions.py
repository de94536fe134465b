"""What holds only where something else does: `if`, `then`, `else`, `not`. The fields that they bring are asked."""

from typing import Any

from schemas.subschemas import Steps, changed, children

_BRANCHES = ("then", "else")
_CONDITIONAL = frozenset({"if", "then", "else", "not"})
_SAYS_WHAT = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "items", "format"})


def with_fields_of_conditions(node: Any, steps: Steps) -> Any:
    """The schema, each object with the fields that only its conditions bring, and null as "not there" in conditions.

    Args:
        node: a valid schema of the newest draft.
        steps: where it stands.
    """
    if not isinstance(node, dict):
        return node
    made = changed(node, lambda place, child: with_fields_of_conditions(child, (*steps, *place)))
    return _with_conditional(_present(made) if set(steps) & _CONDITIONAL else made)


def _present(node: dict[str, Any]) -> dict[str, Any]:
    """In a condition a field is there when it is not null: an answer has them all."""
    bare = [name for name in node.get("required", ()) if name not in node.get("properties", {})]
    if not bare:
        return node
    there = {name: {"not": {"type": "null"}} for name in bare}
    return {**node, "properties": {**node.get("properties", {}), **there}}


def _with_conditional(node: dict[str, Any]) -> dict[str, Any]:
    """The object with the fields that only its conditions bring."""
    if not ("properties" in node or node.get("type") == "object" or "allOf" in node):
        return node
    brought: dict[str, list[Any]] = {}
    for name, child in _brought(node):
        if name not in _own_names(node) and child not in brought.setdefault(name, []):
            brought[name].append(child)
    if not brought:
        return node
    more = {name: found[0] if len(found) == 1 else {"anyOf": found} for name, found in brought.items()}
    return {**node, "properties": {**node.get("properties", {}), **more}}


def _brought(node: dict[str, Any]) -> list[tuple[str, Any]]:
    found = []
    for (key, *_), child in children(node):
        if isinstance(child, dict) and (key in _BRANCHES or key == "allOf"):
            if key in _BRANCHES:
                own = child.get("properties", {})
                found += [
                    (name, each) for name, each in own.items() if isinstance(each, dict) and _SAYS_WHAT & each.keys()
                ]
            found += _brought(child)
    return found


def _own_names(node: dict[str, Any]) -> set[str]:
    parts = [node, *(part for part in node.get("allOf", ()) if isinstance(part, dict))]
    return {name for part in parts for name in part.get("properties", {})}
