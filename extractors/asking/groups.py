"""A wide schema in groups of its fields, each a portable schema with the same nesting and order. Pure.

No model answers hundreds of fields at once. An object stays whole while it fits, neighbours stay together, and a list
of more columns than fit is cut by columns: each group repeats the columns that say which row it is.
"""

from collections.abc import Iterator
from typing import Any

from schemas.folding import words
from schemas.subschemas import besides_null

AT_ONCE = 100
"""Leaves that are asked for in one question: today's schemas stay as they are, and so do their stored replies."""

MOST = 50
"""Leaves of a group: even asked again with twice the room, its answer (40 tokens a leaf) stays under the 4,096 tokens
that small servers end an answer at; and half of `AT_ONCE`, so that no group is nearly as hard as the whole."""

_KEYS = 2
"""Columns that say which row it is: a number or a name alone often stands on several rows, both rarely do."""

_NUMBERS = frozenset({
    "no", "number", "nr", "num", "pos", "position", "line", "row", "index", "id", "identifier", "code", "sku", "key",
    "ref", "reference", "article", "nummer", "numero", "numéro",
})  # fmt: skip
_NAMES = frozenset({"name", "description", "title", "label", "text", "bezeichnung", "beschreibung", "designation"})
_DAYS = frozenset({"date", "day", "datum", "time"})
"""Words in the names of columns that say which row it is, the surest first."""

Path = tuple[str, ...]


def leaf_paths(node: dict[str, Any], path: Path = ()) -> list[Path]:
    """The paths of a portable schema's single values, positions left out; what several choices have counts once."""
    held = besides_null(node)
    if len(held) != 1 or held[0] is not node:
        return list(dict.fromkeys(found for option in held for found in leaf_paths(option, path)))
    if node.get("type") == "object":
        return [found for name, child in node["properties"].items() for found in leaf_paths(child, (*path, name))]
    return leaf_paths(node["items"], path) if node.get("type") == "array" else [path]


def cut(schema: dict[str, Any], most: int = MOST) -> list[dict[str, Any]]:
    """Groups of a schema's fields, of `most` leaves where that can be.

    A choice between several objects is never cut, whatever it holds. Leaves stand in one group each, but for the
    columns that say which row it is (`row_keys`).
    """
    return _pieces(schema, max(1, most), rows=False)


def row_keys(schema: dict[str, Any]) -> dict[Path, tuple[Path, ...]]:
    """Path of each list of objects, positions left out -> paths in a row of the columns that tell its rows apart."""
    return dict(_keys(schema, ()))


def _keys(node: dict[str, Any], path: Path) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    for option in besides_null(node):
        if option.get("type") == "object":
            for name, child in option["properties"].items():
                yield from _keys(child, (*path, name))
        elif option.get("type") == "array":
            for item in besides_null(option["items"]):
                if item.get("type") == "object":
                    yield path, _telling(item)
            yield from _keys(option["items"], path)


def _pieces(node: dict[str, Any], most: int, *, rows: bool) -> list[dict[str, Any]]:
    if len(leaf_paths(node)) <= most:
        return [node]
    if "anyOf" in node:
        held = besides_null(node)
        if len(held) != 1:
            return [node]
        made = _pieces(held[0], most, rows=rows)
        return [{**node, "anyOf": [piece if each is held[0] else each for each in node["anyOf"]]} for piece in made]
    if node.get("type") == "object":
        return _of_object(node, most, _telling(node) if rows else ())
    if node.get("type") == "array":
        return [{**node, "items": piece} for piece in _pieces(node["items"], most, rows=True)]
    return [node]


def _of_object(node: dict[str, Any], most: int, repeated: tuple[Path, ...]) -> list[dict[str, Any]]:
    """Runs of neighbouring properties, each with those that are repeated; a child that does not fit is cut itself."""
    room = max(1, most - len(repeated))
    runs: list[dict[str, Any]] = []
    size = 0
    for name, child in node["properties"].items():
        for piece in _pieces(child, room, rows=False) if (name,) not in repeated else ():
            weight = len(leaf_paths(piece))
            if not runs or size + weight > room or name in runs[-1]:
                runs.append({})
                size = 0
            runs[-1][name] = piece
            size += weight
    asked = [{path for name, piece in run.items() for path in leaf_paths(piece, (name,))} for run in runs]
    return [_only(node, paths.union(repeated)) for paths in asked] or [node]


def _only(node: dict[str, Any], paths: set[Path]) -> dict[str, Any]:
    """A node with the leaves at these paths alone; a choice between several objects stays whole."""
    held = besides_null(node)
    if len(held) != 1:
        return node
    if held[0] is not node:
        return {**node, "anyOf": [_only(each, paths) if each is held[0] else each for each in node["anyOf"]]}
    if node.get("type") == "array":
        return {**node, "items": _only(node["items"], paths)}
    if node.get("type") != "object":
        return node
    firsts = {path[0] for path in paths if path}
    chosen = {
        name: _only(child, {path[1:] for path in paths if path[:1] == (name,)})
        for name, child in node["properties"].items()
        if name in firsts
    }
    return {**node, "properties": chosen, "required": [name for name in node["required"] if name in chosen]}


def _telling(item: dict[str, Any]) -> tuple[Path, ...]:
    """The columns of a row that say which it is: its number and its name, else its day, else the first ones.

    Those of its own, if there are enough, else those of the objects in it, too.
    """
    singles = list(_singles(item))
    own = [path for path in singles if len(path) == 1]
    single = own if len(own) >= _KEYS else singles
    sure = [
        next((path for path in single if not wanted.isdisjoint(words(path[-1]))), None)
        for wanted in (_NUMBERS, _NAMES, _DAYS)
    ]
    chosen = list(dict.fromkeys([*(path for path in sure if path is not None), *single]))[:_KEYS]
    return tuple(path for path in single if path in chosen)


def _singles(item: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    """Where single values stand in a row, those in its lists and choices left out."""
    for name, child in item["properties"].items():
        held = besides_null(child)
        if _is_single(child):
            yield (*path, name)
        elif len(held) == 1 and held[0].get("type") == "object":
            yield from _singles(held[0], (*path, name))


def _is_single(node: dict[str, Any]) -> bool:
    """Whether a text or a number stands there: yes and no tell no rows apart."""
    return all(option.get("type") in {"string", "integer", "number"} for option in besides_null(node))
