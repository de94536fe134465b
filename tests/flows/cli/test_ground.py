"""`octavo ground`: what could not be looked for is looked for later, once, and nothing is asked or paid for it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pages
import pytest
from fakes import model_server, says
from runs import TOTAL, rows, run

from extractors.vocabulary import EvidenceState, Ground
from flows.cli.parser import main

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with a scan, read without looking at the picture; the record holds one value that is not there."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(pages.scan_jpeg(["Corner Shop", "Total 12.00 EUR"]))
    read(folder)
    return folder


def read(folder: Path, ground: Ground = Ground.TEXT) -> None:
    """One run, as it was before anybody asked for OCR."""
    with model_server(lambda _: says({**TOTAL, "number": "QX-77/1"})) as server:
        assert run(folder, server.base_url, ground=ground).exit_code == 0


def records() -> list[tuple[int, float | None, dict[str, str], list[str]]]:
    """Id, share, state of each value and kinds of issues of the current records."""
    found = rows(
        "select r.id, r.grounded, r.evidence, r.issues from records r join extractions e on r.extraction_id = e.id"
        " where superseded_by is null order by r.id"
    )
    return [
        (
            number,
            share,
            {each["path"]: each["state"] for each in json.loads(told)},
            [each["kind"] for each in json.loads(issues)],
        )
        for number, share, told, issues in found
    ]


def counts(capsys: pytest.CaptureFixture[str], *more: str, code: int = 0) -> dict[str, Any]:
    """What the command counts."""
    capsys.readouterr()
    assert main(["ground", "--json", *more]) == code
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return told


def test_values_of_scans_are_found_afterwards(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Found with page and box, or told to be nowhere; a second call has nothing to do, another schema's neither."""
    ((before, share, states, _),) = records()
    assert (share, set(states.values())) == (None, {EvidenceState.NOT_CHECKABLE})
    assert counts(capsys, "invoice")["documents"] == {"grounded": 0, "unread": 0}
    told = counts(capsys, "receipt")
    assert (told["documents"], told["pages"]) == ({"grounded": 1, "unread": 0}, {"layer": 0, "ocr": 1})
    ((after, share, states, issues),) = records()
    assert states["merchant"] == states["total"] == EvidenceState.FOUND
    assert states["number"] == EvidenceState.NOT_FOUND
    assert issues == ["not_on_page"]
    assert share is not None
    assert 0.5 < share < 1
    assert after != before
    assert rows("select count(*) from page_words") == [(1,)]
    (inbox / "a.jpg").unlink()
    assert counts(capsys)["documents"] == {"grounded": 0, "unread": 0}
    assert records()[0][0] == after


def test_what_a_run_has_looked_for_is_not_looked_for_again(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither what was read with OCR nor a digital page is fetched or drawn a second time."""
    (inbox / "a.jpg").unlink()
    (inbox / "b.jpg").write_bytes(pages.scan_jpeg(["Another Shop", "12.00"]))
    (inbox / "c.pdf").write_bytes(pages.digital_pdf(["Corner Shop\nTotal 12.00 EUR"]))
    read(inbox, Ground.OCR)
    (inbox / "b.jpg").unlink()
    (inbox / "c.pdf").unlink()
    assert counts(capsys, code=3)["documents"] == {"grounded": 0, "unread": 1}


def test_exports_bring_the_record_anew(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A destination loses the record as it was and gets it as it is."""
    main(["export", "receipt", "lake", "--format", "jsonl"])
    counts(capsys)
    main(["export", "receipt", "lake", "--format", "jsonl"])
    assert "1 records added, 1 removed" in capsys.readouterr().out


def test_a_document_that_cannot_be_had_is_told(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Gone, or with other bytes: exit code 3, the record stays as it is, and it is taken as soon as it is back."""
    content = (inbox / "a.jpg").read_bytes()
    (inbox / "a.jpg").unlink()
    before = records()
    assert counts(capsys, code=3)["documents"] == {"grounded": 0, "unread": 1}
    (inbox / "a.jpg").write_bytes(pages.scan_jpeg(["Other bytes"]))
    assert main(["ground"]) == 3
    assert "other bytes" in capsys.readouterr().out
    assert records() == before
    (inbox / "a.jpg").write_bytes(content)
    assert counts(capsys)["documents"] == {"grounded": 1, "unread": 0}


def test_without_a_store_there_is_nothing_to_ground() -> None:
    """None is made for it."""
    assert main(["ground"]) == 1
    assert not Path("octavo.db").exists()


def test_killed_it_goes_on_where_it_stood(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was done stays done: its record is not made once more, and no picture is read twice."""
    for number in range(3):
        (inbox / f"{number}.jpg").write_bytes(pages.scan_jpeg([f"Corner Shop {number}", "Total 12.00 EUR"]))
    read(inbox)
    killed = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "ground"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    while not any(share is not None for _, share, *_ in records()):
        assert killed.poll() is None
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    done = {number for number, share, *_ in records() if share is not None}
    assert len(done) < 4
    assert counts(capsys)["documents"] == {"grounded": 4 - len(done), "unread": 0}
    after = records()
    assert {number for number, *_ in after} >= done
    assert all(share is not None for _, share, *_ in after)
    assert len(after) == 4
    assert rows("select count(*) from page_words") == [(4,)]
