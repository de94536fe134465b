"""Every way in which an endpoint fails, through the whole pipeline into the store: states, calls, money."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, Asked, model_server, says, streams
from hypothesis import given
from hypothesis import strategies as st
from pages import digital_pdf
from runs import TOTAL, rows, run, states

from extractors.vision.runaways import runs_away

GOOD = json.dumps(TOTAL)
PRICES = "[endpoint.custom]\nprice_input = 1000.0\nprice_output = 10000.0\n"
"""A call of 1000 tokens in and 100 out costs two dollars."""


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """One document of two pages; calls have a price."""
    Path("octavo.toml").write_text(PRICES, "utf-8")
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(digital_pdf(2))
    return folder


def first(*failures: Answer, then: Callable[[Asked], Answer] | None = None) -> Callable[[Asked], Answer]:
    """These answers, one after the other, and good ones from then on."""
    left = list(failures)

    def script(asked: Asked) -> Answer:
        if left:
            return left.pop(0)
        return then(asked) if then else says(TOTAL)

    return script


def error(status: int, body: Any = None, **headers: str) -> Answer:
    """An error in OpenAI's shape, or a body of its own."""
    told = body if body is not None else {"error": {"message": "no", "code": status}}
    return Answer(status=status, body=told if isinstance(told, bytes) else json.dumps(told).encode(), headers=headers)


TRANSIENT = {
    "429 with Retry-After": error(429, **{"Retry-After": "0.2"}),
    "429 with an empty body": error(429, b""),
    "429 with its wait in the body": error(429, {"status": "error", "message": "slow down", "retry_after": 0.1}),
    "429 with OpenRouter's availability": error(
        429, {"error": {"message": "x", "availability": {"retry_after": 0.1}}}
    ),
    "408": error(408),
    "409": error(409),
    "500": error(500),
    "502 with a proxy's HTML": error(502, b"<html><h1>Bad Gateway</h1></html>"),
    "503": error(503),
    "529": error(529),
    "402 while others are in flight": error(
        402, {"error": {"message": "x", "limit_source": "openrouter_in_flight_budget"}}
    ),
    "200 with an error": error(200, {"error": {"message": "upstream failed", "code": 502}}),
    "200 with an error in the choice": error(200, {"choices": [{"error": {"message": "x", "code": 429}}]}),
    "200 with null choices": error(200, {"choices": None}),
    "200 with null content": error(200, {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}),
    "200 with a proxy's HTML": error(200, b"<html>please log in</html>"),
    "200 with ModelsLab's error": error(200, {"status": "error", "messege": "try later"}),
    "reset in mid-body": Answer(text=GOOD, cut=True),
}


@pytest.mark.parametrize("name", TRANSIENT)
def test_what_passes_is_tried_again(name: str, inbox: Path) -> None:
    """The document is complete after one more call, and only answers are stored."""
    with model_server(first(TRANSIENT[name])) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("complete", None)}
    assert (summary.meter.calls, summary.meter.retries) == (2, 1)
    assert rows("select count(*) from replies") == [(1,)]


FINAL = {
    "400": (error(400, {"error": {"message": "bad request"}}), "rejected_request", 1),
    "422 with details": (error(422, {"detail": [{"loc": ["body"], "msg": "no"}]}), "rejected_request", 1),
    "413 of one page": (error(413), "rejected_request", 1),
    "403 by moderation": (error(403, {"error": {"message": "Your input was flagged"}}), "rejected_request", 1),
    "a refusal": (error(200, {"choices": [{"message": {"content": None, "refusal": "I cannot"}}]}), "refused", 1),
    "a content filter": (Answer(text="", finish_reason="content_filter"), "refused", 1),
    "never anything": (error(200, {"choices": [{"message": {"content": None}}]}), "invalid_answer", 3),
    "never JSON": (Answer(text="The total is twelve."), "invalid_answer", 2),
    "always cut off": (Answer(text='{"merchant": "Cor', finish_reason="length"), "truncated_answer", 2),
}


