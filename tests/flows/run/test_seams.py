"""A row that is torn between two requests: its two pages are asked alone, once, and only a better answer counts."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, Asked, model_server, says
from pages import digital_pdf
from runs import rows, run

ITEMS = [{"description": f"Widget {n}", "quantity": f"{n}", "amount": f"{n}7.50"} for n in range(1, 9)]
TOTAL = {"merchant": "Corner Shop", "total": "420.00", "currency": "EUR"}
PAGES = (ITEMS[:4], ITEMS[4:])


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A receipt of two pages, whose rows go on from one to the other."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    texts = ["\n".join("    ".join(item.values()) for item in page) for page in PAGES]
    (folder / "receipt.pdf").write_bytes(digital_pdf([f"Corner Shop\n{texts[0]}", f"{texts[1]}\nTotal 420.00 EUR"]))
    return folder


def torn(asked: Asked) -> Answer:
    """Asked about apart, the rows at the edge contradict each other."""
    if len(asked.images) > 1:
        return says({**TOTAL, "items": ITEMS})
    if "Page 1:" in asked.text:
        return says({"merchant": "Corner Shop", "items": [*ITEMS[:3], {**ITEMS[3], "amount": None}]})
    return says({**TOTAL, "items": [{**ITEMS[4], "description": None}, *ITEMS[5:]]})


def items() -> list[dict[str, Any]]:
    """Those of the record."""
    (data,) = rows("select data from records")[0]
    return [{name: item[name] for name in ITEMS[0]} for item in json.loads(data)["items"]]


def issues() -> list[str]:
    """The kinds of the record's issues."""
    return [issue["kind"] for issue in json.loads(rows("select issues from records")[0][0])]


def test_the_two_pages_are_asked_alone(inbox: Path) -> None:
    """Once; what they give replaces the rows of these pages, and nothing else."""
    with model_server(torn) as server:
        assert run(inbox, server.base_url, pages_per_request=1).exit_code == 0
        assert [len(asked.images) for asked in server.asked].count(2) == 1
        calls = len(server.asked)
        assert run(inbox, server.base_url, pages_per_request=1, rerun="all").exit_code == 0
        assert len(server.asked) == calls  # all replies are stored
    assert items() == ITEMS
    assert "conflict" not in issues()


def test_an_answer_that_is_no_better_is_not_taken(inbox: Path) -> None:
    """The first rows stand, and the edge is told."""

    def no_help(asked: Asked) -> Answer:
        return says({**TOTAL, "items": [*ITEMS, *ITEMS]}) if len(asked.images) > 1 else torn(asked)

    with model_server(no_help) as server:
        run(inbox, server.base_url, pages_per_request=1)
    assert items() == [*ITEMS[:3], {**ITEMS[3], "amount": None}, {**ITEMS[4], "description": None}, *ITEMS[5:]]
    assert "conflict" in issues()


def test_rows_that_are_whole_ask_nothing_more(inbox: Path) -> None:
    """An edge between two whole rows is none."""

    def whole(asked: Asked) -> Answer:
        page = PAGES["Page 2:" in asked.text]
        return says({**(TOTAL if page is PAGES[1] else {"merchant": "Corner Shop"}), "items": page})

    with model_server(whole) as server:
        run(inbox, server.base_url, pages_per_request=1)
    assert len(server.asked) == 2
    assert items() == ITEMS


def test_an_endpoint_that_takes_one_picture_is_not_asked_about_two(inbox: Path) -> None:
    """The edge is told, and nothing is sent that it would refuse."""
    Path("octavo.toml").write_text("[endpoint.custom]\nimages = 1\n", "utf-8")
    with model_server(torn) as server:
        run(inbox, server.base_url, pages_per_request=1)
    assert {len(asked.images) for asked in server.asked} == {1}
    assert "conflict" in issues()


def test_a_record_that_was_put_together_says_so(inbox: Path) -> None:
    """With many records in a document too: the issue is that record's."""

    def halves(asked: Asked) -> Answer:
        if "Page 1:" in asked.text:
            return says({"records": [{"merchant": "Corner Shop", "items": ITEMS[:4]}]})
        return says({"records": [{"items": ITEMS[4:], "total": "420.00", "currency": "EUR"}]})

    with model_server(halves) as server:
        run(inbox, server.base_url, pages_per_request=1, records="many")
    assert items() == ITEMS
    assert "joined" in issues()
