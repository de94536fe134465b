"""`octavo history URI`: every outcome of what an object shows and showed, for people and for programs."""

import json
from pathlib import Path

import pages
import pytest
from fakes import model_server, says
from runs import TOTAL, rows, run

from flows.cli.parser import main


def test_every_outcome_is_told_with_what_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A good reading, then a worse one of another model: both are there, the first is shown, the run says so."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    uri = (inbox / "a.pdf").as_uri()
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url)
        server.script = lambda _: says({"merchant": 7, "nonsense": True})
        worse = run(inbox, server.base_url, model="another")
        asked = len(server.asked)
        again = run(inbox, server.base_url, model="another")
        assert len(server.asked) == asked
    assert (worse.exit_code, again.as_json()["documents"]["skipped"]) == (3, 1)
    assert rows("select merchant, total from receipt") == [("Corner Shop", 12)]
    assert main(["history", uri, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["status"], first["records"], first["counts"], first["shown"]) == ("complete", 1, True, True)
    assert (second["status"] != "complete", second["shown"]) == (True, False)
    assert first["run_id"] != second["run_id"]
    assert first["cost_usd"] is second["cost_usd"] is None  # the model's price is not known
    assert main(["history", uri]) == 0
    told = capsys.readouterr().out
    assert ("2 outcomes of" in told, "unknown" in told, "$" in told) == (True, True, False)
    assert main(["history", "s3://nowhere/x.pdf"]) == 1
    assert "knows no document" in capsys.readouterr().err


def test_a_blank_document_says_so_without_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to read is no failure: the extraction has it, the view of issues, the history and the report."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "blank.pdf").write_bytes(pages.digital_pdf([""]))
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url)
    ((status, issues),) = rows("select status, issues from extractions")
    assert (status, [issue["kind"] for issue in json.loads(issues)]) == ("complete", ["all_blank"])
    uri = (inbox / "blank.pdf").as_uri()
    assert rows("select record_id, document_uri, kind from receipt_issues") == [(None, uri, "all_blank")]
    assert main(["history", uri, "--json"]) == 0
    assert [issue["kind"] for issue in json.loads(capsys.readouterr().out)[0]["issues"]] == ["all_blank"]
    assert main(["history", uri]) == 0
    assert "all_blank" in capsys.readouterr().out
    assert main(["report", "report.html"]) == 0
    told = Path("report.html").read_text("utf-8")
    assert "Complete without a record: 1" in told
    assert "no page has ink" in told
