"""What a server wraps its answer in: read wherever it is, kept before it is judged, counted as far as it is sane."""

import gzip
import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, Asked, model_server, says
from hypothesis import given
from hypothesis import strategies as st
from pages import digital_pdf
from runs import TOTAL, rows, run, states

from extractors.documents import Usage
from extractors.errors import EndpointRefused
from extractors.vision.calling import speaks
from extractors.vision.endings import ending_of
from extractors.vision.endpoints import PROFILES, Endpoint
from extractors.vision.wire import booked

GOOD = json.dumps(TOTAL)
PRICES = "[endpoint.custom]\nprice_input = 1000.0\nprice_output = 10000.0\n"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """One document of one page; calls have a price."""
    Path("octavo.toml").write_text(PRICES, "utf-8")
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(digital_pdf(1))
    return folder


def completion(message: Any, reason: Any = "stop", usage: Any = None) -> Answer:
    """A body around this message."""
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return Answer(body=json.dumps({"choices": [choice], "usage": usage}).encode())


def call(arguments: Any) -> dict[str, Any]:
    """A tool call with these arguments."""
    return {"type": "function", "function": {"name": "record", "arguments": arguments}}


THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": '{"total": "9.99"}'}]}
MESSAGES = {
    "text": {"content": GOOD},
    "parts": {"content": [THOUGHT, {"type": "text", "text": GOOD[:9]}, {"type": "text", "text": GOOD[9:]}]},
    "a part with its text in an object": {"content": [{"type": "text", "text": {"value": GOOD}}]},
    "an object": {"content": TOTAL},
    "reasoning_content beside null": {"content": None, "reasoning_content": GOOD},
    "reasoning beside an empty text": {"content": "", "reasoning": GOOD},
    "thoughts beside the answer": {"content": GOOD, "reasoning_content": '{"total": "9.99"}'},
    "a tool call": {"content": None, "tool_calls": [call(GOOD)]},
    "a tool call with an object": {"content": "", "tool_calls": [call(TOTAL)]},
    "a remark beside a tool call": {"content": "I take it down.", "tool_calls": [call(GOOD)]},
    "the older function call": {"content": None, "function_call": {"name": "record", "arguments": GOOD}},
}


@pytest.mark.parametrize("name", MESSAGES)
def test_an_answer_is_read_wherever_a_message_keeps_it(name: str, inbox: Path) -> None:
    """One call; thoughts are passed over."""
    with model_server(lambda _: completion(MESSAGES[name])) as server:
        assert run(inbox, server.base_url).meter.calls == 1
    assert states() == {"a.pdf": ("complete", None)}
    assert [float(total) for (total,) in rows("select total from receipt")] == [12]


@pytest.mark.parametrize(
    ("reason", "kind", "calls"),
    [
        ("eos", None, 1),
        (None, None, 1),
        ("STOP", None, 1),
        ("something new", None, 1),
        ("model_length", "truncated_answer", 2),
        ("MAX_TOKENS", "truncated_answer", 2),
        ("content_filter", "refused", 1),
        ("SAFETY", "refused", 1),
        ("error", "invalid_answer", 3),
        ("abort", "invalid_answer", 3),
    ],
)
def test_every_finish_reason_has_one_consequence(
    reason: str | None, kind: str | None, calls: int, inbox: Path
) -> None:
    """Whatever dialect it is from; one that nobody knows is no failure."""
    with model_server(lambda _: completion({"content": GOOD}, reason)) as server:
        assert run(inbox, server.base_url).meter.calls == calls
    assert states() == {"a.pdf": ("quarantined", kind) if kind else ("complete", None)}


def test_a_body_of_no_known_shape_is_kept_and_asked_for_once_more(inbox: Path) -> None:
    """It may have been billed each time: it is stored as it came, shown with its document, and counted."""
    body = {"output": [{"content": "a\u0000b"}]}
    with model_server(lambda _: Answer(body=json.dumps(body).encode())) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("quarantined", "invalid_answer")}
    assert summary.meter.calls == 2
    assert summary.meter.usage.cost_usd > 0
    ((kept,),) = rows("select body from replies r join extraction_replies e on e.fingerprint = r.fingerprint")
    assert json.loads(kept) == body


