"""`octavo evaluate`: by value, field by field; what is found on the page counted apart; nothing passed over."""

import json
import re
from pathlib import Path
from typing import Any

import pages
import pytest
from fakes import Answer, Asked, model_server, says
from runs import rows, run
from s3_servers import seaweed_server
from stores import fresh_url

from extractors.vocabulary import Ground
from flows.cli.parser import main
from flows.storage import s3

SAID = {
    "merchant": "Corner Shop",
    "number": "A-1",
    "date": "2026-01-31",
    "currency": "EUR",
    "total": "1234.50",
    "items": [
        {"description": "Bread", "amount": "2.00"},
        {"description": "Cheese", "amount": "4.00"},
        {"description": "Bread", "amount": "2.00"},
    ],
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two receipts of the same values, only the merchant of which is on the page; and a locked one."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.pdf").write_bytes(pages.digital_pdf([f"Corner Shop {name}"]))
    (tmp_path / "locked.pdf").write_bytes(pages.encrypted_pdf("secret"))
    with model_server(lambda _: says(SAID)) as server:
        run(tmp_path, server.base_url)
    return tmp_path


def evaluated(capsys: pytest.CaptureFixture[str], *labels: dict[str, Any], name: str = "labels.jsonl") -> Any:
    """What `--json` says of some labels."""
    Path(name).write_text("\n".join(json.dumps(label) for label in labels), "utf-8")
    capsys.readouterr()
    assert main(["evaluate", name, "--schema", "receipt", "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def counts(tally: dict[str, Any]) -> tuple[int, int, int, int]:
    """Right, wrong, missing, extra."""
    return (tally["right"], tally["wrong"], tally["missing"], tally["extra"])


@pytest.mark.usefixtures("store")
def test_values_count_and_not_spellings(capsys: pytest.CaptureFixture[str]) -> None:
    """Amounts as decimals, days as days, texts without case and white space; null says that there is none."""
    truth = {"merchant": " corner\u00a0SHOP", "total": "1.234,5 €", "date": "2026-01-31T10:00", "number": None}
    found = evaluated(
        capsys,
        {"file": "a.pdf", **truth, "tax": 7, "payment_method": None, "language": "en"},
        {"file": "b.pdf", "merchant": "CornerShop", "total": 1234.51, "date": "2026-01-30"},
    )
    fields = {name: counts(tally) for name, tally in found["fields"].items()}
    assert fields == {
        "merchant": (1, 1, 0, 0),
        "number": (0, 1, 0, 0),
        "date": (1, 1, 0, 0),
        "tax": (0, 0, 1, 0),
        "total": (1, 1, 0, 0),
        "payment_method": (1, 0, 0, 0),
    }
    assert counts(found["total"]) == (4, 4, 1, 0)
    assert found["total"]["labels"] == 9
    assert found["fields"]["merchant"]["grounded"] == {"right": 1, "wrong": 1}
    assert found["total"]["ungrounded"] == {"right": 2, "wrong": 3}
    assert found["not_compared"] == ["language"]
    assert {(miss["document"], miss["field"], miss["verdict"], miss["truth"], miss["said"])
            for miss in found["misses"] if miss["field"] in {"tax", "total"}} == {
        ("a.pdf", "tax", "missing", 7, None),
        ("b.pdf", "total", "wrong", "1234.51", "1234.50"),
    }  # fmt: skip


def test_what_could_not_be_looked_for_is_counted_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A scan's values are neither found nor not found; so are those of a run without grounding."""
    (tmp_path / "a.jpg").write_bytes(pages.scan_jpeg(["Corner Shop"]))
    (tmp_path / "b.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    with model_server(lambda _: says(SAID)) as server:
        run(tmp_path / "a.jpg", server.base_url)
        run(tmp_path / "b.pdf", server.base_url, ground=Ground.OFF)
    labels = [{"file": name, "merchant": "Corner Shop", "total": 99} for name in ("a.jpg", "b.pdf")]
    found = evaluated(capsys, *labels)
    assert found["total"]["not_checkable"] == {"right": 2, "wrong": 2}
    assert found["total"]["grounded"] == found["total"]["ungrounded"] == {"right": 0, "wrong": 0}
    assert {(miss["state"], miss["grounded"]) for miss in found["misses"]} == {("not_checkable", None)}
    assert main(["evaluate", "labels.jsonl", "--schema", "receipt"]) == 0
    told = capsys.readouterr().out
    assert [line.split() for line in told.splitlines() if line.lstrip().startswith("all")] == [
        ["all", "4", "2", "2", "0", "50.0", "2/4"]
    ]
    assert "not checkable: 2 of 4 right, 50.0%." in told
    assert re.search(r"a.jpg, record \d, total: wrong: label 99, record 1234.50, not checkable", told)


@pytest.mark.usefixtures("store")
def test_lists_are_counted_by_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """In any order, each row of the record once, by what is labelled; or only how many there are."""
    bread, cheese = {"description": "bread", "amount": 2}, {"amount": "4,00"}
    several = (
        ([bread, cheese, bread], (3, 0, 0, 0)),
        ([cheese, bread], (2, 0, 0, 1)),
        ([bread] * 3, (2, 1, 0, 0)),
        ([bread] * 5, (2, 1, 2, 0)),
        ([], (0, 0, 0, 3)),
        (3, (1, 0, 0, 0)),
        (4, (0, 1, 0, 0)),
    )
    for truth, expected in several:
        found = evaluated(capsys, {"file": "a.pdf", "items": truth})
        assert counts(found["fields"]["items"]) == expected, truth
    Path("bad.jsonl").write_text('{"file": "a.pdf", "items": [{"colour": "red"}]}', "utf-8")
    assert main(["evaluate", "bad.jsonl", "--schema", "receipt"]) == 1
    assert "line 1: items has no colour; its rows have description, quantity" in capsys.readouterr().err


def test_a_document_is_named_by_digest_uri_or_file(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a record it counts nowhere, and is told with the reason."""
    digest, uri = rows("select sha256, uri from documents where uri like '%/a.pdf'")[0]
    (store / "other").mkdir()
    (store / "other" / "a.pdf").write_bytes(pages.digital_pdf(["another one"]))
    with model_server(lambda _: Answer(text="no JSON")) as server:
        run(store / "other", server.base_url)
    right = {"total": "1234.5"}
    named = [{"sha256": digest.upper()}, {"uri": uri}, {"uri": str(store / "a.pdf")}, {"file": f"{store.name}/a.pdf"}]
    for each in named:
        assert counts(evaluated(capsys, {**each, **right})["total"]) == (1, 0, 0, 0)
    found = evaluated(
        capsys,
        {"file": "b.pdf", **right},
        {"file": "a.pdf", **right},
        {"file": "other/a.pdf", **right},
        {"file": "locked.pdf", **right},
        {"file": "nowhere.pdf", **right},
        {"sha256": "0" * 64, **right},
    )
    assert found["documents"]["labelled"] == 6
    assert found["records_compared"] == found["total"]["right"] == found["total"]["labels"] == 1
    assert found["documents"]["without_record"] == {
        "a.pdf": "several documents are called so: label it by uri or sha256",
        "other/a.pdf": "quarantined: invalid_answer",
        "locked.pdf": "quarantined: encrypted",
        "nowhere.pdf": "not extracted",
        "0" * 64: "not extracted with this schema",
    }


@pytest.mark.usefixtures("store")
def test_csv_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty cell is no label; a table for people names what is not right, and grounded values apart."""
    Path("labels.csv").write_text("file,merchant,total,items\na.pdf,corner shop,1234.50,3\nb.pdf,,99,\n", "utf-8-sig")
    assert main(["evaluate", "labels.csv", "--schema", "receipt"]) == 0
    told = capsys.readouterr().out
    assert "receipt: 2 records against their labels" in told
    assert [line.split() for line in told.splitlines() if line.lstrip().startswith("all")] == [
        ["all", "4", "3", "1", "0", "75.0", "1/1", "1/2"]
    ]
    assert "Values found on the page: 1 of 1 right, 100.0%; not found: 1 of 2 right, 50.0%." in told
    assert re.search(r"b.pdf, record \d, total: wrong: label 99, record 1234.50, not found on the page", told)


def test_each_record_of_a_document_has_its_label(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the document's order; a label beyond the last record is told."""

    def page_number(asked: Asked) -> Answer:
        return says({**SAID, "number": "P2" if "Page 2:" in asked.text else "P1"})

    (tmp_path / "a.pdf").write_bytes(pages.digital_pdf(["first", "second"]))
    with model_server(page_number) as server:
        run(tmp_path / "a.pdf", server.base_url, records="per-page")
    labels = [{"file": "a.pdf", "number": number} for number in ("p1", "p2", "p3")]
    found = evaluated(capsys, *labels)
    assert counts(found["total"]) == (2, 0, 0, 0)
    assert found["documents"]["without_record"] == {"a.pdf (line 3)": "fewer records than labels"}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("l.jsonl", '{"file": "a.pdf", "total": "1"}\n{oops', "line 2: not JSON"),
        ("l.jsonl", "[1]", "line 1: not a JSON object"),
        ("l.jsonl", '{"total": 1}', "line 1: no document is named; give sha256, uri, file"),
        ("l.jsonl", '\n{"file": "a.pdf", "total": "1,234"}', "line 2: total: '1,234' reads two ways"),
        ("l.jsonl", '{"file": "a.pdf", "date": "31/01/2026"}', "line 1: date: '31/01/2026' is not an ISO date"),
        ("l.jsonl", '{"file": "a.pdf", "totl": 1}', "names no field of receipt; it has merchant, address, number"),
        ("l.jsonl", '{"file": "locked.pdf", "total": 1}', "no labelled document has a record of receipt"),
        ("l.jsonl", "", "holds no labels"),
        ("l.csv", "file,total\na.pdf,1,2\n", "line 2: more cells than the head has columns"),
        ("l.csv", b"file,total\na.pdf,\xff\n", "are not UTF-8 text"),
        ("missing.csv", None, "cannot be read: No such file"),
    ],
)
def test_labels_that_mean_nothing_are_refused(
    name: str, content: str | bytes | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, with the line and what to do."""
    if content is not None:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["evaluate", name, "--schema", "receipt"]) == 1
    assert told in capsys.readouterr().err


def test_a_store_on_postgresql_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A schema that the store does not know is told there too."""
    url = fresh_url("postgresql", tmp_path)
    (tmp_path / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    with model_server(lambda _: says(SAID)) as server:
        run(tmp_path / "a.pdf", server.base_url, store=url)
    Path("l.jsonl").write_text('{"file": "a.pdf", "total": 1234.5, "items": 3}', "utf-8")
    assert main(["evaluate", "l.jsonl", "--schema", "receipt", "--store", url]) == 0
    assert ["all", "2", "2"] in [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert main(["evaluate", "l.jsonl", "--schema", "invoice", "--store", url]) == 1
    assert "nothing was extracted with a schema 'invoice'" in capsys.readouterr().err


@pytest.mark.usefixtures("store")
def test_labels_may_lie_in_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a worker of the deployment reads them; a key that is not there is told so."""
    (tmp_path / "weed").mkdir()
    with seaweed_server(tmp_path / "weed") as server:
        server.settle_in(monkeypatch)
        server.client().put_object(Bucket="docs", Key="l.csv", Body=b"file,total\na.pdf,1234.5\n")
        assert main(["evaluate", "s3://docs/l.csv", "--schema", "receipt"]) == 0
        assert main(["evaluate", "s3://docs/other.csv", "--schema", "receipt"]) == 1
        s3._shared_client.cache_clear()
    assert "there is no such object" in capsys.readouterr().err
