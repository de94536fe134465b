"""Streams as servers send them, legal and not: read rightly, or failed as the answer's fault after bounded calls."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, model_server
from hypothesis import given
from hypothesis import strategies as st
from pages import digital_pdf
from runs import TOTAL, rows, run, states

from extractors.vision.bodies import Body
from extractors.vision.calling import speaks
from extractors.vision.runaways import runs_away

GOOD = json.dumps(TOTAL)
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100}
EVENTS = {"Content-Type": "text/event-stream"}
HALVES = (GOOD[:20], GOOD[20:])


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """One document of one page; calls have a price, and answers are streamed."""
    prices = "[endpoint.custom]\nprice_input = 1000.0\nprice_output = 10000.0\n"
    Path("octavo.toml").write_text('stream = "always"\n' + prices, "utf-8")
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(digital_pdf(1))
    return folder


def event(data: Any, end: str = "\n") -> bytes:
    """One event."""
    return f"data: {data if isinstance(data, str) else json.dumps(data)}{end}{end}".encode()


def says(delta: Any, *, index: int = 0, of: str = "delta", reason: str | None = None) -> dict[str, Any]:
    """An event's data, with a piece of an answer."""
    return {"choices": [{"index": index, of: delta, "finish_reason": reason}]}


def calls(piece: str) -> dict[str, Any]:
    """A piece of a tool call's arguments."""
    return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


