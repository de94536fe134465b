"""Whole runs: files in, a scripted model on loopback, states and records out of the store."""

import json
from pathlib import Path

import pages
import pytest
from fakes import Answer, Asked, model_server, says
from rich.console import Console
from runs import TOTAL, rows, run, states

from extractors.errors import BadConfiguration, EndpointRefused, SourceUnavailable, StoreUnavailable
from flows.cli.summary import show_summary
from flows.run.parameters import Job


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty folder for documents."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_documents_become_records_and_a_second_run_does_nothing(inbox: Path) -> None:
    """The main job: every page read, a record in the view, and nothing paid twice."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop", "Total 12,00 EUR"]))
    (inbox / "b.jpg").write_bytes(pages.scan_jpeg(["Corner Shop", "12.00"]))
    with model_server(lambda _: says(TOTAL)) as server:
        first = run(inbox, server.base_url)
        again = run(inbox, server.base_url)
    assert first.exit_code == again.exit_code == 0
    assert first.as_json()["documents"] == {
        "seen": 2, "skipped": 0, "complete": 2, "partial": 0, "quarantined": 0, "pending": 0,
    }  # fmt: skip
    assert first.as_json()["tokens"] == {"input": 2000, "output": 200, "cached": 0}
    assert again.as_json()["documents"]["skipped"] == 2
    assert (again.meter.calls, len(server.asked)) == (0, 2)
    assert sorted(rows("select merchant, total, currency from receipt")) == [("Corner Shop", 12, "EUR")] * 2


def test_the_model_is_asked_as_the_design_says(inbox: Path) -> None:
    """Schema in the response format and in the prompt, pages labelled, the answer bounded."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["first page", "second page"]))
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url)
    (asked,) = server.asked
    assert asked.body["response_format"]["json_schema"]["strict"] is True
    assert '"merchant"' in asked.text
    assert asked.text.index("JSON Schema") < asked.text.index("Page 1:") < asked.text.index("Page 2:")
    assert [image[:2] for image in asked.images] == [b"\xff\xd8"] * 2
    assert asked.body["model"] == "test-model"
    assert (asked.body.get("max_tokens") or asked.body["max_completion_tokens"]) >= 1024


def test_the_same_bytes_under_another_name_are_not_paid_again(inbox: Path) -> None:
    """Two names, one content: one call, one record, both objects in the store."""
    content = pages.digital_pdf(["Corner Shop"])
    (inbox / "a.pdf").write_bytes(content)
    (inbox / "copy.pdf").write_bytes(content)
    with model_server(lambda _: says(TOTAL)) as server:
        summary = run(inbox, server.base_url)
        (inbox / "later.pdf").write_bytes(content)
        later = run(inbox, server.base_url)
    assert len(server.asked) == 1
    assert (summary.documents["complete"], summary.documents["skipped"]) == (1, 1)
    assert later.documents["skipped"] == 3
    assert rows("select count(*) from documents") == [(3,)]
    assert rows("select count(*) from receipt") == [(1,)]


