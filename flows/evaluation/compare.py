"""A record held against its label, by value and not by spelling. Pure."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from extractors.vocabulary import EvidenceState
from flows.store.shape import Shape, ViewColumn
from schemas.fields import parse_amount

Verdict = Literal["right", "wrong", "missing", "extra"]


@dataclass(frozen=True)
class Mark:
    """The verdict on one labelled value, or on one row of a labelled list.

    Attributes:
        field: dotted path of the field, or of the list.
        verdict: `right`; `wrong`: another value, or one where the label says that there is none; `missing`: no
            value; `extra`: a row of a list beyond those labelled.
        truth: the label, for messages.
        said: what the record holds; None when it holds nothing.
        state: what became of looking for what the record holds on the page; None when it holds nothing, or a count.
    """

    field: str
    verdict: Verdict
    truth: object
    said: object
    state: EvidenceState | None

    @property
    def grounded(self) -> bool | None:
        """Whether it was found; None where nothing was looked for, or nothing could be."""
        return None if self.state in {None, EvidenceState.NOT_CHECKABLE} else self.state == EvidenceState.FOUND


class UnreadableLabel(ValueError):
    """A label that is no value of its field's type, or names no such field of a list's rows."""


def comparable(shape: Shape) -> list[str]:
    """The dotted paths that a label can name: the fields that stand in no list, then the lists."""
    paths = [*(column.path for column in shape.columns), *(each.path for each in shape.lists)]
    return [".".join(path) for path in paths]


def compare(truth: Mapping[str, Any], data: Mapping[str, Any], states: Mapping[str, str], shape: Shape) -> list[Mark]:
    """Holds a record against its label.

    Args:
        truth: dotted path -> true value; what `comparable` does not hold is passed over. Of a list either its
            rows, in any order, or how many there are.
        data: the record as stored.
        states: leaf path -> what became of looking for it on the page (`line_items.0.amount` -> `found`).
        shape: the schema's.

    Raises:
        UnreadableLabel: a label is no value of its field's type.
    """
    marks = []
    for column in shape.columns:
        path = ".".join(column.path)
        if path in truth:
            marks.append(_scalar(path, column.kind, truth[path], _at(data, column.path), _state([path], states)))
    for each in shape.lists:
        path = ".".join(each.path)
        if path in truth:
            rows = _at(data, each.path) or []
            marks += _rows(path, each.columns, truth[path], rows, states)
    return marks


def _at(data: Any, path: Sequence[str]) -> Any:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _scalar(field: str, kind: str, truth: object, said: object, state: EvidenceState | None) -> Mark:
    expected = _label_value(field, kind, truth)
    if said is None:
        return Mark(field, "right" if expected is None else "missing", truth, None, None)
    right = expected is not None and _record_value(kind, said) == expected
    return Mark(field, "right" if right else "wrong", truth, said, state)


def _rows(
    field: str, columns: Sequence[ViewColumn], truth: object, rows: Sequence[Any], states: Mapping[str, str]
) -> list[Mark]:
    """Each labelled row is right when a row of the record, each taken once, agrees in all that is labelled."""
    if not isinstance(truth, list):
        return [_row_count(field, truth, len(rows))]
    left = dict(enumerate(rows))
    marks, unmatched = [], []
    for wanted in truth:
        cells = _labelled_cells(field, columns, wanted)
        same = next((number for number, row in left.items() if _agrees(row, cells)), None)
        if same is None:
            unmatched.append((wanted, cells))
        else:
            state = _state_of_row(field, same, cells, left.pop(same), states)
            marks.append(Mark(field, "right", wanted, rows[same], state))
    for (wanted, cells), (number, row) in zip(unmatched, left.items(), strict=False):
        state = _state_of_row(field, number, cells, row, states)
        marks.append(Mark(field, "wrong", wanted, row, state))
    marks += [Mark(field, "missing", wanted, None, None) for wanted, _ in unmatched[len(left) :]]
    marks += [Mark(field, "extra", None, row, None) for row in list(left.values())[len(unmatched) :]]
    return marks


def _row_count(field: str, truth: object, count: int) -> Mark:
    expected = _label_value(field, "numeric", truth)
    return Mark(field, "right" if expected == count else "wrong", f"{truth} rows", f"{count} rows", None)


Cells = list[tuple[ViewColumn, object]]


def _labelled_cells(field: str, columns: Sequence[ViewColumn], wanted: Any) -> Cells:
    """The columns that a labelled row names, with their values."""
    by_path = {".".join(column.path): column for column in columns}
    flat = dict(_flat(wanted)) if isinstance(wanted, dict) else {"": wanted}
    unknown = sorted(flat.keys() - by_path.keys())
    if unknown:
        raise UnreadableLabel(f"{field} has no {unknown[0] or 'plain values'}; its rows have {', '.join(by_path)}")
    return [(by_path[path], _label_value(field, by_path[path].kind, value)) for path, value in flat.items()]


def _flat(row: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in row.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(f"{before}{name}", value)]
    return found


def _agrees(row: Any, cells: Cells) -> bool:
    for column, expected in cells:
        said = _at(row, column.path)
        if (None if said is None else _record_value(column.kind, said)) != expected:
            return False
    return True


def _state_of_row(field: str, number: int, cells: Cells, row: Any, states: Mapping[str, str]) -> EvidenceState | None:
    """What became of looking for all that the row holds in the labelled columns."""
    paths = [".".join((field, str(number), *column.path)) for column, _ in cells if _at(row, column.path) is not None]
    return _state(paths, states) if paths else None


def _state(paths: Sequence[str], states: Mapping[str, str]) -> EvidenceState:
    """Found where each of some values was, of those that could be checked; a value without evidence could not be."""
    told = [states.get(path, EvidenceState.NOT_CHECKABLE) for path in paths]
    checked = [state for state in told if state != EvidenceState.NOT_CHECKABLE]
    if not checked:
        return EvidenceState.NOT_CHECKABLE
    return EvidenceState.FOUND if set(checked) == {EvidenceState.FOUND} else EvidenceState.NOT_FOUND


def _label_value(field: str, kind: str, value: object) -> object:
    """A label as a value of its kind; None where the document shows none.

    Raises:
        UnreadableLabel: it is none.
    """
    if value is None:
        return None
    try:
        return _READ[kind](value)
    except (ValueError, InvalidOperation) as error:
        raise UnreadableLabel(f"{field}: {error}") from None


def _record_value(kind: str, value: object) -> object:
    """A stored value likewise; one that is not of its kind is compared as text."""
    try:
        return _READ[kind](value)
    except (ValueError, InvalidOperation):
        return _text(value)


def _number(value: object) -> object:
    # A label's dot is a decimal mark, as in JSON.
    amount = parse_amount(value, "." if "." in str(value) else None)
    return Decimal(amount) if isinstance(amount, int) else amount


def _truth_value(value: object) -> bool:
    known = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
    text = str(value).strip().lower()
    if text not in known:
        raise ValueError(f"{value!r} is neither true nor false")
    return known[text]


def _day(value: object) -> object:
    # A label says one day in one way, whatever documents print.
    try:
        return datetime.fromisoformat(str(value).strip()).date()
    except ValueError:
        raise ValueError(f"{value!r} is not an ISO date; write it as YYYY-MM-DD") from None


def _moment(value: object) -> datetime:
    return datetime.fromisoformat(str(value).strip())


def _text(value: object) -> str:
    """Letter case and white space do not count, nor the ways that Unicode writes the same letter."""
    return " ".join(unicodedata.normalize("NFKC", str(value)).casefold().split())


_READ: dict[str, Callable[[object], object]] = {
    "text": _text, "numeric": _number, "boolean": _truth_value, "date": _day, "timestamp": _moment,
}  # fmt: skip
