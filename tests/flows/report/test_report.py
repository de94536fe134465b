"""The report is one file that shows what the store holds, hides nothing that is wrong, and runs nothing."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pages
import pytest
from fakes import Answer, model_server, says
from PIL import Image
from runs import TOTAL, rows, run
from stores import fresh_url

from extractors.errors import AnswerError, DocumentError, OctavoError, advice_for
from extractors.vocabulary import Ground
from flows.cli.parser import main

OUT = Path("report.html")


class Page(HTMLParser):
    """The elements of a page, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Kept."""
        self.elements.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """The style's end."""
        self._style = self._style and tag != "style"

    def handle_data(self, data: str) -> None:
        """Kept, the style aside."""
        self.text += "" if self._style else data

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of the elements of a class."""
        return [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]

    def images(self) -> list[Image.Image]:
        """The pictures in it."""
        sources = [str(attrs["src"]) for tag, attrs in self.elements if tag == "img"]
        return [Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) for source in sources]


def report(*more: str) -> Page:
    """Writes and reads the report."""
    assert main(["report", str(OUT), *more]) == 0
    return Page(OUT.read_text("utf-8"))


def test_values_stand_beside_their_page_found_or_visibly_not(tmp_path: Path) -> None:
    """What is on the page has a box there, a link to it and the page's picture; the rest has a mark."""
    (tmp_path / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    with model_server(lambda _: says({**TOTAL, "items": [{"description": "Corner", "amount": "3.00"}]})) as server:
        run(tmp_path / "a.pdf", server.base_url)
    page = report()
    boxes = {attrs["id"]: attrs for attrs in page.of_class("box")}
    assert {str(attrs["title"]) for attrs in boxes.values()} == {
        "merchant: Corner Shop",
        "items.0.description: Corner",
    }
    assert {str(attrs["href"])[1:] for attrs in page.of_class("found") if "href" in attrs} == set(boxes)
    assert len(page.of_class("lost")) == 1 + 3  # the legend's, and total, currency and the item's amount
    percents = re.findall(r"([\d.]+)%", str(next(iter(boxes.values()))["style"]))
    assert len(percents) == 4
    assert all(0 < float(each) < 100 for each in percents)
    (picture,) = page.images()
    assert max(picture.size) <= 1100
    assert "Not on the document: address, number" in page.text
    assert rows("select endpoint, model from extractions") == [("custom", "test-model")]
    assert "by custom (test-model)" in page.text


def test_three_marks_for_three_states(tmp_path: Path) -> None:
    """A box's number, a question mark, a reason; a scan is not a wall of red, and is told how it can be checked."""
    (tmp_path / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop\nTotal 12.00 EUR"]))
    (tmp_path / "b.jpg").write_bytes(pages.scan_jpeg(["Corner Shop", "Total 12.00 EUR"]))
    with model_server(lambda _: says({**TOTAL, "number": "QX-77/1"})) as server:
        run(tmp_path / "a.pdf", server.base_url)
        run(tmp_path / "b.jpg", server.base_url)
    page = report()
    legend = 1
    assert len(page.of_class("lost")) == legend + 1
    assert len(page.of_class("unchecked")) == legend + 4
    assert [str(attrs["title"]) for attrs in page.of_class("lost")[1:]] == ["number: stands nowhere on the pages"]
    assert {str(attrs["title"]).partition(": ")[2] for attrs in page.of_class("unchecked")[1:]} == {
        "not checkable: page 1 has no words to look in"
    }
    assert {str(attrs["title"]) for attrs in page.of_class("found")[1:]} == {
        "merchant: found on page 1", "total: found on page 1", "currency: found on page 1",
    }  # fmt: skip
    text = " ".join(page.text.split())
    assert "75 % grounded: 3 of 4 found, by custom" in text
    assert "not checked, by custom" in text
    assert "75 %1 not checked" in text  # of the schema
    assert "`" not in text
    assert "octavo ground receipt reads it by OCR" in text
    assert main(["ground"]) == 0
    page = report()
    assert len(page.of_class("unchecked")) == legend
    assert len(page.of_class("lost")) == legend + 2


def test_values_that_nobody_looked_for_are_not_red(tmp_path: Path) -> None:
    """With `--ground off` there is no evidence: nothing is said of any value."""
    (tmp_path / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    with model_server(lambda _: says(TOTAL)) as server:
        run(tmp_path / "a.pdf", server.base_url, ground=Ground.OFF)
    page = report()
    assert len(page.of_class("lost")) == 1
    titles = [str(attrs["title"]) for attrs in page.of_class("unchecked")[1:]]
    assert len(titles) == 3
    assert all(title.endswith("not checkable: values were not looked for (--ground off)") for title in titles)
    assert "not checked, by custom" in " ".join(page.text.split())


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    """Markup in values, issues, file names and causes is shown as it is; nothing is loaded, linked or run."""
    evil = "<script>alert(1)</script>\"'><img src=http://x.example/ onerror=alert(1)>{{ 7*7 }}\u202e"
    name = '"><img src=x onerror=alert(2)>.pdf'
    (tmp_path / name).write_bytes(pages.digital_pdf(["Corner Shop"]))
    (tmp_path / f"locked {name}").write_bytes(pages.encrypted_pdf("secret"))
    with model_server(lambda _: says({**TOTAL, "merchant": evil, "items": [{"description": evil}]})) as server:
        run(tmp_path, server.base_url)
    page = report()
    assert evil in page.text
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "iframe", "object", "form", "link"})
    for tag, attrs in page.elements:
        assert not [key for key in attrs if key.startswith("on")]
        assert str(attrs.get("src", "data:")).startswith("data:image/jpeg;base64,") or tag != "img"
        assert str(attrs.get("href", "#")).startswith("#")
    policy = [
        attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_what_is_not_complete_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Each with its id, kind, failed pages, cause and advice; counted by state."""
    (tmp_path / "half.pdf").write_bytes(pages.digital_pdf(["first", "second"]))
    (tmp_path / "locked.pdf").write_bytes(pages.encrypted_pdf("secret"))
    bad = Answer(text="no JSON")
    with model_server(lambda asked: bad if "Page 2:" in asked.text else says(TOTAL)) as server:
        run(tmp_path, server.base_url, pages_per_request=1)
    text = " ".join(report().text.split())
    assert re.search(r"partial invalid_answer file://\S+half.pdf receipt 2 page 2: .* look at the reply", text)
    assert re.search(r"quarantined encrypted file://\S+locked.pdf receipt – a password .* give its password", text)
    assert text.index("Not complete: 2") < text.index("half.pdf")
    assert "0complete 1partial 1quarantined 0pending 1records" in re.sub(r"(\d) (?=[a-z])", r"\1", text)


def test_a_document_that_is_gone_or_changed_is_told(tmp_path: Path) -> None:
    """The values stay; in the page's place stands why it is not shown. Another copy of the bytes will do."""
    for name in ("gone", "changed", "copied"):
        (tmp_path / f"{name}.pdf").write_bytes(pages.digital_pdf([name]))
    (tmp_path / "its copy.pdf").write_bytes(pages.digital_pdf(["copied"]))
    with model_server(lambda _: says(TOTAL)) as server:
        run(tmp_path, server.base_url)
    (tmp_path / "gone.pdf").unlink()
    (tmp_path / "copied.pdf").unlink()
    (tmp_path / "changed.pdf").write_bytes(pages.digital_pdf(["other bytes"]))
    page = report()
    assert page.text.count("the document could not be read") == 2
    assert "gone.pdf was listed, but is gone" in page.text
    assert "changed.pdf has other bytes now" in page.text
    assert len(page.images()) == 1
    assert page.text.count("12.00") == 3


def test_a_store_with_nothing_in_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty store makes a report that says what to do; none at all is exit code 1."""
    assert main(["report", str(OUT)]) == 1
    assert "octavo.db" in capsys.readouterr().err
    assert not OUT.exists()
    (tmp_path / "empty").mkdir()
    with model_server(lambda _: says(TOTAL)) as server:
        run(tmp_path / "empty", server.base_url)
    assert "Nothing was extracted into this store yet" in report().text
    Path("taken.html").mkdir()
    assert main(["report", "taken.html"]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not list(tmp_path.glob(".octavo-report-*"))


def test_many_records_make_a_bounded_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newest first, long values and lists cut, pages only while there is room; what is left out is told."""
    monkeypatch.setattr("flows.report.html._MOST_PICTURE_BYTES", 20_000)
    (tmp_path / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    item = {"description": "x" * 1_000, "amount": "1.00"}
    many = [{**TOTAL, "number": f"N{number}", "items": [item] * 9} for number in range(300)]
    many[-1]["items"] = [item] * 400
    with model_server(lambda _: says({"records": many})) as server:
        run(tmp_path / "a.pdf", server.base_url, records="many")
    page = report("--limit", "300")
    numbers = re.findall(r"numberN(\d+)", page.text)
    assert [int(number) for number in numbers] == list(range(299, -1, -1))
    assert page.text.count("this file holds as many pages as it may") > 280
    assert "more values: octavo records receipt --format json" in page.text
    assert "x" * 301 not in page.text
    assert OUT.stat().st_size < 4_000_000
    assert len(re.findall(r"numberN(\d+)", report().text)) == 20


def test_a_store_on_postgresql_looks_the_same(tmp_path: Path) -> None:
    """The same values from the other database, in the schema's order, which its JSON does not keep."""
    url = fresh_url("postgresql", tmp_path)
    (tmp_path / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    items = [{"description": "Bread", "quantity": "1", "unit_price": "2.00", "amount": "2.00"}]
    with model_server(lambda _: says({**TOTAL, "date": "2026-01-31", "tax": "1.00", "items": items})) as server:
        run(tmp_path / "a.pdf", server.base_url, store=url)
    text = report("--store", url).text
    assert "Corner Shop" in text
    places = [text.index(name) for name in ("merchant", "date", "currency", "tax1", "total1", "unit_price", "amount")]
    assert places == sorted(places)


def test_every_error_of_a_document_has_advice() -> None:
    """No kind that a document can end with leaves a person without a next step."""

    def below(parent: type[OctavoError]) -> list[type[OctavoError]]:
        return [each for child in parent.__subclasses__() for each in (child, *below(child))]

    kinds = {each.kind for parent in (DocumentError, AnswerError) for each in below(parent)}
    assert len(kinds) > 15
    assert [kind for kind in kinds if not advice_for(kind)] == []
    assert json.dumps(advice_for("no such kind")) == '""'
