"""Reply -> value or faults. Pure. It is read where exactly one reading (`decoding`) holds, and never mended."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from extractors.answers.decoding import Unreadable, readings, written
from extractors.documents import Fault, UnreadFields
from extractors.errors import Kind
from extractors.vocabulary import IssueKind
from schemas.habits import PageHabits, is_open
from schemas.record import InvalidRecord, Schema, SchemaFault
from schemas.salvage import Refused, located, salvaged
from schemas.shapes import meant, of_fields

_TOLD = 30
_SEVERAL = "the answer holds more than one JSON object, and they differ: give one"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_OF_STRUCTURE = {"missing", "unknown"}
"""What a fault is about that no answer has which was held to the schema."""

Habits = Callable[[], PageHabits]
"""Called only where an answer is open: most are not, and to know a page's habits takes its every number."""


@dataclass(frozen=True)
class Judged:
    """A verdict on one answer: `value` as the model gave it when `faults` is empty."""

    value: dict[str, Any] | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Kept:
    """What is good in an answer that stays invalid: its value without what was refused.

    Attributes:
        value: the answer.
        refused: what was taken out of it.
        put_together: of a wide schema, kind and words: where its groups' answers did not quite come together.
        unread: likewise: fields whose question got no usable answer.
    """

    value: dict[str, Any]
    refused: tuple[Refused, ...] = ()
    put_together: tuple[tuple[IssueKind, str], ...] = ()
    unread: tuple[UnreadFields, ...] = ()


def judge(
    text: str,
    schema: Schema,
    *,
    many: bool = False,
    whole: bool = True,
    habits: Habits | None = None,
    may_be_empty: Callable[[], bool] = bool,
) -> Judged:
    """Reads and checks one answer.

    Args:
        text: what the model wrote.
        schema: what a record must be.
        many: the answer is `{"records": [...]}`.
        whole: the answer covers its whole document, so that obligatory fields and rules over whole records count.
        habits: gives those of the pages that were asked about, to settle a text that reads two ways.
        may_be_empty: tells whether the pages show nothing of the schema, so that "nothing" is an answer.
    """
    try:
        found = _meant(text, schema, many=many)
    except Unreadable as error:
        return _refused(str(error))
    verdicts = [
        _judged(answer, schema, many=many, whole=whole, habits=habits, may_be_empty=may_be_empty) for answer in found
    ]
    good = [verdict for verdict in verdicts if verdict.value is not None]
    if len(good) == 1:
        return good[0]
    if len(found) > 1:
        return _refused(_SEVERAL)
    return verdicts[0]


def object_in(text: str, schema: Schema, fields: Collection[str], *, many: bool) -> dict[str, Any]:
    """What an answer about some fields of a schema is read as; its values are judged with those of the others.

    Args:
        text: what the model wrote.
        schema: what the whole record must be.
        fields: those at the root of what was asked for.
        many: the answer is `{"records": [...]}`.

    Raises:
        Unreadable: it holds no object with any of the fields, or several.
    """
    found = _meant(text, schema, many=many)
    own = [answer for answer in found if answer.keys() & set(fields)] or [each for each in found if is_empty(each)]
    if len(own) != 1:
        raise Unreadable(
            _SEVERAL if own else f"the answer has none of the fields: {', '.join(sorted(fields)[:_TOLD])}"
        )
    return own[0]


def keep(texts: Sequence[str], schema: Schema, *, many: bool, habits: Habits | None = None) -> Kept | None:
    """What is good in the answers of two rounds that are both refused; None where they hold no record at all.

    The one of which less is refused counts (the later one, where that is the same); a value that it lacks is taken
    from the other.

    Args:
        texts: what the model wrote, the first round first.
        schema: what a record must be.
        many: the answers are `{"records": [...]}`.
        habits: of the pages, as for `judge`.
    """
    found = [kept for text in reversed(texts) if (kept := _kept(text, schema, many=many, habits=habits)) is not None]
    if not found:
        return None
    best, *others = sorted(found, key=lambda kept: len(kept.refused))
    return _filled(best, others[0]) if others else best


def _kept(text: str, schema: Schema, *, many: bool, habits: Habits | None) -> Kept | None:
    try:
        found = _meant(text, schema, many=many)
    except Unreadable:
        return None
    if len(found) != 1:
        return None
    (answer,) = found
    known = habits() if habits is not None and is_open(answer) else None
    if not many:
        left = salvaged(answer, schema, known)
        return (
            None
            if _says_nothing(left.value, schema, many=False) and not schema.allow_empty
            else Kept(left.value, left.refused)
        )
    records = answer.get("records")
    if not isinstance(records, list):
        return None
    rows = [
        (number, record)
        for number, record in enumerate(records)
        if isinstance(record, dict) and (schema.allow_empty or not is_empty(record))
    ]
    rest = [salvaged(record, schema, known) for _, record in rows]
    refused = [
        Refused(f"records.{number}.{each.path}", each.raw, each.why)
        for number, left in enumerate(rest)
        for each in left.refused
    ]
    others = sum(not isinstance(record, dict | None) for record in records)
    if others:
        refused.append(Refused("records", f"{others} entries", "not an object"))
    value = {"records": [left.value for left in rest]}
    return None if is_empty(value) else Kept(value, tuple(refused))


