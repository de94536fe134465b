"""Tool calls, in one piece and in pieces: which are one, however a server numbers them, and which is the answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from events import event, event_of
from fakes import Answer, model_server
from hypothesis import given
from hypothesis import strategies as st
from pages import digital_pdf
from runs import TOTAL, rows, run, states

from extractors.vision.calling import speaks
from extractors.vision.envelopes import Tools
from extractors.vision.streaming import Stream

RECORD = json.dumps({**TOTAL, "merchant": 'A "{" \\ in a name'})
LOOKUP = json.dumps({"merchant": "LOOKUP", "more": {"q": "}"}})
OWN = Tools(frozenset({"receipt"}), frozenset({"lookup"}))
USAGE = {"prompt_tokens": 1000, "completion_tokens": 50}
DONE = b"data: [DONE]\n\n"
SAID = {"lookup": LOOKUP, "receipt": RECORD}

Numbered = Callable[[int, int], dict[str, Any]]
NUMBERS: dict[str, Numbered] = {
    "as usual": lambda call, _: {"index": call},
    "none": lambda _call, _piece: {},
    "null": lambda _call, _piece: {"index": None},
    "all 0": lambda _call, _piece: {"index": 0},
    "text": lambda call, _: {"index": str(call)},
    "all 0 as text": lambda _call, _piece: {"index": "0"},
    "true": lambda _call, _piece: {"index": True},
}
NAMED: dict[str, Callable[[int, int], str | None]] = {
    "an id first": lambda call, piece: f"c{call}" if piece == 0 else None,
    "an empty id later": lambda call, piece: f"c{call}" if piece == 0 else "",
    "the id in each piece": lambda call, _: f"c{call}",
    "no id": lambda _call, _piece: None,
}


def part(name: str | None, arguments: Any, known: str | None = None, **number: Any) -> dict[str, Any]:
    """A tool call, or a piece of one."""
    function = {"arguments": arguments, **({} if name is None else {"name": name})}
    return {**({} if known is None else {"id": known}), "type": "function", "function": function, **number}


def heard(parts: list[dict[str, Any]], tools: Tools = OWN) -> str | None:
    """The answer of a stream with these pieces, each in an event of its own."""
    deltas = [{"choices": [{"index": 0, "delta": {"tool_calls": [each]}}]} for each in parts]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "usage": USAGE}
    stream = Stream(1 << 20)
    for each in (*deltas, end):
        stream.add(event_of(each))
    stream.add(DONE)
    return speaks(stream.body(), tools).text


def pieces(text: str, size: int, *, head: bool) -> list[str]:
    """A text in pieces, with an empty one before it where a call begins with its name alone."""
    return [*([""] if head else []), *(text[at : at + size] for at in range(0, len(text), size))]


@given(
    number=st.sampled_from(sorted(NUMBERS)), named=st.sampled_from(sorted(NAMED)), repeats=st.booleans(),
    head=st.booleans(), size=st.integers(1, 200), order=st.permutations(["lookup", "receipt", "lookup"]),
)  # fmt: skip
def test_calls_one_after_the_other_are_told_apart(
    *, number: str, named: str, repeats: bool, head: bool, size: int, order: list[str]
) -> None:
    """Whatever of index, id and name is missing, the same for all, or repeated with each piece."""
    parts = [
        part(name if repeats or turn == 0 else None, piece, NAMED[named](call, turn), **NUMBERS[number](call, turn))
        for call, name in enumerate(order)
        for turn, piece in enumerate(pieces(SAID[name], size, head=head))
    ]
    assert heard(parts) == RECORD


@given(number=st.sampled_from(["as usual", "all 0", "text"]), size=st.integers(1, 200), repeats=st.booleans())
def test_an_id_made_up_for_each_piece_opens_no_new_call(*, number: str, size: int, repeats: bool) -> None:
    """Some servers do so, and number their calls."""
    parts = [
        part("receipt" if repeats or turn == 0 else None, piece, f"x{turn}", **NUMBERS[number](0, turn))
        for turn, piece in enumerate([*pieces(RECORD, size, head=True), ""])
    ]
    assert heard(parts) == RECORD


@given(known=st.booleans(), size=st.integers(1, 200))
def test_calls_by_turns_are_kept_apart_by_index_id_or_order(*, known: bool, size: int) -> None:
    """By the id where there is no index; by their order where both stand in one event."""
    turns = [[text[at : at + size] for at in range(0, max(map(len, SAID.values())), size)] for text in SAID.values()]
    names = list(SAID)
    if known:
        parts = [
            part(name if turn == 0 else None, each[turn], f"c_{name}")
            for turn in range(len(turns[0]))
            for name, each in zip(names, turns, strict=True)
        ]
        assert heard(parts) == RECORD
        return
    stream = Stream(1 << 20)
    for turn in range(len(turns[0])):
        both = [part(name if turn == 0 else None, each[turn]) for name, each in zip(names, turns, strict=True)]
        stream.add(event_of({"choices": [{"index": 0, "delta": {"tool_calls": both}}]}))
    stream.add(DONE)
    assert speaks(stream.body(), OWN).text == RECORD


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("order", "number"), [(["lookup", "receipt"], "none"), (["receipt", "lookup"], "all 0")])
def test_a_record_beside_another_call_is_one_call_of_the_endpoint(
    order: list[str], number: str, *, streamed: bool, tmp_path: Path
) -> None:
    """Streamed or not: complete at once."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "one.pdf").write_bytes(digital_pdf(["Corner Shop"]))
    Path("octavo.toml").write_text(
        f'stream = "{"always" if streamed else "never"}"\n'
        '[[sampling.tools]]\ntype = "function"\nfunction = { name = "lookup" }\n',
        "utf-8",
    )
    calls = [part(name, SAID[name], f"c{call}", **NUMBERS[number](call, 0)) for call, name in enumerate(order)]
    choice: dict[str, Any] = {"index": 0, "finish_reason": "tool_calls"}
    if streamed:
        deltas = [{"choices": [{"index": 0, "delta": {"tool_calls": [each]}}]} for each in calls]
        events = [event_of(each) for each in (*deltas, {"choices": [{**choice, "delta": {}}], "usage": USAGE})]
        answer = Answer(pieces=[*events, DONE], headers={"Content-Type": "text/event-stream"})
    else:
        message = {"role": "assistant", "content": None, "tool_calls": calls}
        answer = Answer(body=json.dumps({"choices": [{**choice, "message": message}], "usage": USAGE}).encode())
    with model_server(lambda _: answer) as server:
        assert run(inbox, server.base_url).meter.calls == 1
    assert states() == {"one.pdf": ("complete", None)}
    assert json.loads(rows("select data from records")[0][0])["merchant"] == json.loads(RECORD)["merchant"]


