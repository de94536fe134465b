"""Answers about groups of a wide schema's fields -> the one answer that they are together. Pure.

Objects come together by path. The rows of a list that several groups share are paired by the columns that all of
them repeat; what cannot be paired stays a row of its own, and is told.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.sameness import meanings
from schemas.shapes import Shape

Path = tuple[str, ...]


@dataclass(frozen=True)
class Unpaired:
    """Rows of a list for which another group's answer has none of the same key: `path` without positions."""

    path: Path
    rows: int
    keys: Path


@dataclass(frozen=True)
class Said:
    """A group's answer, and the paths of the leaves that it was asked for."""

    value: dict[str, Any]
    paths: Collection[Path]


@dataclass(frozen=True)
class United:
    """The answer of all groups together, and which rows of it are halves."""

    value: dict[str, Any]
    unpaired: tuple[Unpaired, ...] = ()


def united(answers: Sequence[Said], keys: Mapping[Path, Path], schema: Mapping[str, Any]) -> United:
    """Puts the answers of the groups together.

    Where one says null for an object or a row that another has, what it was asked for there is null, there alone.

    Args:
        answers: one for each group that has one, in the groups' order.
        keys: path of each list of objects, positions left out -> the columns that tell its rows apart.
        schema: the portable schema of all of it.
    """
    value: dict[str, Any] = {}
    before: frozenset[Path] = frozenset()
    alone: Counter[Path] = Counter()
    for answer in _agreeing_first(answers, keys):
        its = _ways(answer.paths)
        value = _Uniting(keys, before, its, alone).node(value, answer.value, schema, ())
        before |= its
    unpaired = tuple(
        Unpaired(path, min(count, len(list(_rows_at(value, path)))), keys.get(path, ()))
        for path, count in alone.items()
    )
    return United(value, unpaired)


def _agreeing_first(answers: Sequence[Said], keys: Mapping[Path, Path]) -> list[Said]:
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


def _row_keys(answer: dict[str, Any], keys: Mapping[Path, Path]) -> "dict[Path, list[Key]]":
    """What tells the rows of each of an answer's lists apart; lists without any are left out."""
    found = {path: [_key(row, names) for row in _rows_at(answer, path)] for path, names in keys.items()}
    return {path: rows for path, rows in found.items() if rows}


def _rows_at(value: Any, path: Path) -> Iterator[Any]:
    """The rows of a list, positions on the way left out."""
    if isinstance(value, list) and path:
        for row in value:
            yield from _rows_at(row, path)
    elif not path:
        yield from value if isinstance(value, list) else ()
    elif isinstance(value, dict) and path[0] in value:
        yield from _rows_at(value[path[0]], path[1:])


def completed(value: Any, node: Mapping[str, Any], lost: Collection[Path]) -> Any:
    """The answer, in the schema's order, with null for what lost groups were asked for.

    Args:
        value: of the groups together.
        node: the portable schema of all of it.
        lost: paths of the leaves that no group has answered for.
    """
    return _completed(value, node, (), _ways(lost))


def _completed(value: Any, node: Mapping[str, Any], path: Path, lost: Collection[Path]) -> Any:
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


def _held(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands at a place besides null; nothing where that is a choice."""
    options = [option for option in node.get("anyOf", [node]) if option.get("type") != "null"]
    return options[0] if len(options) == 1 else {}


def _nothing(node: Mapping[str, Any], path: Path, asked: Collection[Path]) -> Any:
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


@dataclass(frozen=True)
class _Uniting:
    """Two answers that are being put together.

    Attributes:
        keys: of each list's rows.
        mine: what the one was asked for, as `_ways`.
        its: what the other was asked for.
        alone: counts rows that have no partner, by the path of their list.
    """

    keys: Mapping[Path, Path]
    mine: frozenset[Path]
    its: frozenset[Path]
    alone: Counter[Path]

    def node(self, one: Any, other: Any, schema: Mapping[str, Any], path: Path) -> Any:
        """What both say of one place; of a value that both give, as of keys, the first counts."""
        held = _held(schema)
        if isinstance(one, list | None) and isinstance(other, list | None) and path in self.keys and one != other:
            return self.rows(one or [], other or [], held.get("items", {}), path)
        if one is None and isinstance(other, dict):
            one = _nothing(held, path, self.mine)
        elif other is None and isinstance(one, dict):
            other = _nothing(held, path, self.its)
        if not isinstance(one, dict) or not isinstance(other, dict):
            return other if one is None else one
        inside = held.get("properties", {})
        both = {
            name: self.node(value, other[name], inside.get(name, {}), (*path, name)) if name in other else value
            for name, value in one.items()
        }
        return {**both, **{name: value for name, value in other.items() if name not in one}}

    def rows(self, one: list[Any], other: list[Any], schema: Mapping[str, Any], path: Path) -> list[Any]:
        """Two groups' rows: those that are one, then the others, each at its place."""
        pairs = _paired([_key(row, self.keys[path]) for row in one], [_key(row, self.keys[path]) for row in other])
        alone = sum(None in pair for pair in pairs)
        if alone:
            self.alone[path] += alone
        return [
            self.node(None if at is None else one[at], None if there is None else other[there], schema, path)
            for at, there in pairs
        ]


Key = tuple[frozenset[object], ...]


def _key(row: Any, names: Path) -> Key:
    """What a row's keys mean, so that two spellings of one are one."""
    told = [row.get(name) for name in names] if isinstance(row, Mapping) else [None for _ in names]
    return tuple(frozenset() if value is None else meanings(value) for value in told)


def _paired(one: Sequence[Key], other: Sequence[Key]) -> list[tuple[int | None, int | None]]:
    """Positions of rows that are the same in two answers, in order; None for a row that one of them lacks.

    Equal keys are one row, copies in their order where both have as many. A row alone between two such pairs is one
    with the row alone there in the other answer, where one of their keys is the same.
    """
    if list(one) == list(other):
        return [(at, at) for at in range(len(one))]
    counts = Counter(one), Counter(other)
    places: defaultdict[Key, deque[int]] = defaultdict(deque)
    for there, key in enumerate(other):
        places[key].append(there)
    partner = {at: places[key].popleft() for at, key in enumerate(one) if counts[0][key] == counts[1][key]}
    taken = set(partner.values())
    for at in range(len(one)):
        before = partner.get(at - 1, -1 if at == 0 else None)
        there = len(other) if at in partner or before is None else before + 1
        if there >= len(other) or there in taken:
            continue
        after = partner.get(at + 1, len(other) if at + 1 == len(one) else None)
        if after == there + 1 and any(mine & its for mine, its in zip(one[at], other[there], strict=True)):
            partner[at] = there
            taken.add(there)
    return _in_order(partner, len(one), len(other))


def _in_order(partner: Mapping[int, int], one: int, other: int) -> list[tuple[int | None, int | None]]:
    """The rows of one answer, each with its partner, and behind the row before it each that has none."""
    alone = set(range(other)) - set(partner.values())
    following: dict[int, list[int]] = {}
    for there in sorted(alone):
        first = there - 1
        while first in alone:
            first -= 1
        following.setdefault(first, []).append(there)
    pairs: list[tuple[int | None, int | None]] = [(None, there) for there in following.get(-1, ())]
    for at in range(one):
        mate = partner.get(at)
        pairs.append((at, mate))
        if mate is not None:
            pairs += [(None, there) for there in following.get(mate, ())]
    return pairs
