"""The spellings of types, bounds and notes that mean one thing: `STRING`, `"minLength": "5"`, `example`. Pure."""

import re
from typing import Any

from schemas.keywords import CONDITIONS, FAMILIAR

_TYPES = {
    "string": "string", "str": "string", "text": "string", "varchar": "string",
    "integer": "integer", "int": "integer", "int32": "integer", "int64": "integer", "long": "integer",
    "number": "number", "float": "number", "double": "number",
    "boolean": "boolean", "bool": "boolean",
    "array": "array", "list": "array", "object": "object", "dict": "object", "null": "null", "none": "null",
}  # fmt: skip
_WITH_FORMAT = {
    "date": "date", "datetime": "date-time", "date-time": "date-time", "timestamp": "date-time", "decimal": "decimal",
    "currency": "currency", "money": "decimal", "amount": "decimal",
}  # fmt: skip
"""Formats that are written as types: a text in that form."""

_HINTS = (
    "desc", "help", "helpText", "hint", "instruction", "instructions", "prompt", "markdownDescription",
    "extraction_hint", "extractionHint", "extraction_instructions",
)  # fmt: skip
"""Words for whoever reads the document, by the names that programs give them."""

_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_OF_TEXT = ("pattern", "minLength", "maxLength", "format")
_NOTES = {"title": str, "$comment": str, "deprecated": bool, "readOnly": bool, "writeOnly": bool, "format": str,
          "uniqueItems": bool}  # fmt: skip
_SAYS_WHAT = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "not", "properties"})


def keywords_spelled(node: dict[str, Any]) -> dict[str, Any]:
    """Keywords in snake case by their own names: `any_of`, `min_items`."""
    own = {key: known for key in node if (known := _SPELT.get(key)) and known not in node}
    return {own.get(key, key): value for key, value in node.items()} if own else node


_SNAKE = {word: re.sub("(?=[A-Z])", "_", word).lower() for word in FAMILIAR | CONDITIONS if word[0] != "$"}
_SPELT = {snake: word for word, snake in _SNAKE.items() if snake != word}


def type_spelled(node: dict[str, Any]) -> dict[str, Any]:
    """The type by its own name."""
    kinds = node.get("type")
    if isinstance(kinds, str):
        kind = kinds.strip().lower()
        if kind == "enum" and "enum" in node:
            return {key: value for key, value in node.items() if key != "type"}
        if kind in _WITH_FORMAT:
            return {**node, "type": "string", "format": node.get("format", _WITH_FORMAT[kind])}
        return {**node, "type": _TYPES.get(kind, kinds)}
    if isinstance(kinds, list):
        return {**node, "type": [_TYPES.get(kind.strip().lower(), kind) if isinstance(kind, str) else kind
                                 for kind in kinds]}  # fmt: skip
    return node


def with_type_said(node: dict[str, Any]) -> dict[str, Any]:
    """The type that the keywords say which only values of one type have."""
    if node.get("type") is None and not _SAYS_WHAT & node.keys():
        for kind, keys in (("array", ("items", "prefixItems")), ("string", _OF_TEXT), ("number", _BOUNDS)):
            if any(key in node for key in keys):
                return {**node, "type": kind}
    return node


def bounds_spelled(node: dict[str, Any]) -> dict[str, Any]:
    """Bounds as numbers; `exclusiveMinimum: true` beside `minimum: 5` as `exclusiveMinimum: 5`."""
    made = dict(node)
    for key in (*_COUNTS, *_BOUNDS):
        if isinstance(made.get(key), str):
            made[key] = _number(made[key])
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(exclusive), bool) and made.pop(exclusive) and bound in made:
            made[exclusive] = made.pop(bound)
    return made


def notes_spelled(node: dict[str, Any]) -> dict[str, Any]:
    """A description of several lines as one text, one example as a list of it; notes of no such form not at all."""
    made = {key: value for key, value in node.items() if key not in _NOTES or isinstance(value, _NOTES[key])}
    said = made.get("description")
    if isinstance(said, list) and all(isinstance(line, str) for line in said):
        made["description"] = " ".join(said)
    elif not isinstance(said, str | None):
        del made["description"]
    hints = [key for key in _HINTS if isinstance(made.get(key), str) and made[key].strip()]
    if hints and not made.get("description"):
        made["description"] = made.pop(hints[0])
    if "labels" in made:
        labels = [made["labels"]] if isinstance(made["labels"], str) else made["labels"]
        made["labels"] = [each for each in labels if isinstance(each, str)] if isinstance(labels, list) else []
    if "example" in made:
        made.setdefault("examples", [made.pop("example")])
        made.pop("example", None)
    if "examples" in made and not isinstance(made["examples"], list):
        own = made["examples"]
        made["examples"] = list(own.values()) if isinstance(own, dict) else [own]
    return made


def _number(text: str) -> Any:
    """The number that a text is; the text itself where it is none."""
    for form in (int, float):
        try:
            return form(text)
        except ValueError:
            continue
    return text
