"""What is answered comes out unchanged: of the record, the view, `records --format json` and every export.

Unchanged means: the same value in the carrier's own type for it. Records, JSON and JSON lines hold JSON (a decimal is
its exact text, true is true, a date its ISO text). Views and Parquet hold numbers, dates and booleans; a choice of
types is text there, and SQLite's numbers are 8-byte floats. CSV is text.
"""

import csv
import json
import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from answered import Answered, json_answers, pydantic_answers
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, column, select, table
from sqlalchemy.sql import quoted_name
from stores import fresh_url, listed, outcome, spooled

from extractors.documents import Evidence, Issue, RecordDraft
from extractors.vocabulary import EvidenceState
from flows.export.export import export
from flows.store.exports import BESIDE, EXPORT
from flows.store.keys import Key
from flows.store.queries import record_rows, whole_records
from flows.store.shape import field_names, record_keys, shape_of
from flows.store.store import Store
from flows.store.tables import schema_views
from flows.store.views import AFTER, AROUND, BEFORE, ELEMENT_BEFORE, make_views

_numbers = count()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples: each one's record takes the place of the last one's."""
    with Store.open(fresh_url(request.param, tmp_path_factory.mktemp("store"))) as opened:
        yield opened


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(answered=pydantic_answers() | json_answers())
def test_what_is_answered_comes_out_of_everything_unchanged(
    store: Store, tmp_path_factory: pytest.TempPathFactory, answered: Answered
) -> None:
    """For any schema that is accepted and any answer that it accepts."""
    schema = answered.schema
    record = schema.parse(answered.answer)
    assert _alike(record, answered.record)
    assert schema.check(record) == []
    make_views(store, schema)
    _keep(store, schema.name, record)
    _look_at_json(store, answered)
    _look_at_views(store, answered)
    out = tmp_path_factory.mktemp("out")
    for form in ("jsonl", "csv", "parquet", "delta"):
        assert export(store, schema_name=schema.name, place=str(out / form), form=form, formulas=True).misfits == {}
    _look_at_lines(out / "jsonl", answered)
    _look_at_csv(out / "csv", answered)
    _look_at_arrow(pq.read_table(next((out / "parquet" / "records").iterdir())).to_pylist(), answered)
    _look_at_arrow(DeltaTable(str(out / "delta")).to_pyarrow_table().to_pylist(), answered)


def _keep(store: Store, name: str, record: dict[str, Any]) -> None:
    kept = RecordDraft(
        record, (Issue("conflict", "x", "y"),), (Evidence("x", EvidenceState.FOUND, 1, (0, 0, 1, 1), "z"),), 0.5, (1,)
    )
    claim = store.claim(
        listed("a"), spooled("A"), key=Key(schema_name=name, recipe=f"r{next(_numbers)}"), run_id="run"
    )
    assert store.finish(claim, outcome("complete", kept), run_id="run")


def _look_at_json(store: Store, answered: Answered) -> None:
    (whole,) = json.loads(json.dumps(whole_records(store, answered.schema.name)))
    assert (whole["issues"][0]["kind"], whole["evidence"][0]["text"], whole["issue_count"]) == ("conflict", "z", 1)
    fields = [value for name, value in whole.items() if name not in AROUND]
    keys = record_keys(answered.schema.of_records)
    assert [(k, v) for k, v in zip(keys, fields, strict=True) if not _alike(v, answered.record.get(k))] == []


def _look_at_views(store: Store, answered: Answered) -> None:
    shape = shape_of(answered.schema.of_records, (*BEFORE, *AFTER), ELEMENT_BEFORE)
    columns, ((*row,),) = record_rows(store, answered.schema.name)
    shown = dict(zip(columns, row, strict=True))
    for each in shape.columns:
        _fits(shown[each.name], _dig(answered.record, each.path), each.kind, store)
    for inner in shape.lists:
        elements = _dig(answered.record, inner.path) or []
        with store.reading() as connection:
            rows = _list_rows(connection, answered.schema.name, inner.path)
        assert len(rows) == len(elements)
        for found, element in zip(rows, elements, strict=True):
            for each in inner.columns:
                _fits(found[each.name], _dig(element, each.path), each.kind, store)


def _list_rows(connection: Connection, name: str, path: tuple[str, ...]) -> list[dict[str, Any]]:
    views = connection.execute(select(schema_views).where(schema_views.c.schema_name == name))
    (view,) = [row.name for row in views if json.loads(row.path) == list(path)]
    # PostgreSQL refuses a prepared statement whose view has changed: each has a text of its own.
    query = select(column(f"/* {next(_numbers)} */ *", is_literal=True)).select_from(
        table(quoted_name(view, quote=True))
    )
    return [dict(row) for row in connection.execute(query.order_by(column("ordinal"))).mappings()]


def _fits(shown: Any, value: Any, kind: str, store: Store) -> None:
    """The value in the view's own type."""
    exact = store._engine.dialect.name == "postgresql"
    if value is None:
        assert shown is None
    elif kind == "numeric":
        assert Decimal(shown) == Decimal(str(value)) if exact else float(shown) == float(value)
    elif kind == "boolean":
        assert bool(shown) is value
    elif kind == "timestamp" and exact:
        assert shown == datetime.fromisoformat(value)
    elif kind == "text" and isinstance(value, float) and not exact:
        assert math.isclose(json.loads(shown), value, rel_tol=1e-14)
    elif kind == "text" and not isinstance(value, str):
        found = json.loads(shown)
        assert _alike(found, value) or (isinstance(value, bool) and found == int(value)) or found == value
    else:
        assert str(shown) == value