def test_new_bytes_under_an_old_name_supersede_the_old_record(inbox: Path) -> None:
    """The view shows the new record only; the old one stays, marked."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["old"]))
    with model_server(lambda _: says({**TOTAL, "total": "1.00"})) as server:
        run(inbox, server.base_url)
        server.script = lambda _: says({**TOTAL, "total": "2.00"})
        (inbox / "a.pdf").write_bytes(pages.digital_pdf(["new"]))
        run(inbox, server.base_url)
    assert rows("select total from receipt") == [(2,)]
    assert rows("select count(*) from extractions where superseded_by is not null") == [(1,)]
    assert rows("select count(*) from records") == [(2,)]


def test_blank_pages_are_found_and_not_sent(inbox: Path) -> None:
    """A blank page inside a document is `blank`; a document of blanks is complete without a call, and told."""
    (inbox / "mixed.pdf").write_bytes(pages.mixed_pdf())
    (inbox / "blank.pdf").write_bytes(pages.blank_pdf())
    with model_server(lambda _: says(TOTAL)) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"mixed.pdf": ("complete", None), "blank.pdf": ("complete", "all_blank")}
    assert len(server.asked) == 1
    assert "Page 2:" not in server.asked[0].text
    assert summary.pages["blank"] == 2
    assert (summary.exit_code, [each.uri.rsplit("/", 1)[-1] for each in summary.blank]) == (0, ["blank.pdf"])


def test_bad_files_are_quarantined_each_with_its_kind_and_the_others_go_on(inbox: Path) -> None:
    """Encrypted, cut off, empty, mislabelled, oversized: none stops its neighbour, none is lost."""
    good = pages.digital_pdf(["Corner Shop"])
    (inbox / "good.pdf").write_bytes(good)
    (inbox / "locked.pdf").write_bytes(pages.encrypted_pdf("secret"))
    (inbox / "cut.pdf").write_bytes(pages.truncated_pdf())
    (inbox / "empty.pdf").write_bytes(b"")
    (inbox / "text.pdf").write_bytes(b"just some text, no document at all")
    (inbox / "photo.png").write_bytes(good)
    (inbox / "notes.txt").write_text("not a document")
    with model_server(lambda _: says(TOTAL)) as server:
        summary = run(inbox, server.base_url)
        again = run(inbox, server.base_url)
    found = states()
    assert found["good.pdf"] == ("complete", None)
    assert found["photo.png"] == ("complete", None)
    assert found["locked.pdf"] == ("quarantined", "encrypted")
    assert found["cut.pdf"] == ("quarantined", "damaged")
    assert found["text.pdf"] == ("quarantined", "not_a_document")
    assert found["empty.pdf"][0] == "quarantined"
    assert summary.exit_code == 3
    assert [(other.uri.rsplit("/", 1)[-1], other.kind) for other in summary.not_documents] == [
        ("notes.txt", "not_a_document")
    ]
    assert again.exit_code == 0
    assert len(server.asked) == 1


def test_what_is_unreachable_is_counted_and_told(
    monkeypatch: pytest.MonkeyPatch, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside what was read, with exit code 3; `--fail-over` may let it be; no document is seen less."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    (inbox / "away.pdf").symlink_to("nowhere")
    monkeypatch.setenv("NO_COLOR", "1")
    with model_server(lambda _: says(TOTAL)) as server:
        summary = run(inbox, server.base_url)
    told = summary.as_json()["documents"]
    assert (told["unreachable"], told["seen"], told["complete"]) == (1, 1, 1)
    assert summary.exit_code == 3
    show_summary(summary, Job(sources=(str(inbox),), schema_name="receipt"), Console(width=200))
    assert "away.pdf: cannot be read: No such file or directory" in capsys.readouterr().out
    summary.fail_over = "1"
    assert summary.exit_code == 0


def test_a_refused_answer_is_repaired_once_with_its_faults(inbox: Path) -> None:
    """The faults and the first answer go back; the second answer counts."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))

    def script(asked: Asked) -> Answer:
        return says(TOTAL) if asked.is_repair else says({**TOTAL, "total": "1.234"})

    with model_server(script) as server:
        summary = run(inbox, server.base_url)
    assert summary.exit_code == 0
    assert len(server.asked) == 2
    assert "reads two ways" in server.asked[1].text
    assert '"1.234"' in server.asked[1].text


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(text="I am sorry, this is no JSON."), "invalid_answer"),
        (says({"total": None}), "empty_answer"),
        (says({"total": "12 or 13"}), "invalid_answer"),
    ],
)
def test_an_answer_that_stays_bad_quarantines_with_the_raw_reply_kept(inbox: Path, answer: Answer, kind: str) -> None:
    """Asked twice, then quarantined; the replies can be read; nothing is asked again by itself."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    with model_server(lambda _: answer) as server:
        summary = run(inbox, server.base_url)
        run(inbox, server.base_url)
        assert len(server.asked) == 2
        assert states() == {"a.pdf": ("quarantined", kind)}
        assert summary.exit_code == 3
        assert [json.loads(body)["choices"] for (body,) in rows("select body from replies")]
        server.script = lambda _: says(TOTAL)
        healed = run(inbox, server.base_url, rerun="failed")
    assert healed.exit_code == 0
    assert states() == {"a.pdf": ("complete", None)}


def test_a_truncated_answer_is_asked_in_smaller_windows(inbox: Path) -> None:
    """Never healed: asked again, in the end page by page, and the rows are all there, in order."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["one", "two", "three", "four"]))

    def script(asked: Asked) -> Answer:
        if len(asked.images) > 1:
            return Answer(text='{"merchant": "Corn', finish_reason="length")
        number = next(n for n in range(1, 5) if f"Page {n}:" in asked.text)
        return says({**TOTAL, "items": [{"description": f"row {number}"}]})

    with model_server(script) as server:
        summary = run(inbox, server.base_url)
    assert summary.exit_code == 0
    assert [text for (text,) in rows("select description from receipt_items order by ordinal")] == [
        "row 1", "row 2", "row 3", "row 4",
    ]  # fmt: skip


