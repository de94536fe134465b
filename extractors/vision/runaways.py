"""Answers that run away: white space, or a cycle, without end. A table of many equal rows is neither.

Both are known failures of this model under guided JSON.
"""

import json
from collections.abc import Callable

WATCHED = 8192
"""Characters of an answer's end that are looked at; what a cycle's turns make together at least."""

_BLANK, _TURNS, _SIGN = 256, 12, 48
"""Characters of white space; turns of a cycle; the piece that finds one."""

_ROWS, _ROWS_LONG = 400, 16_384
"""Equal rows one after the other that a window may hold (50 on each of 8 pages), and their characters."""


def runs_away(text: str, whole: Callable[[], str] | None = None) -> bool:
    """Whether the end of a text is white space, or a cycle, without end.

    Args:
        text: the answer, or its last `WATCHED` characters.
        whole: gives the whole answer, for a cycle of rows is looked at further back.
    """
    if len(text) - len(text.rstrip()) >= _BLANK:
        return True
    tail = text[-WATCHED:]
    if len(tail) < WATCHED:
        return False
    before = tail.rfind(tail[-_SIGN:], 0, len(tail) - 1)
    period = len(tail) - _SIGN - before
    if before < 0 or period * _TURNS > len(tail) or tail[period:] != tail[:-period]:
        return False
    if not _is_row(tail[:period]):
        return True
    rows = (whole() if whole else text)[-max(_ROWS * period, _ROWS_LONG) :]
    return len(rows) >= max(_ROWS * period, _ROWS_LONG) and rows[period:] == rows[:-period]


def _is_row(turn: str) -> bool:
    """Whether a cycle's turn, wherever it was cut, is one JSON object and the comma before the next."""
    start = turn.find("{")
    if start < 0:
        return False
    row, comma, rest = (turn[start:] + turn[:start]).strip().rpartition(",")
    try:
        return comma == "," and not rest and isinstance(json.loads(row), dict)
    except (ValueError, RecursionError):
        return False
