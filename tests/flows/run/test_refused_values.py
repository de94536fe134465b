"""Whole runs over answers with something bad in them: what is good is in the store, what is not is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, Asked, model_server, says
from pages import digital_pdf
from runs import TOTAL, rows, run, states

from flows.cli import main

SCHEMA = """
from datetime import date
from pydantic import BaseModel


class Note(BaseModel):
    number: str
    day: date
    text: str | None = None
"""


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """One document of one page, and a schema with required fields beside it."""
    (tmp_path / "note.py").write_text(SCHEMA, "utf-8")
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(digital_pdf(1))
    return folder


def issues() -> list[tuple[str, str]]:
    """(kind, path) of every issue in the store, but that the small pages print none of the values."""
    found = rows("select issues from records order by id")
    told = [(issue["kind"], issue["path"]) for (each,) in found for issue in json.loads(each)]
    return [each for each in told if each[0] != "not_on_page"]


def records() -> list[dict[str, Any]]:
    """The records' data."""
    return [json.loads(data) for (data,) in rows("select data from records order by id")]


def test_a_leaf_that_stays_refused_is_null_and_the_rest_stands(inbox: Path) -> None:
    """Asked once more, then kept: the document is partial, with the raw text in the issue."""
    with model_server(lambda _: says(TOTAL | {"date": "some day"})) as server:
        summary = run(inbox, server.base_url)
    assert summary.meter.calls == 2
    assert states() == {"a.pdf": ("partial", "refused_value")}
    assert issues() == [("refused_value", "date")]
    assert "some day" in rows("select issues from records")[0][0]
    assert records()[0] | {"date": None} == records()[0]
    assert records()[0]["total"] == "12.00"
    # Beside the refused one, three values that the small page does not print.
    assert rows("select total, issue_count from receipt") == [(12, 4)]


def test_what_the_first_answer_had_right_is_not_lost_in_the_second(inbox: Path) -> None:
    """The better one of two bad answers counts, filled up from the other."""

    def script(asked: Asked) -> Answer:
        if len(asked.body["messages"]) > 2:
            return says(TOTAL | {"date": "2026-01-02", "total": "a lot", "tax": "some"})
        return says(TOTAL | {"date": "some day"})

    with model_server(script) as server:
        run(inbox, server.base_url)
    assert states() == {"a.pdf": ("complete", None)}
    assert records()[0]["total"] == "12.00"
    assert records()[0]["date"] == "2026-01-02"


def test_a_repair_that_is_no_answer_leaves_the_first_one(inbox: Path) -> None:
    """A good record is not lost because the second call failed."""

    def script(asked: Asked) -> Answer:
        if len(asked.body["messages"]) > 2:
            return Answer(text="I am sorry.")
        return says(TOTAL | {"date": "some day"})

    with model_server(script) as server:
        run(inbox, server.base_url)
    assert states() == {"a.pdf": ("partial", "refused_value")}
    assert records()[0]["total"] == "12.00"


def test_what_was_answered_twice_is_not_asked_again_by_itself(inbox: Path) -> None:
    """`--rerun failed` leaves it, for the model would say the same; a person who names it asks again."""
    with model_server(lambda _: says(TOTAL | {"date": "some day"})) as server:
        run(inbox, server.base_url)
    with model_server(lambda _: says(TOTAL | {"date": "2026-01-02"})) as server:
        assert run(inbox, server.base_url, rerun="failed").meter.calls == 0
        wish = ["--base-url", server.base_url, "--model", "test-model"]
        assert main(["quarantine", "retry", *wish]) == 0
    assert states() == {"a.pdf": ("complete", None)}


@pytest.mark.parametrize(("most", "code"), [(None, 3), ("0", 3), ("1", 0), ("49%", 3), ("50%", 0)])
def test_a_nightly_run_may_end_well_with_some_documents_not_complete(
    most: str | None, code: int, inbox: Path
) -> None:
    """`--fail-over`: a number, or a share of the documents taken."""
    (inbox / "b.pdf").write_bytes(digital_pdf(["Another one"]))
    bad = says(TOTAL | {"date": "some day"})
    first: list[bytes] = []

    def script(asked: Asked) -> Answer:
        first[:] = first or asked.images[:1]
        return bad if asked.images[0] == first[0] else says(TOTAL)

    with model_server(script) as server:
        assert run(inbox, server.base_url, fail_over=most).exit_code == code


def test_each_of_many_records_keeps_what_is_good(inbox: Path) -> None:
    """The issue stands on the record that it concerns."""
    answer = {"records": [TOTAL, TOTAL | {"merchant": "Second", "date": "some day"}]}
    with model_server(lambda _: says(answer)) as server:
        run(inbox, server.base_url, records="many")
    assert states() == {"a.pdf": ("partial", "refused_value")}
    assert [record["merchant"] for record in records()] == ["Corner Shop", "Second"]
    assert issues() == [("refused_value", "date")]


