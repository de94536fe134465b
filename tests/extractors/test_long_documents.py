"""Long documents: every row in order, windows side by side, and what is missing is said and asked for again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import Answer, Asked, model_server, says
from runs import TOTAL, rows, run, states
from statements import pages_asked, reads, statement_pdf, transactions

ROWS = transactions(1_200)


@pytest.fixture(scope="module")
def statement(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pages with 1,200 rows."""
    path = tmp_path_factory.mktemp("statement") / "statement.pdf"
    path.write_bytes(statement_pdf(ROWS))
    return path


def numbers() -> list[str]:
    """What the store has of each row, in order."""
    return [
        text.rsplit(" ", 1)[1]
        for (text,) in rows("select description from bank_statement_transactions order by ordinal")
    ]


ALL = [f"{number:05}" for number in range(1, 1_201)]


def test_sixty_pages_give_their_twelve_hundred_rows(statement: Path) -> None:
    """In order, with their places and nothing to complain about; several windows are in flight at once."""

    def script(asked: Asked) -> Answer:
        return replace(reads(ROWS, asked), delay=1.0)

    with model_server(script) as server:
        run(statement, server.base_url, schema_name="bank_statement")
    assert states() == {"statement.pdf": ("complete", None)}
    assert numbers() == ALL
    assert len(server.asked) == 8
    assert server.most_in_flight > 3
    assert rows("select grounded from records") == [(1.0,)]
    ((issues, data),) = rows("select issues, data from records")
    assert "rows_missing" not in issues
    assert json.loads(data)["closing_balance"] == ROWS[-1]["balance"]


def test_a_page_that_the_model_skipped_is_asked_again_alone(statement: Path) -> None:
    """Its rows come to their place; the rest of its window is not asked again."""

    def script(asked: Asked) -> Answer:
        return reads(ROWS, asked, left_out=(11, 30) if len(pages_asked(asked)) > 1 else ())

    with model_server(script) as server:
        run(statement, server.base_url, schema_name="bank_statement", pages_per_request=7)
    assert states() == {"statement.pdf": ("complete", None)}
    assert numbers() == ALL
    assert sorted(pages_asked(asked) for asked in server.asked if len(pages_asked(asked)) == 1) == [[11], [30]]
    assert rows("select grounded from records") == [(1.0,)]
    assert "about 20 rows" in next(asked.text for asked in server.asked if pages_asked(asked) == [11])


def test_rows_that_stay_missing_make_the_document_partial(statement: Path) -> None:
    """Asked again once, no more; the record says which page lacks how many, and the document is not complete."""
    with model_server(lambda asked: reads(ROWS, asked, left_out=(11,))) as server:
        summary = run(statement, server.base_url, schema_name="bank_statement")
    assert states() == {"statement.pdf": ("partial", "rows_missing")}
    assert summary.exit_code == 3
    assert len([asked for asked in server.asked if pages_asked(asked) == [11]]) <= 2
    assert numbers() == ALL[:200] + ALL[220:]
    ((issues,),) = rows("select issues from records")
    (issue,) = [issue for issue in json.loads(issues) if issue["kind"] == "rows_missing"]
    assert (issue["path"], issue["message"]) == ("page 11", "20 of 20 table rows of the page are in no record")
    assert rows("select cause from extractions") == [
        ("page 11: table rows are in no record, though asked for twice",)
    ]


def test_a_failed_page_is_all_that_a_later_run_asks_for(statement: Path) -> None:
    """Partial with the missing page named; `--rerun failed` asks for that page only and completes the rows."""
    broken = True

    def script(asked: Asked) -> Answer:
        if broken and 21 in pages_asked(asked):
            return Answer(status=413, body=b'{"error": {"message": "request entity too large"}}')
        return reads(ROWS, asked)

    with model_server(script) as server:
        summary = run(statement, server.base_url, schema_name="bank_statement")
        assert summary.documents["partial"] == 1
        assert 'not read: page 21"' in rows("select issues from records")[0][0]
        broken, before = False, len(server.asked)
        run(statement, server.base_url, schema_name="bank_statement", rerun="failed")
    assert [pages_asked(asked) for asked in server.asked[before:]] == [[21]]
    assert states() == {"statement.pdf": ("complete", None)}
    assert numbers() == ALL


def test_many_records_that_the_model_skipped_are_asked_again(tmp_path: Path) -> None:
    """`--records many`, each record one row: the page comes again alone, and every record has its place."""
    path = tmp_path / "receipts.pdf"
    path.write_bytes(statement_pdf(ROWS[:80]))

    def script(asked: Asked) -> Answer:
        shown = json.loads(reads(ROWS, asked, left_out=(3,) if len(pages_asked(asked)) > 1 else ()).text or "")
        return says({"records": [{**TOTAL, "total": row["balance"]} for row in shown["transactions"]]})

    with model_server(script) as server:
        run(path, server.base_url, records="many")
    assert states() == {"receipts.pdf": ("complete", None)}
    assert [pages_asked(asked) for asked in server.asked] == [[1, 2, 3, 4], [3]]
    assert [total for (total,) in rows("select total from receipt order by record_id")] == [
        float(row["balance"]) for row in ROWS[:80]
    ]


def test_a_record_of_each_page_is_told_of_its_own_page_only(tmp_path: Path) -> None:
    """`--records per-page`: the page that lacks rows is asked again, then its own record says so, and no other."""
    path = tmp_path / "short.pdf"
    path.write_bytes(statement_pdf(ROWS[:60]))

    def half_of_the_second(asked: Asked) -> Answer:
        answer = json.loads(reads(ROWS, asked).text or "")
        if pages_asked(asked) == [2]:
            answer["transactions"] = answer["transactions"][:10]
        return says(answer)

    with model_server(half_of_the_second) as server:
        run(path, server.base_url, schema_name="bank_statement", records="per-page")
    assert states() == {"short.pdf": ("partial", "rows_missing")}
    assert sorted(pages_asked(asked) for asked in server.asked) == [[1], [2], [2], [3]]
    told = [issues for (issues,) in rows("select issues from records order by ordinal")]
    assert ["rows_missing" in issues for issues in told] == [False, True, False]
    assert "10 of 20 table rows" in told[1]
