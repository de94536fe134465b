"""Least privilege by process: children without secrets, none that outlives octavo, nothing for others to read."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pages
import psutil
import pytest
from fakes import Answer, model_server
from services import ROOT, wait_for

from flows.cli import options
from flows.cli.parser import main

MARK = "MARKER-9d41f7"
SECRETS = (
    "OCTAVO_API_KEY", "OPENROUTER_API_KEY", "UNOROUTER_API_KEY", "MODELSLAB_API_KEY", "MISTRAL_API_KEY",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PREFECT_API_KEY", "OCTAVO_LISTEN_SECRET",
    "DATABASE_URL", "PGPASSWORD", "HF_TOKEN",
)  # fmt: skip


def _of(children: list[psutil.Process], module: str) -> list[psutil.Process]:
    return [each for each in children if module in each.cmdline()]


def test_children_have_no_secret_and_die_with_octavo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renderers, OCR and Prefect's temporary server, while a call is in flight; then octavo is killed with -9."""
    home, inbox = tmp_path / "prefect", tmp_path / "in"
    inbox.mkdir()
    (inbox / "good.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    for name in SECRETS:
        monkeypatch.setenv(name, f"{MARK}-{name}")
    monkeypatch.setenv("PREFECT_HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", ROOT)
    said: Any = subprocess.DEVNULL
    with model_server(lambda _: Answer(text="{}", delay=300)) as model:
        octavo = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "extract", str(inbox), "--schema", "receipt", "--base-url",
             model.base_url, "--model", "m", "--prefect", "--password", f"{MARK}-ARGV"], stdout=said, stderr=said,
        )  # fmt: skip
        try:
            wait_for(lambda: octavo.poll() is not None or model.asked, 120)
            assert octavo.poll() is None
            children = psutil.Process(octavo.pid).children(recursive=True)
            servers, renderers = _of(children, "flows.prefect.temporary"), _of(children, "extractors.pages.worker")
            assert (len(servers), len(renderers) > 0) == (1, True)
            told = {each.pid: f"{each.cmdline()} {each.environ()}" for each in children}
            assert [pid for pid, each in told.items() if MARK in each] == []
            written = [path for path in home.rglob("*") if path.is_file()]
            assert any(path.name == "prefect.db" for path in written)
            assert [path for path in written if path.name.startswith("prefect.db") and _open_to_others(path)] == []
        finally:
            octavo.kill()
            octavo.wait()
        _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []


def _open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def test_a_password_on_the_command_line_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """`ps` shows it to everybody; OCTAVO_STORE is the place, and where there is no password nothing is said."""
    options._warn.cache_clear()
    for store in ("postgresql://u@127.0.0.1:1/x", "sqlite:///none.db"):
        assert main(["records", "receipt", "--store", store]) == 1
    assert "OCTAVO_STORE" not in capsys.readouterr().err
    for store in (f"postgresql://u:{MARK}@127.0.0.1:1/x", f"postgresql://u@127.0.0.1:1/x?password={MARK}"):
        assert main(["records", "receipt", "--store", store]) == 1
    told = capsys.readouterr().err
    assert told.count("put it into OCTAVO_STORE") == 1
    assert MARK not in told
    assert MARK not in " ".join(os.environ.values())
