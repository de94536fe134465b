"""What becomes of each keyword of a JSON schema: asked for, checked here, or dropped. Pure."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

from schemas.joining import NotPortable, joined

ASKED = frozenset({
    "type", "properties", "required", "items", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "$defs",
    "definitions", "additionalProperties", "description", "examples", "labels", "format", "merge",
})  # fmt: skip
"""They make the question, or say how its answers are read and merged."""

CHECKED_HERE = frozenset({
    "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "unevaluatedProperties",
    "unevaluatedItems", "dependentRequired", "contains", "minContains", "maxContains", "not",
})  # fmt: skip
"""What is not sent to the model as a keyword, and is checked here; bounds and patterns are told in words."""

CONDITIONS = frozenset({
    "if", "then", "else", "dependentSchemas", "dependencies", "propertyNames", "patternProperties", "prefixItems",
    "additionalItems",
})  # fmt: skip
"""Likewise; which fields they bring is asked for (`schemas.written`)."""

NOTES = frozenset({
    "title", "default", "discriminator", "$schema", "$id", "$anchor", "$comment", "deprecated", "readOnly",
    "writeOnly", "contentMediaType", "contentEncoding",
})  # fmt: skip
"""They say something of the schema, and nothing of an answer."""

FAMILIAR = ASKED | CHECKED_HERE | NOTES
"""A schema of these alone is taken as it stands, so that its recipe stays the same."""

_KNOWN = FAMILIAR | CONDITIONS | {"nullable", "example"}
_FIELDS_ELSEWHERE = frozenset({"extends", "$merge", "$patch"})
"""Of draft 3, and of extensions: they add fields from elsewhere."""
_CHOICES = frozenset({"allOf", "anyOf", "oneOf"})
_ALIKE, _SHORTEST = 0.75, 4
THE_RECORD = "the record"
"""What the root is called where paths are told."""


def unfamiliar(node: dict[str, Any]) -> list[str]:
    """The keywords of one node that are no part of what is asked, checked or known as a note; `x-...` is always."""
    return sorted(key for key in node if key not in FAMILIAR and not key.startswith("x-"))


def meant_by(keyword: str) -> str | None:
    """The known keyword that a misspelt one is nearest to: `requried` -> `required`; None where there is none."""
    by_letters = {known.lower(): known for known in sorted(_KNOWN) if len(known) >= _SHORTEST}
    found = get_close_matches(keyword.lower(), by_letters, n=1, cutoff=_ALIKE)
    return by_letters[found[0]] if found else None


def brings_fields(keyword: str, node: dict[str, Any]) -> bool:
    """Whether what is no keyword holds schemas that would be lost with it: a slip of `allOf`, draft 3's `extends`.

    An object without any properties is refused anyway, with what the slip may mean.
    """
    if not isinstance(node[keyword], dict | list) or not node[keyword]:
        return False
    meant = meant_by(keyword)
    return keyword in _FIELDS_ELSEWHERE or meant in _CHOICES or (meant == "properties" and meant in node)


def with_nearest(keyword: str) -> str:
    """A dropped keyword with what it may be a misspelling of."""
    near = meant_by(keyword)
    return f"{keyword} (is {near} meant?)" if near else keyword


def nodes_asked(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node that asking for a schema comes by, with its path (`line_items[].amount`), refs inlined.

    Raises:
        NotPortable: recursion, a ref that leads nowhere, or parts that contradict each other.
    """
    yield from _nodes(schema, schema, "", ())


def _nodes(node: Any, root: dict[str, Any], path: str, refs: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(node, dict):
        return
    node, refs = joined(node, root, path or "$", refs)
    yield path, node
    for key in ("anyOf", "oneOf"):
        for choice in node[key] if isinstance(node.get(key), list) else ():
            yield from _nodes(choice, root, path, refs)
    yield from _nodes(node.get("items"), root, f"{path}[]", refs)
    properties = node.get("properties")
    for name, child in properties.items() if isinstance(properties, dict) else ():
        yield from _nodes(child, root, f"{path}.{name}" if path else str(name), refs)


def checked_here(schema: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The keywords that are not sent and are checked here, by path."""
    return _by_path(schema, lambda node: sorted(node.keys() & (CHECKED_HERE | CONDITIONS)))


def dropped(schema: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The keywords that are neither sent nor checked, for nothing here knows them, by path."""
    return _by_path(schema, lambda node: [key for key in unfamiliar(node) if key not in CONDITIONS])


def _by_path(schema: dict[str, Any], of: Callable[[dict[str, Any]], list[str]]) -> list[tuple[str, list[str]]]:
    found: dict[str, dict[str, None]] = {}
    for path, node in nodes_asked(schema):
        own = of(node)
        if own:
            found.setdefault(path or THE_RECORD, {}).update(dict.fromkeys(own))
    return [(path, list(keys)) for path, keys in found.items()]


def all_familiar(schema: dict[str, Any]) -> bool:
    """Whether a schema has no other keywords than those that are taken as they stand, in today's sense."""
    try:
        return not any(
            unfamiliar(node) or not isinstance(node.get("required", []), list) for _, node in nodes_asked(schema)
        )
    except NotPortable:
        return False
