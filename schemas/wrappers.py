"""The one schema of a file that is a request, a tool or a settings file around it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.keywords import CHECKED_HERE, CONDITIONS
from schemas.references import settled
from schemas.subschemas import SINGLE, Steps, at, inside

_FORMS = {"properties": dict, "$ref": str, "allOf": list, "anyOf": list, "oneOf": list}
_TYPES = frozenset({"array", "string", "number", "integer", "boolean", "null"})
_DEFINITIONS = frozenset({"$defs", "definitions", "schemas"})
_DEEPEST = 6


@dataclass(frozen=True)
class Unwrapped:
    """A schema without what stood around it.

    Attributes:
        schema: itself; where nothing stood around it, the file.
        place: where it stood (`json_schema.schema`); empty where it is the file.
        name: what is around it calls it; empty where nothing does.
    """

    schema: dict[str, Any]
    place: str = ""
    name: str = ""


def unwrapped(document: dict[str, Any]) -> Unwrapped:
    """The schema that a file holds, where exactly one can be meant.

    Raises:
        ValueError: none can be meant, or several; the message names them.
    """
    kind = str(document.get("type") or "").lower()
    if _is_schema(document) or kind in _TYPES or not document:
        return Unwrapped(document)
    found = list(_schemas(document, ()))
    defined = [steps for steps in found if _DEFINITIONS & set(steps)]
    found = [steps for steps in found if steps not in defined] or _not_referred_to(document, defined)
    if len(found) > 1:
        told = ", ".join(".".join(steps) for steps in found)
        raise ValueError(f"several schemas stand in this file ({told}); keep the one that is meant")
    if not found:
        if kind == "object":
            return Unwrapped(document)
        raise ValueError("it holds no JSON Schema of a record; that is an object with `properties`")
    (steps,) = found
    around = [at(document, steps[:length]) for length in range(len(steps), -1, -1)]
    schema = settled(around[0], document)
    texts = {key: _first_text(around, key) for key in ("name", "description")}
    if texts["description"]:
        schema = {**schema, "description": texts["description"]}
    own = steps[-1] if _DEFINITIONS & set(steps) else ""
    return Unwrapped(schema, ".".join(steps), texts["name"] or own)


def _is_schema(node: dict[str, Any]) -> bool:
    return any(isinstance(node.get(key), form) for key, form in _FORMS.items())


def _is_field(node: Any) -> bool:
    return isinstance(node, dict) and str(node.get("type") or "").lower() in _TYPES | {"object"}


def _schemas(node: dict[str, Any], steps: Steps) -> Iterator[Steps]:
    """Where schemas of objects stand, outermost only."""
    if len(steps) > _DEEPEST:
        return
    # Beside fields that are no objects it is one of a list of fields, in a notation of its own, and not all of it.
    if any(_is_field(child) and not _is_schema(child) for child in node.values()):
        return
    for key, child in node.items():
        if key in SINGLE | CONDITIONS | CHECKED_HERE:
            continue
        inner = child[0] if isinstance(child, list) and len(child) == 1 else child
        place = (*steps, key, *(("0",) if inner is not child else ()))
        if isinstance(inner, dict):
            yield from [place] if _is_schema(inner) else _schemas(inner, place)


def _not_referred_to(document: dict[str, Any], defined: list[Steps]) -> list[Steps]:
    """Of schemas that are only defined, those that no other one uses."""
    used = {
        str(node.get("$ref")).rpartition("/")[2] for steps in defined for _, node in inside(at(document, steps))
    }  # fmt: skip
    return [steps for steps in defined if steps[-1] not in used]


def _first_text(nodes: list[Any], key: str) -> str:
    """The innermost text that is given under a keyword."""
    texts = [node[key] for node in nodes if isinstance(node, dict) and isinstance(node.get(key), str)]
    return texts[0] if texts else ""
