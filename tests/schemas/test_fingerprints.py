"""How a schema reads answers, as a digest: it changes with what the code says, and with nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.schema_lookup import find_schema

BASE = '''
from pydantic import BaseModel, Field, field_validator, computed_field
from schemas.checks import check
from schemas.fields import Money, money

MOST = 10

def tidy(text):
    """Without blanks."""
    return text.strip()

class Row(BaseModel):
    name: str | None = None

class Ticket(BaseModel):
    """A ticket."""

    number: str | None = Field(None, max_length=20)
    total: Money | None = None
    rows: list[Row] = []

    @field_validator("number")
    @classmethod
    def tidied(cls, value):
        return value and tidy(value)[:MOST]

    @check
    def total_is_small(self):
        return None

    @computed_field
    @property
    def twice(self) -> str | None:
        return self.number and self.number * 2
'''

SAME = {
    "a comment": ("MOST = 10", "MOST = 10  # letters"),
    "a docstring": ('"""Without blanks."""', '"""Takes blanks away."""'),
    "layout": (
        "return value and tidy(value)[:MOST]",
        "return (\n            value and tidy(value)[:MOST]\n        )",
    ),
    "what nothing uses": ("MOST = 10", "MOST = 10\nLEAST = 1"),
}
OTHER = {
    "a field's type": ("total: Money", 'total: money(",")'),
    "a constraint": ("max_length=20", "max_length=30"),
    "a validator": ("tidy(value)[:MOST]", "tidy(value)[1:MOST]"),
    "a function that it uses": ("text.strip()", "text.lstrip()"),
    "a constant that it uses": ("MOST = 10", "MOST = 11"),
    "a check": ("        return None\n", '        return "too much"\n'),
    "a computed field": ("self.number * 2", "self.number * 3"),
    "a model inside": ("name: str | None = None", "name: str | None = 'none'"),
}


def _reading(folder: Path, source: str) -> str:
    (folder / "ticket.py").write_text(source, "utf-8")
    return find_schema(f"{folder / 'ticket.py'}:Ticket").reading


@pytest.mark.parametrize("change", SAME)
def test_what_changes_nothing(change: str, tmp_path: Path) -> None:
    """Comments, docstrings, layout and what nothing uses make no new work."""
    assert _reading(tmp_path, BASE) == _reading(tmp_path, BASE.replace(*SAME[change]))


@pytest.mark.parametrize("change", OTHER)
def test_what_changes_how_answers_are_read(change: str, tmp_path: Path) -> None:
    """Types, constraints, validators and what they use, checks and computed fields do."""
    changed = BASE.replace(*OTHER[change])
    assert changed != BASE
    assert _reading(tmp_path, BASE) != _reading(tmp_path, changed)


def test_an_edit_within_a_second_that_keeps_the_size_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's cached bytecode is kept by second and size: it is not what the file says now."""
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    first = _reading(tmp_path, BASE)
    file = tmp_path / "ticket.py"
    written = file.stat().st_mtime_ns
    file.write_text(BASE.replace("max_length=20", "max_length=30"), "utf-8")
    os.utime(file, ns=(written, written))
    assert find_schema(f"{file}:Ticket").reading != first


def test_every_process_says_the_same(tmp_path: Path) -> None:
    """No address and no order of a set is in it."""
    (tmp_path / "ticket.py").write_text(BASE, "utf-8")
    spec = f"{tmp_path / 'ticket.py'}:Ticket"
    code = f"from flows.schema_lookup import find_schema; print(find_schema({spec!r}).reading)"
    root = Path(__file__).resolve().parents[2]
    told = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert told == {_reading(tmp_path, BASE) + "\n"}


def test_octavos_own_count_by_their_names() -> None:
    """An upgrade that changes them makes no new work."""
    assert find_schema("invoice").reading == ""
