"""What is read of a usage: by either dialect's names, streamed or not; and what is not read is not settled."""

import json
from pathlib import Path
from typing import Any

import pytest
from events import event, event_of
from fakes import Answer, model_server
from hypothesis import given
from hypothesis import strategies as st
from pages import digital_pdf
from runs import TOTAL, rows, run, states

from extractors.documents import Usage
from extractors.vision.calling import speaks
from extractors.vision.endpoints import PROFILES
from extractors.vision.streaming import Stream
from extractors.vision.wire import Spoken, booked

RECORD = json.dumps(TOTAL)
DONE = b"data: [DONE]\n\n"


def completion(usage: Any) -> bytes:
    """A chat completion in one piece."""
    choice = {"index": 0, "message": {"role": "assistant", "content": RECORD}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


def message(usage: Any) -> bytes:
    """A message in one piece."""
    block = {"type": "tool_use", "id": "t", "name": "receipt", "input": TOTAL}
    return json.dumps({"type": "message", "stop_reason": "tool_use", "content": [block], "usage": usage}).encode()


def heard(*events: bytes) -> Spoken:
    """What a stream of such events says."""
    stream = Stream(1 << 20)
    for each in events:
        stream.add(each)
    return speaks(stream.body())


def chunks(usage: Any) -> tuple[bytes, ...]:
    """A chat completion in pieces, its usage last."""
    end = [{"index": 0, "delta": {"content": RECORD}, "finish_reason": "stop"}]
    return event_of({"choices": end}), event_of({"choices": [], "usage": usage}), DONE


def blocks(*, start: Any = None, end: Any = None, stop: Any = None) -> list[bytes]:
    """A message in pieces, with its usage in the first event, in the last but one, or in the last."""
    delta = {"type": "input_json_delta", "partial_json": RECORD}
    told = [{"usage": usage} if usage is not None else {} for usage in (start, end, stop)]
    return [
        event("message_start", message={"id": "m", "model": "x", **told[0]}),
        event("content_block_start", index=0, content_block={"type": "tool_use", "name": "receipt", "input": {}}),
        event("content_block_delta", index=0, delta=delta),
        event("message_delta", delta={"stop_reason": "tool_use"}, **told[1]),
        event("message_stop", **told[2]),
    ]


def in_every_dress(usage: Any) -> list[Spoken]:
    """The same usage in both dialects, in one piece and in pieces."""
    return [
        speaks(completion(usage).decode()),
        speaks(message(usage).decode()),
        heard(*chunks(usage)),
        heard(*blocks(end=usage)),
        heard(*blocks(stop=usage)),
    ]


USAGES: list[tuple[dict[str, Any], int, int]] = [
    ({"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1500}, 1000, 500),
    ({"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1300}, 1000, 300),
    ({"prompt_tokens": 1000, "completion_tokens": 300, "total_tokens": 1100}, 1000, 300),
    ({"prompt_tokens": 0, "completion_tokens": 300, "total_tokens": 1300}, 1000, 300),
    ({"input_tokens": 3000, "output_tokens": 300}, 3000, 300),
    ({"prompt_tokens": 1000, "completion_tokens": 300}, 1000, 300),
    ({"prompt_tokens": 1000, "output_tokens": 300}, 1000, 300),
    ({"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 1000, "output_tokens": 300}, 1000, 300),
    ({"prompt_tokens": "1000", "completion_tokens": " 300 "}, 1000, 300),
    ({"input_tokens": 999.5, "output_tokens": "299.01"}, 1000, 300),
]


@pytest.mark.parametrize(("usage", "sent", "answered"), USAGES)
def test_a_usage_is_read_by_either_dialects_names(usage: dict[str, Any], sent: int, answered: int) -> None:
    """Whoever tells it, in one piece or in pieces; what the total has more than the question is the answer's."""
    for said in in_every_dress(usage):
        assert (said.told.input, said.told.output, said.told.unread) == (sent, answered, False)


def test_cached_input_is_in_one_dialects_count_and_beside_the_others() -> None:
    """OpenAI's `prompt_tokens` include it, Anthropic's `input_tokens` do not."""
    held = {"cache_read_input_tokens": 600, "cache_creation_input_tokens": 100}
    for said in in_every_dress({"input_tokens": 400, "output_tokens": 5, **held}):
        assert (said.told.input, said.told.cached, said.told.output) == (1100, 600, 5)
    details = {"prompt_tokens_details": {"cached_tokens": 600}}
    for said in in_every_dress({"prompt_tokens": 1100, "completion_tokens": 5, **details}):
        assert (said.told.input, said.told.cached, said.told.output) == (1100, 600, 5)


@given(sent=st.integers(1, 10**6), answered=st.integers(1, 10**6), more=st.integers(0, 10**6))
def test_the_bill_is_never_lower_than_the_total(sent: int, answered: int, more: int) -> None:
    """Whatever of it the parts leave out."""
    usage = {"prompt_tokens": sent, "completion_tokens": answered, "total_tokens": sent + answered + more}
    for said in in_every_dress(usage):
        bill = booked(said, PROFILES["mistral"], Usage(10, 10))
        assert bill.input + bill.output == sent + answered + more


@pytest.mark.parametrize(("told", "least"), [(300, 300), (1, len(RECORD) // 4)])
def test_the_answers_tokens_at_its_beginning_are_a_floor(told: int, least: int) -> None:
    """Where nothing else is told; what is told later counts, and of a cut stream nobody knows the length."""
    usage = {"input_tokens": 1000, "output_tokens": told}
    said = heard(*blocks(start=usage))
    assert (said.told.input, said.told.output) == (1000, None)
    assert booked(said, PROFILES["mistral"], Usage(1200, 900)).output >= least
    assert heard(*blocks(start=usage, end={"output_tokens": 400})).told.output == 400
    for cut in range(1, 4):
        assert heard(*blocks(start=usage)[:cut]).told.output is None


def test_counts_as_text_take_nothing_back_either() -> None:
    """A later 0, be it text or a number, is no count."""
    told = {"prompt_tokens": "900", "completion_tokens": "1041"}
    end = [{"index": 0, "delta": {"content": RECORD}, "finish_reason": "stop"}]
    for nothing in (0, "0", "98"):
        later = event_of({"choices": [], "usage": dict.fromkeys(told, nothing)})
        said = heard(event_of({"choices": end, "usage": told}), later, DONE)
        assert (said.told.input, said.told.output) == (900, 1041)


NOT_UNDERSTOOD: list[Any] = [
    {"tokens": {"in": 900, "out": 50}}, {"total_tokens": 1500}, {"prompt_tokens": 900, "completion_tokens": -1},
    {"prompt_tokens": "many", "completion_tokens": 50}, {"prompt_tokens": 900, "output_tokens": 10**40}, "900 tokens",
]  # fmt: skip


@pytest.mark.parametrize("usage", NOT_UNDERSTOOD)
def test_a_usage_that_nobody_understands_is_told_as_such(usage: Any) -> None:
    """Unless the price is told; what is not told at all, or null, is estimated as ever."""
    assert speaks(completion(usage).decode()).told.unread
    if isinstance(usage, dict):
        assert all(said.told.unread for said in in_every_dress(usage))
        assert not speaks(completion({**usage, "cost": 0.25}).decode()).told.unread
    for nothing in (None, {}, {"prompt_tokens": 900}, {"prompt_tokens": None, "completion_tokens": None}):
        assert not any(said.told.unread for said in in_every_dress(nothing))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("usage", "settled"), [({"input_tokens": 3000, "output_tokens": 300}, True), ({"in": 3000, "out": 300}, False)]
)
def test_what_is_not_understood_stays_reserved(
    usage: dict[str, Any], *, settled: bool, streamed: bool, tmp_path: Path
) -> None:
    """The call is booked as told, or at the most that it can be and as not settled; the answer counts in both."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "one.pdf").write_bytes(digital_pdf(["Corner Shop"]))
    Path("octavo.toml").write_text(
        f'stream = "{"always" if streamed else "never"}"\n[endpoint.custom]\nprice_input = 1\nprice_output = 1\n',
        "utf-8",
    )
    events = Answer(pieces=list(chunks(usage)), headers={"Content-Type": "text/event-stream"})
    answer = events if streamed else Answer(body=completion(usage))
    with model_server(lambda _: answer) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"one.pdf": ("complete", None)}
    ((known, sent, answered, most),) = rows("select settled, input_tokens, output_tokens, reserved_output from calls")
    assert (bool(known), sent, answered) == ((True, 3000, 300) if settled else (False, None, None))
    assert summary.meter.usage.output == (300 if settled else most)
    assert (summary.meter.unsettled_usd > 0) is not settled