def _filled(best: Kept, other: Kept) -> Kept:
    """The better answer, with what the other one has where this one was refused."""
    missing = {each.path for each in other.refused}
    value, left = best.value, []
    for each in best.refused:
        steps = each.path.split(".")
        there = _at(other.value, each.path)
        if each.path in missing or there is None or isinstance(there, dict | list):
            left.append(each)
            continue
        value = _with(value, steps, there)
    return Kept(value, tuple(left))


def _with(value: Any, steps: Sequence[str], leaf: Any) -> Any:
    """The same value with another leaf where a null stands; unchanged where the steps lead nowhere."""
    step, *rest = steps
    if isinstance(value, dict) and (rest or value.get(step) is None):
        return {**value, step: _with(value.get(step), rest, leaf) if rest else leaf}
    if isinstance(value, list) and rest and step.isdigit() and int(step) < len(value):
        return [_with(child, rest, leaf) if at == int(step) else child for at, child in enumerate(value)]
    return value


def _meant(text: str, schema: Schema, *, many: bool) -> list[dict[str, Any]]:
    """What the text can be read as, with null for blanks and for words that mean nothing.

    Raises:
        Unreadable: as nothing.
    """
    found = readings(written(text), _field_names(schema), many=many)
    if not found:
        raise Unreadable("the answer is not a JSON object")
    return [_in_words(_without_blanks(answer), schema, many=many) for answer in found]


def _in_words(answer: dict[str, Any], schema: Schema, *, many: bool) -> dict[str, Any]:
    records = answer.get("records")
    if many and isinstance(records, list):
        return {**answer, "records": [meant(record, schema.shape) for record in records]}
    made: dict[str, Any] = answer if many else meant(answer, schema.shape)
    return made


def _field_names(schema: Schema) -> frozenset[str]:
    """The record's own."""
    return frozenset(schema.shape.properties)


def _refused(why: str) -> Judged:
    return Judged(None, (Fault(Kind.INVALID_ANSWER, "", why, structural=True),))


def _judged(
    answer: dict[str, Any],
    schema: Schema,
    *,
    many: bool,
    whole: bool,
    habits: Habits | None,
    may_be_empty: Callable[[], bool],
) -> Judged:
    fields = _field_names(schema)
    if not many and not is_empty(answer) and not fields & answer.keys():
        return _refused(f"the answer has none of the schema's fields: {', '.join(sorted(fields)[:_TOLD])}")
    if _says_nothing(answer, schema, many=many) and not schema.allow_empty and not may_be_empty():
        return Judged(
            None, (Fault(Kind.EMPTY_ANSWER, "", "nothing was read, but the pages are not blank; look again"),)
        )
    found = _many_faults if many else _faults
    faults = found(answer, schema, whole=whole, habits=habits)
    return Judged(None, tuple(faults)) if faults else Judged(answer, ())


def _says_nothing(answer: dict[str, Any], schema: Schema, *, many: bool) -> bool:
    """Whether nothing of it is a value of a field: what no field has is not in the record."""
    return is_empty(answer if many else of_fields(answer, schema.shape))


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
            Fault(Kind.INVALID_ANSWER, f"{path}{fault.path}", fault.message, structural=fault.what in _OF_STRUCTURE)
            for fault in error.faults
            # A part of a document may leave out what stands elsewhere; the merged record is parsed in full.
            if whole or not _about_the_whole(answer, fault)
        ]
    return []


def _about_the_whole(answer: dict[str, Any], fault: SchemaFault) -> bool:
    """Whether a part of a document cannot be judged by it: what is missing there, or a rule over all of something."""
    if fault.what in {"missing", "whole"}:
        return True
    trail = located(answer, fault.steps)
    return bool(trail) and trail[-1][0][trail[-1][1]] is None


def _many_faults(answer: dict[str, Any], schema: Schema, *, whole: bool, habits: Habits | None) -> list[Fault]:
    records = answer.get("records")
    if not isinstance(records, list) or set(answer) != {"records"}:
        why = "the answer must be an object with the one list `records`"
        return [Fault(Kind.INVALID_ANSWER, "records", why, structural=True)]
    faults = []
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            faults.append(Fault(Kind.INVALID_ANSWER, f"records.{number}", "not an object", structural=True))
        elif is_empty(record) and not schema.allow_empty:
            faults.append(Fault(Kind.INVALID_ANSWER, f"records.{number}", "nothing is in it: leave it out"))
        else:
            faults += _faults(record, schema, whole=whole, habits=habits, path=f"records.{number}.")
    return faults


def _at(answer: object, path: str) -> object:
    """The value at a path; None where it leads nowhere."""
    for step in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
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
