"""The response schema that every endpoint accepts: OpenAI strict, Mistral strict, vLLM, llama.cpp.

Every `$ref` inlined, every property required (optional ones may be null), objects closed, no bounds,
no patterns: those are told in words (`constraints`) and checked locally. Property order and descriptions
are kept, for they are the prompt; `labels` and `examples` are folded into the description, since strict
servers refuse unknown keywords.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from schemas.constraints import in_words, of_choices
from schemas.joining import Contradiction, NotPortable, joined

T = TypeVar("T")

__all__ = ["NotPortable", "portable", "relaxed", "with_computed"]

_KEPT = ("type", "enum", "description")
_FORMATS = {"date", "date-time"}
_OF_DECIMAL = ("number", "string")
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}
_STRUCTURE = ("type", "properties", "required", "additionalProperties", "items", "enum", "const", "format")
"""Keywords beside a choice that hold for each of its options."""


def portable(schema: dict[str, Any]) -> dict[str, Any]:
    """The portable form of a JSON schema.

    Args:
        schema: as pydantic or a person wrote it; its root must be an object.

    Raises:
        NotPortable: recursion, an open dictionary, a value of any kind, or a root that is no object; with every
            such fault. What is no keyword is dropped (`schemas.keywords.dropped` names it).
    """
    root = _node(schema, schema, "$", ())
    if root.get("type") == "array":
        raise NotPortable(
            "the schema's root must be an object; of a list give the schema of one entry, and ask with --records many"
        )
    if root.get("type") != "object":
        raise NotPortable("the schema's root must be an object with properties, not one of several")
    return root


def with_computed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of the records: what is asked for, and what the schema computes from it (`x-computed`).

    A computed value that has no type of its own is text.
    """

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(child) for child in node]
        if not isinstance(node, dict):
            return node
        made = {key: walk(child) for key, child in node.items() if key != "x-computed"}
        computed = node.get("x-computed")
        if isinstance(computed, dict) and isinstance(made.get("properties"), dict):
            made["properties"] = {**made["properties"], **{name: known(child) for name, child in computed.items()}}
        return made

    def known(node: Any) -> Any:
        try:
            _node(node, schema, "$", ())
        except NotPortable:
            return {"type": "string"}
        return walk(node)

    whole: dict[str, Any] = walk(schema)
    return whole


def relaxed(schema: dict[str, Any]) -> dict[str, Any]:
    """A portable schema with every property nullable: for pages that show only a part of the record.

    Were a window asked for a field that stands on another page, the model could only make it up.
    """
    if "anyOf" in schema:
        return {**schema, "anyOf": [relaxed(option) for option in schema["anyOf"]]}
    if schema.get("type") == "array":
        return {**schema, "items": relaxed(schema["items"])}
    if schema.get("type") != "object":
        return schema
    children = {name: relaxed(child) for name, child in schema["properties"].items()}
    open_ended = {n: c if c.get("type") == "array" else _nullable(c) for n, c in children.items()}
    return {**schema, "properties": open_ended}


