"""Answers about groups of a wide schema's fields -> the one answer that they are together. Pure.

Objects come together by path. The rows of a list that several groups share are paired by the columns that all of
them repeat (`pairing`); what cannot be paired stays a row of its own, and is told. The columns of a group that says
null of an object, or lacks a row, are null.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extractors.answers.pairing import Key, paired
from schemas.sameness import meanings
from schemas.shapes import Shape

Path = tuple[str, ...]
Node = Mapping[str, Any]
"""What a group was asked for at one place: a portable schema."""


@dataclass(frozen=True)
class Unpaired:
    """Rows of a list that are not in every group's answer: `path` without positions, and how many in all."""

    path: Path
    rows: int
    keys: Path


@dataclass(frozen=True)
class United:
    """The answer of all groups together, and which rows of it are halves."""

    value: dict[str, Any]
    unpaired: tuple[Unpaired, ...] = ()


def united(answers: Sequence[dict[str, Any]], schemas: Sequence[Node], keys: Mapping[Path, Path]) -> United:
    """Puts the answers of the groups together.

    Args:
        answers: one for each group that has one, in the groups' order.
        schemas: what each of these groups was asked for.
        keys: path of each list of objects, positions left out -> the columns that tell its rows apart.
    """
    if not answers:
        return United({})
    uniting = _Uniting(keys)
    value = uniting.node(list(zip(answers, schemas, strict=True)), ())
    unpaired = tuple(Unpaired(path, count, keys[path]) for path, count in uniting.unpaired.items())
    return United(value, unpaired)


def completed(value: Any, node: Node, lost: Collection[Path]) -> Any:
    """The answer in the schema's order, with null for what lost groups were asked for.

    Args:
        value: of the groups together.
        node: the portable schema of all of it.
        lost: paths of the leaves that no group has answered for.
    """
    return _completed(value, node, lost, ())


def _completed(value: Any, node: Node, lost: Collection[Path], path: Path) -> Any:
    inside = _inside(node)
    if isinstance(value, list) and "items" in inside:
        return [_completed(row, inside["items"], lost, path) for row in value]
    if not isinstance(value, dict) or "properties" not in inside:
        return value
    made = {}
    for name, child in inside["properties"].items():
        at = (*path, name)
        if name in value:
            made[name] = _completed(value[name], child, lost, at)
        elif any(leaf[: len(at)] == at for leaf in lost):
            made[name] = _nothing(child)
    return {**made, **{name: child for name, child in value.items() if name not in made}}


def _inside(node: Node) -> Node:
    """What may stand there besides null; empty where that is one of several."""
    options = [option for option in node.get("anyOf", [node]) if option.get("type") != "null"]
    return options[0] if len(options) == 1 else {}


def _may_be_null(node: Node) -> bool:
    return any(option.get("type") == "null" for option in node.get("anyOf", ()))


def _nothing(node: Node) -> Any:
    if node.get("type") == "object":
        return {name: _nothing(child) for name, child in node["properties"].items()}
    return [] if node.get("type") == "array" else None


def own_part(answer: Any, own: Shape, whole: Shape) -> Any:
    """A group's answer without what other groups were asked for; what no field is called stays, to be refused."""
    if isinstance(answer, dict) and whole.properties:
        return {
            name: own_part(child, own.properties[name], whole.properties[name]) if name in own.properties else child
            for name, child in answer.items()
            if name in own.properties or name not in whole.properties
        }
    if isinstance(answer, list) and own.items is not None and whole.items is not None:
        return [own_part(row, own.items, whole.items) for row in answer]
    return answer


def misfit(answer: Any, own: Shape, whole: Shape, path: Path = ()) -> Path | None:
    """Where a group's answer has no object or list though several groups share it; None where all is well."""
    if own == whole or answer is None:
        return None
    if own.items is not None:
        if not isinstance(answer, list):
            return path
        inside = [(row, own.items, whole.items, path) for row in answer]
    elif not isinstance(answer, dict):
        return path
    else:
        inside = [
            (answer[name], child, whole.properties.get(name), (*path, name))
            for name, child in own.properties.items()
            if name in answer
        ]
    found = (misfit(child, part, full, at) for child, part, full, at in inside if full is not None)
    return next((at for at in found if at is not None), None)


_LACKS: Any = object()
"""What a group says of a place in a row that it does not have."""

Told = Sequence[tuple[Any, Node]]
"""What each group says at one place, and what it was asked for there."""


class _Uniting:
    """The groups that are being put together; `unpaired` counts rows by the path of their list."""

    def __init__(self, keys: Mapping[Path, Path]) -> None:
        self.keys = keys
        self.unpaired: Counter[Path] = Counter()

    def node(self, told: Told, path: Path) -> Any:
        """What all groups say at one place; of a value that several give, as of keys, what most of them say."""
        given = [value for value, _ in told if value is not None and value is not _LACKS]
        if not given:
            value, node = told[0]
            return _nothing(node) if all(value is _LACKS for value, _ in told) else None
        if len(told) == 1:
            return given[0]
        inside = _inside(told[0][1])
        if "properties" in inside and all(isinstance(value, dict) for value in given):
            return self.columns(told, path)
        if "items" in inside and path in self.keys and all(isinstance(value, list) for value in given):
            return self.rows(told, path)
        said = Counter(map(repr, given))
        return max(given, key=lambda value: said[repr(value)])

    def columns(self, told: Told, path: Path) -> dict[str, Any]:
        """Several groups' objects."""
        parts: list[tuple[Mapping[str, Any], Mapping[str, Node]]] = []
        for value, node in told:
            asked = _inside(node).get("properties", {})
            if value is _LACKS:
                parts.append((dict.fromkeys(asked, _LACKS), asked))
            elif value is not None:
                parts.append((value, asked))
            elif _may_be_null(node):
                parts.append(({name: _nothing(child) for name, child in asked.items()}, asked))
        names = dict.fromkeys(name for part, _ in parts for name in part)
        return {
            name: self.node(
                [(part[name], asked.get(name, {})) for part, asked in parts if name in part], (*path, name)
            )
            for name in names
        }

    def rows(self, told: Told, path: Path) -> list[Any]:
        """Several groups' rows; who says null has none."""
        asked = [_inside(node)["items"] for _, node in told]
        having = [(value or [], items) for (value, _), items in zip(told, asked, strict=True) if value is not _LACKS]
        lacking = [(_LACKS, items) for (value, _), items in zip(told, asked, strict=True) if value is _LACKS]
        made = []
        for places in paired([[_key(row, self.keys[path]) for row in rows] for rows, _ in having]):
            if None in places:
                self.unpaired[path] += 1
            row = [
                (_LACKS if at is None else rows[at], items) for at, (rows, items) in zip(places, having, strict=True)
            ]
            made.append(self.node([*row, *lacking], path))
        return made


def _key(row: Any, names: Path) -> Key:
    """What a row's keys mean, so that two spellings of one are one."""
    told = [row.get(name) for name in names] if isinstance(row, Mapping) else [None for _ in names]
    return tuple(frozenset() if value is None else meanings(value) for value in told)