def block(name: str, **more: Any) -> dict[str, Any]:
    """A tool's call in a message."""
    return {"type": "tool_use", "name": name, "input": json.loads(SAID[name]), **more}


def message(blocks: list[dict[str, Any]]) -> str:
    """A message in one piece."""
    return json.dumps({"type": "message", "stop_reason": "tool_use", "content": blocks, "usage": {}})


def in_blocks(blocks: list[dict[str, Any]], number: Numbered) -> str:
    """The same message streamed, as the body that it becomes."""
    stream = Stream(1 << 20)
    stream.add(event("message_start", message={"id": "m", "model": "x"}))
    for call, each in enumerate(blocks):
        at = number(call, 0)
        stream.add(event("content_block_start", **at, content_block={**each, "input": {}}))
        for piece in pieces(json.dumps(each["input"]), 9, head=True):
            delta = {"type": "input_json_delta", "partial_json": piece}
            stream.add(event("content_block_delta", **at, delta=delta))
        stream.add(event("content_block_stop", **at))
    stream.add(event("message_delta", delta={"stop_reason": "tool_use"}))
    stream.add(event("message_stop"))
    return stream.body()


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("order", [["lookup", "receipt"], ["receipt", "lookup"], ["lookup", "receipt", "lookup"]])
@pytest.mark.parametrize("tools", [OWN, Tools(frozenset({"receipt"}))])
def test_a_messages_own_tool_is_the_answer(tools: Tools, order: list[str], *, known: bool) -> None:
    """Streamed or not, whether its blocks are numbered or not; another's call is told where it is all there is."""
    blocks = [block(name, **({"id": f"t{call}"} if known else {})) for call, name in enumerate(order)]
    record = json.loads(RECORD)
    assert json.loads(speaks(message(blocks), tools).text or "") == record
    for number in NUMBERS.values():
        assert json.loads(speaks(in_blocks(blocks, number), tools).text or "") == record
    for body in (message([block("lookup")]), in_blocks([block("lookup")], NUMBERS["none"])):
        said = speaks(body, OWN)
        assert (said.text or None, said.called) == (None, "lookup")
