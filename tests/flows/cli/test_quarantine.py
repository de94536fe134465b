"""What is quarantined can be looked at and tried again: by id, kind or schema, as it was asked for."""

import json
from pathlib import Path

import pages
import pytest
from fakes import Answer, Asked, ModelServer, model_server, says
from PIL import Image
from runs import TOTAL, rows, run, states

from flows.cli.parser import main

BAD = Answer(text="I am sorry, this is no JSON.")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Two receipts of two pages and a locked one."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.pdf").write_bytes(pages.digital_pdf([f"receipt {name}", "second page"]))
    (folder / "locked.pdf").write_bytes(pages.encrypted_pdf("secret"))
    return folder


def _retry(server: ModelServer, *more: str) -> int:
    return main(["quarantine", "retry", "--base-url", server.base_url, "--model", "test-model", *more])


def _ids() -> dict[str, str]:
    """File name -> id of its current extraction."""
    found = rows(
        "select d.uri, e.id from documents d join extractions e on e.sha256 = d.sha256 where superseded_by is null"
    )
    return {uri.rsplit("/", 1)[-1]: str(number) for uri, number in found}


def test_after_a_fix_the_same_bytes_go_through(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Chosen by id, by kind and schema, or all; what stays bad stays listed; the exit code tells."""
    with model_server(lambda _: BAD) as server:
        assert run(inbox, server.base_url).exit_code == 3
        asked = len(server.asked)
        server.script = lambda _: says(TOTAL)
        assert _retry(server, _ids()["a.pdf"]) == 0
        assert states()["a.pdf"] == ("complete", None)
        assert states()["b.pdf"] == ("quarantined", "invalid_answer")
        assert len(server.asked) == asked + 1
        assert _retry(server, "--kind", "invalid_answer", "--schema", "receipt") == 0
        assert states()["b.pdf"] == ("complete", None)
        assert _retry(server) == 3
        assert states()["locked.pdf"] == ("quarantined", "encrypted")
        assert _retry(server, "--password", "secret") == 0
        assert states()["locked.pdf"] == ("complete", None)
        assert _retry(server, "--kind", "too_large") == 0
        assert "Nothing to retry." in capsys.readouterr().out
        assert _retry(server, "999") == 1
        assert "999 is not quarantined" in capsys.readouterr().err


def test_a_retry_asks_as_the_run_did(inbox: Path) -> None:
    """Pages per request and records of a document are remembered; what was read is not paid again."""
    broken = True

    def script(asked: Asked) -> Answer:
        return BAD if broken and "Page 2:" in asked.text else says(TOTAL)

    with model_server(script) as server:
        run(inbox / "a.pdf", server.base_url, records="per-page")
        assert states()["a.pdf"] == ("partial", "invalid_answer")
        broken, before = False, len(server.asked)
        assert _retry(server) == 0
    assert [("Page 2:" in asked.text, len(asked.images)) for asked in server.asked[before:]] == [(True, 1)]
    assert rows("select count(*), count(distinct recipe) from extractions") == [(1, 1)]
    assert rows("select count(*) from receipt") == [(2,)]


def test_a_schema_of_ones_own_has_to_be_named(
    inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store knows its name only; bytes that are gone are told and left alone."""
    mine = tmp_path / "ticket.json"
    mine.write_text(json.dumps({"type": "object", "properties": {"seat": {"type": ["string", "null"]}}}))
    with model_server(lambda _: BAD) as server:
        run(inbox / "a.pdf", server.base_url, schema_name=str(mine))
        assert _retry(server) == 1
        assert "give --schema" in capsys.readouterr().err
        server.script = lambda _: says({"seat": "12A"})
        (inbox / "a.pdf").rename(tmp_path / "moved.pdf")
        assert _retry(server, "--schema", str(mine)) == 0
        assert "nowhere any more" in capsys.readouterr().out
        (tmp_path / "moved.pdf").rename(inbox / "a.pdf")
        assert _retry(server, "--schema", str(mine), "--json") == 0
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])["documents"]
    assert (counts["seen"], counts["complete"]) == (1, 1)


def test_the_pages_can_be_looked_at(inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the model saw them; a document that cannot be opened, or has changed, says so."""
    with model_server(lambda _: BAD) as server:
        run(inbox, server.base_url)
    out = tmp_path / "images"
    number = _ids()["a.pdf"]
    assert main(["quarantine", "show", number, "--images", str(out)]) == 0
    assert str(out / f"{number}-page-1.jpg") in capsys.readouterr().out.replace("\n", "")
    with Image.open(out / f"{number}-page-2.jpg") as image:
        assert max(image.size) <= 1540
    assert main(["quarantine", "show", _ids()["locked.pdf"], "--images", str(out)]) == 1
    assert "cannot be drawn" in capsys.readouterr().err
    (inbox / "a.pdf").write_bytes(pages.digital_pdf(["other bytes"]))
    assert main(["quarantine", "show", number, "--images", str(out)]) == 1
    assert "has other bytes now" in capsys.readouterr().err
