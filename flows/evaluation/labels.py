"""Labels: true values of documents, from a JSON Lines or CSV file, to hold the store's records against."""

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from extractors.documents import ObjectRef
from extractors.errors import BadConfiguration, DocumentError, ObjectGone
from flows.storage.local import local_path
from flows.storage.s3 import spool

KEYS = ("sha256", "uri", "file")
"""What may name a document, the surest first."""


@dataclass(frozen=True)
class Label:
    """The truth about one document, or about one of its records.

    Attributes:
        line: of the file, from 1, for messages.
        key: which of `KEYS` names the document.
        document: what it says.
        values: dotted path -> true value as written; None where the document shows none.
    """

    line: int
    key: str
    document: str
    values: dict[str, Any]


def read_labels(place: str, max_bytes: int) -> list[Label]:
    """Reads a file of labels: by its name CSV (`.csv`), else JSON Lines.

    Args:
        place: a path, or `s3://bucket/key`.
        max_bytes: of a file in a bucket.

    Raises:
        BadConfiguration: it cannot be read; one line says where and what to do.
        SourceUnavailable: the bucket cannot be read.
    """
    text = _text(place, max_bytes)
    rows = _csv_rows(text, place) if place.lower().endswith(".csv") else _json_rows(text, place)
    labels = [_label(place, line, row) for line, row in rows]
    if not labels:
        raise BadConfiguration(f"{place} holds no labels")
    return labels


def _text(place: str, max_bytes: int) -> str:
    try:
        if not place.startswith("s3://"):
            return local_path(place).read_text(encoding="utf-8-sig")
        with tempfile.TemporaryDirectory(prefix="octavo-labels-") as folder:
            fetched = spool(ObjectRef(place, 0, ""), Path(folder), max_bytes)
            return fetched.path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadConfiguration(f"labels {place} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadConfiguration(f"labels {place} are not UTF-8 text: save them so") from None
    except ObjectGone:
        raise BadConfiguration(f"labels {place} cannot be read: there is no such object") from None
    except DocumentError as error:
        raise BadConfiguration(f"labels {place} cannot be read: {error}") from None


def _json_rows(text: str, place: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, content in enumerate(text.splitlines(), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content, parse_float=Decimal)
        except ValueError as error:
            raise BadConfiguration(
                f"{place}, line {line}: not JSON ({error}); write one object a line, or a .csv"
            ) from None
        if not isinstance(row, dict):
            raise BadConfiguration(f"{place}, line {line}: not a JSON object; write one document a line")
        yield line, row


def _csv_rows(text: str, place: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """An empty cell is no label: only JSON can say that a document shows no such value (null)."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            if None in row:
                raise BadConfiguration(f"{place}, line {reader.line_num}: more cells than the head has columns")
            yield reader.line_num, {name: cell for name, cell in row.items() if cell is not None and cell.strip()}
    except csv.Error as error:
        raise BadConfiguration(f"{place}, line {reader.line_num}: not CSV ({error})") from None


def _label(place: str, line: int, row: dict[str, Any]) -> Label:
    key = next((key for key in KEYS if row.get(key)), None)
    if key is None:
        raise BadConfiguration(f"{place}, line {line}: no document is named; give {', '.join(KEYS)} in one of them")
    return Label(line, key, str(row[key]), dict(_flat({name: row[name] for name in row if name not in KEYS})))


def _flat(row: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Nested objects as dotted paths; lists stay."""
    for name, value in row.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            yield from _flat(value, here)
        else:
            yield here, value
