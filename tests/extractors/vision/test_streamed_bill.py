"""What a stream that broke off is booked at, whose tool's call is the answer, and what a person's tools cost."""

import json
from pathlib import Path
from typing import Any

import pytest
from events import event, event_of, message_events
from fakes import Answer, Asked, model_server, says
from pages import digital_pdf
from runs import TOTAL, rows, run, states

from extractors.vision.calling import speaks
from extractors.vision.envelopes import Tools, answer_of
from extractors.vision.streaming import Stream
from flows.cli.parser import main

DONE = b"data: [DONE]\n\n"
RECORD = json.dumps(TOTAL)
HELPER = json.dumps({"merchant": "HELPER", "total": "99.00", "currency": "EUR"})
EVENTS = {"Content-Type": "text/event-stream"}
SENT = {"input_tokens": 400}


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """One receipt."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "one.pdf").write_bytes(digital_pdf(["Corner Shop"]))
    return folder


def heard(*events: bytes) -> Any:
    """What a stream of such events says, ended by nothing more."""
    stream = Stream(1 << 20)
    for each in events:
        stream.add(each)
    return speaks(stream.body())


@pytest.mark.parametrize("cut", [True, False])
def test_a_message_that_breaks_off_is_not_billed_at_what_its_beginning_tells(
    *, cut: bool, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`message_start` tells one token of the answer: reset, it stays reserved, closed, it costs what was heard."""
    monkeypatch.setenv("MODELSLAB_API_KEY", "k" * 20)
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "0")
    Path("octavo.toml").write_text('stream = "always"\n', "utf-8")
    events = message_events(json.dumps({**TOTAL, "merchant": "x" * 4000}))[:-40]
    with model_server(lambda _: Answer(pieces=events, headers=EVENTS, cut=cut)) as server:
        run(inbox, server.base_url, endpoints=("modelslab-messages",), model=None)
    booked = rows("select settled, output_tokens, reserved_output from calls")
    assert booked
    for settled, output, reserved in booked:
        assert bool(settled) is not cut
        assert output is None if cut else 900 <= output <= reserved


