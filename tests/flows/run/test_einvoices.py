"""Runs over e-invoices: the data that they bring is a second witness, and the record stays what the page says."""

import json
from pathlib import Path
from typing import Any

import pages
import pymupdf
import pytest
from einvoices import factur_x, with_attached
from fakes import model_server, says
from runs import rows, run

from extractors.vocabulary import EvidenceState, Ground, Records
from flows.cli.parser import main

pytest.importorskip("facturx")

ANSWER = {"number": "RE-2024/17", "total": "529.87", "tax": "56.87", "currency": "EUR", "line_items": []}
"""What the model reads; the tax stands on no page here."""

PAGE = "Invoice RE-2024/17\nTotal EUR {total}"


def read(pdf: bytes, answer: dict[str, Any], **wishes: Any) -> dict[str, Any]:
    """The record of a document: data, grounded, states by path, and issues as (kind, path)."""
    Path("invoice.pdf").write_bytes(pdf)
    with model_server(lambda _: says(answer)) as server:
        run("invoice.pdf", server.base_url, schema_name="invoice", **wishes)
    return stored()


def stored() -> dict[str, Any]:
    """The record that counts."""
    ((data, grounded, evidence, issues),) = rows(
        "select r.data, r.grounded, r.evidence, r.issues from records r join extractions e on r.extraction_id = e.id"
        " where superseded_by is null"
    )
    return {
        "data": json.loads(data),
        "grounded": grounded,
        "states": {item["path"]: item["state"] for item in json.loads(evidence)},
        "issues": [(item["kind"], item["path"]) for item in json.loads(issues)],
        "messages": [item["message"] for item in json.loads(issues)],
    }


def test_what_the_data_says_too_is_not_made_up() -> None:
    """Not on the page it stays `not_found` and lowers `grounded`; nobody invented it, so no `not_on_page`."""
    pdf = pages.digital_pdf([PAGE.format(total="529.87")])
    alone = read(pdf, ANSWER)
    assert ("not_on_page", "tax") in alone["issues"]
    Path("octavo.db").unlink()
    found = read(with_attached(pdf, factur_x(())), ANSWER)
    assert found["states"] == alone["states"]
    assert found["states"]["tax"] == EvidenceState.NOT_FOUND
    assert found["grounded"] == alone["grounded"] < 1
    assert found["issues"] == [issue for issue in alone["issues"] if issue != ("not_on_page", "tax")]


def test_a_difference_is_told_and_the_page_stands() -> None:
    """A model that loses a decimal mark, or a page that says another total than the data."""
    pdf = with_attached(pages.digital_pdf([PAGE.format(total="592.87")]), factur_x())
    found = read(pdf, {**ANSWER, "total": "592.87", "tax": None})
    assert found["data"]["total"] == "592.87"
    assert found["states"]["total"] == EvidenceState.FOUND
    assert found["issues"] == [("xml_differs", "line_items"), ("xml_differs", "total")]
    assert "factur-x.xml says '529.87', the record '592.87'" in found["messages"]


def test_data_that_cannot_be_read_is_an_issue() -> None:
    """And so are files beside it; the document is read as any other."""
    pdf = pages.digital_pdf([PAGE.format(total="529.87")])
    pdf = with_attached(with_attached(pdf, factur_x()[:500]), b"x", "notes.txt")
    found = read(pdf, {**ANSWER, "tax": None})
    assert found["data"]["total"] == "529.87"
    assert found["issues"] == [("attachments", ""), ("attachments", "")]
    assert found["messages"][0].startswith("factur-x.xml cannot be read as an e-invoice's data: ")
    assert found["messages"][1] == "attached inside the PDF and not read: 2: factur-x.xml, notes.txt"


def test_a_scan_with_data_is_grounded_later_without_a_false_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    """`octavo ground` looks for what the page does not show, and knows what the data says."""
    scan = pymupdf.open("jpg", pages.scan_jpeg(PAGE.format(total="529.87").split("\n"))).convert_to_pdf()
    before = read(with_attached(scan, factur_x(())), {**ANSWER, "order_reference": "QX-99"}, ground=Ground.TEXT)
    assert set(before["states"].values()) == {EvidenceState.NOT_CHECKABLE}
    assert main(["ground", "--json"]) == 0
    after = stored()
    assert after["states"]["total"] == EvidenceState.FOUND
    assert after["states"]["tax"] == after["states"]["order_reference"] == EvidenceState.NOT_FOUND
    assert ("not_on_page", "order_reference") in after["issues"]
    assert ("not_on_page", "tax") not in after["issues"]


def test_of_several_invoices_in_a_file_the_datas_own_is_compared() -> None:
    """The other one has no data, and so no difference."""
    pdf = pages.digital_pdf(["Invoice RE-2024/16\nTotal EUR 1.00\nInvoice RE-2024/17\nTotal EUR 592.87"])
    answer = {"records": [{**ANSWER, "number": "RE-2024/16", "total": "1.00", "tax": None},
                          {**ANSWER, "total": "592.87", "tax": None}]}  # fmt: skip
    Path("two.pdf").write_bytes(with_attached(pdf, factur_x(())))
    with model_server(lambda _: says(answer)) as server:
        run("two.pdf", server.base_url, schema_name="invoice", records=Records.MANY)
    found = [json.loads(issues) for (issues,) in rows("select issues from records order by ordinal")]
    assert [[(issue["kind"], issue["path"]) for issue in issues] for issues in found] == [
        [], [("xml_differs", "total")],
    ]  # fmt: skip
