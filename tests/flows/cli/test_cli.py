"""The command as a newcomer meets it: what it prints, and its exit codes."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pages
import pytest
from fakes import model_server, says
from runs import TOTAL

from flows.cli import doctor
from flows.cli.parser import COMMANDS, main


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with one good and one bad document."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "good.pdf").write_bytes(pages.digital_pdf(["Corner Shop 12.00 EUR"]))
    (folder / "locked.pdf").write_bytes(pages.encrypted_pdf("secret"))
    return folder


def test_extract_prints_its_counts_as_the_last_line(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json`: one object on standard output, everything for people on standard error."""
    with model_server(lambda _: says(TOTAL)) as server:
        code = main(
            ["extract", str(inbox), "--schema", "receipt", "--base-url", server.base_url, "--model", "m", "--json"]
        )
    printed = capsys.readouterr()
    counts = json.loads(printed.out.splitlines()[-1])
    assert code == 3
    assert len(printed.out.splitlines()) == 1
    assert list(counts) == [
        "run_id", "documents", "pages", "records", "model_calls", "replies_reused", "retries", "tokens", "cost_usd",
        "cost_unsettled_usd",
        "seconds",
    ]  # fmt: skip
    assert counts["documents"]["complete"] == counts["documents"]["quarantined"] == 1
    assert "encrypted" in printed.err
    assert "locked.pdf" in printed.err
    assert printed.err.splitlines()[0].startswith("receipt with custom (m)")


