"""What may enter the store: clean text, clean JSON, moments in UTC.

Hostile documents can put text into an answer that no database takes: NUL, half of a surrogate pair, NaN.
"""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine


def clean_text(text: str) -> str:
    """The text without what databases refuse: NUL and lone surrogates become U+FFFD."""
    text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean_json(value: Any) -> Any:
    """JSON data that every database takes: clean texts and keys, numbers without end as text."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): clean_json(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(child) for child in value]
    return value


_TO_CLEAN = re.compile(r"\\u(?:0000|d[89a-f])|NaN|Infinity")
"""In JSON of ASCII alone: what may be NUL, a lone surrogate, or no number."""


class CleanText(TypeDecorator[str]):
    """Text that came from a document, a model or a file's name."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Cleans the text on its way in."""
        return None if value is None else clean_text(value)


class CleanJson(TypeDecorator[Any]):
    """JSON data: text in SQLite, JSONB in PostgreSQL; None is NULL."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type there."""
        kind = JSONB if dialect.name == "postgresql" else JSON
        return dialect.type_descriptor(kind(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Cleans the data on its way in; hardly any needs it, and to see that takes a quarter of the time."""
        return clean_json(value) if value is not None and _TO_CLEAN.search(json.dumps(value)) else value


class OrderedJson(CleanJson):
    """JSON data whose keys keep their order, which JSONB forgets."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type there."""
        return dialect.type_descriptor(JSON(none_as_null=True))


class Moment(TypeDecorator[datetime]):
    """A point in time, aware and in UTC on both sides; SQLite itself knows no time zones."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type there."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite gets it without a zone."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
