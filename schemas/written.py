"""A JSON Schema as people write it -> the same in the words of today's draft, with nothing that nobody here knows.

A schema that is taken as it stands is not touched, so that its recipe stays what it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from schemas.keywords import CONDITIONS, FAMILIAR, THE_RECORD
from schemas.references import settled
from schemas.spelling import bounds_spelled, notes_spelled, type_spelled
from schemas.subschemas import Steps, changed, children

_BRANCHES = ("then", "else")
_CONDITIONAL = frozenset({"if", "then", "else", "not"})
_IDS = frozenset({"$id", "id", "$anchor", "$schema"})
_STRUCTURE = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "items", "format"})
_EACH = frozenset({"allOf", "anyOf", "oneOf"})
_DEEPEST = 64

Dropped = dict[str, dict[str, None]]


@dataclass(frozen=True)
class Written:
    """A schema in today's words.

    Attributes:
        schema: that answers are held against.
        dropped: the keywords that nothing here knows, by path.
    """

    schema: dict[str, Any]
    dropped: tuple[tuple[str, tuple[str, ...]], ...] = ()


def written(schema: dict[str, Any]) -> Written:
    """The schema in today's words: types, bounds, null and refs as the newest draft has them.

    Fields that only a condition brings (`then`, `dependencies`) are fields of its object, and may be null.

    Raises:
        ValueError: it is nested too deeply.
    """
    found = _Rewriting()
    root = {key: value for key, value in settled(schema, schema).items() if key != "nullable"}
    made = found.node(root, (), "")
    if isinstance(made.get("type"), list) and "object" in made["type"]:
        made["type"] = "object"  # the record itself is never null
    return Written(made, tuple((path or THE_RECORD, tuple(keys)) for path, keys in found.dropped.items()))


def asked(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as it is asked for: a list of fixed places is a list of what may stand at one of them."""

    def places(_: Steps, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        made = changed(node, places)
        first = made.pop("prefixItems", None)
        if first is None:
            return made
        rest = made.get("items")
        kinds = [*first, *([rest] if isinstance(rest, dict) and rest else [])]
        different = [kind for number, kind in enumerate(kinds) if kind not in kinds[:number]]
        most = {} if isinstance(rest, dict) else {"maxItems": len(first)}
        return {**most, **made, "items": different[0] if len(different) == 1 else {"anyOf": different}}

    whole: dict[str, Any] = places((), schema)
    return whole


@dataclass
class _Rewriting:
    """Goes through a schema from the outside in; `dropped` is found on the way."""

    dropped: Dropped = field(default_factory=dict)

    def node(self, node: Any, steps: Steps, path: str) -> Any:
        if not isinstance(node, dict):
            return node
        if len(steps) > _DEEPEST:
            raise ValueError(f"nested too deeply at {path}")
        node = _with_required(_modern(node))
        node = changed(node, lambda place, child: self.node(child, (*steps, *place), _path(path, place)))
        if set(steps) & _CONDITIONAL:
            node = _present(node)
        node = _with_conditional(node)
        return _nullable(self._known(node, path))

    def _known(self, node: dict[str, Any], path: str) -> dict[str, Any]:
        kept = {}
        for key, value in node.items():
            if key in FAMILIAR | CONDITIONS or key.startswith("x-") or key in {"nullable", *_GENERIC}:
                kept[key] = value
            elif key not in _IDS:
                self.dropped.setdefault(path, {})[key] = None
        return {key: value for key, value in kept.items() if key not in _IDS}


_GENERIC = ("$dynamicRef", "$recursiveRef")


def _path(path: str, place: Steps) -> str:
    key, *name = place
    if key == "properties":
        return f"{path}.{name[0]}" if path else name[0]
    if key in {"items", "prefixItems", "contains"}:
        return f"{path}[]"
    return path if key in _EACH else ".".join([*([path] if path else []), key, *name])


def _modern(node: dict[str, Any]) -> dict[str, Any]:
    """The keywords of older drafts, and what people mean by those of none, as the newest draft has them."""
    made = {key: value for key, value in node.items() if value is not None or key in {"const", "default"}}
    for change in _MODERNISED:
        made = change(made)
    return made


def _lists(node: dict[str, Any]) -> dict[str, Any]:
    """Tuples: a list of items is `prefixItems`, and what stands behind them `items`."""
    rest = node.pop("additionalItems", None)
    if isinstance(node.get("items"), list):
        node["prefixItems"] = node.pop("items")
        if rest is not None:
            node["items"] = rest
    return node


def _dependencies(node: dict[str, Any]) -> dict[str, Any]:
    """What holds where a field is there, as conditions: an answer has every field, and null where there is none."""
    conditions = []
    for key in ("dependencies", "dependentSchemas", "dependentRequired"):
        found = node.pop(key, None)
        for name, each in found.items() if isinstance(found, dict) else ():
            then = {"required": each} if isinstance(each, list) else each
            conditions.append({"if": {"required": [name]}, "then": then})
    return {**node, "allOf": [*node.get("allOf", []), *conditions]} if conditions else node


def _open_keys(node: dict[str, Any]) -> dict[str, Any]:
    """Keys by pattern that say nothing of their values are no fields; others are open keys."""
    found = node.get("patternProperties")
    if isinstance(found, dict):
        open_keys = [each for each in found.values() if each not in ({}, True, False)]
        if not open_keys:
            del node["patternProperties"]
        elif node.get("additionalProperties") in (None, True, False, {}):
            node["additionalProperties"] = open_keys[0]
    return node


_MODERNISED: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (
    notes_spelled, bounds_spelled, _lists, _dependencies, _open_keys, type_spelled,
)  # fmt: skip


def _with_required(node: dict[str, Any]) -> dict[str, Any]:
    """`required: true` beside a property is its name in the object's list."""
    properties = node.get("properties")
    if not isinstance(properties, dict):
        return node
    said = {
        name: child["required"]
        for name, child in properties.items()
        if isinstance(child, dict) and isinstance(child.get("required"), bool)
    }
    own = node.get("required")
    listed = [*(own if isinstance(own, list) else ()), *(name for name, needed in said.items() if needed)]
    made = dict(node)
    if said:
        made["properties"] = {
            name: {key: value for key, value in child.items() if key != "required"} if name in said else child
            for name, child in properties.items()
        }
    if said or isinstance(own, list | bool):
        made["required"] = list(dict.fromkeys(listed))
    return made


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
                found += [(name, each) for name, each in own.items() if isinstance(each, dict) and _declares(each)]
            found += _brought(child)
    return found


def _declares(node: dict[str, Any]) -> bool:
    """Whether a node says what a value is, and not only that it is there."""
    return bool(_STRUCTURE & node.keys())


def _own_names(node: dict[str, Any]) -> set[str]:
    parts = [node, *(part for part in node.get("allOf", ()) if isinstance(part, dict))]
    return {name for part in parts for name in part.get("properties", {})}


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    """`nullable: true` of OpenAPI: null may stand there too."""
    if node.pop("nullable", False) is not True:
        return node
    kinds = node.get("type")
    if isinstance(kinds, str | list) and not {"enum", "const", *_EACH, "$ref"} & node.keys():
        named = [kinds] if isinstance(kinds, str) else kinds
        return {**node, "type": [*named, *(["null"] if "null" not in named else [])]}
    inner = {key: value for key, value in node.items() if key in _STRUCTURE or key not in FAMILIAR}
    notes = {key: value for key, value in node.items() if key not in inner}
    return {**notes, "anyOf": [inner, {"type": "null"}]}