PIECES = [event(says({"content": half})) for half in HALVES]
STOP, TOLD, DONE = event(says({}, reason="stop")), event({"choices": [], "usage": USAGE}), event("[DONE]")
OTHER, FIRST = ({"index": index, "delta": {"content": text}} for index, text in ((1, "x"), (0, GOOD)))
PLAIN = b"".join([*PIECES, STOP, TOLD, DONE])
READ = {
    "as usual": PLAIN,
    "CR LF": PLAIN.replace(b"\n", b"\r\n"),
    "CR alone": PLAIN.replace(b"\n", b"\r"),
    "data over two lines": PLAIN.replace(b'"choices": [', b'"choices":\ndata: ['),
    "no blank lines": PLAIN.replace(b"\n\n", b"\n"),
    "event names and ids": b"event: message\nid: 1\n" + PLAIN,
    "an error after the answer": b"".join([*PIECES, STOP, event({"error": {"message": "x", "code": 500}}), TOLD]),
    "an error after a whole object": b"".join([*PIECES, event({"error": {"message": "x", "code": 500}}), TOLD]),
    "no end, but a whole object": b"".join([*PIECES, TOLD]),
    "tool calls": b"".join([*(event(says(calls(half))) for half in HALVES), STOP, TOLD]),
    "parts": b"".join([*(event(says({"content": [{"type": "text", "text": half}]})) for half in HALVES), STOP, TOLD]),
    "message for delta": b"".join([*(event(says({"content": half}, of="message")) for half in HALVES), STOP, TOLD]),
    "the whole message again": b"".join([*PIECES, event(says({"content": GOOD}, of="message", reason="stop")), TOLD]),
    "a second choice": b"".join([PIECES[0], event(says({"content": "x"}, index=1)), PIECES[1], STOP, TOLD]),
    "index 1 first": b"".join([event(says({"content": "x"}, index=1)), *PIECES, STOP, TOLD]),
    "both choices in one event": b"".join([event({"choices": [OTHER, FIRST]}), STOP, TOLD]),
    "rubbish after the end": b"".join([*PIECES, STOP, TOLD, b"data: {\n\n"]),
    "JSON": json.dumps({"choices": [{"message": {"content": GOOD}}], "usage": USAGE}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("name", READ)
def test_a_stream_is_read_however_it_is_written(name: str, kind: str, inbox: Path) -> None:
    """Whatever its type claims; it is counted as it says."""
    with model_server(lambda _: Answer(body=READ[name], headers={"Content-Type": kind})) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("complete", None)}
    assert summary.meter.calls == 1
    assert summary.meter.usage.cost_usd == pytest.approx(2)


@given(st.sampled_from(sorted(READ)), st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_it_does_not_matter_where_a_stream_is_cut_into_pieces(name: str, sizes: list[int]) -> None:
    """Between CR and LF, inside a line, inside a letter."""
    body, at, turn = Body(1 << 20), 0, 0
    while at < len(READ[name]):
        size = sizes[turn % len(sizes)]
        body.add(READ[name][at : at + size])
        at, turn = at + size, turn + 1
    assert speaks(body.text()).text == GOOD


BROKEN = {
    "breaks off": b"".join([PIECES[0]]),
    "an error in the middle": b"".join([PIECES[0], event({"error": {"message": "x", "code": 500}})]),
    "an event that is no JSON": b"".join([PIECES[0], b"data: {oops\n\n", PIECES[1], STOP, TOLD]),
    "aborted": b"".join([PIECES[0], event(says({}, reason="abort")), TOLD]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_the_answers_fault_after_three_calls(name: str, inbox: Path) -> None:
    """A piece of it may be lost: it is not read, each call is counted, and the run goes on."""
    with model_server(lambda _: Answer(body=BROKEN[name], headers=EVENTS)) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("quarantined", "invalid_answer")}
    assert (summary.meter.calls, summary.exit_code) == (3, 3)
    assert summary.meter.usage.cost_usd > 3
    assert rows("select count(*) from replies") == [(1,)]


def test_a_byte_that_is_no_utf8_is_shown_as_such(inbox: Path) -> None:
    """The rest of the answer is good."""
    text = json.dumps({**TOTAL, "merchant": "Caf?"})
    body = b"".join([event(says({"content": text})), STOP, TOLD]).replace(b"Caf?", b"Caf\xe9")
    with model_server(lambda _: Answer(body=body, headers=EVENTS)) as server:
        run(inbox, server.base_url)
    assert rows("select merchant from receipt") == [("Caf\ufffd",)]


@pytest.mark.parametrize("end", [[STOP, TOLD], [STOP], [STOP, TOLD, DONE]])
def test_a_connection_that_is_held_open_is_not_waited_for(end: list[bytes], inbox: Path) -> None:
    """The answer is there: nobody waits for the time-out."""
    held = Answer(pieces=[*PIECES, *end, *[b": PING\n\n"] * 60], drip=0.25, headers=EVENTS)
    began = time.monotonic()
    with model_server(lambda _: held) as server:
        summary = run(inbox, server.base_url)
        assert time.monotonic() - began < 10
    assert states() == {"a.pdf": ("complete", None)}
    assert summary.meter.calls == 1


def test_the_time_out_is_for_silence(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that goes on is heard to its end, though it takes longer than a call may be silent."""
    monkeypatch.setenv("OCTAVO_TIMEOUT", "1")
    pieces = [event(says({"content": letter})) for letter in GOOD]
    slow = Answer(pieces=[*pieces, STOP, TOLD, DONE], drip=2.5 / len(pieces), headers=EVENTS)
    with model_server(lambda _: slow) as server:
        assert run(inbox, server.base_url).meter.calls == 1
    assert states() == {"a.pdf": ("complete", None)}


def test_a_table_of_equal_rows_is_no_runaway(inbox: Path) -> None:
    """A hundred and ten coffees are a hundred and ten rows; white space and rows without end are cut off."""
    row = {"description": "Coffee, white, to take away, in a paper cup of the larger size", "amount": "2.00"}
    answer = json.dumps({**TOTAL, "items": [row] * 110})
    pieces = [event(says({"content": answer[at : at + 40]})) for at in range(0, len(answer), 40)]
    with model_server(lambda _: Answer(body=b"".join([*pieces, STOP, TOLD, DONE]), headers=EVENTS)) as server:
        summary = run(inbox, server.base_url)
    assert (summary.meter.calls, summary.meter.runaways) == (1, 0)
    assert rows("select count(*) from receipt_items") == [(110,)]
    assert not runs_away('{"items": [' + json.dumps(row) + ", " * 1 + f"{json.dumps(row)}, " * 300)
    assert runs_away('{"items": [' + f"{json.dumps(row)}, " * 3000)
    assert runs_away(f"{json.dumps(row)}x " * 300)
