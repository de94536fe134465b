"""An answer that its schema refuses -> the same without what is refused: one bad leaf never costs a good record.

A leaf that is refused becomes null (in a list it goes; where a field has a default, it is left out), also where the
schema requires it: that it was refused says why it is not there. A required field of a row that was not answered is
null likewise, for a table is not worthless for one empty cell. What cannot be mended so is said and left alone: a
required field of the record that was not answered, a rule over a whole object.
"""

from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from schemas.branches import leads_on
from schemas.habits import PageHabits, evidence_of
from schemas.json_leaves import read_leaves
from schemas.record import InvalidRecord, Schema, SchemaFault, names_of_format, record_path

_ROUNDS = 8
_LONGEST = 200  # characters of a refused text that are told


@dataclass(frozen=True)
class Refused:
    """A value that the schema refuses: where it stood (`line_items.0.amount`), its raw text, and why."""

    path: str
    raw: str
    why: str


@dataclass(frozen=True)
class Salvaged:
    """What is left of an answer.

    Attributes:
        value: the answer without what is refused.
        refused: what was taken out.
        lacking: what is against the schema beside that: required fields of the record that were not answered, rules
            over whole objects.
        valid: the schema takes it as it is, without a null for a required field.
    """

    value: dict[str, Any]
    refused: tuple[Refused, ...]
    lacking: tuple[SchemaFault, ...]
    valid: bool = True


def salvaged(
    answer: dict[str, Any], schema: Schema, habits: PageHabits | None = None, gone: Collection[str] = ()
) -> Salvaged:
    """Takes out of an answer what its schema refuses.

    Args:
        answer: decoded JSON; not changed.
        schema: that it is held against.
        habits: of the pages that it was read from.
        gone: paths of what was refused and taken out before.
    """
    value = deepcopy(answer)
    refused: list[Refused] = []
    for _ in range(_ROUNDS):
        faults = _faults(value, schema, habits)
        if not faults or not _taken_out(value, faults, refused):
            break
    left = _faults(value, schema, habits)
    told = {*gone, *(each.path for each in refused)}
    lacking = []
    for fault in left:
        if fault.what == "missing":
            _made_null(value, fault.steps)
        if fault.what == "missing" and any(isinstance(step, int) for step in fault.steps):
            refused += [Refused(fault.path, "null", fault.message)] if fault.path not in told else []
        elif fault.what != "missing" or fault.path not in told:
            lacking.append(fault)
    return Salvaged(value, tuple(refused), tuple(lacking), valid=not left)


def as_far_as_read(answer: dict[str, Any], schema: Schema, habits: PageHabits | None = None) -> dict[str, Any]:
    """The data of a record that its schema refuses as a whole: each leaf as far as its format says how to read it."""
    evidence = evidence_of(answer, habits, names_of_format(schema.json_schema, "currency"))
    try:
        made: dict[str, Any] = read_leaves(answer, schema.json_schema, evidence)
    except InvalidRecord:
        made = answer
    kept: dict[str, Any] = _named_as_kept(made, schema, "")
    return kept


def as_read(answer: dict[str, Any], schema: Schema, habits: PageHabits | None = None) -> dict[str, Any]:
    """The answer with each of its leaves as the record will hold it, so that a wrong reading shows on the page."""
    try:
        record = schema.parse(answer, habits)
    except InvalidRecord:
        record = as_far_as_read(answer, schema, habits)
    read: dict[str, Any] = _read_leaves(answer, record, schema, "")
    return read


def _read_leaves(answer: Any, record: Any, schema: Schema, path: str) -> Any:
    if isinstance(answer, dict):
        named = path and f"{record_path(schema, path)}."
        read = {}
        for name, child in answer.items():
            inside = f"{path}.{name}" if path else str(name)
            kept = name if schema.record_schema is None else record_path(schema, inside).removeprefix(named)
            read[name] = _read_leaves(child, record.get(kept) if isinstance(record, dict) else None, schema, inside)
        return read
    if isinstance(answer, list):
        rows = record if isinstance(record, list) and len(record) == len(answer) else [None] * len(answer)
        return [_read_leaves(child, rows[at], schema, f"{path}.{at}") for at, child in enumerate(answer)]
    return answer if record is None or isinstance(record, dict | list) else record


def _named_as_kept(value: Any, schema: Schema, path: str) -> Any:
    """The same value under the names that its fields have in a record."""
    if isinstance(value, list):
        return [_named_as_kept(child, schema, f"{path}.{number}") for number, child in enumerate(value)]
    if not isinstance(value, dict) or schema.record_schema is None:
        return value
    named = record_path(schema, path)
    made = {}
    for name, child in value.items():
        inside = f"{path}.{name}" if path else str(name)
        made[record_path(schema, inside).removeprefix(f"{named}." if named else "")] = _named_as_kept(
            child, schema, inside
        )
    return made


def _faults(value: dict[str, Any], schema: Schema, habits: PageHabits | None) -> list[SchemaFault]:
    try:
        schema.parse(value, habits)
    except InvalidRecord as error:
        return error.faults
    return []


def _taken_out(value: dict[str, Any], faults: Sequence[SchemaFault], refused: list[Refused]) -> bool:
    """Takes out every value that a fault is about; whether there was any."""
    gone: list[tuple[list[Any], int]] = []
    done: set[tuple[int, str | int]] = set()
    # Located before anything is taken out: a second fault about a value that is gone would cost what is around it.
    for fault, trail in [(fault, located(value, fault.steps)) for fault in faults]:
        if fault.what in {"missing", "whole"} or not trail:
            continue
        container, step = trail[-1]
        if (id(container), step) in done:
            continue
        done.add((id(container), step))
        here = container[step]
        if here is not None:
            path = ".".join(str(each) for _, each in trail)
            refused.append(Refused(path, _raw(here), fault.message))
        if isinstance(container, list):
            gone.append((container, int(step)))
        elif here is None or fault.what == "unknown":
            del container[step]
        else:
            container[step] = None
    for container, step in sorted(gone, key=lambda each: -each[1]):
        del container[step]
    return bool(done)


def _made_null(value: Any, steps: Sequence[str | int]) -> None:
    """Puts null where a required field is not there."""
    *outer, name = steps
    trail = located(value, outer)
    holder = trail[-1][0][trail[-1][1]] if trail else value
    if len(trail) == len(outer) and isinstance(holder, dict):
        holder.setdefault(str(name), None)


def located(value: Any, steps: Sequence[str | int]) -> list[tuple[Any, Any]]:
    """Where a fault's steps lead, as (container, key or position) from the outside in.

    Steps that name no place are passed over.
    """
    trail: list[tuple[Any, Any]] = []
    node = value
    for step in steps:
        if leads_on(node, step):
            trail.append((node, step))
            node = node[step]
    return trail


def _raw(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
