"""Cells of a CSV that no spreadsheet runs: text of a document is data, also in Excel."""

import re
from typing import Any

from flows.store.dialects import json_text

_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula: the signs, also in full width, and what is skipped before one (OWASP, CSV injection)."""

_NUMBER = re.compile(r"[-+]?\d[\d., ]*(?:[eE][-+]?\d+)?%?")


def cell(value: Any) -> Any:
    """What has no column of its own is its JSON text, as in the views; booleans as other programs write them."""
    return json_text(value) if isinstance(value, list | dict | bool) else value


def neutral(value: Any) -> Any:
    """The cell with an apostrophe before what a spreadsheet would run as a formula; a negative number is none."""
    if isinstance(value, str) and value.startswith(_RUN) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
