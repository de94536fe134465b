"""One answer that a schema accepts, made up from the schema alone. Pure.

Every text and number differs from the others, so that a value that lands in another's place is noticed.
"""

from itertools import count
from typing import Any

from schemas.joining import joined

_FORMATS = {
    "date": "2026-01-31", "date-time": "2026-01-31T12:30:00Z", "time": "12:30:00", "duration": "P1D",
    "email": "name@example.com", "uri": "https://example.com/", "uuid": "00000000-0000-4000-8000-000000000001",
    "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "currency": "EUR",
}  # fmt: skip
_ROWS = 2


def example(schema: dict[str, Any]) -> Any:
    """An answer to a schema that can be asked for (`portable`).

    Declared examples are taken where there are any. A pattern, or a rule that only a validator knows, is not: what
    it refuses needs an example of its own.
    """
    return _value(schema, schema, "", count(2))


def _value(node: dict[str, Any], root: dict[str, Any], path: str, numbers: "count[int]") -> Any:
    node, _ = joined(node, root, path)
    if "const" in node:
        return node["const"]
    if node.get("enum"):
        return next((value for value in node["enum"] if value is not None), None)
    if isinstance(node.get("examples"), list) and node["examples"]:
        return node["examples"][0]
    own = "properties" in node
    choices = [choice for choice in node.get("anyOf") or node.get("oneOf") or () if isinstance(choice, dict)]
    choices = [choice for choice in choices if choice.get("type") != "null"]
    if choices and not own:
        numeric = [choice for choice in choices if choice.get("type") == "number"]
        texts = [choice for choice in choices if choice.get("type") == "string"]
        if numeric and texts and not node.get("x-text"):
            return _decimal(numeric[0], numbers)  # pydantic's own
        return _value({**{k: node[k] for k in ("type", "items") if k in node}, **choices[0]}, root, path, numbers)
    kind = node.get("type") or ("object" if own else "string")
    kinds = [each for each in kind if each != "null"] if isinstance(kind, list) else [kind]
    return _of_kind(kinds[0] if kinds else "null", node, root, path, numbers)


def _of_kind(kind: str, node: dict[str, Any], root: dict[str, Any], path: str, numbers: "count[int]") -> Any:
    if kind == "object":
        return {
            name: _value(child, root, f"{path}.{name}" if path else name, numbers)
            for name, child in node.get("properties", {}).items()
        }
    if kind == "array":
        rows = min(max(_ROWS, node.get("minItems", 0)), node.get("maxItems", _ROWS + node.get("minItems", 0)))
        made = [_value(node["items"], root, f"{path}.{number}", numbers) for number in range(rows)]
        return [each for i, each in enumerate(made) if each not in made[:i]] if node.get("uniqueItems") else made
    if kind in {"integer", "number"}:
        return _number(node, numbers) + (0.5 if kind == "number" and not _bounds(node) else 0)
    return {"boolean": True, "null": None}.get(kind) if kind != "string" else _text(node, path, numbers)


def _text(node: dict[str, Any], path: str, numbers: "count[int]") -> str:
    form = str(node.get("format", ""))
    if form == "decimal":
        return _decimal(node, numbers)
    if form in _FORMATS:
        return _FORMATS[form]
    text = f"{path or 'text'} {next(numbers)}"
    longest: int | None = node.get("maxLength")
    return text.ljust(node.get("minLength", 0), "x")[:longest]


def _decimal(node: dict[str, Any], numbers: "count[int]") -> str:
    number = _number(node, numbers)
    return str(number) if _bounds(node) else f"{number}.50"


def _bounds(node: dict[str, Any]) -> bool:
    return any(key in node for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))


def _number(node: dict[str, Any], numbers: "count[int]") -> int | float:
    """A number within the bounds, a whole one where there is one."""
    low = max((node[key] for key in ("minimum", "exclusiveMinimum") if key in node), default=None)
    high = min((node[key] for key in ("maximum", "exclusiveMaximum") if key in node), default=None)
    number: int | float = next(numbers)
    if low is not None and number <= low:
        number = low if low == node.get("minimum") else low + 1
    if high is not None and number >= high:
        number = high if high == node.get("maximum") else high - 1
        if low is not None and number <= low:
            number = (low + high) / 2
    step = node.get("multipleOf")
    return number - number % step + (step if number % step else 0) if step else number
