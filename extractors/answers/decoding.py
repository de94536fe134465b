"""Answer text -> the JSON objects in it. Thoughts, fences and remarks are passed over; nothing is ever mended.

What is read is what stands there: an object that is broken is no reading, and neither is a whole object inside it.
Every step is linear in the text, and bounded.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_DEEPEST, _MOST_VALUES = 64, 30_000
"""Levels of an answer, and values: no schema asks for so many, and no answer's limit has room for them."""

_MOST_READ, _MOST_BROKEN = 16, 64
"""Objects in one text that are read, and that are tried in vain."""

_DIGITS = 100
"""Of a number: whatever is longer was not read from a page."""

_THOUGHT = re.compile(
    r"</(?:\w{1,8}:)?(?:think|thinking|thought|reasoning)>|\[/THINK\]|◁/think▷|<\|channel\|>final<\|message\|>"
)
"""What ends a model's thinking aloud; servers that cut off its beginning leave its end."""

_START = re.compile(r"\[\s*\{|\{")
_MARK = re.compile(r'["\\{}\[\]]')


class Unreadable(ValueError):
    """The text holds no JSON object; says why, in words for the model."""


@dataclass(frozen=True)
class Written:
    """One piece of JSON in the text: an object, or a list that begins with one."""

    value: dict[str, Any] | list[Any]


def written(text: str) -> list[Written]:
    """Every object that stands in the text and not in another, each once.

    Raises:
        Unreadable: there is none.
    """
    spoken = _after_thoughts(_unquoted(text))
    found, told = _scanned(spoken)
    if not found and len(spoken) < len(text):
        found, told = _scanned(text)
    if not found:
        raise Unreadable(told or "the answer holds no JSON object")
    return [Written(value) for value in _each_once(found)]


def readings(pieces: Iterable[Written], fields: frozenset[str], *, many: bool) -> list[dict[str, Any]]:
    """The records that the pieces can be meant as.

    Args:
        pieces: of an answer.
        fields: of the schema's record; none where it does not say.
        many: the answer is to be `{"records": [...]}`.
    """
    wanted = frozenset({"records"}) if many else fields
    meant = [_unwrapped(piece.value, wanted, many=many) for piece in pieces]
    objects = list(_each_once(value for value in meant if isinstance(value, dict)))
    # An object that has nothing of the schema is an example, or a remark, where there is another that has.
    return [each for each in objects if wanted & each.keys()] or [each for each in objects if each] or objects


def _unwrapped(value: Any, wanted: frozenset[str], *, many: bool) -> Any:
    """The record inside a list of one, or inside an object with one key that is no field."""
    for _ in range(3):
        if isinstance(value, list) and many and all(isinstance(each, dict) for each in value):
            inside = value[0] if len(value) == 1 and "records" in value[0] else {"records": value}
        elif isinstance(value, list) and len(value) == 1:
            inside = value[0]
        elif isinstance(value, dict) and len(value) == 1 and wanted and not wanted & value.keys():
            inside = next(iter(value.values()))
        else:
            return value
        if not isinstance(inside, dict | list) or (isinstance(value, dict) and not _has(inside, wanted)):
            return value
        value = inside
    return value


def _has(inside: Any, wanted: frozenset[str]) -> bool:
    """Whether a wrapper's content is what is wanted, or holds it."""
    if isinstance(inside, list):
        return bool(inside) and isinstance(inside[0], dict)
    return bool(wanted & inside.keys()) or len(inside) == 1


def _unquoted(text: str) -> str:
    """An answer that was written as JSON twice: one text that holds it."""
    if not text.lstrip().startswith('"'):
        return text
    try:
        inside = json.loads(text)
    except ValueError:
        return text
    return inside if isinstance(inside, str) else text


def _after_thoughts(text: str) -> str:
    """What follows the last thought; the whole text where it begins with its object."""
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[{")):
        return text
    ends = [match.end() for match in _THOUGHT.finditer(text)]
    return text[ends[-1] :] if ends else text


def _scanned(text: str) -> tuple[list[Any], str]:
    """The values in the text, and what was wrong with the first one that could not be read."""
    if text.count("{") + text.count("[") + text.count(",") > _MOST_VALUES:
        return [], f"the answer holds more than {_MOST_VALUES} values"
    # A line break inside a text is no JSON, but means itself.
    decoder = json.JSONDecoder(
        object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_number, parse_int=_integer,
        strict=False,
    )  # fmt: skip
    found: list[Any] = []
    told, broken, at = "", 0, 0
    while broken < _MOST_BROKEN and len(found) < _MOST_READ and (start := _START.search(text, at)):
        try:
            value, at = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError) as error:
            told = told or _why(error)
            broken += 1
            at = _end_of_broken(text, start.start())
            continue
        if _too_deep(value):
            told = told or "the answer is nested too deeply"
        else:
            found.append(value)
    return found, told


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the answer is nested too deeply"
    return f"the answer is not valid JSON: {error}"


def _end_of_broken(text: str, start: int) -> int:
    """Where an object that cannot be read ends, by its brackets: what is inside it is no answer of its own."""
    depth, quoted, escaped = 0, False, -1
    for mark in _MARK.finditer(text, start):
        at, sign = mark.start(), mark.group()
        if at == escaped:
            continue
        if sign == "\\":
            escaped = at + 1
        elif sign == '"':
            quoted = not quoted
        elif not quoted:
            depth += 1 if sign in "{[" else -1
            if depth <= 0:
                return at + 1
    return len(text)


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _each_once(values: Iterable[Any]) -> list[Any]:
    """The same object twice is one; 1, 1.0 and true are not the same."""
    return list({json.dumps(value, sort_keys=True): value for value in values}.values())


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key[:80]!r} stands twice in one object")
            seen.add(key)
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _number(digits: str) -> float | str:
    """The number; as its own text where a float would be another one."""
    if len(digits) > _DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"{digits[:40]} is larger than any number")
    return number if Decimal(digits) == Decimal(repr(number)) else digits


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)
