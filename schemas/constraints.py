"""A schema's own constraints in words: strict servers take no bounds or patterns, and what is checked is asked."""

import re
from typing import Any

_OF_DECIMAL = "^(?!^[-+.]*$)"
"""How pydantic's own pattern of a Decimal begins: that it is a number is told by its format."""
_DECIMALS = re.compile(r"\\\.\\d\{0,(\d+)\}")
_LONGEST = 200  # characters of a pattern that are told; a longer one helps no model

_WORDS = {
    "minimum": "{} or more",
    "maximum": "{} or less",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters at most",
    "minItems": "{} entries or more in the whole document",
    "maxItems": "{} entries at most",
}


def in_words(node: dict[str, Any]) -> str:
    """What a value must keep to, such as "0 or more, a multiple of 0.01"; "" for a node without constraints."""
    told = [words.format(_plain(node[key])) for key, words in _WORDS.items() if _is_number(node.get(key))]
    if node.get("uniqueItems") is True:
        told.append("no entry twice")
    pattern = node.get("pattern")
    if isinstance(pattern, str):
        told += _of_pattern(pattern)
    return ", ".join(told)


def of_choices(choices: list[Any]) -> dict[str, Any]:
    """The constraints of pydantic's Decimal, which it spreads over a number and its text."""
    known = (*_WORDS, "pattern")
    return {key: each[key] for each in choices if isinstance(each, dict) for key in known if key in each}


def _plain(number: float) -> str:
    """Without the ".0" that pydantic gives the bounds of a Decimal."""
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_pattern(pattern: str) -> list[str]:
    if pattern.startswith(_OF_DECIMAL):
        decimals = _DECIMALS.search(pattern)
        return [f"{decimals.group(1)} decimals at most"] if decimals else []
    return [f"matching {pattern}"] if len(pattern) <= _LONGEST else []