def test_a_bad_answer_is_never_an_endpoint_that_is_down(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has answered: the document ends, and the run goes on, however little patience there is."""
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "0.01")
    bad = Answer(body=b"data: {\n\ndata: [DO", headers={"Content-Type": "text/event-stream"})
    with model_server(lambda _: bad) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("quarantined", "invalid_answer")}
    assert (summary.exit_code, summary.meter.calls) == (3, 3)


def test_a_stored_reply_is_read_in_the_dialect_it_was_given_in() -> None:
    """Whoever is asked today: the body itself says what it is."""
    told = {"type": "message", "content": [{"type": "tool_use", "input": TOTAL}], "stop_reason": "tool_use"}
    assert json.loads(speaks(json.dumps(told)).text or "") == TOTAL
    assert speaks(completion({"content": GOOD}).raw().decode()).text == GOOD


@pytest.mark.parametrize("key", ["EMPTY", "1", "none", "12.00"])
def test_a_key_that_is_none_is_not_cut_out_of_what_was_read(
    key: str, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers without keys are given such ones, and documents say such words."""
    monkeypatch.setenv("OCTAVO_API_KEY", key)
    with model_server(lambda _: says({**TOTAL, "merchant": "EMPTY none 1"})) as server:
        run(inbox, server.base_url)
    assert [(name, float(total)) for name, total in rows("select merchant, total from receipt")] == [
        ("EMPTY none 1", 12.0)
    ]
    assert states() == {"a.pdf": ("complete", None)}


def test_a_real_key_is_kept_out_of_answers_and_every_key_out_of_errors(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen characters are no chance; a shorter one is cut out where it stands as a word in an error."""
    monkeypatch.setenv("OCTAVO_API_KEY", "sk-0123456789abcdef")
    with model_server(lambda _: says({**TOTAL, "merchant": "sk-0123456789abcdef"})) as server:
        run(inbox, server.base_url)
    assert rows("select merchant from receipt") == [("***",)]
    monkeypatch.setenv("OCTAVO_API_KEY", "s3cret")
    error = Answer(status=400, body=b'{"error": {"message": "bad key s3cret, at most 1 image(s)"}}')
    with model_server(lambda _: error) as server, pytest.raises(EndpointRefused) as refused:
        run(inbox, server.base_url, rerun="all", model="other")
    assert "bad key ***" in str(refused.value)
    assert [
        cause for (cause,) in rows("select cause from extractions where cause is not null") if "s3cret" in cause
    ] == []


def test_a_small_packed_body_of_gigabytes_is_not_unpacked(inbox: Path) -> None:
    """The answer ran away: two calls, booked, and neither memory nor the store is filled with it."""
    bomb = gzip.compress(b'{"choices": "' + b" " * 600_000_000, 9)
    assert len(bomb) < 600_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    headers = {"Content-Encoding": "gzip"}
    with model_server(lambda _: Answer(body=bomb, headers=headers)) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("quarantined", "runaway_answer")}
    assert (summary.meter.calls, summary.meter.usage.cost_usd > 0) == (2, True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert max(size for (size,) in rows("select length(body) from replies")) < 100_000


def test_the_most_bytes_of_an_answer_can_be_set(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is longer is no answer."""
    monkeypatch.setenv("OCTAVO_MAX_ANSWER_BYTES", "65536")
    with model_server(lambda _: says({**TOTAL, "address": "x" * 70_000})) as server:
        run(inbox, server.base_url)
        assert states() == {"a.pdf": ("quarantined", "runaway_answer")}


def test_an_empty_answer_is_not_repeated_in_the_repair(inbox: Path) -> None:
    """An empty assistant message is refused by servers; the page is asked anew and told why."""

    def script(asked: Asked) -> Answer:
        if any(message["role"] == "assistant" for message in asked.body["messages"]):
            return Answer(status=400)
        return says(TOTAL) if "earlier answer" in asked.text else Answer(text=" \n")

    with model_server(script) as server:
        assert run(inbox, server.base_url).meter.calls == 2
    assert states() == {"a.pdf": ("complete", None)}


@pytest.mark.parametrize("text", ['{"total": "\\u0000\\ud800"', "\ud800\x00{", '{"a": "\\\\u00001\\\\u0000"'])
def test_any_refused_answer_can_be_sent_back(text: str, inbox: Path) -> None:
    """NUL, lone surrogates and what looks like an escape go into the repair's prompt without harm."""

    def script(asked: Asked) -> Answer:
        if not asked.is_repair:
            return Answer(text=text)
        assert len(asked.images) == 1
        asked.text.encode()
        return says(TOTAL)

    with model_server(script) as server:
        assert run(inbox, server.base_url).meter.calls == 2
    assert states() == {"a.pdf": ("complete", None)}


ABOUT = len(GOOD) // 4 + 1
"""Tokens of the answer, as they are estimated."""

USAGES: list[tuple[Any, int, int, float | None]] = [
    ({"prompt_tokens": 50, "completion_tokens": 5}, 50, 5, None),
    ({"prompt_tokens": 50}, 50, ABOUT, None),
    ({"completion_tokens": 5}, 1000, 5, None),
    ({"total_tokens": 55, "prompt_tokens": 50}, 50, 5, None),
    ({"prompt_tokens": 10**40, "completion_tokens": 10**40}, 1000, ABOUT, None),
    ({"prompt_tokens": True, "completion_tokens": -1}, 1000, ABOUT, None),
    ({"prompt_tokens": "50", "completion_tokens": None}, 50, ABOUT, None),
    ({"prompt_tokens": 50.0, "completion_tokens": 5.0, "cost": True}, 50, 5, None),
    ({"prompt_tokens": 50, "completion_tokens": 5, "cost": float("inf")}, 50, 5, None),
    ({"prompt_tokens": 50, "completion_tokens": 5, "cost": float("nan")}, 50, 5, None),
    ({"prompt_tokens": 50, "completion_tokens": 5, "cost": -1}, 50, 5, None),
    ({"prompt_tokens": 50, "completion_tokens": 5, "cost": 0.5}, 50, 5, 0.5),
    ([], 1000, ABOUT, None),
]


@pytest.mark.parametrize(("usage", "sent", "answered", "paid"), USAGES)
def test_usage_is_counted_as_told_as_far_as_it_can_be_meant(
    usage: Any, sent: int, answered: int, paid: float | None
) -> None:
    """What is missing or absurd is estimated, never taken for nothing and never for more than can be."""
    endpoint = Endpoint("x", "http://x", "m", price_input=1000.0, price_output=10_000.0)
    body = json.dumps({"choices": [{"message": {"content": GOOD}}], "usage": usage})
    found = booked(speaks(body), endpoint, Usage(1000, 100))
    assert (found.input, found.output) == (sent, answered)
    assert found.cost_usd == pytest.approx((sent + 10 * answered) / 1000 if paid is None else paid)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.sampled_from(
        ["choices", "message", "content", "type", "text", "tool_calls", "function", "arguments", "usage", "error",
         "finish_reason", "index", "refusal", "stop_reason", "input", "prompt_tokens", "reasoning", "delta", "status"]
    ), child, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_any_body_is_read(body: Any) -> None:
    """Never an exception, and a usage that can be added up."""
    said = speaks(json.dumps(body))
    counted = booked(said, PROFILES["mistral"], Usage(1000, 100))
    assert 0 <= counted.input < 10**8
    assert 0 <= counted.cost_usd < 1000
    assert ending_of(said.finish_reason)


def test_what_froze_every_document_once_ends_as_an_invalid_answer(inbox: Path) -> None:
    """Fences, keys, levels and digits beyond any answer are refused, and the refused answer is sent back."""
    texts = [
        "```" + "\n" * 40_000, json.dumps({f"k{n}": n for n in range(20_001)}), '{"a": 1,' * 20_001,
        '{"a":' * 900 + "1" + "}" * 900, '{"total": ' + "9" * 5000 + "}", '{"total": 1e999}',
    ]  # fmt: skip
    left = iter(texts)
    script: Callable[[Asked], Answer] = lambda _: Answer(text=next(left))  # noqa: E731 - one after the other
    for number in range(3):
        (inbox / "a.pdf").write_bytes(digital_pdf([f"page {number}"]))
        with model_server(script) as server:
            assert run(inbox, server.base_url).meter.calls == 2
        assert states()["a.pdf"] == ("quarantined", "invalid_answer")
