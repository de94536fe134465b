"""The validator of the draft that a JSON schema names."""

import re
from typing import TYPE_CHECKING, Any

from schemas.json_leaves import is_moment

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


def validator_of(schema: dict[str, Any]) -> "Validator":
    """What holds answers against a schema; `date` and `date-time` are checked, other formats are not.

    Raises:
        ValueError: it is no valid schema of its draft.
    """
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(schema.get("$schema", ""), str):
        raise ValueError("not a valid JSON Schema at $.$schema: it is no text")  # noqa: TRY004 - a fault of the file
    draft = validator_for(schema, default=Draft202012Validator)
    try:
        draft.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"not a valid JSON Schema at {error.json_path}: {error.message}") from None
    formats = FormatChecker(["date"])
    formats.checks("date-time")(is_moment)
    return draft(schema, format_checker=formats)


def compiles(pattern: str) -> bool:
    """Whether a pattern is one of Python's: other dialects have classes (of Unicode) that it has not."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
