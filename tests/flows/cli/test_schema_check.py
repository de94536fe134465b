"""`octavo schemas check`: a made-up answer through the record, the view and the exports; every fault at once."""

import json
from pathlib import Path

import pytest

from flows.cli.parser import main
from schemas.builtin import BUILTIN

_MODEL = """
from decimal import Decimal
from typing import Any, Literal
from pydantic import BaseModel, ConfigDict, Field, computed_field
from pydantic.alias_generators import to_camel
from schemas.checks import NotChecked, check
from schemas.fields import Date, Money, Quantity, Rate

class Line(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, strict=True)
    item_name: str
    net_amount: Decimal = Field(gt=0)

    @computed_field
    @property
    def gross(self) -> Decimal:
        return self.net_amount * 2

class Fine(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, strict=True)
    order_lines: list[Line]
    iban: str | None = Field(None, pattern="^DE[0-9]{20}$")
    kind: Literal["a", 1] = "a"

class Lossy(BaseModel):
    kept: str
    gone: str | None = Field(None, exclude=True)

    @computed_field
    @property
    def broken(self) -> int:
        return 1 // 0

class Picky(BaseModel):
    iban: str = Field(pattern="^DE[0-9]{20}$")
    total: Decimal

class Row(BaseModel):
    model_config = ConfigDict(strict=True)
    price: Money
    day: Date

    @check
    def not_free(self):
        return None if self.price else "free"

class Checked(BaseModel):
    model_config = ConfigDict(strict=True)
    rows: list[Row]
    share: Rate
    count: Quantity | None = None

    @check
    def never(self):
        return "no"

    @check
    def unknown(self):
        raise NotChecked("why not")

class Annotated(BaseModel):
    a: str | None = Field(None, json_schema_extra={"widget": "text"})

class Open(BaseModel):
    anything: Any
    either: dict[str, int]
"""


@pytest.fixture(autouse=True)
def _models(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(_MODEL)


@pytest.mark.parametrize("name", [*BUILTIN, "mine.py:Fine"])
def test_a_schema_that_loses_nothing_is_fine(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The built-in ones, and one with aliases, strict types and computed fields."""
    assert main(["schemas", "check", name]) == 0
    told = capsys.readouterr().out
    assert "can be asked for" in told
    if name == "mine.py:Fine":
        assert "not tried: iban" in told
        assert "checked here: orderLines[].netAmount: exclusiveMinimum" in told or "checked here: iban" in told


def test_every_fault_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be asked for, and what would be lost, each with its place."""
    assert main(["schemas", "check", "mine.py:Open"]) == 1
    told = capsys.readouterr().err
    assert "$.anything" in told
    assert "$.either" in told
    assert main(["schemas", "check", "mine.py:Lossy"]) == 1
    told = capsys.readouterr().err
    assert "gone: answered" in told
    assert "broken: cannot be computed: ZeroDivisionError" in told
    closed = {"properties": {"a": {"type": "string"}}, "additionalProperties": False}
    (tmp_path / "both.json").write_text(
        json.dumps({"type": "object", "allOf": [closed], "properties": {"b": {"type": "string"}}})
    )
    assert main(["schemas", "check", "both.json"]) == 1
    assert "Additional properties are not allowed" in capsys.readouterr().err


def test_what_a_run_accepts_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern or a rule that no made-up answer keeps is said: a real one may keep it."""
    assert main(["schemas", "check", "mine.py:Picky"]) == 0
    told = capsys.readouterr().out
    assert "not tried: iban: String should match pattern" in told
    assert "no made-up answer is accepted" in told


def test_what_the_checks_say_of_the_made_up_answer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Holds, fails or not checked, also of a row's own model; strict types of Octavo's are no hindrance."""
    assert main(["schemas", "check", "mine.py:Checked"]) == 0
    told = capsys.readouterr().out
    assert "check rows.not_free on the made-up answer: holds" in told
    assert "check never on the made-up answer: fails (no)" in told
    assert "check unknown on the made-up answer: not_checked (why not)" in told


def test_what_is_dropped_is_told_and_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By path, with what a misspelt keyword may mean; a file may begin with a byte order mark."""
    rows = {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "STRING", "minLenght": 3}}}}
    document = {"name": "Air Waybill", "ui:order": [], "type": "object", "properties": {"rows": rows}}
    (tmp_path / "awb.json").write_text(json.dumps({"strict": True, "schema": document}), "utf-8-sig")
    assert main(["schemas", "check", "awb.json"]) == 0
    told = capsys.readouterr().out
    assert "air_waybill can be asked for: 1 fields (rows)" in told
    assert "the schema is what stands under schema" in told
    assert "dropped: the record: ui:order\n" in told
    assert "dropped: rows[].a: minLenght (is minLength meant?)" in told


def test_a_fault_that_a_misspelt_keyword_causes_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An object without properties may have some under another word."""
    seller = {"type": "object", "propertes": {"a": {"type": "string"}}}
    (tmp_path / "bill.json").write_text(json.dumps({"type": "object", "properties": {"seller": seller}}))
    assert main(["schemas", "check", "bill.json"]) == 1
    told = capsys.readouterr().err
    assert "$.seller: an open dictionary" in told
    assert "dropped: seller: propertes (is properties meant?)" in told


def test_what_a_model_adds_to_its_json_schema_is_dropped_too(capsys: pytest.CaptureFixture[str]) -> None:
    """`json_schema_extra` of any kind is no reason to refuse a model."""
    assert main(["schemas", "check", "mine.py:Annotated"]) == 0
    assert "dropped: a: widget" in capsys.readouterr().out
