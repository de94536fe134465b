"""Runs that look for values in scans: the picture that is sent is read by OCR, once, and holds up nothing."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
import pytest
from fakes import Asked, ModelServer, model_server, says
from runs import TOTAL, rows, run, states

from extractors.documents import PageWords, Word
from extractors.errors import BadConfiguration
from extractors.pages.ocr_words import read_words
from extractors.vocabulary import EvidenceState, Ground
from flows.observe.summary import Summary
from flows.observe.watch import Silent
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.settings import read_settings

READER = "flows.run.ocr.read_words"


def counted(jpeg: bytes) -> PageWords:
    """Reads nothing, and leaves a trace of it beside the store."""
    with Path("read").open("a", encoding="utf-8") as file:
        file.write(".")
    return PageWords((Word("Corner", (0.1, 0.1, 0.2, 0.2)), Word("Shop", (0.21, 0.1, 0.3, 0.2))), by_ocr=True)


def dies(jpeg: bytes) -> PageWords:
    """Crashes, as a broken library does."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return PageWords(())


def hangs(jpeg: bytes) -> PageWords:
    """Comes to no end."""
    while True:
        time.sleep(1)


def fails(jpeg: bytes) -> PageWords:
    """A defect of ours."""
    raise KeyError("oops")


def slow(jpeg: bytes) -> PageWords:
    """As long as a page takes on a slow machine."""
    time.sleep(1)
    return counted(jpeg)


class Told(Silent):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def notice(self, line: str) -> None:
        """Kept."""
        self.lines.append(line)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with one scan."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(pages.scan_jpeg(["Corner Shop", "Total 12.00 EUR"]))
    return folder


def evidence() -> dict[str, dict[str, Any]]:
    """The evidence of the one record in the view, by path."""
    ((kept,),) = rows(
        "select r.evidence from records r join extractions e on r.extraction_id = e.id where superseded_by is null"
    )
    return {item["path"]: item for item in json.loads(kept)}


def states_of_evidence() -> set[str]:
    """What became of looking for the record's values."""
    return {item["state"] for item in evidence().values()}


def test_values_of_a_scan_are_found_in_the_picture_that_was_sent(inbox: Path) -> None:
    """With OCR there is evidence with boxes in fractions of the page; the words are kept by the picture's digest."""
    with model_server(lambda _: says(TOTAL)) as server:
        assert run(inbox, server.base_url, ground=Ground.OCR).exit_code == 0
    found = evidence()
    assert {found[path]["state"] for path in ("merchant", "total")} == {EvidenceState.FOUND}
    x0, y0, x1, y1 = found["merchant"]["box"]
    assert 0 < x0 < x1 < 1
    assert 0 < y0 < y1 < found["total"]["box"][3] < 1
    assert rows("select grounded > 0.5 from receipt") == [(1,)]
    assert rows(
        "select count(*) from page_words w join page_pictures using (picture) join documents using (sha256)"
    ) == [(1,)]


@pytest.mark.parametrize("ground", [Ground.TEXT, None])
def test_a_run_reads_the_text_layer_alone_unless_it_is_told_otherwise(inbox: Path, ground: Ground | None) -> None:
    """By default no scan is read: nothing could be checked, and that is what the record says."""
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url, ground=ground)
    assert states_of_evidence() == {EvidenceState.NOT_CHECKABLE}
    assert rows("select grounded from receipt") == [(None,)]
    assert rows("select count(*) from page_words") == [(0,)]


def test_nothing_is_looked_for_where_nobody_wants_to_know(inbox: Path) -> None:
    """Off means no evidence at all, on digital pages too."""
    (inbox / "a.jpg").unlink()
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop\nTotal 12.00 EUR"]))
    with model_server(lambda _: says(TOTAL)) as server:
        assert run(inbox, server.base_url, ground=Ground.OFF).exit_code == 0
    assert evidence() == {}
    assert rows("select grounded, total from receipt") == [(None, 12)]


def test_a_setting_says_it_for_every_run(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OCTAVO_GROUND counts where the command line says nothing."""
    monkeypatch.setenv("OCTAVO_GROUND", "off")
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url)
    assert evidence() == {}


@pytest.mark.parametrize("ground", list(Ground))
def test_looking_otherwise_makes_no_new_work(inbox: Path, monkeypatch: pytest.MonkeyPatch, ground: Ground) -> None:
    """A nightly run with another `--ground` does nothing and pays nothing: it decides no answer."""
    monkeypatch.setattr(READER, counted)
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url)
        again = run(inbox, server.base_url, ground=ground)
    assert (again.documents["skipped"], len(server.asked)) == (1, 1)
    assert not Path("read").exists()


def test_no_picture_is_read_twice(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it taken again, the words come from the store as the answers do."""
    monkeypatch.setattr(READER, counted)
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url, ground=Ground.OCR)
        first = evidence()
        run(inbox, server.base_url, ground=Ground.OCR, rerun="all")
    assert Path("read").read_text(encoding="utf-8") == "."
    assert evidence() == first
    assert first["merchant"]["state"] == EvidenceState.FOUND


