"""Reply -> value or faults. Pure. Fenced and prefixed JSON is read; broken JSON is never mended by guessing."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from extractors.documents import Fault
from extractors.errors import Kind
from schemas.habits import PageHabits, is_open
from schemas.record import InvalidRecord, Schema

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)
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
        answer = _decoded(text)
    except _Unreadable as error:
        return Judged(None, (Fault(Kind.INVALID_ANSWER, "", str(error)),))
    if not isinstance(answer, dict):
        return Judged(None, (Fault(Kind.INVALID_ANSWER, "", "the answer is not a JSON object"),))
    answer = _without_blanks(answer)
    if not schema.allow_empty and is_empty(answer):
        return Judged(
            None, (Fault(Kind.EMPTY_ANSWER, "", "nothing was read, but the pages are not blank; look again"),)
        )
    found = _many_faults if many else _faults
    faults = found(answer, schema, whole=whole, habits=habits)
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


class _Unreadable(ValueError):
    """The text holds no JSON object that could be read in one way only."""


def _decoded(text: str) -> object:
    stripped = text.strip().removeprefix("\ufeff")
    fenced = _FENCE.findall(stripped)
    if len(fenced) == 1 and not stripped.startswith("{"):
        stripped = fenced[0].strip()
    start = stripped.find("{")
    if start < 0:
        raise _Unreadable("the answer holds no JSON object")
    decoder = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    try:
        answer, end = decoder.raw_decode(stripped, start)
    except RecursionError:
        raise _Unreadable("the answer is nested too deeply") from None
    except ValueError as error:
        raise _Unreadable(f"the answer is not valid JSON: {error}") from None
    if "{" in stripped[end:]:
        raise _Unreadable("the answer holds more than one JSON object")
    return answer


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _without_blanks(value: Any) -> Any:
    """The same answer with blank strings as null, and without characters that no database stores."""
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("", key): _without_blanks(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_blanks(child) for child in value]
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value) if value.strip() else None
    return value