@pytest.mark.parametrize("name", FINAL)
def test_what_does_not_pass_ends_the_page(name: str, inbox: Path) -> None:
    """The page fails with its kind after no more calls than can help; the next page is read."""
    answer, kind, calls = FINAL[name]
    asked_first: list[bytes] = []

    def script(asked: Asked) -> Answer:
        asked_first[:] = asked_first or asked.images[:1]
        return answer if asked.images[0] == asked_first[0] else says(TOTAL)

    with model_server(script) as server:
        summary = run(inbox, server.base_url, pages_per_request=1, concurrency=1)
    assert states() == {"a.pdf": ("partial", kind)}
    assert sorted(rows("select status, kind from pages")) == [("failed", kind), ("read", None)]
    assert summary.meter.calls == calls + 1
    # Running again pays for nothing: what was answered is known.
    with model_server(lambda _: says(TOTAL)) as server:
        assert run(inbox, server.base_url, pages_per_request=1).meter.calls == 0


@pytest.mark.parametrize(
    ("printed", "calls", "kinds"), [("Total 12.00", 3, ["nothing_found"]), ("Terms apply.", 2, [])]
)
def test_a_page_in_which_nothing_is_found_is_read(printed: str, calls: int, kinds: list[str], inbox: Path) -> None:
    """Of a longer document one page may hold none of it. Where it looks as if it did, it is asked twice, and said."""
    (inbox / "a.pdf").write_bytes(digital_pdf([printed, "Corner Shop 12.00 EUR"]))

    def script(asked: Asked) -> Answer:
        return says(dict.fromkeys(TOTAL) if "Page 1:" in asked.text else TOTAL)

    with model_server(script) as server:
        summary = run(inbox, server.base_url, pages_per_request=1, concurrency=1)
    assert states() == {"a.pdf": ("complete", None)}
    assert summary.meter.calls == calls
    ((told,),) = rows("select issues from records")
    assert [issue["kind"] for issue in json.loads(told)] == kinds


def test_a_document_in_which_nothing_is_found_is_quarantined(inbox: Path) -> None:
    """An empty answer is never a success: what holds nothing at all goes to a person."""
    with model_server(lambda _: says(dict.fromkeys(TOTAL))) as server:
        run(inbox, server.base_url, pages_per_request=1)
    assert states() == {"a.pdf": ("quarantined", "empty_answer")}


def test_too_many_images_are_asked_for_in_halves(inbox: Path) -> None:
    """A refusal about size or count shrinks the window; no page is lost."""

    def script(asked: Asked) -> Answer:
        return says(TOTAL) if len(asked.images) == 1 else error(400, {"error": {"message": "At most 1 image(s) may"}})

    with model_server(script) as server:
        run(inbox, server.base_url)
    assert states() == {"a.pdf": ("complete", None)}
    assert [len(asked.images) for asked in server.asked] == [2, 1, 1]


def test_a_truncated_answer_gets_more_room_then_fewer_pages(inbox: Path) -> None:
    """Never healed: twice the budget first, then half the window."""

    def script(asked: Asked) -> Answer:
        if len(asked.images) == 1:
            return says(TOTAL)
        return Answer(text=GOOD[:-5], finish_reason="length")

    with model_server(script) as server:
        run(inbox, server.base_url, pages_per_request=2)
    assert states() == {"a.pdf": ("complete", None)}
    limits = [(len(asked.images), asked.body["max_tokens"]) for asked in server.asked]
    assert limits[1] == (2, 2 * limits[0][1])
    assert [pages for pages, _ in limits] == [2, 2, 1, 1]


@pytest.mark.parametrize("text", [f"```json\n{GOOD}\n```", f"Here it is:\n\n{GOOD}", f"\ufeff  {GOOD}\n"])
def test_json_in_a_fence_or_after_a_word_is_read(text: str, inbox: Path) -> None:
    """A server that drops the schema still answers the prompt: no second call is made."""
    with model_server(lambda _: Answer(text=text)) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("complete", None)}
    assert summary.meter.calls == 1


