from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import Numeric, Select, column, inspect, select, table
from sqlalchemy.sql import quoted_name
from stores import draft, fresh_url, listed, outcome, spooled

from extractors.documents import Issue, RecordDraft
from flows.store.keys import Key
from flows.store.queries import known_schemas, record_rows
from flows.store.store import Store
from flows.store.tables import metadata
from flows.store.views import make_views
from schemas.invoice import Invoice
from schemas.json_file import schema_of_json
from schemas.portable import NotPortable
from schemas.record import Schema, schema_of


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(fresh_url(request.param, tmp_path)) as opened:
        yield opened


def _schema(name: str, **properties: Any) -> Schema:
    """A schema as a JSON Schema file declares it."""
    return schema_of_json({"title": name, "type": "object", "properties": properties}, name)


def _add(store: Store, schema: Schema, *drafts: RecordDraft, content: str = "A", recipe: str = "r1") -> None:
    """One complete document of this content."""
    claim = store.claim(
        listed(content),
        spooled(content),
        key=Key(schema_name=schema.name, recipe=recipe),
        run_id="claiming",
        taken=lambda _: True,
    )
    store.finish(claim, outcome("complete", *drafts), run_id="run")


def _rows(store: Store, view: str) -> list[dict[str, Any]]:
    query: Select[Any] = select(column("*", is_literal=True)).select_from(table(quoted_name(view, quote=True)))
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _views(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(inspect(connection).get_view_names())


_BY_DATABASE = {"sqlite": ("2026-01-31", 1234.5), "postgresql": (date(2026, 1, 31), Decimal("1234.50"))}


def test_an_invoice_has_a_view_and_its_lines_another(store: Store) -> None:
    """A data team finds typed columns, nested objects flattened, and each line of the table as a row."""
    schema = schema_of(Invoice)
    make_views(store, schema)
    answer = {
        "number": "2026-1",
        "issue_date": "2026-01-31",
        "seller": {"name": "Müller & Söhne"},
        "total": "1.234,50 €",
        "line_items": [{"description": "Bolts", "quantity": "2", "amount": "10.25"}, {"description": "Nuts"}],
    }
    _add(store, schema, RecordDraft(schema.parse(answer), (Issue("check_failed", "x", "y"),), (), 0.5, (1,)))
    (invoice,) = _rows(store, "invoice")
    day, total = _BY_DATABASE[store._engine.dialect.name]
    assert list(invoice)[:3] == ["record_id", "document_uri", "number"]
    assert invoice["document_uri"] == listed("A").uri
    assert (invoice["number"], invoice["seller_name"], invoice["buyer_name"]) == ("2026-1", "Müller & Söhne", None)
    assert (invoice["issue_date"], invoice["total"]) == (day, total)
    assert (invoice["grounded"], invoice["issue_count"], invoice["status"]) == (0.5, 1, "complete")
    lines = _rows(store, "invoice_line_items")
    assert [(line["ordinal"], line["description"], line["quantity"]) for line in lines] == [
        (0, "Bolts", 2),
        (1, "Nuts", None),
    ]
    assert {line["record_id"] for line in lines} == {invoice["record_id"]}
    assert lines[0]["amount"] == Decimal("10.25")


def test_amounts_can_be_summed_and_compared(store: Store) -> None:
    """Decimals, which JSON holds as text, are numbers in the view."""

    class Sale(BaseModel):
        price: Decimal | None = None

    schema = schema_of(Sale)
    make_views(store, schema)
    _add(store, schema, *(draft(price=price) for price in ("9.50", "10.00", "1E+2", None)))
    price = column("price", Numeric)
    with store.reading() as connection:
        found = connection.scalars(select(price).select_from(table("sale")).where(price > 9.75).order_by(price))
        assert list(found) == [10, 100]


def test_each_kind_of_value_has_its_column(store: Store) -> None:
    """Numbers, booleans, dates and text are told apart; lists have their views, what is nested deeper is JSON."""
    number, text = {"type": "number"}, {"type": "string"}
    schema = _schema(
        "All",
        count={"type": "integer"},
        ratio=number,
        paid={"type": "boolean"},
        day={"type": "string", "format": "date"},
        at={"type": "string", "format": "date-time"},
        amount={"type": "string", "format": "decimal"},
        level={"enum": ["low", "high"]},
        either={"anyOf": [{"type": "integer"}, text]},
        tags={"type": "array", "items": text},
        scores={"type": "array", "items": {"anyOf": [number, {"type": "null"}]}},
        rows={
            "type": "array",
            "items": {"type": "object", "properties": {"cells": {"type": "array", "items": number}}},
        },
    )
    make_views(store, schema)
    data = {
        "count": 3, "ratio": 0.5, "paid": True, "day": "2026-01-31", "at": "2026-01-31T12:00:00Z", "amount": "1.10",
        "level": "low", "either": 7, "tags": ["a", None, "b"], "scores": [1, 2.5, None], "rows": [{"cells": [1, 2]}],
    }  # fmt: skip
    _add(store, schema, draft(**data))
    (row,) = _rows(store, "all")
    assert (row["count"], row["ratio"], row["paid"], row["level"], row["either"]) == (3, 0.5, True, "low", "7")
    assert str(row["day"]) == "2026-01-31"
    assert str(row["at"]).startswith("2026-01-31")
    assert float(row["amount"]) == 1.1
    assert "tags" not in row
    assert [(tag["ordinal"], tag["value"]) for tag in _rows(store, "all_tags")] == [(0, "a"), (1, None), (2, "b")]
    assert [score["value"] for score in _rows(store, "all_scores")] == [1, 2.5, None]
    assert [row["cells"].replace(" ", "") for row in _rows(store, "all_rows")] == ["[1,2]"]


def test_what_does_not_fit_its_column_is_null(store: Store) -> None:
    """One odd record (an older schema's, a hostile document's) never makes the view fail for all the others."""
    leaf = {"type": "object", "properties": {"x": {"type": "number"}}}
    schema = _schema(
        "Odd",
        amount={"type": "string", "format": "decimal"},
        day={"type": "string", "format": "date"},
        paid={"type": "boolean"},
        inner=leaf,
        items={"type": "array", "items": leaf},
    )
    make_views(store, schema)
    odd = ["1.234,56", "2026-13-99", "", "12 apples", [], {"x": "y"}, float("nan"), 10**40, "\x00\ud800", True]
    _add(store, schema, *(draft(amount=v, day=v, paid=v, inner=v, items=v) for v in odd), draft(items=odd), draft())
    rows = _rows(store, "odd")
    assert len(rows) == len(odd) + 2
    assert [row["amount"] for row in rows[:6]] == [None] * 6
    assert rows[0]["inner_x"] is rows[5]["inner_x"] is None
    assert len(_rows(store, "odd_items")) == len(odd)


def test_only_current_records_are_shown_and_each_once(store: Store) -> None:
    """Superseded and quarantined extractions, other schemas, and copies of the same bytes add no rows."""
    schema = _schema("Note", text={"type": "string"})
    make_views(store, schema)
    _add(store, schema, draft(text="old"))
    _add(store, schema, draft(text="new"), recipe="r2")
    _add(store, _schema("Other", text={"type": "string"}), draft(text="other"))
    for name in ("Z", "0"):
        store.claim(listed(name), spooled("A"), key=Key(schema_name="note", recipe="r2"), run_id="run")
    assert [(row["text"], row["document_uri"]) for row in _rows(store, "note")] == [("new", listed("0").uri)]


def test_fields_may_be_named_like_the_views_own_columns(store: Store) -> None:
    """A field whose name is taken, whatever its case, gets a number; the view's own columns stay what they are."""
    text = {"type": "string"}
    schema = _schema(
        "Clash",
        status=text,
        Record_ID=text,
        seller_name=text,
        seller={"type": "object", "properties": {"name": text}},
        SELLER_NAME=text,
        list={"type": "array", "items": {"type": "object", "properties": {"ordinal": text, "status": text}}},
    )
    make_views(store, schema)
    data = {"status": "s", "Record_ID": "r", "seller_name": "flat", "seller": {"name": "nested"}, "SELLER_NAME": "up"}
    _add(store, schema, draft(**data, list=[{"ordinal": "o", "status": "t"}]))
    (row,) = _rows(store, "clash")
    assert (row["status"], row["status_2"], row["Record_ID_2"]) == ("complete", "s", "r")
    assert (row["seller_name"], row["seller_name_2"], row["SELLER_NAME_3"]) == ("flat", "nested", "up")
    (element,) = _rows(store, "clash_list")
    assert (element["ordinal"], element["ordinal_2"], element["status"]) == (0, "o", "t")


def test_issues_are_rows(store: Store) -> None:
    """Each issue of each current record, with its kind, place and message."""
    note = _schema("note", issues={"type": "array", "items": {"type": "string"}})
    make_views(store, note)
    told = (Issue("conflict", "total", "pages disagree"), Issue("repaired", "", "rebuilt"))
    _add(store, note, RecordDraft({"issues": ["mine"]}, told, (), None, (1,)))
    rows = [tuple(row.values()) for row in _rows(store, "note_issues_2")]
    assert sorted(rows) == [
        (1, "s3://bucket/A", 0, "conflict", "total", "pages disagree"),
        (1, "s3://bucket/A", 1, "repaired", "", "rebuilt"),
    ]
    assert [row["value"] for row in _rows(store, "note_issues")] == ["mine"]


def test_a_schema_that_changed_changes_its_views(store: Store) -> None:
    """New fields appear, dropped lists lose their view; an unchanged schema's views are left alone."""
    text = {"type": "string"}
    make_views(store, _schema("Note", a=text, tags={"type": "array", "items": text}))
    _add(store, _schema("Note"), draft(a="x", b="y", tags=["t"]))
    assert _views(store) == {"note", "note_tags", "note_issues"}
    changed = _schema("Note", a=text, b=text)
    for _ in range(2):
        make_views(store, changed)
        assert _views(store) == {"note", "note_issues"}
        assert [(row["a"], row["b"]) for row in _rows(store, "note")] == [("x", "y")]


def test_views_do_not_take_each_others_names(store: Store) -> None:
    """A name that a table, or another schema's view, has already gets a number, and keeps it."""
    text = {"type": "string"}
    things = {"type": "array", "items": text}
    make_views(store, _schema("note", text=text))
    make_views(store, _schema("order", items=things))
    schemas = [
        _schema("order_items", text=text),
        Schema("extractions", _schema("x", t=text).json_schema, lambda _: {}, lambda _: []),
        _schema("extraction", replies=things),
        _schema("sqlite thing", text=text),
    ]
    for _ in range(2):
        for schema in schemas:
            make_views(store, schema)
    assert {name for name in _views(store) if "issues" not in name} - {"note"} == {
        "order", "order_items", "order_items_2", "extractions_2", "extraction", "extraction_replies_2",
        "schema_sqlite_thing",
    }  # fmt: skip
    _add(store, schemas[0], draft(text="mine"))
    columns, rows = record_rows(store, "order_items")
    assert dict(zip(columns, rows[0], strict=True))["text"] == "mine"
    assert known_schemas(store) == ["extraction", "extractions", "note", "order", "order_items", "sqlite_thing"]


def test_a_schema_that_cannot_be_asked_for_has_no_view(store: Store) -> None:
    """A schema that no endpoint takes is refused before anything is made."""
    with pytest.raises(NotPortable):
        make_views(store, _schema("Open", anything={}))
    assert _views(store) == set()


_HOSTILE = [
    'x"; DROP TABLE records; --',
    "x'; DROP TABLE records; --",
    "a.b",
    'say "hi"',
    "back\\slash",
    "100%",
    "%(name)s",
    ":bound",
    "?",
    "",
    " ",
    "tab\tand\nline",
    "nul\x00",
    "$",
    "[0]",
    "select",
    "Größe",
    "名前",
    "long" * 30,
    "long" * 30 + "er",
]


def test_fields_may_have_any_name(store: Store) -> None:
    """Names that are code elsewhere (SQL, JSON paths, placeholders) are only names here, at every level."""
    text = {"type": "string"}
    fields = dict.fromkeys(_HOSTILE, text)
    inner = {"type": "object", "properties": fields}
    schema = _schema("Hostile", **fields, **{'in"ner': inner}, **{"li'\"st": {"type": "array", "items": inner}})
    make_views(store, schema)
    values = {name: f"value of {number}" for number, name in enumerate(_HOSTILE)}
    _add(store, schema, draft(**values, **{'in"ner': values, "li'\"st": [values, values]}))
    (row,) = _rows(store, "hostile")
    expected = list(values.values())
    assert list(row.values())[2:-4] == [*expected, *expected]
    elements = _rows(store, "hostile_li'\"st")
    assert [list(element.values())[3:] for element in elements] == [expected, expected]
    with store.reading() as connection:
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One SQLite store for many examples."""
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('shared') / 'octavo.db'}") as opened:
        yield opened


_names = st.text(st.characters(codec="utf-8"), max_size=12)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_names, min_size=1, max_size=4, unique_by=lambda name: name.replace("\x00", "\ufffd")), st.data())
def test_no_name_and_no_value_breaks_a_view(shared: Store, names: list[str], data: st.DataObject) -> None:
    """For any field names the texts come out as they went in, and any JSON in their place is still readable."""
    schema = _schema("any", **{name: {"type": "string"} for name in names})
    make_views(shared, schema)
    texts = {name: data.draw(st.text(st.characters(codec="utf-8", exclude_characters="\x00"))) for name in names}
    anything = {name: data.draw(_json) for name in names}
    _add(shared, schema, draft(**texts), draft(**anything))
    first, second = (list(row.values())[2:-4] for row in _rows(shared, "any"))
    assert first == list(texts.values())
    assert len(second) == len(names)
