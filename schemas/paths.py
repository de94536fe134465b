"""Where a value of an answer stands in the record, whose fields may have other names. Pure."""

from collections.abc import Iterator
from typing import Any

from schemas.joining import joined


def renamed(path: str, asked: dict[str, Any], kept: dict[str, Any]) -> str:
    """The path of a value in the record, by its path in the answer: `lineItems.0.net` -> `line_items.0.net`.

    Args:
        path: steps joined by dots; a name may hold dots itself.
        asked: JSON Schema of the answer.
        kept: of the record: the same under other names.

    Returns:
        The path as it is, where it leads to no field of the schema.
    """
    found = _renamed(path, asked, kept, (asked, kept))
    return path if found is None else found


def _renamed(path: str, asked: Any, kept: Any, roots: tuple[dict[str, Any], dict[str, Any]]) -> str | None:
    if not path:
        return ""
    asked, kept = joined(asked, roots[0], path)[0], joined(kept, roots[1], path)[0]
    for step, rest, inner, own in _ways(path, asked, kept):
        found = _renamed(rest, inner, own, roots)
        if found is not None:
            return ".".join(part for part in (step, found) if part)
    return None


def _ways(path: str, asked: dict[str, Any], kept: dict[str, Any]) -> Iterator[tuple[str, str, Any, Any]]:
    """Where a path can go on: the step that is taken by its own name, what is left, and the nodes it leads to."""
    for key in ("anyOf", "oneOf"):
        for option, own in zip(asked.get(key, ()), kept.get(key, ()), strict=False):
            yield "", path, option, own
    number, _, rest = path.partition(".")
    if "items" in asked and number.isdigit():
        yield number, rest, asked["items"], kept.get("items", {})
    names, owns = asked.get("properties", {}), kept.get("properties", {})
    if len(names) != len(owns):
        return  # two fields read the same property
    for (name, inner), (own, own_inner) in zip(names.items(), owns.items(), strict=True):
        if f"{path}.".startswith(f"{name}."):
            yield own, path[len(name) + 1 :], inner, own_inner