def test_a_failed_window_makes_a_partial_document_that_names_its_pages(inbox: Path) -> None:
    """What was read is kept; what is missing is said; `--rerun failed` asks only for the missing pages."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["one", "two", "three"]))
    broken = True

    def script(asked: Asked) -> Answer:
        if broken and "Page 2:" in asked.text:
            return Answer(status=400, body=b'{"error": {"message": "cannot read this image"}}')
        return says(TOTAL)

    with model_server(script) as server:
        summary = run(inbox, server.base_url, pages_per_request=1)
        assert states() == {"a.pdf": ("partial", "rejected_request")}
        assert summary.pages == {"read": 2, "failed": 1}
        assert "not read: page 2" in rows("select issues from records")[0][0]
        broken, before = False, len(server.asked)
        again = run(inbox, server.base_url, pages_per_request=1, rerun="failed")
    assert again.exit_code == 0
    assert [("Page 2:" in asked.text) for asked in server.asked[before:]] == [True]
    assert rows("select count(*) from receipt") == [(1,)]


def test_many_records_in_a_document_and_one_for_each_page(inbox: Path) -> None:
    """`--records many` asks for all, `--records per-page` makes each page its own."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["one", "two"]))
    with model_server(lambda _: says({"records": [TOTAL, {**TOTAL, "total": "3.00"}]})) as server:
        run(inbox, server.base_url, records="many")
        assert sorted(rows("select total from receipt")) == [(3,), (12,)]
        server.script = lambda asked: says({**TOTAL, "total": "7.00" if "Page 1:" in asked.text else "8.00"})
        run(inbox, server.base_url, records="per-page")
    assert sorted(rows("select total from receipt")) == [(7,), (8,)]


def test_a_limit_takes_some_and_the_next_run_the_rest(inbox: Path) -> None:
    """`--limit` counts what is taken, not what is skipped."""
    for number in range(5):
        (inbox / f"{number}.pdf").write_bytes(pages.digital_pdf([f"page {number}"]))
    with model_server(lambda _: says(TOTAL)) as server:
        assert run(inbox, server.base_url, limit=3).documents["complete"] == 3
        assert run(inbox, server.base_url, limit=3).documents["complete"] == 2
    assert len(server.asked) == 5


def test_a_key_that_is_refused_stops_the_run_with_what_to_do(inbox: Path) -> None:
    """Exit code 1; the documents stay pending, none is quarantined for it."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    body = b'{"error": {"message": "Invalid API key", "code": 401}}'
    with (
        model_server(lambda _: Answer(status=401, body=body)) as server,
        pytest.raises(EndpointRefused, match=r"(?i)key"),
    ):
        run(inbox, server.base_url)
    assert rows("select count(*) from extractions where status = 'quarantined'") == [(0,)]


def test_a_busy_endpoint_costs_no_document(inbox: Path) -> None:
    """429 and 503 are waited out; every document is complete."""
    for number in range(4):
        (inbox / f"{number}.pdf").write_bytes(pages.digital_pdf([f"page {number}"]))
    seen: dict[str, int] = {}

    def script(asked: Asked) -> Answer:
        seen[asked.fingerprint] = seen.get(asked.fingerprint, 0) + 1
        if seen[asked.fingerprint] == 1:
            return Answer(status=429, body=b"", headers={"Retry-After": "0"})
        return says(TOTAL)

    with model_server(script) as server:
        summary = run(inbox, server.base_url)
    assert summary.exit_code == 0
    assert summary.meter.retries == 4


def test_what_cannot_run_says_so(inbox: Path) -> None:
    """Unknown schema, missing folder, unwritable store: an error of the tree with what to do."""
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    url = "http://127.0.0.1:9/v1"
    with pytest.raises(BadConfiguration, match="unknown schema 'invoicee'"):
        run(inbox, url, schema_name="invoicee")
    with pytest.raises(SourceUnavailable, match="nowhere"):
        run("nowhere", url)
    with pytest.raises(StoreUnavailable):
        run(inbox, url, store="sqlite:////proc/octavo.db")
    with pytest.raises(BadConfiguration, match="nosuch"):
        run(inbox, url, endpoints=("nosuch",))


def test_an_empty_source_is_nothing_to_do(inbox: Path) -> None:
    """No documents is no failure."""
    with model_server(lambda _: says(TOTAL)) as server:
        summary = run(inbox, server.base_url)
    assert summary.exit_code == 0
    assert summary.documents["seen"] == 0


def test_an_endpoint_that_is_down_pauses_the_run(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pending, exit code 4, and the same command goes on once it is up."""
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "0.3")
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    with model_server(lambda _: Answer(status=503, body=b"down")) as server:
        summary = run(inbox, server.base_url)
        assert summary.exit_code == 4
        assert summary.documents["pending"] == 1
        assert summary.paused
        server.script = lambda _: says(TOTAL)
        assert run(inbox, server.base_url).exit_code == 0
