"""The edge between two windows: halves of a row, or of a record, that belong together. Pure.

A row that the edge cuts comes as two: the last of one window lacks what the first of the next has. They are one where
each lacks something that most rows have and the other has it, and nothing contradicts; a text that both have goes on
from one to the other, as a cell of several lines does.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.sameness import mean_the_same

_USUAL = 0.6
"""Share of the other rows that have a field, from which on a row without it is a half."""
_ENOUGH = 2
"""Other rows that show what is usual."""
_FEW = 0.25
"""Share of the usual fields that both halves may lack."""
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*")


def go_on(one: Any, other: Any, rows: Sequence[Any]) -> bool:
    """Whether a row goes on in the next.

    Args:
        one: the last of a window.
        other: the first of the next.
        rows: all of both windows.
    """
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return False
    first, second = _filled(one), _filled(other)
    if not first or not second:
        return False
    shared = first.keys() & second.keys()
    texts = {name for name in shared if _is_text(first[name]) and _is_text(second[name])}
    lists = {name for name in shared if isinstance(first[name], list) and isinstance(second[name], list)}
    if not all(_agree(first[name], second[name]) for name in shared - texts):
        return False
    # The numbers of a row stand on one of its lines: where a text goes on, one half has them all.
    longer = any(not mean_the_same(first[name], second[name]) for name in texts)
    copies = any(row in second[name] for name in lists for row in first[name])
    if copies or (longer and _has_number(first) and _has_number(second)):
        return False
    usual = _usual(one, other, rows)
    if usual is None:
        # Nothing shows what is usual: only halves that share nothing are one, or but a list that goes on.
        return not shared - lists
    lacking = usual - (first.keys() | second.keys())
    halves = bool(usual - first.keys() - lacking) and bool(usual - second.keys() - lacking)
    return halves and len(lacking) <= _FEW * len(usual)


def is_torn(one: Any, other: Any, rows: Sequence[Any]) -> bool:
    """Whether both lack what most rows have and are yet no halves of one: something between them may be lost."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping) or go_on(one, other, rows):
        return False
    usual = _usual(one, other, rows)
    return usual is not None and bool(usual - _filled(one).keys()) and bool(usual - _filled(other).keys())


def _usual(one: Any, other: Any, rows: Sequence[Any]) -> set[str] | None:
    """The fields that most of the other rows have; None where there are too few."""
    others = [_filled(row) for row in rows if row is not one and row is not other and isinstance(row, Mapping)]
    if len(others) < _ENOUGH:
        return None
    counts = Counter(name for row in others for name in row)
    return {name for name, count in counts.items() if count >= _USUAL * len(others)}


def continued(values: Sequence[Any]) -> Any:
    """One value of the halves' values, in order: a text that differs goes on, of all else the first counts."""
    told = [value for value in values if value is not None]
    if len(told) > 1 and all(map(_is_text, told)) and not all(mean_the_same(told[0], each) for each in told[1:]):
        return " ".join(str(each).strip() for each in told)
    return told[0] if told else None


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in (None, "", [], {})}


def _is_text(value: Any) -> bool:
    """Whether it is a text of words: of a number, a date or a code there is no second half."""
    return isinstance(value, str) and sum(map(str.isalpha, value)) > sum(map(str.isdecimal, value))


def _has_number(row: Mapping[str, Any]) -> bool:
    told = row.values()
    return any(isinstance(each, int | float) or (isinstance(each, str) and _NUMBER.fullmatch(each)) for each in told)


def _agree(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        first, second = _filled(one), _filled(other)
        return all(_agree(first[name], second[name]) for name in first.keys() & second.keys())
    if isinstance(one, list) and isinstance(other, list):
        return True
    return not isinstance(one, Mapping | list) and not isinstance(other, Mapping | list) and mean_the_same(one, other)
