"""A file of several documents: looked at small, cut where the replies say, each part read with its own schema."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pages
import pymupdf
import pytest
from fakes import Answer, Asked, ModelServer, model_server, says
from PIL import Image
from runs import rows, run, states
from statements import pages_asked
from stores import fresh_url

from extractors.bundles import look_groups
from extractors.pages.sizes import image_tokens, small_size
from flows.cli.parser import main
from flows.store.counts import counts_by_schema
from flows.store.queries import quarantined, record_rows
from flows.store.store import Store

Kinds = dict[int, tuple[str, bool]]
"""Page -> its kind, and whether a document begins on it."""

BUNDLE: Kinds = {1: ("invoice", True), 2: ("invoice", False), 3: ("receipt", True), 5: ("invoice", True),
                 6: ("none", True)}  # fmt: skip
"""Two invoices around a receipt; page 4 is blank, page 6 a letter."""


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with the file of `BUNDLE`."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    texts = ["Invoice A-1", "Invoice A-1 goes on", "Corner Shop", "", "Invoice B-2", "Dear Sir"]
    (folder / "bundle.pdf").write_bytes(pages.digital_pdf(texts))
    return folder


def is_look(asked: Asked) -> bool:
    """Whether a request asks what the pages are."""
    return bool(asked.body["response_format"]["json_schema"]["name"] == "page_kinds")


def kinds_of(kinds: Kinds, asked: Asked) -> Answer:
    """The right answer to that."""
    told = [(page, *kinds[page]) for page in pages_asked(asked)]
    return says({"pages": [{"page": page, "kind": kind, "begins": begins} for page, kind, begins in told]})


def splits(kinds: Kinds = BUNDLE, **instead: Any) -> Any:
    """A script: the kinds, and of each part a record that names its first page."""

    def script(asked: Asked) -> Answer:
        if is_look(asked):
            return kinds_of(kinds, asked)
        first = pages_asked(asked)[0]
        if first in instead.get("bad", ()):
            return Answer(text="no JSON")
        name = asked.body["response_format"]["json_schema"]["name"]
        record = {"invoice": {"number": f"N-{first}"}, "receipt": {"merchant": f"Shop {first}"},
                  "bank_statement": {"bank": f"Bank {first}"}}[name]  # fmt: skip
        return says({"records": [record, record]} if instead.get("twice") else record)

    return script


def split(inbox: Path, server: ModelServer, **wishes: Any) -> Any:
    """One run that splits."""
    return run(inbox, server.base_url, **{"schema_name": "invoice,receipt", "split": True, **wishes})


def read(server: ModelServer) -> list[tuple[str, list[int]]]:
    """Schema and pages of each request that read a part, by page."""
    asked = [each for each in server.asked if not is_look(each)]
    return sorted(
        ((each.body["response_format"]["json_schema"]["name"], pages_asked(each)) for each in asked),
        key=lambda each: each[1],
    )


def test_each_part_is_read_with_its_own_schema_over_its_own_pages(inbox: Path) -> None:
    """The views show the parts' records with the pages of the file; what fits none is reported, not dropped."""
    with model_server(splits()) as server:
        summary = split(inbox, server)
    assert read(server) == [("invoice", [1, 2]), ("receipt", [3]), ("invoice", [5])]
    assert rows("select number, status from invoice order by record_id") == [("N-1", "complete"), ("N-5", "complete")]
    assert rows("select merchant, status from receipt") == [("Shop 3", "complete")]
    told = rows("select e.schema_name, r.ordinal, r.pages from records r join extractions e on e.id = extraction_id")
    assert sorted((name, ordinal, json.loads(on)) for name, ordinal, on in told) == [
        ("invoice", 0, [1, 2]), ("invoice", 1, [5]), ("receipt", 0, [3]),
    ]  # fmt: skip
    found = rows(
        "select page, p.status, p.kind from pages p join extractions e on e.id = extraction_id"
        " where schema_name = 'split:invoice,receipt' order by page"
    )
    assert found == [
        (1, "read", None), (2, "read", None), (3, "read", None), (4, "blank", None), (5, "read", None),
        (6, "failed", "fits_none"),
    ]  # fmt: skip
    assert (summary.exit_code, summary.records) == (3, 3)
    paid = rows("select schema_name, input_tokens, endpoint from extractions order by schema_name")
    assert paid == [("invoice", 0, "custom"), ("receipt", 0, "custom"), ("split:invoice,receipt", 4000, "custom")]
    with Store.open("sqlite:///octavo.db", read_only=True) as store:
        counts = counts_by_schema(store)
    assert {name: sum(each.states.values()) for name, each in counts.items()} == {
        "invoice": 0, "receipt": 0, "split:invoice,receipt": 1,
    }  # fmt: skip
    assert summary.as_json()["pages"] == {"read": 4, "blank": 1, "failed": 1}


