"""Reply -> value or faults. Pure. It is read where exactly one reading (`decoding`) holds, and never mended."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from extractors.answers.decoding import Unreadable, readings, written
from extractors.documents import Fault
from extractors.errors import Kind
from schemas.habits import PageHabits, is_open
from schemas.record import InvalidRecord, Schema

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Habits = Callable[[], PageHabits]
"""Called only where an answer is open: most are not, and to know a page's habits takes its every number."""


@dataclass(frozen=True)
class Judged:
    """A verdict on one answer: `value` as the model gave it when `faults` is empty."""

    value: dict[str, Any] | None
    faults: tuple[Fault, ...]


def judge(
    text: str, schema: Schema, *, many: bool = False, whole: bool = True, habits: Habits | None = None
) -> Judged:
    """Reads and checks one answer.

    Args:
        text: what the model wrote.
        schema: what a record must be.
        many: the answer is `{"records": [...]}`.
        whole: the answer covers its whole document, so that obligatory fields must be there.
        habits: gives those of the pages that were asked about, to settle a text that reads two ways.
    """
    try:
        found = readings(written(text), _field_names(schema), many=many)
    except Unreadable as error:
        return _refused(str(error))
    if not found:
        return _refused("the answer is not a JSON object")
    faults_of = partial(_many_faults if many else _faults, schema=schema, whole=whole, habits=habits)
    verdicts = [_judged(_without_blanks(answer), schema, faults_of) for answer in found]
    good = [verdict for verdict in verdicts if verdict.value is not None]
    if len(good) == 1:
        return good[0]
    if len(found) > 1:
        return _refused("the answer holds more than one JSON object, and they differ: give one")
    return verdicts[0]


def _field_names(schema: Schema) -> frozenset[str]:
    """The record's own; none where the schema does not list them in one place."""
    properties = schema.json_schema.get("properties")
    return frozenset(properties) if isinstance(properties, dict) else frozenset()


def _refused(why: str) -> Judged:
    return Judged(None, (Fault(Kind.INVALID_ANSWER, "", why),))


def _judged(answer: dict[str, Any], schema: Schema, faults_of: Callable[[dict[str, Any]], list[Fault]]) -> Judged:
    if not schema.allow_empty and is_empty(answer):
        return Judged(
            None, (Fault(Kind.EMPTY_ANSWER, "", "nothing was read, but the pages are not blank; look again"),)
        )
    faults = faults_of(answer)
    return Judged(None, tuple(faults)) if faults else Judged(answer, ())


def is_empty(value: object) -> bool:
    """Whether nothing at all was read: null, and lists and objects of nothing."""
    if isinstance(value, dict):
        return all(is_empty(child) for child in value.values())
    if isinstance(value, list):
        return all(is_empty(child) for child in value)
    return value is None


def _faults(
    answer: dict[str, Any], schema: Schema, *, whole: bool, habits: Habits | None, path: str = ""
) -> list[Fault]:
    try:
        schema.parse(answer, habits() if habits is not None and is_open(answer) else None)
    except InvalidRecord as error:
        return [
            Fault(Kind.INVALID_ANSWER, f"{path}{fault.path}", fault.message)
            for fault in error.faults
            # A part of a document may leave out what stands elsewhere; the merged record is parsed in full.
            if whole or _at(answer, fault.path) is not None
        ]
    return []


def _many_faults(answer: dict[str, Any], schema: Schema, *, whole: bool, habits: Habits | None) -> list[Fault]:
    records = answer.get("records")
    if not isinstance(records, list) or set(answer) != {"records"}:
        return [Fault(Kind.INVALID_ANSWER, "records", "the answer must be an object with the one list `records`")]
    faults = []
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            faults.append(Fault(Kind.INVALID_ANSWER, f"records.{number}", "not an object"))
        else:
            faults += _faults(record, schema, whole=whole, habits=habits, path=f"records.{number}.")
    return faults


def _at(answer: object, path: str) -> object:
    """The value at a fault's path; None where the path leads nowhere."""
    for step in path.split(".") if path else ():
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return answer
    return answer


def _without_blanks(value: Any) -> Any:
    """The same answer with blank strings as null, and without characters that no database stores."""
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("", key): _without_blanks(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_blanks(child) for child in value]
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value) if value.strip() else None
    return value
