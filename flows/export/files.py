"""Records as files: Parquet, CSV and JSON lines, each with the list of what is to be left out; or a Delta table."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from flows.export.cells import cell, neutral
from flows.store.dialects import json_text
from flows.store.exports import BESIDE, EXPORT, Removal, Row
from flows.store.shape import Shape, field_names, free_name, shape_of
from flows.store.views import AFTER, BEFORE, ELEMENT_BEFORE, ISSUE

_EVIDENCE = ("path", "state", "page", "x0", "y0", "x1", "y1", "text", "distance")
_REMOVED = ("record_id", EXPORT, "removed_in")


class Files(Protocol):
    """Files that are being written in a local folder."""

    misfits: Counter[str]
    """How many values of a field did not fit their column's type, and are empty."""

    def add(self, rows: Sequence[Row]) -> None:
        """Writes some records."""

    def close(self) -> Mapping[str, Path]:
        """Finishes the files of the records: folder at the destination -> local file."""

    def removals(self, removed: Iterable[Removal], number: int) -> Path:
        """Writes the list of what an export removes."""


class ParquetFiles:
    """One file, nested and typed, its row groups as they come."""

    def __init__(self, folder: Path, json_schema: dict[str, Any]) -> None:
        import pyarrow.parquet as pq

        from flows.export.arrow import Columns

        self._columns = Columns(json_schema)
        self.misfits = self._columns.misfits
        self._folder, self._file = folder, folder / "records.parquet"
        self._writer = pq.ParquetWriter(self._file, self._columns.schema, compression="zstd")

    def add(self, rows: Sequence[Row]) -> None:
        """Writes some records."""
        self._writer.write_batch(self._columns.batch(rows))

    def close(self) -> Mapping[str, Path]:
        """Finishes the files of the records: folder at the destination -> local file."""
        self._writer.close()
        return {"records": self._file}

    def removals(self, removed: Iterable[Removal], number: int) -> Path:
        """Writes the list of what an export removes."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [(each.record_id, each.added_in, number) for each in removed]
        columns = [pa.array([row[place] for row in rows], pa.int64()) for place in range(len(_REMOVED))]
        file = self._folder / "removed.parquet"
        pq.write_table(pa.table(columns, names=list(_REMOVED)), file)
        return file


class JsonlFiles:
    """One JSON object a line: a record's fields as they are stored (decimals as text), with its provenance."""

    def __init__(self, folder: Path, json_schema: dict[str, Any]) -> None:
        self.misfits: Counter[str] = Counter()
        self._folder = folder
        self._names = field_names(json_schema, BESIDE)
        self._file = (folder / "records.jsonl").open("w", encoding="utf-8")

    def add(self, rows: Sequence[Row]) -> None:
        """Writes some records."""
        for row in rows:
            fields = {name: row.data.get(key) for key, name in self._names.items()}
            told = {"issues": row.issues, "evidence": row.evidence}
            self._file.write(json_text(_around(row.provenance, fields, told)) + "\n")

    def close(self) -> Mapping[str, Path]:
        """Finishes the files of the records: folder at the destination -> local file."""
        self._file.close()
        return {"records": Path(self._file.name)}

    def removals(self, removed: Iterable[Removal], number: int) -> Path:
        """Writes the list of what an export removes."""
        file = self._folder / "removed.jsonl"
        rows = (dict(zip(_REMOVED, (each.record_id, each.added_in, number), strict=True)) for each in removed)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return file


class CsvFiles:
    """A file of records with the columns of the schema's view, one for each list, one of issues and one of evidence.

    A list's file is named as the list; where that is no name of a file, or another file has it, it gets a number.
    """

    def __init__(self, folder: Path, json_schema: dict[str, Any], *, formulas: bool = False) -> None:
        self.misfits: Counter[str] = Counter()
        self._folder, self._formulas = folder, formulas
        self._shape: Shape = shape_of(json_schema, (*BEFORE, *AFTER, EXPORT), (*ELEMENT_BEFORE, EXPORT))
        self._open = ExitStack()
        self._paths: dict[str, Path] = {}
        fields = [column.name for column in self._shape.columns]
        self._records = self._begin("records", [*BEFORE, *fields, *AFTER, EXPORT])
        self._issues = self._begin("issues", [*ELEMENT_BEFORE, *ISSUE, EXPORT])
        self._evidence = self._begin("evidence", [*ELEMENT_BEFORE, *_EVIDENCE, EXPORT])
        taken = {"records", "removed", "issues", "evidence"}
        self._lists = {
            inner.path: self._begin(
                free_name(_file_name("_".join(inner.path)), taken),
                [*ELEMENT_BEFORE, *(column.name for column in inner.columns), EXPORT],
            )
            for inner in self._shape.lists
        }

    def _begin(self, name: str, header: Sequence[str]) -> Any:
        self._paths[name] = self._folder / f"{name}.csv"
        writer = csv.writer(self._open.enter_context(self._paths[name].open("w", encoding="utf-8", newline="")))
        self._write(writer, header)
        return writer

    def _write(self, writer: Any, values: Iterable[Any]) -> None:
        cells = map(cell, values)
        writer.writerow(cells if self._formulas else map(neutral, cells))

    def add(self, rows: Sequence[Row]) -> None:
        """Writes some records."""
        for row in rows:
            fields = {column.name: _dig(row.data, column.path) for column in self._shape.columns}
            self._write(self._records, _around(row.provenance, fields, {}).values())
            for inner in self._shape.lists:
                elements = _dig(row.data, inner.path)
                found = elements if isinstance(elements, list) else []
                values = ([_dig(element, column.path) for column in inner.columns] for element in found)
                self._elements(self._lists[inner.path], row, values)
            self._elements(self._issues, row, ([issue.get(name) for name in ISSUE] for issue in row.issues))
            self._elements(self._evidence, row, map(_evidence_cells, row.evidence))

    def _elements(self, writer: Any, row: Row, values: Iterable[Sequence[Any]]) -> None:
        for ordinal, cells in enumerate(values):
            before = (row.provenance["record_id"], row.provenance["document_uri"], ordinal)
            self._write(writer, (*before, *cells, row.provenance[EXPORT]))

    def close(self) -> Mapping[str, Path]:
        """Finishes the files of the records: folder at the destination -> local file."""
        self._open.close()
        return self._paths

    def removals(self, removed: Iterable[Removal], number: int) -> Path:
        """Writes the list of what an export removes."""
        file = self._folder / "removed.csv"
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(_REMOVED)
            writer.writerows((each.record_id, each.added_in, number) for each in removed)
        return file


WRITERS: dict[str, type[ParquetFiles] | type[JsonlFiles] | type[CsvFiles]] = {
    "parquet": ParquetFiles, "jsonl": JsonlFiles, "csv": CsvFiles,
}  # fmt: skip


def _around(provenance: dict[str, Any], fields: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """A row in the order of the views: where it is from, its fields, how sure it is, its export."""
    before = {name: provenance[name] for name in BEFORE}
    return before | fields | {name: provenance[name] for name in AFTER} | told | {EXPORT: provenance[EXPORT]}


def _dig(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _evidence_cells(item: dict[str, Any]) -> list[Any]:
    box = item.get("box") or [None] * 4
    corners = dict(zip(("x0", "y0", "x1", "y1"), box, strict=False))
    return [(item | corners).get(name) for name in _EVIDENCE]


def _file_name(name: str) -> str:
    """The name without what no file's name has everywhere, and no dots in front: no path, and nothing hidden."""
    return re.sub(r'[/\\:*?"<>|\x00-\x1f\x7f]', "_", name).lstrip(".") or "list"
