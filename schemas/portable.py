"""The response schema that every endpoint accepts: OpenAI strict, Mistral strict, vLLM, llama.cpp.

Every `$ref` inlined, every property required (optional ones may be null), objects closed, no bounds,
no patterns: those are told in words (`constraints`) and checked locally. Property order and descriptions
are kept, for they are the prompt; `labels` and `examples` are folded into the description, since strict
servers refuse unknown keywords.
"""

from typing import Any

from schemas.constraints import in_words, of_choices

_KEPT = ("type", "enum", "description")
_FORMATS = {"date", "date-time"}
_DROPPED = {
    "title", "default", "discriminator", "examples", "labels", "merge", "$defs", "definitions", "$schema", "$id",
    "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minItems", "maxItems", "uniqueItems", "additionalProperties", "required", "properties", "items",
    "anyOf", "oneOf", "allOf", "const", "$ref", "$comment", "deprecated", "readOnly", "writeOnly",
    "minProperties", "maxProperties", "contentMediaType", "contentEncoding", *_KEPT,
}  # fmt: skip


class NotPortable(ValueError):
    """A schema that endpoints cannot be asked for; the message says where and what to change."""


def portable(schema: dict[str, Any]) -> dict[str, Any]:
    """The portable form of a JSON schema.

    Args:
        schema: as pydantic or a person wrote it; its root must be an object.

    Raises:
        NotPortable: recursion, an open dictionary, an unknown keyword, or a root that is no object.
    """
    root = _node(schema, schema, "$", ())
    if root.get("type") != "object":
        raise NotPortable("the schema's root must be an object with properties")
    return root


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
    if "$ref" in node:
        return _referred(node, root, path, refs)
    unknown = sorted(key for key in node if key not in _DROPPED and not key.startswith("x-"))
    if unknown:
        raise NotPortable(f"{path}: the keyword {unknown[0]!r} cannot be sent to a model; declare it another way")
    if len(node.get("allOf", ())) == 1:
        merged = {**node["allOf"][0], **{k: v for k, v in node.items() if k != "allOf"}}
        return _node(merged, root, path, refs)
    if "allOf" in node:
        raise NotPortable(f"{path}: allOf of several schemas; write the properties out")
    choices = node.get("anyOf") or node.get("oneOf")
    if choices:
        return _choice(node, choices, root, path, refs)
    return _plain(node, root, path, refs)


def _referred(node: dict[str, Any], root: dict[str, Any], path: str, refs: tuple[str, ...]) -> dict[str, Any]:
    ref = node["$ref"]
    if ref in refs:
        raise NotPortable(f"{path}: {ref} contains itself; a record has a fixed depth, so unroll the levels needed")
    target: Any = root
    for step in ref.removeprefix("#/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(target, dict) or name not in target:
            raise NotPortable(f"{path}: {ref} is not in this schema")
        target = target[name]
    siblings = {key: value for key, value in node.items() if key != "$ref"}
    return _node({**target, **siblings}, root, path, (*refs, ref))


def _choice(
    node: dict[str, Any], choices: list[Any], root: dict[str, Any], path: str, refs: tuple[str, ...]
) -> dict[str, Any]:
    options: list[dict[str, Any]] = []
    for number, choice in enumerate(choices):
        option = _node(choice, root, f"{path}[{number}]", refs)
        options.extend(option["anyOf"] if set(option) == {"anyOf"} else [option])
    unique = _number_or_text([option for i, option in enumerate(options) if option not in options[:i]])
    decimal = _is_decimal(choices)
    options_told = [{**option, "description": ""} for option in unique] if decimal else unique
    described = _description({"format": "decimal", **of_choices(choices), **node} if decimal else node, options_told)
    if len(unique) == 1:
        return {**unique[0], **described}
    return {**described, "anyOf": [_undescribed(option) if described else option for option in unique]}


def _is_decimal(choices: list[Any]) -> bool:
    """Whether the choices are those of pydantic's Decimal: a number, or its text."""
    return {"number", "string"} <= {choice.get("type") for choice in choices if isinstance(choice, dict)}


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
    if isinstance(kinds, list):
        options = [{**node, "type": kind} if kind != "null" else {"type": "null"} for kind in kinds]
        return _choice({"description": node.get("description", "")}, options, root, path, refs)
    if "const" in node:
        node = {**node, "enum": [node["const"]]}
    if "enum" in node:
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


def _object(node: dict[str, Any], root: dict[str, Any], path: str, refs: tuple[str, ...]) -> dict[str, Any]:
    if not node.get("properties"):
        raise NotPortable(f"{path}: an open dictionary; declare its properties, or use a list of name and value")
    if node.get("additionalProperties") not in (None, False, True):
        raise NotPortable(f"{path}: open keys beside properties; use a list of name and value")
    required = set(node.get("required", ()))
    properties = {}
    for name, child in node["properties"].items():
        made = _node(child, root, f"{path}.{name}", refs)
        properties[name] = made if name in required or made.get("type") == "array" else _nullable(made)
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
    if node.get("labels"):
        parts.append("Labels: " + "; ".join(str(label) for label in node["labels"]) + ".")
    if node.get("examples"):
        parts.append("Examples: " + "; ".join(str(example) for example in node["examples"]) + ".")
    text = " ".join(part if part.endswith((".", ")")) or part == parts[-1] else f"{part}." for part in parts if part)
    return {"description": text} if text else {}
