"""A JSON Schema as people write it -> the same in the words of today's draft, with nothing that nobody here knows.

A schema that is taken as it stands is not touched, so that its recipe stays what it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from schemas.conditions import with_fields_of_conditions
from schemas.drafts import compiles, validator_of
from schemas.keywords import CONDITIONS, FAMILIAR, THE_RECORD, brings_fields, with_nearest
from schemas.references import settled
from schemas.spelling import bounds_spelled, keywords_spelled, notes_spelled, type_spelled, with_type_said
from schemas.subschemas import Steps, changed

_IDS = frozenset({"$id", "id", "$anchor", "$schema"})
_STRUCTURE = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "items", "format"})
_EACH = frozenset({"allOf", "anyOf", "oneOf"})
_DEEPEST = 64


@dataclass(frozen=True)
class Written:
    """A schema in today's words.

    Attributes:
        schema: that answers are held against.
        dropped: the keywords that nothing here knows, by path.
        remarks: what else of it is not used, in words.
    """

    schema: dict[str, Any]
    dropped: tuple[tuple[str, tuple[str, ...]], ...] = ()
    remarks: tuple[str, ...] = ()


def written(schema: dict[str, Any]) -> Written:
    """The schema in today's words: types, bounds, null and refs as the newest draft has them.

    Fields that only a condition brings (`then`, `dependencies`) are fields of its object, and may be null.

    Raises:
        ValueError: it is no JSON Schema in any of these words; the message says where.
    """
    found = _Rewriting()
    root = {key: value for key, value in settled(schema, schema).items() if key != "nullable"}
    made = found.node(root, (), "")
    if isinstance(made.get("type"), list) and "object" in made["type"]:
        made["type"] = "object"  # the record itself is never null
    validator_of(made)
    return Written(
        with_fields_of_conditions(made, ()),
        tuple((path or THE_RECORD, tuple(keys)) for path, keys in found.dropped.items()),
        tuple(found.remarks),
    )


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
        if len(different) == 1:
            return {**most, **made, "items": different[0]}
        order = "; ".join(str(kind.get("description") or kind.get("type") or "any") for kind in first)
        told = f"{made.get('description') or ''} In this order: {order}.".strip()
        return {**most, **made, "description": told, "items": {"anyOf": different}}

    whole: dict[str, Any] = places((), schema)
    return whole


@dataclass
class _Rewriting:
    """Goes through a schema from the outside in; what is not used is found on the way."""

    dropped: dict[str, dict[str, None]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def node(self, node: Any, steps: Steps, path: str) -> Any:
        if not isinstance(node, dict):
            return node
        if len(steps) > _DEEPEST:
            raise ValueError(f"nested too deeply at {path}")
        node = _with_required(_modern(node))
        # A part of an `allOf` says what it adds: its type is that of the whole, which may allow null.
        node = node if steps[-2:-1] == ("allOf",) else with_type_said(node)
        node = changed(node, lambda place, child: self.node(child, (*steps, *place), _path(path, place)))
        return _nullable(self._known(node, path))

    def _known(self, node: dict[str, Any], path: str) -> dict[str, Any]:
        kept = {}
        for key, value in node.items():
            if key in FAMILIAR | CONDITIONS or key.startswith("x-") or key in {"nullable", *_GENERIC}:
                kept[key] = value
            elif brings_fields(key, node):
                near = with_nearest(key)
                raise ValueError(
                    f"{path or THE_RECORD}: {near} holds schemas and is no keyword; write them under one"
                )
            elif key not in _IDS:
                self.dropped.setdefault(path, {})[key] = None
        if isinstance(kept.get("pattern"), str) and not compiles(kept["pattern"]):
            self.remarks.append(f"dropped: {path}: pattern {kept.pop('pattern')!r}, which is none of Python's")
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
    if not conditions or not isinstance(node.get("allOf", []), list):
        return node
    return {**node, "allOf": [*node.get("allOf", []), *conditions]}


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
    keywords_spelled, notes_spelled, bounds_spelled, _lists, _dependencies, _open_keys, type_spelled,
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
        made["required"] = [name for number, name in enumerate(listed) if name not in listed[:number]]
    return made


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