def test_a_page_that_fits_none_is_in_the_quarantine_list(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, under the name of what the file was asked for; retried, it costs nothing while nothing changes."""
    with model_server(splits()) as server:
        split(inbox, server)
        calls = len(server.asked)
        capsys.readouterr()
        assert main(["quarantine", "list"]) == 0
        told = " ".join(capsys.readouterr().out.split())
        assert told.count("fits_none") == 1
        assert "partial" in told
        assert "bundle.pdf" in told
        assert main(["quarantine", "retry", "--base-url", server.base_url, "--model", "test-model"]) == 3
        assert len(server.asked) == calls
    cause = rows("select cause from extractions where schema_name like 'split:%'")
    assert cause == [
        ("page 6: fits none of invoice, receipt: name the schema that it needs too, or take the page out",)
    ]


def test_a_second_run_has_nothing_to_do_and_the_order_of_the_schemas_does_not_matter(inbox: Path) -> None:
    """Nothing is asked, let alone paid, twice."""
    with model_server(splits()) as server:
        split(inbox, server)
        calls = len(server.asked)
        again = split(inbox, server, schema_name="receipt,invoice")
    assert (again.exit_code, again.documents["skipped"]) == (0, 1)
    assert len(server.asked) == calls


def test_pages_are_looked_at_small_and_read_large(inbox: Path) -> None:
    """An A4 page costs 432 tokens to look at, of the 2,200 that it costs to read (the design's formula)."""
    with model_server(splits()) as server:
        split(inbox, server)
    look = next(asked for asked in server.asked if is_look(asked))
    sizes = {Image.open(io.BytesIO(jpeg)).size for jpeg in look.images}
    assert sizes == {small_size((1092, 1540))}
    assert image_tokens(*small_size((1092, 1540))) == (17 + 1) * 24 == 432
    assert pages_asked(look) == [1, 2, 3, 5, 6]
    large = next(asked for asked in server.asked if not is_look(asked))
    assert not {Image.open(io.BytesIO(jpeg)).size for jpeg in large.images} & sizes


def test_the_question_begins_alike_for_every_file(inbox: Path) -> None:
    """Gateways' prompt caches hit: instructions and schema come before the first page."""
    (inbox / "other.pdf").write_bytes(pages.digital_pdf(["Invoice C-3", "Invoice C-3 goes on"]))
    with model_server(splits()) as server:
        split(inbox, server)
    first, second = [asked.text.split("Page 1:")[0] for asked in server.asked if is_look(asked)]
    assert first == second
    assert re.search(r"- invoice: An invoice or credit note\. Shows: Invoice No\.; ", first)


def test_a_look_that_fails_leaves_the_others_and_a_later_run_asks_for_it_alone(inbox: Path) -> None:
    """The page is failed with the reason; `--rerun failed` asks what it is, and reads what it then belongs to."""
    broken = True

    def script(asked: Asked) -> Answer:
        if broken and is_look(asked) and 5 in pages_asked(asked):
            size = len(pages_asked(asked))
            return Answer(status=413, body=b'{"error": {"message": "request entity too large"}}') if size > 1 else (
                Answer(text="I cannot tell"))  # fmt: skip
        return splits({**BUNDLE, 6: ("receipt", True)})(asked)

    with model_server(script) as server:
        summary = split(inbox, server)
        assert summary.exit_code == 3
        assert rows("select number from invoice") == [("N-1",)]
        told = rows("select page, kind, cause from pages where status = 'failed'")
        assert [each[:2] for each in told] == [(5, "invalid_answer")]
        assert told[0][2].startswith("what the page is was not told: ")
        broken, before = False, len(server.asked)
        split(inbox, server, rerun="failed")
        assert [pages_asked(asked) for asked in server.asked[before:] if not is_look(asked)] == [[5]]
    assert sorted(rows("select number from invoice")) == [("N-1",), ("N-5",)]
    assert rows("select status from extractions where schema_name like 'split:%'") == [("complete",)]


def test_a_part_that_cannot_be_read_makes_the_file_partial(inbox: Path) -> None:
    """Its neighbours are read; the schema's own extraction says so; only that part is asked for again."""
    with model_server(splits({**BUNDLE, 6: ("receipt", True)}, bad=(5,))) as server:
        assert split(inbox, server).exit_code == 3
        assert rows("select number, status from invoice") == [("N-1", "partial")]
        assert sorted(rows("select merchant, status from receipt")) == [
            ("Shop 3", "complete"),
            ("Shop 6", "complete"),
        ]
        assert rows("select status, kind from extractions where schema_name like 'split:%'") == [
            ("partial", "invalid_answer")
        ]
        server.script = splits({**BUNDLE, 6: ("receipt", True)})
        before = len(server.asked)
        assert split(inbox, server, rerun="failed").exit_code == 0
        assert [pages_asked(asked) for asked in server.asked[before:]] == [[5]]
    assert sorted(rows("select number, status from invoice")) == [("N-1", "complete"), ("N-5", "complete")]


def test_a_paused_run_goes_on_with_what_is_stored(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Down after the look: pending, exit code 4; then the look is reused and only the parts are asked."""
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "0.3")

    def down(asked: Asked) -> Answer:
        return kinds_of(BUNDLE, asked) if is_look(asked) else Answer(status=503, body=b"down")

    with model_server(down) as server:
        assert split(inbox, server).exit_code == 4
        assert states() == {"bundle.pdf": ("pending", "endpoint_down")}
        server.script, before = splits(), len(server.asked)
        assert split(inbox, server).exit_code == 3
        assert not any(is_look(asked) for asked in server.asked[before:])
    assert len(rows("select number from invoice")) == 2


def test_the_budget_counts_the_look(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget that the first look would exceed stops the run before anything is sent."""
    Path("octavo.toml").write_text("[endpoint.custom]\nprice_input = 1000\nprice_output = 1000\n")
    with model_server(splits()) as server:
        summary = split(inbox, server, max_cost=0.5)
        assert server.asked == []
    assert (summary.exit_code, summary.documents["pending"]) == (4, 1)


def test_a_plain_run_and_a_split_run_of_one_file_supersede_each_other(inbox: Path) -> None:
    """One current outcome for each schema; whoever goes back finds the records again without paying."""
    with model_server(splits()) as server:
        run(inbox, server.base_url, schema_name="invoice")
        assert rows("select number, status from invoice") == [("N-1", "complete")]
        split(inbox, server)
        assert sorted(rows("select number from invoice")) == [("N-1",), ("N-5",)]
        run(inbox, server.base_url, schema_name="invoice")
        assert rows("select number from invoice") == [("N-1",)]
        calls = len(server.asked)
        split(inbox, server)
        assert sorted(rows("select number from invoice")) == [("N-1",), ("N-5",)]
        assert len(server.asked) == calls


def test_new_bytes_supersede_the_parts_of_the_old_ones(inbox: Path) -> None:
    """Also those of a schema that the new file has no page of."""
    with model_server(splits()) as server:
        split(inbox, server)
        (inbox / "bundle.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
        server.script = splits({1: ("receipt", True)})
        assert split(inbox, server).exit_code == 0
    assert rows("select number from invoice") == []
    assert rows("select merchant from receipt") == [("Shop 1",)]


def test_postgresql_keeps_split_files_likewise(inbox: Path, tmp_path: Path) -> None:
    """Views, quarantine, a second run, going back after a plain run, and new bytes."""
    url = fresh_url("postgresql", tmp_path)
    with model_server(splits()) as server, Store.open(url) as store:

        def numbers() -> list[object]:
            columns, found = record_rows(store, "invoice")
            return sorted(row[columns.index("number")] for row in found)

        split(inbox, server, store=url)
        assert numbers() == ["N-1", "N-5"]
        assert [(entry.schema_name, entry.failed_pages) for entry in quarantined(store)] == [
            ("split:invoice,receipt", (6,))
        ]
        calls = len(server.asked)
        assert split(inbox, server, store=url).documents["skipped"] == 1
        run(inbox, server.base_url, schema_name="invoice", store=url)
        assert numbers() == ["N-1"]
        split(inbox, server, store=url)
        assert numbers() == ["N-1", "N-5"]
        assert len(server.asked) == calls + 1
        (inbox / "bundle.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
        server.script = splits({1: ("receipt", True)})
        assert split(inbox, server, store=url).exit_code == 0
        assert numbers() == []


def test_one_schema_leaves_out_and_reports_what_does_not_fit(inbox: Path) -> None:
    """`--schema invoice --split` reads the invoices of a file that holds other things too."""
    kinds = {page: kind if kind[0] == "invoice" else ("none", True) for page, kind in BUNDLE.items()}
    with model_server(splits(kinds)) as server:
        split(inbox, server, schema_name="invoice")
    assert len(rows("select number from invoice")) == 2
    assert rows("select page from pages where kind = 'fits_none' order by page") == [(3,), (6,)]


def test_a_file_that_fits_nothing_is_quarantined_and_a_blank_one_is_complete(tmp_path: Path) -> None:
    """As a document of one schema ends: with no page read it is quarantined, with no ink there is nothing to do."""
    (tmp_path / "letter.pdf").write_bytes(pages.digital_pdf(["Dear Sir"]))
    (tmp_path / "blank.pdf").write_bytes(pages.blank_pdf())
    (tmp_path / "locked.pdf").write_bytes(pages.encrypted_pdf("secret"))
    with model_server(splits({1: ("none", True)})) as server:
        split(tmp_path, server)
    found = rows(
        "select d.uri, e.status, e.kind from documents d join extractions e on e.sha256 = d.sha256"
        " where e.schema_name like 'split:%'"
    )
    assert sorted((uri.rsplit("/", 1)[-1], *how) for uri, *how in found) == [
        ("blank.pdf", "complete", "all_blank"), ("letter.pdf", "quarantined", "fits_none"),
        ("locked.pdf", "quarantined", "encrypted"),
    ]  # fmt: skip


def test_records_per_page_and_many_work_inside_parts(inbox: Path) -> None:
    """Each page of a part its own record, or all that a part holds; numbered within their schema."""
    with model_server(splits()) as server:
        split(inbox, server, records="per-page")
        assert rows("select number from invoice order by record_id") == [("N-1",), ("N-2",), ("N-5",)]
        server.script = splits(twice=True)
        split(inbox, server, records="many")
    assert rows("select number from invoice order by record_id") == [("N-1",), ("N-1",), ("N-5",), ("N-5",)]


def test_long_files_are_looked_at_in_groups_that_know_the_page_before(tmp_path: Path) -> None:
    """Nine pages and an endpoint that takes four images: each later request shows one page of the group before."""
    (tmp_path / "long.pdf").write_bytes(pages.digital_pdf(9))
    Path("octavo.toml").write_text("[endpoint.custom]\nimages = 4\n")
    kinds = {page: ("invoice", page in {1, 5}) for page in range(1, 10)}
    with model_server(splits(kinds)) as server:
        assert split(tmp_path, server).exit_code == 0
    looks = sorted(pages_asked(asked) for asked in server.asked if is_look(asked))
    assert looks == [[1, 2, 3, 4], [4, 5, 6, 7], [7, 8, 9]]
    assert [sorted(json.loads(on)) for (on,) in rows("select pages from records order by ordinal")] == [
        [1, 2, 3, 4], [5, 6, 7, 8, 9],
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "most"), [(1, 1), (3, 1), (5, 2), (8, 8), (9, 8), (100, 8), (100, 64)])
def test_every_page_is_looked_at_once(count: int, most: int) -> None:
    """Whatever the endpoint takes; no request shows more than that."""
    groups = look_groups(count, most)
    assert [page for group in groups for page in group.pages] == list(range(1, count + 1))
    assert all(len(group.pages) + len(group.before) <= most for group in groups)


def test_evidence_names_the_pages_of_the_file(tmp_path: Path) -> None:
    """A part's values are found on the pages where they stand in the whole file."""
    (tmp_path / "two.pdf").write_bytes(pages.digital_pdf(["Corner Shop", "Invoice N-2"]))
    with model_server(splits({1: ("receipt", True), 2: ("invoice", True)})) as server:
        split(tmp_path, server)
    ((evidence,),) = rows(
        "select evidence from records r join extractions e on e.id = extraction_id where schema_name = 'invoice'"
    )
    assert [(entry["path"], entry["page"]) for entry in json.loads(evidence)] == [("number", 2)]


def test_a_dry_run_counts_the_look(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One request for six small pages, and at most one for each page; nothing is sent. A blank page has no tokens."""
    capsys.readouterr()
    wishes = ["--schema", "invoice,receipt", "--split", "--dry-run", "--json", "--endpoint", "local"]
    assert main(["extract", str(inbox), *wishes]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["pages"], found["requests"]) == (6, 1 + 6)
    tokens = found["endpoints"]["local"]["input_tokens"]
    assert 5 * (432 + 2_200) < tokens < 5 * (432 + 2_200) + 7 * 2_500


def test_several_schemas_without_split_are_a_usage_error(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and what to do."""
    assert main(["extract", str(inbox), "--schema", "invoice,receipt"]) == 2
    assert "--split" in capsys.readouterr().err


def test_unknown_and_repeated_schemas_are_refused(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, in one line."""
    assert main(["extract", str(inbox), "--split", "--schema", "invoice,invoice"]) == 1
    assert "named twice" in capsys.readouterr().err
    assert main(["extract", str(inbox), "--split", "--schema", "invoice,nothing"]) == 1
    assert "unknown schema 'nothing'" in capsys.readouterr().err


def test_the_built_in_model_splits_a_made_up_file(tmp_path: Path) -> None:
    """An invoice, a letter and a receipt, joined: two records, and the letter is reported."""
    with pymupdf.open() as bundle:
        receipt = pages.digital_pdf(["Corner Shop\nReceipt No. 0047\nDate 2025-05-17\nTotal EUR 12.00\nPaid by Visa"])
        letter = pages.digital_pdf(["Dear Ms Fairweather,\nplease find our papers enclosed."])
        for pdf in (pages.invoice_pdf("2025-0042"), letter, receipt):
            with pymupdf.open(stream=pdf, filetype="pdf") as part:
                bundle.insert_pdf(part)
        (tmp_path / "bundle.pdf").write_bytes(bundle.tobytes())
    wishes = ["--schema", "invoice,receipt", "--split", "--endpoint", "local"]
    assert main(["extract", str(tmp_path / "bundle.pdf"), *wishes]) == 3
    assert rows("select number from invoice") == [("2025-0042",)]
    assert rows("select number, total from receipt") == [("0047", 12)]
    assert rows("select page from pages where kind = 'fits_none'") == [(2,)]
