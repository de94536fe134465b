"""A Delta Lake table that always shows the current records: each export is one merge."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from extractors.errors import DestinationUnavailable
from flows.export.arrow import Columns
from flows.store.exports import Removal, Row

_PAINT = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|↳")
"""The library paints its errors for terminals."""

_GONE = "_removed"
"""Marks the rows of a merge that take a record away."""


class DeltaMerges:
    """The table at a destination, made when it is not there.

    Attributes:
        misfits: how many values of a field did not fit their column's type, and are empty.
    """

    def __init__(self, uri: str, options: dict[str, str], json_schema: dict[str, Any]) -> None:
        """Opens or makes the table.

        Raises:
            DestinationUnavailable: it cannot be reached or made.
        """
        self._uri, self._options = uri, options
        self._columns = Columns(json_schema)
        self._batches: list[pa.RecordBatch] = []
        self.misfits: Counter[str] = self._columns.misfits
        try:
            DeltaTable.create(uri, self._columns.schema, mode="ignore", storage_options=options)
        except (DeltaError, OSError) as error:
            raise _unavailable(uri, error) from None

    def add(self, rows: Sequence[Row]) -> None:
        """Takes some records into the next commit."""
        self._batches.append(self._columns.batch(rows))

    def commit(self, removed: Sequence[Removal]) -> None:
        """Adds or replaces records, and takes others away, in one commit. Doing it again changes nothing.

        Raises:
            DestinationUnavailable: the table cannot be written, or another program wrote it at the same time.
        """
        source = _source(self._columns.schema, self._batches, removed)
        if not source.num_rows:
            return
        values = {f"`{name}`": f"s.`{name}`" for name in self._columns.schema.names}
        try:
            table = DeltaTable(self._uri, storage_options=self._options)
            (
                table.merge(source, "t.record_id = s.record_id", "s", "t", merge_schema=True)
                .when_matched_delete(f"s.{_GONE}")
                .when_matched_update(values)
                .when_not_matched_insert(values, f"NOT s.{_GONE}")
                .execute()
            )
        except (DeltaError, OSError) as error:
            raise _unavailable(self._uri, error) from None


def delta_table_is_there(uri: str, options: dict[str, str]) -> bool:
    """Whether there is a table.

    Raises:
        DestinationUnavailable: the place cannot be reached.
    """
    try:
        DeltaTable(uri, storage_options=options)
    except TableNotFoundError:
        return False
    except (DeltaError, OSError) as error:
        raise _unavailable(uri, error) from None
    return True


def _source(schema: pa.Schema, batches: Sequence[pa.RecordBatch], removed: Sequence[Removal]) -> pa.Table:
    added = pa.Table.from_batches(batches, schema)
    gone = pa.RecordBatch.from_pylist([{"record_id": each.record_id} for each in removed], schema)
    marks = [False] * added.num_rows + [True] * gone.num_rows
    both = pa.concat_tables([added, pa.Table.from_batches([gone])])
    return both.append_column(_GONE, pa.array(marks, pa.bool_()))


def _unavailable(uri: str, error: Exception) -> DestinationUnavailable:
    said = " ".join(_PAINT.sub("", str(error)).split())
    return DestinationUnavailable(f"{uri}: the Delta table cannot be used: {said[:300]}")