def test_a_dripping_body_is_given_up(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out is for the whole answer: one that trickles in for ever counts as none."""
    monkeypatch.setenv("OCTAVO_TIMEOUT", "0.5")
    drip = Answer(pieces=[b" "] * 100, drip=0.1)
    with model_server(first(drip)) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("complete", None)}
    assert summary.meter.calls == 2


BLANKS = '{"merchant": "Corner Shop",' + "\n" * 4000
CYCLE = '{"items": [' + '{"description": "Tea", "amount": "1.00"}, ' * 600


@pytest.mark.parametrize("text", [BLANKS, CYCLE])
def test_a_runaway_is_cut_off_and_asked_for_without_the_grammar(text: str, inbox: Path) -> None:
    """The stream is closed long before its end; the second question has the schema in the prompt alone."""
    Path("octavo.toml").write_text('stream = "always"\n' + PRICES, "utf-8")
    runaway = streams(text, drip=0.0005)

    def script(asked: Asked) -> Answer:
        return (
            runaway
            if "response_format" in asked.body
            else streams(GOOD, usage={"prompt_tokens": 9, "completion_tokens": 9})
        )

    with model_server(script) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("complete", None)}
    assert summary.meter.calls == 2
    assert len(runaway.sent) < len(runaway.pieces or ()) * 0.9
    assert summary.meter.runaways == 1
    assert summary.meter.saved_usd > 0
    assert GOOD.split(":")[0] in server.asked[1].text or '"merchant"' in server.asked[1].text


def test_streaming_begins_with_the_first_runaway(inbox: Path) -> None:
    """`auto` asks plainly until an endpoint has run away once; an answer that ends in blanks is one, too."""

    def script(asked: Asked) -> Answer:
        if not asked.body.get("stream"):
            return Answer(text=BLANKS, finish_reason="length")
        return streams(GOOD)

    with model_server(script) as server:
        summary = run(inbox, server.base_url, pages_per_request=1, concurrency=1)
    assert states() == {"a.pdf": ("complete", None)}
    assert [bool(asked.body.get("stream")) for asked in server.asked] == [False, True, True]
    assert summary.meter.runaways == 1


def test_a_second_runaway_ends_the_page(inbox: Path) -> None:
    """With and without the grammar: then `runaway_answer`, and a later run does not pay for it again."""
    with model_server(lambda _: Answer(text=BLANKS, finish_reason="length")) as server:
        summary = run(inbox, server.base_url)
        assert states() == {"a.pdf": ("quarantined", "runaway_answer")}
        assert summary.meter.calls == 2
        assert run(inbox, server.base_url).meter.calls == 0


def test_a_stream_that_breaks_off_is_tried_again(inbox: Path) -> None:
    """Half an answer is none, whether the connection was reset or closed politely."""
    Path("octavo.toml").write_text('stream = "always"\n' + PRICES, "utf-8")
    pieces = streams(GOOD).pieces or ()
    broken = [
        Answer(pieces=pieces[:4], headers={"Content-Type": "text/event-stream"}, cut=cut) for cut in (True, False)
    ]
    with model_server(first(*broken, then=lambda _: streams(GOOD))) as server:
        summary = run(inbox, server.base_url)
    assert states() == {"a.pdf": ("complete", None)}
    assert summary.meter.calls == 3


def test_failed_attempts_that_were_billed_are_counted(inbox: Path) -> None:
    """An empty answer that tells its usage costs what it says; the document's row holds the sum."""
    billed = {"choices": [{"message": {"content": None}}], "usage": {"prompt_tokens": 1000, "completion_tokens": 0}}
    with model_server(first(error(200, billed))) as server:
        summary = run(inbox, server.base_url)
    assert summary.meter.usage.cost_usd == pytest.approx(1 + 2)
    assert rows("select cost_usd from extractions") == [(pytest.approx(3),)]


@given(st.text(alphabet=st.characters(exclude_categories=["Zs", "Cc"]), max_size=300), st.integers(1, 300))
def test_a_cycle_is_found_whatever_it_is(turn: str, times: int) -> None:
    """Any piece that repeats over the whole watched stretch runs away; text without a cycle never does."""
    turn = f"<{turn}>"
    long = turn * (8192 // len(turn) + 1)
    assert runs_away(long) == (len(turn) * 12 <= 8192)
    rows_of_a_table = ",".join(f'{{"line": {number * 7919}}}' for number in range(times * 3))
    assert not runs_away(rows_of_a_table)
