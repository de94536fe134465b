"""Which rows of two answers about one table are the same row: by the columns that both repeat. Pure.

A row is paired where that is sure, and else stays alone: as it is written first, then by what that means, and at last
by its neighbours. Copies, which no column tells apart, are paired by their order where all else is in the same order.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.sameness import meanings

Path = tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """What tells a row from others.

    Attributes:
        written: each key column's text, in whatever case and with whatever blanks; None: null.
        means: what each may mean, so that two spellings of one value are one.
    """

    written: tuple[str | None, ...]
    means: tuple[frozenset[object], ...]


def key_of(row: Any, columns: Sequence[Path]) -> Key:
    """The key of a row.

    Args:
        row: a group's answer about it.
        columns: their paths in it.
    """
    told = [value_at(row, column) for column in columns]
    return Key(
        tuple(None if value is None else " ".join(str(value).split()).casefold() for value in told),
        tuple(frozenset() if value is None else meanings(value) for value in told),
    )


def value_at(value: Any, path: Path) -> Any:
    """What stands at a path of names; None where nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def paired(one: Sequence[Key], other: Sequence[Key]) -> list[tuple[int | None, int | None]]:
    """Positions of rows that are the same in two answers, in order; None for a row that one of them lacks."""
    partner: dict[int, int] = {}
    for mine, its in (
        ([key.written for key in one], [key.written for key in other]),
        ([key.means for key in one], [key.means for key in other]),
    ):
        partner |= _equal(mine, its, partner, _mixed(one, mine) | _mixed(other, its))
    _between(partner, one, other)
    return _in_order(partner, len(one), len(other))


def _mixed(rows: Sequence[Key], keys: Sequence[Hashable]) -> set[Hashable]:
    """Keys of several rows of one answer that are written differently: these are no copies of each other."""
    spellings: defaultdict[Hashable, set[object]] = defaultdict(set)
    for row, key in zip(rows, keys, strict=True):
        spellings[key].add(row.written)
    return {key for key, found in spellings.items() if len(found) > 1}


def _equal(
    one: Sequence[Hashable], other: Sequence[Hashable], partner: Mapping[int, int], mixed: Collection[Hashable]
) -> dict[int, int]:
    """Pairs of rows that have none yet, of equal keys that stand equally often in both answers."""
    taken = set(partner.values())
    mine, its = _left(one, partner), _left(other, taken)
    counts = Counter(key for _, key in mine), Counter(key for _, key in its)
    alike = {key for key in counts[0] if counts[0][key] == counts[1][key]}
    everywhere = Counter(one), Counter(other)
    known = {key for key in everywhere[0] if everywhere[0][key] == everywhere[1][key]}
    in_step = [key for key in one if key in known] == [key for key in other if key in known]
    sure = {key for key in alike if counts[0][key] == 1 or (in_step and key not in mixed)}
    places: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for there, key in its:
        places[key].append(there)
    return {at: places[key].popleft() for at, key in mine if key in sure}


def _left(keys: Sequence[Hashable], taken: Collection[int]) -> list[tuple[int, Hashable]]:
    return [(at, key) for at, key in enumerate(keys) if at not in taken]


def _between(partner: dict[int, int], one: Sequence[Key], other: Sequence[Key]) -> None:
    """A row alone between two pairs is one with the row alone there, where one of their keys is the same."""
    taken = set(partner.values())
    for at in range(len(one)):
        before = partner.get(at - 1, -1 if at == 0 else None)
        there = len(other) if at in partner or before is None else before + 1
        if there >= len(other) or there in taken:
            continue
        after = partner.get(at + 1, len(other) if at + 1 == len(one) else None)
        keys = zip(one[at].means, other[there].means, strict=True)
        if after == there + 1 and any(mine & its for mine, its in keys):
            partner[at] = there
            taken.add(there)


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


def rows_at(value: Any, path: Path) -> Iterator[Any]:
    """The rows of a list, positions on the way left out."""
    if isinstance(value, list) and path:
        for row in value:
            yield from rows_at(row, path)
    elif not path:
        yield from value if isinstance(value, list) else ()
    elif isinstance(value, dict) and path[0] in value:
        yield from rows_at(value[path[0]], path[1:])