def test_records_and_quarantine_are_shown(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables for people, JSON, JSON lines and CSV for programs; the quarantine with its reasons."""
    with model_server(lambda _: says(TOTAL)) as server:
        main(["extract", str(inbox), "--schema", "receipt", "--base-url", server.base_url, "--model", "m"])
    capsys.readouterr()
    assert main(["records", "receipt", "--format", "json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["merchant"], record["currency"], record["issue_count"]) == ("Corner Shop", "EUR", 0)
    assert record["document_uri"].endswith("good.pdf")
    assert main(["records", "receipt", "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["merchant"] == "Corner Shop"
    assert main(["records", "receipt", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("record_id,")
    assert main(["records", "receipt"]) == 0
    assert "Corner Shop" in capsys.readouterr().out
    assert main(["quarantine"]) == 0
    listed = capsys.readouterr().out
    assert "locked.pdf" in listed
    assert "encrypted" in listed
    number = next(
        word for line in listed.splitlines() if "locked.pdf" in line for word in line.split() if word.isdigit()
    )
    assert main(["quarantine", "show", number]) == 0
    assert "password" in capsys.readouterr().out
    assert main(["quarantine", "show", "999"]) == 1


def test_a_record_that_was_not_checked_is_not_called_grounded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scan's share is NULL: a dash in the table with a line that says what to do, empty in CSV, null in JSON."""
    (tmp_path / "scan.jpg").write_bytes(pages.scan_jpeg(["Corner Shop"]))
    with model_server(lambda _: says(TOTAL)) as server:
        main(["extract", "scan.jpg", "--schema", "receipt", "--base-url", server.base_url, "--model", "m"])
    capsys.readouterr()
    assert main(["records", "receipt"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert re.search(r"grounded .* │ - │", told)
    assert "- under grounded: 1 not checked, as a scan that was not read by OCR: octavo ground receipt" in told
    assert main(["records", "receipt", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["grounded"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["extract", "inbox", "--schema", "nothing"], 1, "unknown schema 'nothing'"),
        (["extract", "inbox", "--schema", "json:Nothing"], 1, "json has no pydantic model 'Nothing'"),
        (["extract", "inbox", "--schema", "no.such.module:Model"], 1, "no.such.module cannot be loaded"),
        (["extract", "inbox", "--schema", "missing.py:Model"], 1, "missing.py does not exist"),
        (["extract", "inbox", "--schema", "missing.json"], 1, "missing.json cannot be read"),
        (["extract", "absent", "--schema", "receipt", "--endpoint", "local"], 1, "absent"),
        (["extract", "inbox", "--schema", "receipt", "--endpoint", "opentrouter"], 1, "opentrouter"),
        (["extract", "inbox", "--schema", "receipt", "--endpoint", "openrouter"], 1, "OPENROUTER_API_KEY"),
        (["extract", "inbox", "--schema", "receipt", "--endpoint", "custom"], 1, "OCTAVO_BASE_URL"),
        (["extract", "inbox", "--schema", "receipt", "--store", "nosuchdb://x"], 1, "nosuchdb"),
        (["extract", "inbox", "--schema", "receipt", "--store", "sqlite:////proc/x/y.db"], 1, "/proc/x"),
        (["records", "receipt"], 1, "octavo extract"),
        (["schemas", "show", "nothing"], 1, "unknown schema"),
    ],
)
def test_what_cannot_run_is_one_or_two_lines(
    arguments: list[str], code: int, told: str, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What happened and what to do, exit code 1, no traceback."""
    assert main(arguments) == code
    printed = capsys.readouterr().err
    assert told in printed
    assert "Traceback" not in printed
    assert len([line for line in printed.splitlines() if line.startswith("octavo:")]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["extract"], ["extract", "x"], ["extract", "x", "--schema", "receipt", "--limit", "0"], ["nothing"],
        ["db"], ["extract", "x", "--schema"], ["extract", "x", "--schema", "receipt", "--max-cost", "-1"],
        ["records", "receipt", "--format", "xml"], ["purge", "--before", "yesterday"], ["quarantine", "show", "x"],
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Two lines say how the command goes and what is wrong with this one."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    usage, why = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: octavo")
    assert why.startswith("octavo: ")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["extrct", "x"], "extract"), (["quarantine", "shwo", "3"], "show"), (["db", "upgrad"], "upgrade"),
        (["extract", "x", "--schema", "receipt", "--recrds", "many"], "--records"),
        (["quarantine", "retry", "--pasword", "x"], "--password"),
    ],
)  # fmt: skip
def test_a_misspelt_word_is_guessed(arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands, their actions and options: what may be meant is named."""
    with pytest.raises(SystemExit):
        main(arguments)
    assert f"did you mean {meant}?" in capsys.readouterr().err.lower()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_help_fits_the_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command has help with its first line in the list of commands, no wider than the terminal but examples."""
    monkeypatch.setenv("COLUMNS", str(width))
    for flag in ("-h", "--help"):
        assert main([flag]) == 0
        whole = capsys.readouterr().out
    for commands in COMMANDS.values():
        for name, (_, about) in commands.items():
            assert main([name, "--help"]) == 0
            told = capsys.readouterr().out
            assert about in " ".join(told.split())
            assert f"Usage: octavo {name}" in told
            assert f"  {name} " in whole
            assert all(len(line) <= width for line in told.partition("Examples:")[0].splitlines())


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """That of the installed distribution."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == version("octavo")


def test_a_schema_of_ones_own_from_a_file(tmp_path: Path, inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """path/to/file.py:Model and a JSON Schema file; the view is named after them."""
    (tmp_path / "mine.py").write_text(
        "from datetime import date\nfrom decimal import Decimal\nfrom pydantic import BaseModel\n\n\n"
        "class PurchaseOrder(BaseModel):\n    po_number: str | None = None\n    amount: Decimal | None = None\n"
        "    day: date | None = None\n"
    )
    (tmp_path / "ticket.json").write_text(
        json.dumps({"title": "Ticket", "type": "object", "properties": {"seat": {"type": "string"}}})
    )
    (inbox / "locked.pdf").unlink()
    with model_server(lambda _: says({"po_number": "7", "amount": "12.50", "day": "2024-03-31"})) as server:
        ask = ["--base-url", server.base_url, "--model", "m"]
        assert main(["extract", str(inbox), "--schema", "mine.py:PurchaseOrder", *ask]) == 0
        server.script = lambda _: says({"seat": "12A"})
        assert main(["extract", str(inbox), "--schema", "ticket.json", *ask]) == 0
    capsys.readouterr()
    assert main(["records", "purchase_order", "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["day"] == "2024-03-31"
    assert main(["records", "ticket.json", "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["seat"] == "12A"
    assert main(["schemas", "check", "mine.py:PurchaseOrder"]) == 0
    assert "3 fields" in capsys.readouterr().out


def test_schemas_and_doctor_tell_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The built-in schemas, one as the model is asked for it, and the state of things."""
    assert main(["schemas"]) == 0
    assert "bank_statement" in capsys.readouterr().out
    assert main(["schemas", "show", "receipt"]) == 0
    assert json.loads(capsys.readouterr().out)["additionalProperties"] is False
    assert main(["doctor", "--endpoint", "local"]) == 0
    assert "built-in model" in capsys.readouterr().out
    monkeypatch.setattr(doctor, "can_be_read", lambda: False)
    assert main(["doctor", "--endpoint", "local"]) == 0
    assert "their own data is not read" in " ".join(capsys.readouterr().out.split())
    assert main(["doctor", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"]) == 1
    assert "does not answer" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("arguments", [["--help"], ["records", "receipt"]])
def test_what_only_looks_starts_fast(arguments: list[str]) -> None:
    """Start-up is a feature: neither help nor a look into the store waits for Prefect, boto3, PyMuPDF or httpx."""
    code = (
        "import sys, flows.cli; flows.cli.main(sys.argv[1:]); "
        "sys.exit(', '.join({'prefect', 'boto3', 'pymupdf', 'httpx'} & set(sys.modules)) or 0)"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=False, cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_secret_in_the_store_url_is_not_printed(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors name the store without its password."""
    code = main(
        ["extract", str(inbox), "--schema", "receipt", "--store", "postgresql+psycopg://u:hunter2@127.0.0.1:1/x"]
    )
    printed = capsys.readouterr()
    assert code == 1
    assert "hunter2" not in printed.err + printed.out