def test_a_record_without_a_required_field_is_kept_and_is_in_no_view(inbox: Path) -> None:
    """Marked invalid: a person finds it, and no query takes it for a whole one."""
    schema = f"{inbox.parent / 'note.py'}:Note"
    with model_server(lambda _: says({"number": "7", "day": None, "text": "hello"})) as server:
        run(inbox, server.base_url, schema_name=schema)
    assert states() == {"a.pdf": ("partial", "invalid_record")}
    assert records() == [{"number": "7", "day": None, "text": "hello"}]
    assert {kind for kind, _ in issues()} == {"invalid_record"}
    assert rows("select * from note") == []
    assert rows("select kind from note_issues where path = 'day'") != []


def test_a_required_field_that_is_refused_costs_itself_and_is_told_once(inbox: Path) -> None:
    """A good record is not lost for one bad leaf: it is in the view, with null, and its issue says why."""
    schema = f"{inbox.parent / 'note.py'}:Note"
    with model_server(lambda _: says({"number": "7", "day": "soon", "text": "hello"})) as server:
        run(inbox, server.base_url, schema_name=schema)
    assert states() == {"a.pdf": ("partial", "refused_value")}
    assert records() == [{"number": "7", "day": None, "text": "hello"}]
    assert issues() == [("refused_value", "day")]
    assert rows("select number, day, text from note") == [("7", None, "hello")]
    assert rows("select kind from note_issues where path = 'day'") == [("refused_value",)]


def test_parts_of_a_document_are_not_judged_as_wholes(tmp_path: Path) -> None:
    """What is required may stand on any page: the merged record is held against the schema."""
    (tmp_path / "note.py").write_text(SCHEMA, "utf-8")
    (tmp_path / "a.pdf").write_bytes(digital_pdf(2))
    answers = [{"number": "7", "text": None}, {"day": "2026-01-02"}]

    def script(asked: Asked) -> Answer:
        return says(answers[0] if "Page 1:" in asked.text else answers[1])

    with model_server(script) as server:
        summary = run(
            tmp_path / "a.pdf", server.base_url, schema_name=f"{tmp_path / 'note.py'}:Note", pages_per_request=1
        )
    assert summary.meter.calls == 2
    assert states() == {"a.pdf": ("complete", None)}
    assert records() == [{"number": "7", "day": "2026-01-02", "text": None}]


def test_a_json_schema_file_is_treated_the_same(tmp_path: Path) -> None:
    """Required fields over two pages, a refused leaf, and a word for nothing."""
    document = {
        "title": "slip", "type": "object", "required": ["number", "day"],
        "properties": {
            "number": {"type": "string"}, "day": {"type": "string", "format": "date"},
            "total": {"type": "string", "format": "decimal"}, "count": {"type": "integer", "minimum": 1},
        },
    }  # fmt: skip
    (tmp_path / "slip.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "a.pdf").write_bytes(digital_pdf(2))

    def script(asked: Asked) -> Answer:
        first = {"number": "7", "total": "N/A", "count": 0}
        return says(first if "Page 1:" in asked.text else {"day": "2026-01-02", "total": "1.234,50"})

    with model_server(script) as server:
        run(tmp_path / "a.pdf", server.base_url, schema_name=str(tmp_path / "slip.json"), pages_per_request=1)
    assert states() == {"a.pdf": ("partial", "refused_value")}
    assert issues() == [("refused_value", "count")]
    (record,) = records()
    assert (record["number"], record["day"], record["total"]) == ("7", "2026-01-02", "1234.50")


def test_a_row_with_an_empty_required_cell_stands_in_the_view(inbox: Path) -> None:
    """A table is not worthless for one empty cell: it is null, with an issue, and the record is found by queries."""
    cells = {"letter": {"type": "string", "enum": ["A", "B"]}, "name": {"type": "string"}}
    row = {"type": "object", "properties": cells, "required": list(cells)}
    fields = {"number": {"type": "string"}, "rows": {"type": "array", "items": row}}
    document = {"title": "Cover", "type": "object", "properties": fields, "required": list(fields)}
    (inbox.parent / "cover.json").write_text(json.dumps(document), "utf-8")
    answer = {"number": "7", "rows": [{"letter": "A", "name": "x"}, {"letter": None, "name": "y"}]}
    with model_server(lambda _: says(answer)) as server:
        summary = run(inbox, server.base_url, schema_name=str(inbox.parent / "cover.json"))
    assert summary.meter.calls == 2
    assert states() == {"a.pdf": ("partial", "refused_value")}
    assert records() == [answer]
    assert [each for each in issues() if each[0] == "refused_value"] == [("refused_value", "rows.1.letter")]
    assert rows("select letter, name from cover_rows") == [("A", "x"), (None, "y")]
