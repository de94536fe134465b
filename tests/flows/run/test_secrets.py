"""No secret that a person configures is in anything that Octavo writes or prints."""

import os
import subprocess
import sys
from pathlib import Path

import pages
import pytest
from fakes import Answer, Asked, model_server, says
from receivers import receiver
from runs import TOTAL
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from stores import fresh_url

from flows.cli.parser import main

ROOT = Path(__file__).resolve().parents[3]
MARK = "MARKER-5e7c1d"
SECRETS = (
    "OCTAVO_API_KEY", "OPENROUTER_API_KEY", "UNOROUTER_API_KEY", "MODELSLAB_API_KEY", "MISTRAL_API_KEY",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PREFECT_API_KEY",
    "OCTAVO_PASSWORD", "OCTAVO_NOTIFY_SECRET",
)  # fmt: skip


def _in_a_process(*arguments: str) -> str:
    """What a command prints, and Prefect's logs with it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_LOGGING_LEVEL": "DEBUG"}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{done.returncode}\n{done.stdout}\n{done.stderr}"


def _everything_in(url: str) -> str:
    """Every row of every table of a PostgreSQL database."""
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = connection.scalars(text("select tablename from pg_tables where schemaname = 'public'"))
        found = [str(connection.execute(text(f'select * from "{name}"')).all()) for name in tables.all()]
    engine.dispose()
    return "\n".join(found)


def test_no_secret_is_written_or_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in the store, the output, the logs, the exports or Prefect's database; not even when a server echoes it."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "good.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    (inbox / "refused.pdf").write_bytes(pages.digital_pdf(["refused", "second page"]))
    (inbox / "locked.pdf").write_bytes(pages.encrypted_pdf(f"{MARK}-OCTAVO_PASSWORD"))
    home, out = tmp_path / "prefect", tmp_path / "out"

    def script(asked: Asked) -> Answer:
        if len(asked.images) == 1:
            return says(TOTAL)
        return Answer(status=400, body=f'{{"error": {{"message": "bad {asked.headers}"}}}}'.encode())

    plain = fresh_url("postgresql", tmp_path)
    store = make_url(plain).set(password=f"{MARK}-STORE").render_as_string(hide_password=False)
    settings_of_a_person = {
        **{name: f"{MARK}-{name}" for name in SECRETS}, "OCTAVO_STORE": store, "PREFECT_HOME": str(home),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90", "PREFECT_LOGGING_TO_API_ENABLED": "true",
    }  # fmt: skip
    for name, value in settings_of_a_person.items():
        monkeypatch.setenv(name, value)
    with model_server(script) as server, receiver(500) as hook:
        told_there = hook.url.replace("http://", f"http://octavo:{MARK}-WORD@") + f"/{MARK}-PATH"
        monkeypatch.setenv("OCTAVO_NOTIFY_URL", told_there)
        wishes = ("--schema", "receipt", "--base-url", server.base_url, "--model", "m")
        printed = [_in_a_process("extract", str(inbox), *wishes, "--prefect")]
        assert server.asked, printed[0]
        assert any(f"{MARK}-OCTAVO_API_KEY" in asked.headers["authorization"] for asked in server.asked)
    assert hook.events() == ["documents", "documents"]
    assert not any(MARK.encode() in each.body for each in hook.got)
    wrong = make_url(store).set(host="127.0.0.1", port=1, query={}).render_as_string(hide_password=False)
    for arguments in (
        ["doctor"], ["records", "receipt"], ["quarantine"], ["quarantine", "show", "1"], ["quarantine", "show", "2"],
        ["export", "receipt", str(out)], ["records", "receipt", "--store", wrong],
    ):  # fmt: skip
        main(arguments)
        printed.append("".join(capsys.readouterr()))
    assert "cannot be read" in printed[-1]
    assert printed[0].startswith("3\n")
    assert "encrypted" not in printed[3]  # the quarantine's list: the locked document was opened
    assert "***" in printed[0]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" and path.is_relative_to(home) for path in written)
    assert any(path.is_relative_to(out) for path in written)
    assert [path for path in written if MARK.encode() in path.read_bytes()] == []
    assert [each for each in printed if MARK in each] == []
    assert MARK not in _everything_in(plain)