def test_usage_before_the_end_is_no_bill() -> None:
    """Some servers tell it with each event: what was told last before a stream broke off is not all of it."""
    begun, counted = {"prompt_tokens": 9, "completion_tokens": 0}, {"prompt_tokens": 9, "completion_tokens": 7}
    first = event_of({"choices": [{"index": 0, "delta": {"content": "{"}}], "usage": begun})
    assert heard(first).told.output is None
    end = event_of({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": counted})
    assert heard(first, end).told.output == 7
    assert heard(first, event_of({"choices": [], "usage": counted}), DONE).told.output == 7


@pytest.mark.parametrize("nothing", [None, 0])
def test_what_is_null_later_takes_nothing_back(nothing: int | None) -> None:
    """Counts only grow."""
    cached = {"prompt_tokens_details": {"cached_tokens": 300}}
    told = {"prompt_tokens": 900, "completion_tokens": 41, "cost": 0.25, **cached}
    later = dict.fromkeys(("prompt_tokens", "completion_tokens", "cost"), nothing)
    end = [{"index": 0, "delta": {"content": RECORD}, "finish_reason": "stop"}]
    said = heard(event_of({"choices": end, "usage": told}), event_of({"choices": [], "usage": later}), DONE)
    assert (said.told.input, said.told.output, said.told.cached, said.told.cost_usd) == (900, 41, 300, 0.25)


@pytest.mark.parametrize(
    ("start", "end", "whole"),
    [
        ({**SENT, "cache_read_input_tokens": 600}, {**SENT, "output_tokens": 5}, (1000, 600)),
        (SENT, {"output_tokens": 5, "cache_read_input_tokens": 600}, (1000, 600)),
        ({"input_tokens": 400.0, "cache_creation_input_tokens": 100.0}, {"output_tokens": 5.0}, (500, 0)),
    ],
)
def test_cached_input_is_counted_wherever_it_is_told(
    start: dict[str, Any], end: dict[str, Any], whole: tuple[int, int]
) -> None:
    """In the first event, in the last, or in both."""
    said = heard(
        event("message_start", message={"id": "m", "model": "x", "usage": start}),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": RECORD}),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage=end),
        event("message_stop"),
    )
    assert (said.told.input, said.told.cached, said.told.output) == (*whole, 5)


def test_who_answered_may_be_told_last() -> None:
    """Not every event names it."""
    content = event_of({"choices": [{"index": 0, "delta": {"content": RECORD}, "finish_reason": "stop"}]})
    named = {"model": "m", "provider": "P", "id": "i"}
    said = heard(content, event_of({"choices": [], "usage": {"prompt_tokens": 1}, **named}))
    assert (said.speaker.model, said.speaker.provider, said.speaker.id) == ("m", "P", "i")


def test_parallel_calls_are_kept_apart() -> None:
    """Their pieces come by turns, told apart by `index`."""
    stream = Stream(1 << 20)
    for turn in (slice(9), slice(9, None)):
        both = [("receipt", RECORD[turn]), ("vat", HELPER[turn])]
        calls = [
            {"index": number, "function": {"name": name, "arguments": given}}
            for number, (name, given) in enumerate(both)
        ]
        stream.add(event_of({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]}))
    assert speaks(stream.body(), Tools(frozenset({"receipt"}), frozenset({"vat"}))).text == RECORD


def message(*calls: tuple[str, str], content: str | None = None) -> dict[str, Any]:
    """A message with such calls."""
    functions = [{"function": {"name": name, "arguments": given}} for name, given in calls]
    return {"content": content, "tool_calls": functions}


def test_whose_call_is_the_answer() -> None:
    """The schema's own tool before what the text says, any tool where nobody's is forced, never a helper's."""
    own = Tools(frozenset({"receipt"}), frozenset({"vat"}))
    assert answer_of(message(("receipt", RECORD), ("vat", HELPER)), own) == RECORD
    assert answer_of(message(("receipt", RECORD), content=f"I see {HELPER}"), own) == RECORD
    assert answer_of(message(("vat", HELPER)), own) is None
    assert answer_of(message(("json", RECORD)), own) == RECORD


def test_a_helpers_call_is_no_record(inbox: Path) -> None:
    """A person's tool that nobody forces is called instead of an answer: told as such, never taken for the record."""
    Path("octavo.toml").write_text('[[sampling.tools]]\ntype = "function"\nfunction = { name = "vat" }\n', "utf-8")
    choice = {"index": 0, "message": message(("vat", HELPER)), "finish_reason": "tool_calls"}
    body = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 900, "completion_tokens": 9}}).encode()
    with model_server(lambda _: Answer(body=body)) as server:
        run(inbox, server.base_url)
    assert states() == {"one.pdf": ("quarantined", "invalid_answer")}
    assert "a call of the tool vat" in rows("select cause from extractions")[0][0]


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_is_the_same_streamed_and_whole(
    *, streamed: bool, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remark with an object before the tool's input: the tool's input is the record, in both."""
    monkeypatch.setenv("MODELSLAB_API_KEY", "k" * 20)
    Path("octavo.toml").write_text('stream = "always"\n' if streamed else "", "utf-8")
    text = f"I see {HELPER} and call the tool."
    content = [{"type": "text", "text": text}, {"type": "tool_use", "id": "t", "name": "receipt", "input": TOTAL}]
    usage = {"input_tokens": 900, "output_tokens": 50}
    body = {"type": "message", "stop_reason": "tool_use", "content": content, "usage": usage}
    first, *others = message_events(RECORD)
    remark = event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
    pieces = [first, remark, *(each.replace(b'"index": 0', b'"index": 1') for each in others)]
    answer = Answer(pieces=pieces, headers=EVENTS) if streamed else Answer(body=json.dumps(body).encode())
    with model_server(lambda _: answer) as server:
        run(inbox, server.base_url, endpoints=("modelslab-messages",), model=None)
    assert json.loads(rows("select data from records")[0][0])["merchant"] == TOTAL["merchant"]


def test_a_persons_tools_are_reserved_planned_and_foreseen(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are in every prompt: in the reservation, in the context, and in what a dry run tells."""
    properties = {f"field_{n}": {"type": "string", "description": "x" * 80} for n in range(200)}
    function = {"name": "helper", "parameters": {"type": "object", "properties": properties}}
    value = json.dumps({"tools": [{"type": "function", "function": function}], "tool_choice": "none"})
    monkeypatch.setenv("OCTAVO_SAMPLING", value)
    monkeypatch.setenv("OCTAVO_MODEL", "m")
    tokens, prices = len(value) // 5, "[endpoint.custom]\nprice_input = 10\nprice_output = 10\n"

    def rules(asked: Asked) -> Answer:
        assert asked.body["tools"]
        return says(TOTAL)

    Path("octavo.toml").write_text(prices, "utf-8")
    with model_server(rules) as server:
        run(inbox, server.base_url)
        ((reserved,),) = rows("select reserved_input from calls")
        assert reserved > tokens
        asked = ["extract", str(inbox), "--schema", "receipt", "--base-url", server.base_url]
        capsys.readouterr()
        main([*asked, "--store", "sqlite:///other.db", "--dry-run", "--json"])
        foreseen = json.loads(capsys.readouterr().out.splitlines()[-1])["endpoints"]["custom"]["input_tokens"]
        assert foreseen > tokens * 0.8
        Path("octavo.toml").write_text(f"{prices}context = {tokens}\n", "utf-8")
        assert main(asked) == 1
        assert "cannot hold one page under receipt" in capsys.readouterr().err
