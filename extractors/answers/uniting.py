"""Answers about groups of a wide schema's fields -> the one answer that they are together. Pure.

Objects come together by path. The rows of a list that several groups share are paired by the columns that all of
them repeat; what cannot be paired stays a row of its own, and is told.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from extractors.answers.pairing import Path, key_of, paired, rows_at
from schemas.sameness import mean_the_same
from schemas.shapes import Shape
from schemas.subschemas import besides_null

Keys = Mapping[Path, tuple[Path, ...]]
"""Path of each list of objects, positions left out -> paths in a row of the columns that tell its rows apart."""


@dataclass(frozen=True)
class Unpaired:
    """Rows of a list for which another group's answer has none of the same key: `path` without positions."""

    path: Path
    rows: int
    keys: tuple[Path, ...]


@dataclass(frozen=True)
class Conflict:
    """Two values that groups gave for one place: `path` without positions; the first one is kept."""

    path: Path
    kept: Any
    other: Any


@dataclass(frozen=True)
class Said:
    """A group's answer, and the paths of the leaves that it was asked for."""

    value: dict[str, Any]
    paths: Collection[Path]


@dataclass(frozen=True)
class United:
    """The answer of all groups together.

    Attributes:
        value: the answer.
        unpaired: which of its rows are halves.
        conflicts: where groups contradict each other.
        unkeyed: paths of lists whose rows have nothing that tells them apart: they are paired by their order alone.
    """

    value: dict[str, Any]
    unpaired: tuple[Unpaired, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    unkeyed: tuple[Path, ...] = ()


def united(answers: Sequence[Said], keys: Keys, schema: dict[str, Any]) -> United:
    """Puts the answers of the groups together.

    Where one says null for an object or a row that another has, what it was asked for there is null, there alone.

    Args:
        answers: one for each group that has one, in the groups' order.
        keys: of each list's rows.
        schema: the portable schema of all of it.
    """
    value: dict[str, Any] = {}
    before: frozenset[Path] = frozenset()
    seen = _Seen()
    for answer in _agreeing_first(answers, keys):
        its = _ways(answer.paths)
        value = _Uniting(keys, before, its, seen).node(value, answer.value, schema, ())
        before |= its
    unpaired = tuple(
        Unpaired(path, min(count, len(list(rows_at(value, path)))), keys.get(path, ()))
        for path, count in seen.alone.items()
    )
    return United(value, unpaired, tuple(dict.fromkeys(seen.conflicts)), tuple(dict.fromkeys(seen.unkeyed)))


def _agreeing_first(answers: Sequence[Said], keys: Keys) -> list[Said]:
    """The answers, those first that agree with most others on the rows of their lists, in whatever order they came.

    So one that has a row too many or too few is the odd one, and does not part those that are one.
    """
    told = [_row_keys(answer.value, keys) for answer in answers]
    agree = [
        sum(other.get(path) == rows for other in told for path, rows in mine.items()) for mine in told
    ]  # fmt: skip

    def oddness(n: int) -> tuple[int, int, str]:
        return -agree[n], -sum(map(len, told[n].values())), repr(sorted(map(repr, answers[n].value.items())))

    return [answers[n] for n in sorted(range(len(answers)), key=oddness)]


def _row_keys(answer: dict[str, Any], keys: Keys) -> dict[Path, list[Any]]:
    """What tells the rows of each of an answer's lists apart; lists without any are left out."""
    found = {path: [key_of(row, columns).means for row in rows_at(answer, path)] for path, columns in keys.items()}
    return {path: rows for path, rows in found.items() if rows}


def completed(value: Any, node: dict[str, Any], lost: Collection[Path]) -> Any:
    """The answer, in the schema's order, with null for what lost groups were asked for.

    Args:
        value: of the groups together.
        node: the portable schema of all of it.
        lost: paths of the leaves that no group has answered for.
    """
    return _completed(value, node, (), _ways(lost))


def _completed(value: Any, node: dict[str, Any], path: Path, lost: Collection[Path]) -> Any:
    held = _held(node)
    if isinstance(value, list) and "items" in held:
        return [_completed(row, held["items"], path, lost) for row in value]
    if not isinstance(value, dict) or "properties" not in held:
        return value
    made = dict(value)
    for name, child in held["properties"].items():
        at = (*path, name)
        if name in made:
            made[name] = _completed(made[name], child, at, lost)
        elif at in lost:
            made[name] = _nothing(child, at, lost)
    # As the schema has them, whichever group's answer came first.
    return {**{name: made[name] for name in held["properties"] if name in made}, **made}


def _held(node: dict[str, Any]) -> dict[str, Any]:
    """What stands at a place besides null; nothing where that is a choice."""
    options = besides_null(node)
    return options[0] if len(options) == 1 else {}


def _nothing(node: dict[str, Any], path: Path, asked: Collection[Path]) -> Any:
    """Null at one place, or an object of nulls, with the properties that were asked for, where null may not stand."""
    if node.get("type") == "object":
        inside = {name: (child, (*path, name)) for name, child in node["properties"].items()}
        return {name: _nothing(child, at, asked) for name, (child, at) in inside.items() if at in asked}
    return [] if node.get("type") == "array" else None


def _ways(leaves: Collection[Path]) -> frozenset[Path]:
    """The leaves and all that they stand in."""
    return frozenset(leaf[:depth] for leaf in leaves for depth in range(1, len(leaf) + 1))


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
    if own == whole or (answer is None and own.nullable):
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


@dataclass
class _Seen:
    """What is seen while answers are put together: rows without a partner, counted by their list's path, and more."""

    alone: Counter[Path] = field(default_factory=Counter)
    conflicts: list[Conflict] = field(default_factory=list)
    unkeyed: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class _Uniting:
    """Two answers that are being put together.

    Attributes:
        keys: of each list's rows.
        mine: what the one was asked for, as `_ways`.
        its: what the other was asked for.
        seen: takes what is to be told.
    """

    keys: Keys
    mine: frozenset[Path]
    its: frozenset[Path]
    seen: _Seen

    def node(self, one: Any, other: Any, schema: dict[str, Any], path: Path) -> Any:
        """What both say of one place; of a value that both give, as of keys, the first counts."""
        held = _held(schema)
        if isinstance(one, list | None) and isinstance(other, list | None) and path in self.keys and one != other:
            return self.rows(one or [], other or [], held.get("items", {}), path)
        if one is None and isinstance(other, dict):
            one = _nothing(held, path, self.mine)
        elif other is None and isinstance(one, dict):
            other = _nothing(held, path, self.its)
        if not isinstance(one, dict) or not isinstance(other, dict):
            return self.single(one, other, path)
        inside = held.get("properties", {})
        both = {
            name: self.node(value, other[name], inside.get(name, {}), (*path, name)) if name in other else value
            for name, value in one.items()
        }
        return {**both, **{name: value for name, value in other.items() if name not in one}}

    def single(self, one: Any, other: Any, path: Path) -> Any:
        """One value of two that are said of one place."""
        if one is None or other is None:
            return other if one is None else one
        if not (isinstance(one, dict | list) or isinstance(other, dict | list) or mean_the_same(one, other)):
            self.seen.conflicts.append(Conflict(path, one, other))
        return one

    def rows(self, one: list[Any], other: list[Any], schema: dict[str, Any], path: Path) -> list[Any]:
        """Two groups' rows: those that are one, then the others, each at its place."""
        columns = self.keys[path]
        pairs = paired([key_of(row, columns) for row in one], [key_of(row, columns) for row in other])
        alone = sum(None in pair for pair in pairs)
        if alone:
            self.seen.alone[path] += alone
        if not columns and len(pairs) > 1:
            self.seen.unkeyed.append(path)
        return [
            self.node(None if at is None else one[at], None if there is None else other[there], schema, path)
            for at, there in pairs
        ]