def _look_at_lines(folder: Path, answered: Answered) -> None:
    line = json.loads(next((folder / "records").iterdir()).read_text(encoding="utf-8"))
    assert line["issues"][0]["message"] == "y"
    assert line["evidence"][0]["page"] == 1
    names = field_names(answered.schema.of_records, BESIDE)
    assert {k for k, name in names.items() if not _alike(line[name], answered.record.get(k))} == set()


def _look_at_csv(folder: Path, answered: Answered) -> None:
    shape = shape_of(answered.schema.of_records, (*BEFORE, *AFTER, EXPORT), (*ELEMENT_BEFORE, EXPORT))
    files = {path.parent.name: _rows(path) for path in folder.rglob("*.csv")}
    assert len(files) == len(shape.lists) + 4
    assert [row["kind"] for row in files.pop("issues")] == ["conflict"]
    assert [(float(row["x1"]), row["text"]) for row in files.pop("evidence")] == [(1, "z")]
    assert files.pop("removed") == []
    (row,) = files.pop("records")
    for each in shape.columns:
        assert _is_cell(row[each.name], _dig(answered.record, each.path))
    wanted = [_dig(answered.record, inner.path) or [] for inner in shape.lists]
    assert sorted(map(len, files.values())) == sorted(map(len, wanted))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _is_cell(found: str, value: Any) -> bool:
    if value is None or isinstance(value, str):
        return found == (value or "")
    return _alike(json.loads(found), value)


def _look_at_arrow(rows: list[dict[str, Any]], answered: Answered) -> None:
    (row,) = rows
    assert (row["issues"][0]["path"], row["evidence"][0]["box"]) == ("x", [0, 0, 1, 1])
    names = field_names(answered.schema.of_records, BESIDE)
    assert {k: row[n] for k, n in names.items() if not _is_typed(row[n], answered.record.get(k))} == {}


def _is_typed(found: Any, value: Any) -> bool:
    """The value in Arrow's types; what could be several things is text."""
    if isinstance(value, dict) and isinstance(found, dict):
        # Of names that differ by case only, one has a number.
        places = {key: [found[name] for name in (key, f"{key}_2") if name in found] for key in value}
        return len(found) == len(value) and all(any(_is_typed(f, value[k]) for f in places[k]) for k in value)
    if isinstance(value, list) and isinstance(found, list):
        return len(found) == len(value) and all(_is_typed(*pair) for pair in zip(found, value, strict=True))
    read = {Decimal: Decimal, datetime: datetime.fromisoformat, date: date.fromisoformat}.get(type(found))
    if read is not None:
        return bool(found == read(value))
    if isinstance(found, str) and not isinstance(value, str) and value is not None:
        return _alike(json.loads(found), value)
    return _alike(found, value)


def _alike(found: Any, value: Any) -> bool:
    """Equal, and true is not 1; the order of an object's keys is nobody's."""
    if isinstance(value, dict):
        return (
            isinstance(found, dict)
            and found.keys() == value.keys()
            and all(_alike(found[k], value[k]) for k in value)
        )
    if isinstance(value, list):
        return isinstance(found, list) and len(found) == len(value) and all(map(_alike, found, value))
    return isinstance(found, bool) == isinstance(value, bool) and bool(found == value)


def _dig(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
