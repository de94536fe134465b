"""The queries of docs/queries.md, as they stand there, on both databases."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import call, extract, fresh_url, listed, outcome, spooled

from extractors.documents import Issue, RecordDraft, Usage
from flows.schema_lookup import find_schema
from flows.store.keys import Key
from flows.store.store import Store
from flows.store.views import make_views

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "queries.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^## (\d+)\. .*?```sql\n(.*?);\n```", PAGE, flags=re.DOTALL | re.MULTILINE)

LINES = [
    {"description": "Nail", "quantity": "2", "unit_price": "1.50", "amount": "3.00"},
    {"description": "Hammer", "quantity": "1", "unit_price": "9.00", "amount": "9.00"},
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A small year of invoices: one overwritten, one twice, one that does not add up, one quarantined."""
    with Store.open(fresh_url(request.param, tmp_path_factory.mktemp("queries"))) as opened:
        make_views(opened, find_schema("invoice"))
        _invoice(opened, "a", "R-1", "old bytes", total="1.00")
        _invoice(opened, "a", "R-1", etag="2")
        _invoice(
            opened, "b", "R-2", total="13.00", grounded=0.5, issues=(Issue("check_failed", "total", "12 is not 13"),)
        )
        _invoice(opened, "c", "R-2", seller="Nagel AG", due_date="2026-03-05")
        _invoice(opened, "d", "R-2", total="12.00", content="a second scan", grounded=None)
        extract(opened, "e", "E", outcome("quarantined", kind="encrypted", cause="a password is needed"))
        yield opened


def _invoice(
    store: Store, name: str, number: str, content: str = "", *, etag: str = "1", seller: str = "Müller GmbH",
    grounded: float | None = 1.0, issues: tuple[Issue, ...] = (), **fields: Any,
) -> None:  # fmt: skip
    data = {
        "number": number, "seller": {"name": seller}, "currency": "EUR", "total": "12.00", "due_date": "2026-02-10",
        "line_items": LINES, **fields,
    }  # fmt: skip
    claim = store.claim(
        listed(name, etag),
        spooled(content or f"{name}{etag}"),
        key=Key(schema_name="invoice", recipe="r1"),
        run_id="run",
        taken=lambda _: True,
    )
    usage = Usage(2200, 300, 0, 0.25)
    done = outcome("complete", RecordDraft(data, issues, (), grounded, (1,)), model="mistral-small")
    call(store, claim.extraction_id, usage)
    store.finish(claim, done, run_id="run")


def _ask(store: Store, number: int) -> list[dict[str, Any]]:
    """The rows of a query of the page; numbers as floats, uris without their bucket, so that both databases agree."""
    query = dict(QUERIES)[str(number)]
    with store.reading() as connection:
        found = connection.exec_driver_sql(query).mappings().all()
    return [{key: _plain(value) for key, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    if value is None:
        return None
    text = str(value).removeprefix("s3://bucket/")
    try:
        return float(text)
    except ValueError:
        return text


def test_the_page_has_ten_queries() -> None:
    """Numbered, each with its SQL."""
    assert [number for number, _ in QUERIES] == [str(number) for number in range(1, 11)]


def test_money_by_seller_and_due_invoices(store: Store) -> None:
    """Amounts sum, dates compare."""
    assert [tuple(row[name] for name in ("seller_name", "invoices", "spent", "least_grounded", "not_checked"))
            for row in _ask(store, 1)] == [
        ("Müller GmbH", 3, 37, 0.5, 1), ("Nagel AG", 1, 12, 1.0, 0),
    ]  # fmt: skip
    assert [(row["document_uri"], row["due_date"]) for row in _ask(store, 2)] == [
        ("a", "2026-02-10"), ("b", "2026-02-10"), ("d", "2026-02-10"),
    ]  # fmt: skip


def test_lines_and_whether_they_add_up(store: Store) -> None:
    """Lines come with their record; only the one that is wrong is found."""
    assert [(row["number"], row["ordinal"], row["amount"]) for row in _ask(store, 3)][:2] == [
        ("R-1", 0, 3), ("R-1", 1, 9),
    ]  # fmt: skip
    assert [(row["number"], row["total"], row["lines"]) for row in _ask(store, 4)] == [("R-2", 13, 12)]


def test_what_a_person_should_look_at(store: Store) -> None:
    """Issues, weak grounding, and invoices sent twice."""
    assert [(row["document_uri"], row["kind"], row["message"]) for row in _ask(store, 5)] == [
        ("b", "check_failed", "12 is not 13")
    ]
    assert [(row["document_uri"], row["grounded"]) for row in _ask(store, 6)] == [("b", 0.5), ("d", None)]
    assert [(row["seller_name"], row["times"], row["first"], row["last"]) for row in _ask(store, 7)] == [
        ("Müller GmbH", 2, "b", "d")
    ]


def test_what_is_missing_what_it_cost_and_what_was_before(store: Store) -> None:
    """Quarantine, money by model, history."""
    assert [(row["uri"], row["kind"]) for row in _ask(store, 8)] == [("e", "encrypted")]
    assert [(row["model"], row["documents"], row["cost_usd"]) for row in _ask(store, 9)] == [
        ("mistral-small", 5, 1.25), (None, 1, 0),
    ]  # fmt: skip
    (before,) = _ask(store, 10)
    assert before["uri"] == "a"
    assert "1.00" in before["data"]
