"""Exports: typed, incremental, each record exactly once; read back with DuckDB and pandas."""

import csv
import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from stores import draft, fresh_url, listed, outcome, spooled

from extractors.documents import Extraction, Issue, RecordDraft
from extractors.errors import BadConfiguration, DestinationUnavailable
from flows.cli.parser import main
from flows.export.export import export
from flows.schema_lookup import find_schema
from flows.store import exports
from flows.store.keys import Key
from flows.store.store import Store
from flows.store.views import make_views
from schemas.invoice import Invoice
from schemas.json_file import schema_of_json

INVOICE: dict[str, Any] = {
    "number": "R-1",
    "issue_date": "2026-01-31",
    "currency": "EUR",
    "total": "12.50",
    "seller": {"name": "Müller"},
    "line_items": [
        {"description": "Nail", "quantity": "2", "amount": "5.25"},
        {"description": "Rest", "amount": "2"},
    ],
}
REMOVED = {
    "parquet": "read_parquet('{out}/removed/*.parquet')",
    "csv": "read_csv('{out}/removed/*.csv')",
    # The first list is empty, and JSON has no header: the columns are told.
    "jsonl": "read_json('{out}/removed/*.jsonl', columns={{record_id: 'bigint', export: 'bigint'}})",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that knows the invoice."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        make_views(opened, find_schema("invoice"))
        yield opened


def _add(store: Store, name: str, number: str, *, etag: str = "1", **fields: Any) -> None:
    """An invoice of this number, read from an object of this name."""
    record = RecordDraft({**INVOICE, "number": number, **fields}, (Issue("repaired", "", "rebuilt"),), (), 0.5, (1,))
    _finish(store, name, number, outcome("complete", record), etag)


def _finish(store: Store, name: str, content: str, result: Extraction, etag: str = "1") -> None:
    claim = store.claim(
        listed(name, etag),
        spooled(content),
        key=Key(schema_name="invoice", recipe="r1"),
        run_id="run",
        taken=lambda _: True,
    )
    store.finish(claim, result, run_id="run")


def _sql(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def test_parquet_is_nested_and_typed(store: Store, tmp_path: Path) -> None:
    """Decimals, dates, structs and lists of structs arrive as such; DuckDB and pandas read them."""
    _add(store, "a", "A")
    done = export(store, schema_name="invoice", place=str(tmp_path / "out"))
    assert (done.number, done.added, done.removed, done.misfits) == (1, 1, 0, {})
    (file,) = (tmp_path / "out" / "records").iterdir()
    schema = pq.read_schema(file)
    assert schema.field("total").type == pa.decimal128(38, 10)
    assert schema.field("issue_date").type == pa.date32()
    assert pa.types.is_struct(schema.field("line_items").type.value_type)
    assert _sql(f"select number, total, issue_date, seller.name, line_items[1].amount from '{file}'") == [
        ("A", Decimal("12.5"), date(2026, 1, 31), "Müller", Decimal("5.25"))
    ]
    order = [name for name in schema.names if name in Invoice.model_fields]
    assert order == list(Invoice.model_fields)
    provenance = "record_id, document_uri, extraction_id, status, grounded, issue_count, export"
    assert _sql(f"select {provenance} from '{file}'") == [(1, "s3://bucket/a", 1, "complete", 0.5, 1, 1)]
    frame = pd.read_parquet(file)
    assert frame.loc[0, "total"] == Decimal("12.5")
    assert [item["description"] for item in frame.loc[0, "line_items"]] == ["Nail", "Rest"]


@pytest.mark.parametrize("form", list(REMOVED))
def test_an_export_brings_what_is_new_and_takes_away_what_is_superseded(
    store: Store, tmp_path: Path, form: str
) -> None:
    """Added once, removed by the list of what to leave out, and back again when it is current again."""
    out = str(tmp_path / "out")
    removed = REMOVED[form].format(out=out)
    current = f"select number from '{out}/records/*.{form}' anti join {removed} using (record_id, export) order by 1"
    _add(store, "a", "A")
    _add(store, "b", "B")
    assert (
        export(store, schema_name="invoice", place=out, form=form).added,
        export(store, schema_name="invoice", place=out, form=form).added,
    ) == (2, 0)
    assert _sql(current) == [("A",), ("B",)]
    _add(store, "a", "C", etag="2")
    done = export(store, schema_name="invoice", place=out, form=form)
    assert (done.number, done.added, done.removed) == (2, 1, 1)
    assert _sql(current) == [("B",), ("C",)]
    assert not store.claim(
        listed("a", "3"), spooled("A"), key=Key(schema_name="invoice", recipe="r1"), run_id="run"
    ).mine
    done = export(store, schema_name="invoice", place=out, form=form)
    assert (done.number, done.added, done.removed) == (3, 1, 1)
    assert _sql(current) == [("A",), ("B",)]
    assert len(list((tmp_path / "out" / "records").iterdir())) == 3


def test_a_delta_table_shows_the_current_records(store: Store, tmp_path: Path) -> None:
    """Each export is one merge: new ones in, superseded ones out; nothing to do makes no version."""
    out = str(tmp_path / "out")
    _add(store, "a", "A")
    _add(store, "b", "B")
    export(store, schema_name="invoice", place=out, form="delta")
    _add(store, "a", "C", etag="2")
    assert export(store, schema_name="invoice", place=out, form="delta").removed == 1
    version = DeltaTable(out).version()
    assert export(store, schema_name="invoice", place=out, form="delta").added == 0
    table = DeltaTable(out)
    assert table.version() == version
    arrow = pa.table(table.to_pyarrow_table())
    assert sorted(arrow.column("number").to_pylist()) == ["B", "C"]
    assert arrow.schema.field("total").type == pa.decimal128(38, 10)
    with duckdb.connect() as connection:
        connection.register("invoices", arrow)
        assert connection.execute("select sum(total) from invoices").fetchone() == (Decimal(25),)
    frame = table.to_pandas()
    assert sorted(frame["number"]) == ["B", "C"]


def test_csv_has_a_file_for_each_list(store: Store, tmp_path: Path) -> None:
    """The columns are those of the views; amounts stand as they were stored."""
    _add(store, "a", "A")
    export(store, schema_name="invoice", place=str(tmp_path / "out"), form="csv")
    records = pd.read_csv(next((tmp_path / "out" / "records").iterdir()), dtype=str)
    assert records.loc[0, ["number", "total", "seller_name", "issue_count"]].tolist() == ["A", "12.50", "Müller", "1"]
    items = pd.read_csv(next((tmp_path / "out" / "line_items").iterdir()), dtype=str)
    assert items[["ordinal", "description", "amount"]].to_numpy().tolist() == [
        ["0", "Nail", "5.25"],
        ["1", "Rest", "2"],
    ]


def test_csv_lists_may_have_any_name(store: Store, tmp_path: Path) -> None:
    """Lists named like the export's own files, or like a path, lose nothing and stay inside the destination."""
    texts = {"type": "array", "items": {"type": "string"}}
    names = ["records", "removed", "issues", "evidence", "../x", "..", "/etc/x"]
    own = schema_of_json({"type": "object", "properties": dict.fromkeys(names, texts)}, "own")
    make_views(store, own)
    claim = store.claim(listed("x"), spooled("X"), key=Key(schema_name="own", recipe="r1"), run_id="run")
    store.finish(claim, outcome("complete", draft(**{name: [f"of {name}"] for name in names})), run_id="run")
    out = tmp_path / "deep" / "out"
    export(store, schema_name="own", place=str(out), form="csv")
    found = {path.parent.name: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.csv")}
    assert all(path.is_relative_to(out) for path in tmp_path.rglob("*.csv"))
    assert len(found) == len(names) + 4
    for name in names:
        assert sum(f"of {name}," in text for text in found.values()) == 1


def test_csv_cells_are_no_formulas(store: Store, tmp_path: Path) -> None:
    """What a spreadsheet would run begins with an apostrophe, unless that is switched off; numbers stay numbers."""
    formulas = ["=1+1", "+cmd", "-2+3", "@sum", "\t=1", "\r=1", "\uff1d1"]
    for number, formula in enumerate(formulas):
        _add(store, str(number), formula, total="-12.50", order_reference="+49 30 123")
    export(store, schema_name="invoice", place=str(tmp_path / "safe"), form="csv")
    export(store, schema_name="invoice", place=str(tmp_path / "raw"), form="csv", formulas=True)
    for folder, begin in (("safe", "'"), ("raw", "")):
        with next((tmp_path / folder / "records").iterdir()).open(encoding="utf-8", newline="") as opened:
            rows = list(csv.DictReader(opened))
        assert [row["number"] for row in rows] == [f"{begin}{formula}" for formula in formulas]
        assert {(row["total"], row["order_reference"]) for row in rows} == {("-12.50", "+49 30 123")}


@pytest.mark.parametrize("form", ["parquet", "delta"])
def test_an_export_that_was_cut_off_is_done_again_whole(
    store: Store, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files had arrived, its note had not: the next one replaces them, and no record is there twice."""
    out = str(tmp_path / "out")
    _add(store, "a", "A")
    with monkeypatch.context() as dying:
        dying.setattr(exports, "note", _killed)
        with pytest.raises(KeyboardInterrupt):
            export(store, schema_name="invoice", place=out, form=form)
    _add(store, "b", "B")
    done = export(store, schema_name="invoice", place=out, form=form)
    assert (done.number, done.added) == (1, 2)
    found = DeltaTable(out).to_pandas() if form == "delta" else pd.read_parquet(tmp_path / "out" / "records")
    assert sorted(found["number"]) == ["A", "B"]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_two_exports_at_once_are_one(store: Store, tmp_path: Path) -> None:
    """While another process exports to a destination, nobody else does."""
    _add(store, "a", "A")
    with Store.open(store._url.render_as_string(hide_password=False)) as other:
        other.renew()
        other.transact(
            exports.hold, place=str(tmp_path / "out"), schema_name="invoice", form="parquet", holder=other.holder.id
        )
        with pytest.raises(DestinationUnavailable, match="another process is exporting"):
            export(store, schema_name="invoice", place=str(tmp_path / "out"))
        other.release()
        assert export(store, schema_name="invoice", place=str(tmp_path / "out")).added == 1


def test_a_destination_has_one_format_and_may_begin_anew(store: Store, tmp_path: Path) -> None:
    """Another format is refused; after its files were removed, everything is exported again."""
    out = tmp_path / "out"
    _add(store, "a", "A")
    export(store, schema_name="invoice", place=str(out))
    with pytest.raises(BadConfiguration, match="holds invoice as parquet"):
        export(store, schema_name="invoice", place=str(out), form="csv")
    for file in (out / "records").iterdir():
        file.unlink()
    done = export(store, schema_name="invoice", place=str(out))
    assert (done.anew, done.number, done.added) == (True, 1, 1)


def test_values_that_do_not_fit_are_empty_and_told(store: Store, tmp_path: Path) -> None:
    """A record of an older schema cannot break an export; more fraction digits than fit are never rounded away."""
    _add(store, "a", "A", total="0.12345678901", issue_date="yesterday", line_items=[{"amount": "much"}, 3])
    done = export(store, schema_name="invoice", place=str(tmp_path / "out"))
    assert done.misfits == {"total": 1, "issue_date": 1, "line_items.amount": 1, "line_items": 1}
    assert _sql(f"select number, total, len(line_items) from '{tmp_path}/out/records/*.parquet'") == [("A", None, 2)]


def test_a_schema_of_ones_own_with_awkward_fields(store: Store, tmp_path: Path) -> None:
    """Fields named like provenance columns get a number; choices of types are text; a changed schema goes on."""
    fields = {"status": {"type": "string"}, "either": {"type": ["integer", "string"]}, "flag": {"type": "boolean"}}
    first = schema_of_json({"title": "own", "type": "object", "properties": fields}, "own")
    make_views(store, first)
    data = {"status": "open", "either": 3, "flag": True}
    claim = store.claim(listed("x"), spooled("X"), key=Key(schema_name="own", recipe="r1"), run_id="run")
    store.finish(claim, outcome("complete", draft(**data)), run_id="run")
    out = str(tmp_path / "out")
    for form in ("parquet", "delta", "jsonl", "csv"):
        export(store, schema_name="own", place=f"{out}-{form}", form=form)
    assert _sql(f"select status, status_2, either, flag from '{out}-parquet/records/*.parquet'") == [
        ("complete", "open", "3", True)
    ]
    line = json.loads(next(Path(f"{out}-jsonl", "records").iterdir()).read_text())
    assert (line["status"], line["status_2"], line["either"], line["flag"]) == ("complete", "open", 3, True)
    more = {**fields, "added": {"type": "number"}}
    make_views(store, schema_of_json({"title": "own", "type": "object", "properties": more}, "own"))
    claim = store.claim(listed("y"), spooled("Y"), key=Key(schema_name="own", recipe="r1"), run_id="run")
    store.finish(claim, outcome("complete", draft(**data, added=0.5)), run_id="run")
    export(store, schema_name="own", place=f"{out}-parquet")
    export(store, schema_name="own", place=f"{out}-delta", form="delta")
    rows = _sql(f"select added from read_parquet('{out}-parquet/records/*.parquet', union_by_name=true) order by 1")
    assert rows == [(0.5,), (None,)]
    assert sorted(DeltaTable(f"{out}-delta").to_pandas()["added"].dropna()) == [0.5]


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What went where; up to date; no such schema; no store."""
    assert main(["export", "invoice", "out"]) == 1
    assert "nothing has been extracted yet" in capsys.readouterr().err
    with Store.open("sqlite:///octavo.db") as store:
        make_views(store, find_schema("invoice"))
        _add(store, "a", "A")
    assert main(["export", "invoice", "out"]) == 0
    assert "export 1: 1 records added, 0 removed" in capsys.readouterr().out
    assert main(["export", "invoice", "out", "--format", "parquet"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert main(["export", "receipt", "out"]) == 1
    assert "nothing was extracted with a schema 'receipt'" in capsys.readouterr().err
    assert main(["export", "invoice", "/proc/nowhere"]) == 1
    assert "/proc/nowhere cannot be written" in capsys.readouterr().err


def test_the_query_of_the_page_finds_what_is_current(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/store.md writes it, run where the export lies."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "store.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql\n(select .*?lake.*?);\n```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    _add(store, "a", "A")
    export(store, schema_name="invoice", place="lake/invoice")
    _add(store, "a", "B", etag="2")
    export(store, schema_name="invoice", place="lake/invoice")
    assert [row[2] for row in _sql(query)] == ["B"]
