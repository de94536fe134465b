"""Whole runs at endpoints of small contexts: nothing is sent that does not fit, and what never fits is said first."""

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bounded import Bounded
from fakes import Answer, Asked, model_server, says
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pages import digital_pdf, invoice_pdf
from PIL import Image, ImageDraw, ImageFont
from runs import TOTAL, rows, run, states

from extractors.errors import BadConfiguration
from flows.cli.parser import main

LINES = [(f"Walnut shelf no. {number}", "2", "49.50") for number in range(90)]
MODEL = "mistral-small-3.2"
INVOICE = {"number": "N-1", "total": "12.00", "currency": "EUR"}


def with_context(context: int, name: str = "custom") -> None:
    """A person's own context, in octavo.toml."""
    Path("octavo.toml").write_text(f"[endpoint.{name}]\ncontext = {context}\n", "utf-8")


def page_numbers(asked: Asked) -> list[int]:
    """Those that a request shows."""
    return [int(number) for number in re.findall(r"^Page (\d+)[:,]", asked.text, re.MULTILINE)]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """One document of eight pages."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "eight.pdf").write_bytes(digital_pdf(8))
    return folder


@contextlib.contextmanager
def elsewhere() -> Iterator[Path]:
    """A working directory for one example."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        yield Path(folder)


def schema_of(fields: int) -> str:
    """A JSON Schema file of an invoice-like record with so many fields more."""
    row = {name: {"type": "string"} for name in ("description", "quantity", "unit_price", "amount")}
    more = {f"remark_{n}": {"type": ["string", "null"], "description": "As it is printed."} for n in range(fields)}
    properties = {
        "total": {"type": ["string", "null"], "labels": ["Total"]},
        "line_items": {"type": "array", "items": {"type": "object", "properties": row, "required": list(row)}},
        **more,
    }
    path = Path("wide.json")
    path.write_text(
        json.dumps({"title": "wide", "type": "object", "properties": properties, "required": []}), "utf-8"
    )
    return str(path)


def answers(seed: int) -> Any:
    """Answers of all kinds, the same for the same question: good ones, invalid, cut off, with few rows, none."""

    def answered(asked: Asked) -> Answer:
        kind = (int(asked.fingerprint, 16) + seed) % 6
        row = {"description": "Walnut shelf", "quantity": "2", "unit_price": "49.50", "amount": "99.00"}
        good = {"total": "12.00", "line_items": [row] * 3}
        if kind == 0:
            return Answer(text=json.dumps({**good, "total": ["no"] * 300}))
        if kind == 1:
            return Answer(text=json.dumps(good)[:-9], finish_reason="length")
        if kind == 2:
            return says({"total": None, "line_items": []})
        return says(good)

    return answered


@settings(max_examples=12, deadline=None)
@given(st.integers(3_000, 60_000), st.integers(0, 150), st.integers(0, 90), st.integers(0, 5), st.booleans())
@example(context=16_384, fields=5, lines=90, seed=3, told=True)
@example(context=7_000, fields=5, lines=60, seed=0, told=False)
def test_a_strict_server_never_refuses_a_call(
    context: int,
    fields: int,
    lines: int,
    seed: int,
    told: bool,  # noqa: FBT001 - drawn
) -> None:
    """It counts prompt, images and `max_tokens` as vLLM does: windows, halves, rows, seams and repairs all fit.

    Whether the context is a person's or the server's own. Where no page fits, nothing is asked at all.
    """
    with elsewhere() as here, model_server(script := Bounded(context, answers(seed))) as server:
        (here / "inbox").mkdir()
        (here / "inbox" / "invoice.pdf").write_bytes(invoice_pdf(lines=LINES[: lines + 1]))
        (here / "inbox" / "small.pdf").write_bytes(digital_pdf(["Total 12.00\n" * 5, "", "x"], size=(300, 200)))
        if told:
            server.entries = [{"id": MODEL, "max_model_len": context}]
        else:
            with_context(context)
        try:
            run(here / "inbox", server.base_url, schema_name=schema_of(fields), model=MODEL)
        except BadConfiguration as error:
            assert "cannot hold one page" in str(error)  # noqa: PT017 - both ends are good
            assert not server.asked
    assert script.refused == []
    assert script.closest <= context