def _node(node: Any, root: dict[str, Any], path: str, refs: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(node, dict) or not node:
        raise NotPortable(f"{path}: any value at all is allowed here; declare a type")
    node, refs = joined(node, root, path, refs)
    generic = [key for key in ("$dynamicRef", "$recursiveRef") if key in node]
    if generic:
        raise NotPortable(f"{path}: {generic[0]} leads to what is only known elsewhere; use $ref")
    if "anyOf" in node and "oneOf" in node:
        raise NotPortable(f"{path}: anyOf beside oneOf; write the choices out")
    choices = node.get("anyOf") or node.get("oneOf")
    if not choices:
        return _plain(node, root, path, refs)
    shared = {key: node[key] for key in _STRUCTURE if key in node and key != "format"}
    if "properties" in shared and not any(_adds_something(choice, root, path, refs) for choice in choices):
        return _plain({key: value for key, value in node.items() if key not in {"anyOf", "oneOf"}}, root, path, refs)
    if shared:
        both = [{"allOf": [shared, choice]} for choice in choices]
        choices = [choice for choice in both if not _is_impossible(choice, root, path, refs)] or both
    return _choice(node, choices, root, path, refs)


def _is_impossible(choice: dict[str, Any], root: dict[str, Any], path: str, refs: tuple[str, ...]) -> bool:
    """Whether an option contradicts what holds for all of them: null beside `type: string`."""
    try:
        joined(choice, root, path, refs)
    except NotPortable as error:
        return isinstance(error, Contradiction)
    return False


def _adds_something(choice: Any, root: dict[str, Any], path: str, refs: tuple[str, ...]) -> bool:
    """Whether an option beside properties says more than which of them are required together."""
    node = joined(choice, root, path, refs)[0] if isinstance(choice, dict) else {}
    return any(key in node for key in ("properties", "anyOf", "oneOf", "enum", "const"))


def _all(makings: list[Callable[[], T]]) -> list[T]:
    """What each makes; raises every fault, not only the first."""
    made: list[T] = []
    faults: list[str] = []
    for make in makings:
        try:
            made.append(make())
        except NotPortable as error:
            faults += error.faults
    if faults:
        raise NotPortable(*dict.fromkeys(faults))
    return made


def _choice(
    node: dict[str, Any], choices: list[Any], root: dict[str, Any], path: str, refs: tuple[str, ...]
) -> dict[str, Any]:
    found = _all([
        partial(_node, choice, root, f"{path}[{number}]", refs) for number, choice in enumerate(choices)
    ])  # fmt: skip
    options = [inner for option in found for inner in (option["anyOf"] if set(option) == {"anyOf"} else [option])]
    unique = [option for i, option in enumerate(options) if option not in options[:i]]
    decimal = _is_decimal(node, choices)
    if decimal:
        unique = _number_or_text(unique)
    options_told = [{**option, "description": ""} for option in unique] if decimal else unique
    described = _description({"format": "decimal", **of_choices(choices), **node} if decimal else node, options_told)
    if len(unique) == 1:
        return {**unique[0], **described}
    return {**described, "anyOf": [_undescribed(option) if described else option for option in unique]}


def _is_decimal(node: dict[str, Any], choices: list[Any]) -> bool:
    """Whether the choices are those of pydantic's Decimal: a number, or its text; not those of `float | str`."""
    if node.get("x-text"):
        return False
    return all(
        any(choice.get("type") == kind for choice in choices if isinstance(choice, dict)) for kind in _OF_DECIMAL
    )


def _number_or_text(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pydantic's Decimal is `number | string`: asked for as a string, for number tokens lose scale and can loop."""
    types = [option.get("type") for option in options if set(option) <= {"type", "description"}]
    if "number" in types and "string" in types:
        return [option for option in options if option.get("type") != "number"]
    return options


def _undescribed(option: dict[str, Any]) -> dict[str, Any]:
    if option.get("type") == "object":
        return option
    return {key: value for key, value in option.items() if key != "description"}


def _plain(node: dict[str, Any], root: dict[str, Any], path: str, refs: tuple[str, ...]) -> dict[str, Any]:
    kinds = node.get("type")
    if not isinstance(kinds, str | list | None) or any(not isinstance(kind, str) for kind in kinds or ()):
        raise NotPortable(f"{path}: a type is a name, or several; write schemas under anyOf")
    if isinstance(kinds, list):
        options = [{**node, "type": kind} if kind != "null" else {"type": "null"} for kind in kinds]
        return _choice(
            {key: node[key] for key in ("description", "x-text") if key in node}, options, root, path, refs
        )
    if "const" in node:
        node = {**node, "enum": [node["const"]]}
    if "enum" in node:
        kinds = kinds or _type_of(node["enum"])
        found = {"type": kinds} if kinds else {}
        return {**found, **_description(node, []), "enum": list(node["enum"])}
    if kinds == "object" or "properties" in node:
        return _object(node, root, path, refs)
    if kinds == "array":
        if "items" not in node:
            raise NotPortable(f"{path}: a list of anything; declare its items")
        return {
            **_description(node, []),
            "type": "array",
            "items": _node(node["items"], root, f"{path}[]", refs),
        }
    if kinds not in {"string", "number", "integer", "boolean", "null"}:
        raise NotPortable(f"{path}: a value without a type; declare one")
    leaf = {"type": kinds, **_description(node, [])}
    if node.get("format") in _FORMATS:
        leaf["format"] = node["format"]
    return leaf


def _type_of(values: list[Any]) -> str | None:
    """The one type of an enumeration's values."""
    kinds = {_TYPES.get(type(value)) for value in values}
    return kinds.pop() if len(kinds) == 1 else None


def _object(node: dict[str, Any], root: dict[str, Any], path: str, refs: tuple[str, ...]) -> dict[str, Any]:
    if not node.get("properties"):
        raise NotPortable(f"{path}: an open dictionary; declare its properties, or use a list of name and value")
    if node.get("additionalProperties") not in (None, False, True, {}):
        raise NotPortable(f"{path}: open keys beside properties; use a list of name and value")
    if not isinstance(node.get("required", []), list):
        raise NotPortable(f"{path}: `required` must be the list of the required properties' names")
    required = set(node.get("required", ()))
    missing = [str(name) for name in node.get("required", ()) if name not in node["properties"]]
    if missing:
        near = get_close_matches(missing[0], node["properties"], n=1)
        hint = f" (is {near[0]!r} meant?)" if near else ""
        raise NotPortable(f"{path}: {missing[0]!r} is required, but is none of the properties{hint}")
    children = _all([
        partial(_node, child, root, f"{path}.{name}", refs) for name, child in node["properties"].items()
    ])  # fmt: skip
    properties = {
        name: made if name in required or made.get("type") == "array" else _nullable(made)
        for name, made in zip(node["properties"], children, strict=True)
    }
    return {
        **_description(node, []),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    options = node.get("anyOf", [node])
    if any(option.get("type") == "null" for option in options) or None in node.get("enum", ()):
        return node
    if "anyOf" in node:
        return {**node, "anyOf": [*options, {"type": "null"}]}
    described = {"description": node["description"]} if node.get("description") else {}
    return {**described, "anyOf": [_undescribed(node), {"type": "null"}]}


def _description(node: dict[str, Any], options: list[dict[str, Any]]) -> dict[str, str]:
    """The description with what strict servers have no keyword for: format, labels and examples."""
    parts = [str(node.get("description") or "").strip()]
    inner = {option.get("description") for option in options if option.get("type") not in {"null", "object"}}
    parts += sorted(text for text in inner if text and text != parts[0])
    hint = {"decimal": "decimal as text, like 1234.56", "date": "YYYY-MM-DD"}.get(str(node.get("format")))
    if hint:
        parts.append(f"({hint})")
    constraints = in_words(node)
    if constraints:
        parts.append(f"({constraints})")
    for name in ("labels", "examples"):
        if not isinstance(node.get(name, []), list | tuple | str | None):
            raise NotPortable(f"{name} are a list of texts, not {node[name]!r}")
    if node.get("labels"):
        parts.append("Labels: " + "; ".join(str(label) for label in node["labels"]) + ".")
    if node.get("examples"):
        parts.append("Examples: " + "; ".join(str(example) for example in node["examples"]) + ".")
    text = " ".join(part if part.endswith((".", ")")) or part == parts[-1] else f"{part}." for part in parts if part)
    return {"description": text} if text else {}
