"""A store of the version before: after `octavo db upgrade` the same command finds everything done."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from runs import rows

from flows.cli.parser import main

_DUMP = Path(__file__).resolve().parents[2] / "support" / "store_0002.sql"
_TICKET = '''from pydantic import BaseModel

from schemas.fields import Money


class Ticket(BaseModel):
    """A ticket."""

    ticket_number: str | None = None
    total: Money | None = None
'''


def _pdf(lines: Sequence[str]) -> str:
    """The page that was read, byte for byte."""
    text = "\n".join(f"BT /F1 14 Tf 60 {760 - 24 * number} Td ({line}) Tj ET" for number, line in enumerate(lines))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(text)}>>stream\n{text}\nendstream", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]  # fmt: skip
    made, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n{each}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return (
        f"{made}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n"
        f"<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(made)}\n%%EOF\n"
    )


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as it was: documents, schema, and the store that the version before left."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "first.pdf").write_text(_pdf(["Ticket number: T-1001", "Total: 12.50"]))
    (tmp_path / "d" / "second.pdf").write_text(_pdf(["Ticket number: T-1002", "Total: 7.00"]))
    (tmp_path / "d" / "broken.pdf").write_text("%PDF-1.4 broken")
    (tmp_path / "ticket.py").write_text(_TICKET)
    with closing(sqlite3.connect("octavo.db")) as connection:
        connection.executescript(_DUMP.read_text("utf-8").replace("@FOLDER@", str(tmp_path)))
    return tmp_path


def test_an_upgraded_store_has_nothing_to_do(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither plan of pages is asked again; what was done says which versions made it, and `outdated` takes it."""
    command = ["extract", "d", "--schema", "ticket.py:Ticket", "--endpoint", "local"]
    assert main(command) == 1
    assert "octavo db upgrade" in capsys.readouterr().err
    assert main(["db", "upgrade"]) == 0
    before = rows("select total from ticket order by 1")
    assert main(command) == 0
    assert main([*command, "--pages-per-request", "4"]) == 0
    told = capsys.readouterr()
    assert told.out.count("No call was made, nothing was paid") + told.err.count("No call was made") == 2
    assert rows("select total from ticket order by 1") == before == [(7,), (12.5,)]
    assert rows("select count(*) from calls where outcome <> 'before'") == [(0,)]
    assert rows("select count(*) from attempts") == [(6,)]
    assert main([*command, "--rerun", "failed"]) == 3
    assert main(["cost", "--json"]) == 0
    capsys.readouterr()
    # What is only read otherwise is read from the replies that were paid for then, on pages as they were drawn then.
    doubled = _TICKET.replace("total: Money", "total: Annotated[Money, AfterValidator(lambda amount: amount * 2)]")
    imports = "from typing import Annotated\n\nfrom pydantic import AfterValidator\n"
    (house / "ticket.py").write_text(imports + doubled)
    assert main([*command, "--json"]) == 3  # the broken one
    assert '"model_calls": 0, "replies_reused": 2' in capsys.readouterr().out
    assert rows("select total from ticket order by 1") == [(14,), (25,)]
    (house / "ticket.py").write_text(_TICKET)
    assert main([*command, "--json"]) == 3
    assert '"model_calls": 0, "replies_reused": 2' in capsys.readouterr().out
    # As it draws and asks today, it asks anew.
    assert main([*command, "--rerun", "outdated", "--json"]) == 3
    assert '"model_calls": 2, "replies_reused": 0' in capsys.readouterr().out
    assert main([*command, "--rerun", "outdated", "--json"]) == 0
    assert '"model_calls": 0, "replies_reused": 0' in capsys.readouterr().out
    assert main(["export", "ticket", str(house / "out"), "--format", "csv"]) == 0