def test_split_looks_fit_too(tmp_path: Path) -> None:
    """More small pages than full ones; no request is refused."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "many.pdf").write_bytes(digital_pdf(20))

    def answered(asked: Asked) -> Answer:
        if "page_kinds" in json.dumps(asked.body["response_format"]):
            kinds = [{"page": page, "kind": "receipt", "begins": page == 1} for page in page_numbers(asked)]
            return says({"pages": kinds})
        return says(TOTAL)

    with_context(12_000)
    with model_server(script := Bounded(12_000, answered)) as server:
        summary = run(
            tmp_path / "inbox", server.base_url, schema_name="bank_statement,receipt", split=True, model=MODEL
        )
    assert script.refused == []
    assert summary.exit_code == 0
    looks = [len(page_numbers(asked)) for asked in server.asked if "page_kinds" in json.dumps(asked.body)]
    assert max(looks) > 8


def test_what_the_server_says_of_its_context_is_obeyed(inbox: Path) -> None:
    """The `max_model_len` of vLLM: two requests of four pages, not one of eight and a refusal."""
    with model_server(script := Bounded(32_768, lambda _: says(INVOICE))) as server:
        server.entries = [{"id": MODEL, "max_model_len": 32_768}]
        run(inbox, server.base_url, endpoints=("vllm",), schema_name="invoice", model=MODEL)
    assert script.refused == []
    assert sorted(page_numbers(asked) for asked in server.asked) == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert states() == {"eight.pdf": ("complete", None)}


def test_a_persons_context_bounds_what_the_server_says(inbox: Path) -> None:
    """Whoever sets less means it."""
    with_context(9_000, "vllm")
    with model_server(script := Bounded(9_000, lambda _: says(TOTAL))) as server:
        server.entries = [{"id": MODEL, "max_model_len": 32_768}]
        run(inbox, server.base_url, endpoints=("vllm",), model=MODEL)
    assert script.refused == []
    assert {len(page_numbers(asked)) for asked in server.asked} == {1}


def test_the_usual_context_is_planned_as_ever(inbox: Path) -> None:
    """Eight pages in one request, whether the server says its context or not."""
    with model_server(lambda _: says(INVOICE)) as server:
        run(inbox, server.base_url, schema_name="invoice", model=MODEL)
        server.entries = [{"id": MODEL, "max_model_len": 131_072}]
        run(inbox, server.base_url, schema_name="invoice", model=MODEL, rerun="all", fresh=True)
    assert [len(page_numbers(asked)) for asked in server.asked] == [8, 8]


def test_an_endpoint_without_room_is_said_before_the_first_call(
    inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One invoice page does not fit Ollama's default: exit code 1, what is too large, and the setting that helps."""
    with model_server(lambda _: says(INVOICE)) as server:
        for more in ((), ("--dry-run",)):
            asked = ["--schema", "invoice", "--endpoint", "ollama", "--base-url", server.base_url, *more]
            assert main(["extract", str(inbox), *asked]) == 1
            told = " ".join(capsys.readouterr().err.split())
            assert "ollama's context of 4,096 tokens cannot hold one page under invoice" in told
            assert "OLLAMA_CONTEXT_LENGTH=8192, and set context = 8192 under [endpoint.ollama] of octavo.toml" in told
    assert server.asked == []
    # It is nothing that is wrong with the document.
    assert rows("select count(*) from extractions") == [(0,)]
    with_context(16_384, "ollama")
    with model_server(lambda _: says(INVOICE)) as server:
        assert run(inbox, server.base_url, schema_name="invoice", endpoints=("ollama",), model=None).exit_code == 0


def test_with_another_endpoint_the_run_goes_on_without_it(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its context does not make the windows smaller, either; the recipe is the first one's still."""
    with model_server(lambda _: says(INVOICE)) as server:
        Path("octavo.toml").write_text(f'[endpoint.vllm]\nbase_url = "{server.base_url}"\n', "utf-8")
        wishes = ["extract", str(inbox), "--schema", "invoice", "--endpoint", "ollama,vllm"]
        assert main([*wishes, "--dry-run"]) == 0
        foreseen = " ".join(capsys.readouterr().out.split())
        assert main(wishes) == 0
        told = " ".join(capsys.readouterr().out.split())
    assert [len(page_numbers(asked)) for asked in server.asked] == [8]
    for words in (foreseen, told):
        assert "ollama's context of 4,096 tokens cannot hold one page under invoice" in words
        assert "going on with vllm" in words
    assert "8 pages in 1 requests" in foreseen
    assert rows("select endpoint from extractions") == [("vllm",)]


def test_a_page_that_only_the_next_endpoint_holds_goes_to_it(tmp_path: Path) -> None:
    """A page of more tokens than usual: asked where there is room for it, not failed where there is none."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    square = Image.new("L", (1540, 1540), 255)
    for line in range(40, 1500, 60):
        ImageDraw.Draw(square).text((20, line), "Total 12.00 " * 9, fill=0, font=ImageFont.load_default(size=28))
    square.save(folder / "square.png")
    with (
        model_server(small := Bounded(4_096, lambda _: says(TOTAL))) as one,
        model_server(lambda _: says(TOTAL)) as two,
    ):
        Path("octavo.toml").write_text(f'[endpoint.vllm]\nbase_url = "{two.base_url}"\n', "utf-8")
        summary = run(folder, one.base_url, endpoints=("ollama", "vllm"), model=None)
    assert summary.exit_code == 0
    assert small.refused == []
    assert (len(one.asked), len(two.asked)) == (0, 1)


def test_a_dry_run_foresees_the_same_requests(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As many as the run then needs, in every context; and no answer is asked for by it."""
    for context in (8_192, 16_384, 32_768, 131_072):
        with model_server(Bounded(context, lambda _: says(TOTAL))) as server:
            server.entries = [{"id": MODEL, "max_model_len": context}]
            wishes = ["extract", str(inbox), "--schema", "receipt", "--base-url", server.base_url, "--model", MODEL]
            capsys.readouterr()
            assert main([*wishes, "--dry-run", "--json", "--rerun", "all"]) == 0
            found = json.loads(capsys.readouterr().out.splitlines()[-1])
            assert server.asked == []
            run(inbox, server.base_url, model=MODEL, rerun="all", fresh=True)
        assert found["requests"] == len(server.asked)


def test_what_is_planned_by_the_models_own_count_is_sent_by_it(tmp_path: Path) -> None:
    """Between the cautious count and the tokenizer's lies a context that holds a page: it is asked, and read."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    page = Image.new("L", (1092, 1540), 255)
    for line in range(20, 1500, 60):
        ImageDraw.Draw(page).text((20, line), "Total 12.00 " * 6, fill=0, font=ImageFont.load_default(size=28))
    page.save(folder / "page.png")
    context = 3_850
    with_context(context)
    with model_server(script := Bounded(context, lambda _: says(TOTAL))) as server:
        summary = run(folder, server.base_url, model=MODEL)
    assert states() == {"page.png": ("complete", None)}
    assert summary.exit_code == 0
    assert script.refused == []
    assert len(server.asked) == 1