@pytest.mark.parametrize(("reader", "why"), [(dies, "SIGSEGV"), (hangs, "not done after"), (fails, "oops")])
def test_a_page_that_ocr_fails_on_is_not_the_documents_failure(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, reader: Callable[[bytes], PageWords], why: str
) -> None:
    """A crash, a hang or a defect leaves the page unchecked and is told; the next page has a new process."""
    monkeypatch.setattr(READER, reader)
    if reader is hangs:
        monkeypatch.setenv("OCTAVO_DOCUMENT_SECONDS", "3")
    (inbox / "b.jpg").write_bytes(pages.scan_jpeg(["Another Shop"]))
    told = Told()
    with model_server(lambda _: says(TOTAL)) as server:
        job = Job(
            sources=(str(inbox),), schema_name="receipt", base_url=server.base_url, model="m", ground=Ground.OCR
        )
        summary = asyncio.run(run_job(job, read_settings(), told))
    assert summary.documents["complete"] == 2
    assert rows("select distinct grounded from records") == [(None,)]
    assert rows("select count(*) from page_words") == [(0,)]
    lines = [line for line in told.lines if "could not be read by OCR" in line]
    assert len(lines) == 2
    assert all(why in line and ".jpg: page 1" in line for line in lines)


def test_the_answer_is_awaited_meanwhile(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading begins with the question and does not hold it back: every page is asked before the last is read."""
    monkeypatch.setattr(READER, slow)
    for number in range(4):
        (inbox / f"{number}.jpg").write_bytes(pages.scan_jpeg([f"Shop {number}"]))
    read_when_asked: list[int] = []

    def script(_: Asked) -> Any:
        read_when_asked.append(_read())
        return says(TOTAL)

    with model_server(script) as server:
        run(inbox, server.base_url, ground=Ground.OCR)
    assert len(read_when_asked) == 5
    assert max(read_when_asked) < 5
    assert Path("read").read_text(encoding="utf-8") == "....."


def test_who_interrupts_does_not_wait_for_all_pages(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that wait for OCR are left; their documents go on with the next run: nothing is asked or read twice."""
    monkeypatch.setattr(READER, slow)
    for number in range(5):
        (inbox / f"{number}.jpg").write_bytes(pages.scan_jpeg([f"Shop {number}"]))
    with model_server(lambda _: says(TOTAL)) as server:
        summary = asyncio.run(_interrupted(inbox, server))
        asked = len(server.asked)
        assert summary.exit_code == 4
        assert summary.documents["pending"] >= 3
        assert asked == 6
        assert run(inbox, server.base_url, ground=Ground.OCR).exit_code == 0
        assert len(server.asked) == asked
    assert Path("read").read_text(encoding="utf-8") == "......"
    assert {status for status, _ in states().values()} == {"complete"}


def _read() -> int:
    """How many pages were read."""
    return len(Path("read").read_text(encoding="utf-8")) if Path("read").exists() else 0


async def _interrupted(inbox: Path, server: ModelServer) -> Summary:
    """A run that is stopped when everything was asked and the first page is read."""
    stopping = asyncio.Event()
    job = Job(
        sources=(str(inbox),), schema_name="receipt", base_url=server.base_url, model="test-model", ground="ocr"
    )
    running = asyncio.create_task(run_job(job, read_settings(), Silent(), stopping=stopping))
    while len(server.asked) < 6 or not _read():  # noqa: ASYNC110 - what is awaited happens in other processes
        await asyncio.sleep(0.05)
    stopping.set()
    return await running


def test_without_the_built_in_model_no_run_begins(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is told with how to install it, before anything is asked."""
    monkeypatch.setattr("extractors.pages.ocr._NEEDED", ("rapidocr", "no_such_package"))
    with model_server(lambda _: says(TOTAL)) as server, pytest.raises(BadConfiguration, match="local"):
        run(inbox, server.base_url, ground=Ground.OCR)
    assert not server.asked


def test_the_reader_of_a_run_is_the_built_in_one() -> None:
    """What the other tests put in its place."""
    from flows.run import ocr

    assert ocr.read_words is read_words
