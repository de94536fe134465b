"""What answered is what is recorded: model, provider and id of the answer, its first token, its cached tokens."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from events import event, event_of, message_events
from fakes import Answer, Asked, model_server, says, streams
from hypothesis import given
from hypothesis import strategies as st
from pages import digital_pdf
from runs import TOTAL, rows, run, states
from strict_servers import KEY, SERVERS, script

from extractors.documents import PageImage, VisionRequest
from extractors.vision import anthropic_messages
from extractors.vision.calling import speaks
from extractors.vision.endpoints import PROFILES
from extractors.vision.streaming import Stream
from extractors.vision.wire import Asking
from flows.cli.parser import main
from flows.store.served import served_since
from flows.store.store import Store

FALL_BACK = {"id": "gen-7", "model": "mistralai/mistral-medium-3", "provider": "DeepInfra"}
USAGE = {
    "prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.25, "prompt_tokens_details": {"cached_tokens": 600},
}  # fmt: skip
RECORD = json.dumps(TOTAL)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """One receipt."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "one.pdf").write_bytes(digital_pdf(["Corner Shop"]))
    return folder


def whole(text: str = RECORD, **more: Any) -> Answer:
    """An answer in one piece, as a gateway that fell back gives it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {**FALL_BACK, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    return Answer(body=json.dumps({**body, **more}).encode())


def in_pieces(_: Asked) -> Answer:
    """The same, streamed: every event says who answers."""
    streamed = streams(RECORD, usage=USAGE, drip=0.01)
    named = [
        event_of({**json.loads(piece[6:]), **FALL_BACK}) if piece.startswith(b"data: {") else piece
        for piece in streamed.pieces or ()
    ]
    return Answer(pieces=named, headers=streamed.headers, drip=0.01)


@pytest.mark.parametrize("streamed", [False, True])
def test_the_ledger_says_who_answered(*, streamed: bool, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With fall-back models another may answer than was asked; both stand in the ledger, streamed or not."""
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    table = '[endpoint.openrouter]\nmodels = ["mistralai/mistral-medium-3"]\n'
    Path("octavo.toml").write_text(('stream = "always"\n' if streamed else "") + table, "utf-8")
    with model_server(in_pieces if streamed else lambda _: whole()) as server:
        run(inbox, server.base_url, endpoints=("openrouter",), model=None)
    assert states() == {"one.pdf": ("complete", None)}
    ((asked, answered, provider, answer_id, cached, first, seconds),) = rows(
        "select model, answered_by, provider, answer_id, cached_tokens, first_token_seconds, seconds from calls"
    )
    assert (asked, answered) == (PROFILES["openrouter"].model, FALL_BACK["model"])
    assert (provider, answer_id, cached) == ("DeepInfra", "gen-7", 600)
    assert (first is not None) == streamed
    if streamed:
        assert 0 < first < seconds
    told = rows("select endpoint, model, provider, cached_tokens from extractions")
    assert told == [("openrouter", FALL_BACK["model"], "DeepInfra", 600)]


def test_a_stored_reply_still_says_who_gave_it(inbox: Path) -> None:
    """Read again without a call, it is the same model's."""
    with model_server(lambda _: whole()) as server:
        run(inbox, server.base_url)
        (inbox / "one.pdf").rename(inbox / "other.pdf")
        run(inbox, server.base_url, rerun="all")
        assert len(server.asked) == 1
    assert {model for (model,) in rows("select model from attempts")} == {FALL_BACK["model"]}


def test_an_answer_that_names_nobody_is_the_asked_models(inbox: Path) -> None:
    """What is not told is not made up: the asked model stays the extraction's."""
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url)
    assert rows("select answered_by, provider, answer_id from calls") == [(None, None, "x")]
    assert rows("select model, provider from extractions") == [("test-model", None)]


@pytest.mark.parametrize("name", [3, "", "   ", None, {"a": 1}, "\x00\ud800 odd \x1b[31m", "x" * 5000])
def test_an_odd_name_harms_nothing(name: Any, inbox: Path) -> None:
    """An answer is as untrusted as a document; its names are short, printable text or nothing."""
    with model_server(lambda _: whole(model=name, provider=name, id=name)) as server:
        run(inbox, server.base_url)
    assert states() == {"one.pdf": ("complete", None)}
    ((told,),) = rows("select answered_by from calls")
    assert told is None or (told.isprintable() and len(told) <= 300)


@pytest.mark.parametrize("tool", [True, False])
def test_anthropics_stream_is_heard(*, tool: bool, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`modelslab-messages` streams: events become the message, its usage is both events', its first token timed."""
    monkeypatch.setenv("MODELSLAB_API_KEY", KEY)
    Path("octavo.toml").write_text('stream = "always"\n', "utf-8")
    headers = {"Content-Type": "text/event-stream"}
    with model_server(
        lambda _: Answer(pieces=message_events(RECORD, tool=tool), headers=headers, drip=0.01)
    ) as server:
        run(inbox, server.base_url, endpoints=("modelslab-messages",), model=None)
    assert server.asked[0].body["stream"] is True
    assert states() == {"one.pdf": ("complete", None)}
    ((model, sent, cached, answered, first),) = rows(
        "select answered_by, input_tokens, cached_tokens, output_tokens, first_token_seconds from calls"
    )
    assert (model, sent, cached, answered) == ("m-2506", 1000, 600, 77)
    assert first > 0


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        (message_events(RECORD[:-9], stop="max_tokens"), "truncated_answer"),
        (
            [
                *message_events(RECORD)[:4],
                event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
            ],
            None,
        ),
        (message_events(RECORD)[:6], None),
    ],
)
def test_anthropics_streams_that_break_off_are_no_answers(
    events: list[bytes], kind: str | None, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at its limit, ended by an error, or by nothing: asked again, and never read as whole."""
    monkeypatch.setenv("MODELSLAB_API_KEY", KEY)
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "0.1")
    Path("octavo.toml").write_text('stream = "always"\n', "utf-8")
    headers = {"Content-Type": "text/event-stream"}
    with model_server(lambda _: Answer(pieces=events, headers=headers)) as server:
        run(inbox, server.base_url, endpoints=("modelslab-messages",), model=None)
        assert len(server.asked) > 1
    assert rows("select count(*) from records") == [(0,)]
    if kind is not None:
        assert states() == {"one.pdf": ("quarantined", kind)}


@given(cuts=st.lists(st.integers(1, 1200), max_size=12), tool=st.booleans(), ends=st.sampled_from([b"\n", b"\r\n"]))
def test_anthropics_events_are_one_message_however_they_are_cut(*, cuts: list[int], tool: bool, ends: bytes) -> None:
    """Where the network cuts a stream, and how its lines end, changes nothing of what was said."""
    raw, stream = b"".join(message_events(RECORD, tool=tool)).replace(b"\n", ends), Stream(1 << 20)
    edges = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    for start, end in pairwise(edges):
        stream.add(raw[start:end])
    said = speaks(stream.body())
    assert json.loads(said.text or "") == TOTAL
    assert (said.told.input, said.told.output, said.told.cached) == (1000, 77, 600)
    assert said.speaker.id == "msg_1"


_ODD_USAGE = st.dictionaries(st.sampled_from(["input_tokens", "output_tokens"]), st.one_of(st.integers(), st.text()))
_ODD = st.fixed_dictionaries(
    {"type": st.sampled_from(["message_start", "content_block_delta", "message_delta"])},
    optional={
        "delta": st.one_of(st.none(), st.integers(), st.dictionaries(st.text(), st.integers())),
        "message": st.one_of(st.none(), st.lists(st.none())),
        "usage": st.one_of(st.text(), _ODD_USAGE),
    },
).map(event_of)
_EVENTS = st.one_of(
    st.sampled_from(message_events(RECORD)), st.sampled_from(message_events(RECORD, tool=False)), _ODD
)


@given(events=st.lists(_EVENTS, max_size=20))
def test_events_in_any_order_and_shape_raise_nothing(events: list[bytes]) -> None:
    """What nobody can read is no answer, and no crash."""
    stream = Stream(1 << 20)
    for each in events:
        stream.add(each)
    speaks(stream.body())


def test_tokens_are_counted_with_the_tool_that_is_sent() -> None:
    """The real request holds the schema as a tool; so does the one that only counts."""
    page = PageImage(1, b"jpeg", 28, 28, "x")
    request = VisionRequest("system", "instructions", "thing", {"type": "object"}, (page,), 100)
    endpoint = PROFILES["modelslab-messages"]
    for asking in (Asking(100), Asking(100, grammar=False)):
        real = json.loads(anthropic_messages.body(request, endpoint, {}, asking))
        counted = json.loads(anthropic_messages.counting_body(request, endpoint, asking))
        assert counted == {name: real[name] for name in counted}
        assert ("tools" in counted) == asking.grammar == ("tools" in real)


def test_the_probe_counts_what_would_be_sent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`octavo doctor --probe` at Anthropic's Messages asks for the count with the tool."""
    monkeypatch.setenv("MODELSLAB_API_KEY", KEY)
    with model_server(script(SERVERS["modelslab-messages"])) as server:
        main(["doctor", "--endpoint", "modelslab-messages", "--base-url", server.base_url, "--probe"])
    counting = [asked for asked in server.asked if asked.path.endswith("/count_tokens")]
    assert [asked.body["tool_choice"]["name"] for asked in counting] == ["probe"]


@pytest.mark.parametrize("schema_by", ["tool", "json_schema"])
@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_heard(*, schema_by: str, streamed: bool, inbox: Path) -> None:
    """The schema as a forced tool, or a person's own tool: the arguments of the answer's call are the record."""
    own = '[sampling]\ntool_choice = { type = "function", function = { name = "mine" } }\n'
    own += '[[sampling.tools]]\ntype = "function"\nfunction = { name = "mine" }\n'
    mine = '[endpoint.custom]\nschema_by = "tool"\n' if schema_by == "tool" else own
    Path("octavo.toml").write_text(('stream = "always"\n' if streamed else "") + mine, "utf-8")

    def rules(asked: Asked) -> Answer:
        name = asked.body["tool_choice"]["function"]["name"]
        assert [tool["function"]["name"] for tool in asked.body["tools"]] == [name]
        assert (name == "receipt") == (schema_by == "tool") == ("response_format" not in asked.body)
        call = {"id": "c", "type": "function", "function": {"name": name, "arguments": RECORD}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        if not streamed:
            return whole(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])
        parts = ["", *(RECORD[at : at + 9] for at in range(0, len(RECORD), 9))]
        deltas = [{"tool_calls": [{"index": 0, "function": {"name": name, "arguments": part}}]} for part in parts]
        told = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        told.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "usage": USAGE})
        events = [event_of({**FALL_BACK, **each}) for each in told]
        return Answer(pieces=[*events, b"data: [DONE]\n\n"], headers={"Content-Type": "text/event-stream"})

    with model_server(rules) as server:
        run(inbox, server.base_url)
    assert len(server.asked) == 1
    assert states() == {"one.pdf": ("complete", None)}
    assert json.loads(rows("select data from records")[0][0])["merchant"] == TOTAL["merchant"]


def test_a_run_ends_with_a_line_for_each_that_answered(
    inbox: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls, share answered, times, tokens a second, cached share and cost; the doctor compares the same."""
    for name in ("two", "three"):
        (inbox / f"{name}.pdf").write_bytes(digital_pdf([f"Shop {name}"]))
    providers = iter(["A", "B", "B"])

    def rules(asked: Asked) -> Answer:
        if len(server.asked) == 1:
            return Answer(status=503, body=b"{}")
        return whole(provider=next(providers))

    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    with model_server(rules) as server:
        asked = ["--endpoint", "openrouter", "--base-url", server.base_url, "--concurrency", "1"]
        assert main(["extract", str(inbox), "--schema", "receipt", *asked]) == 0
    told = capsys.readouterr().out
    assert "3,000 tokens in (1,800 of them cached)" in told
    lines = [" ".join(line.split()) for line in told.splitlines()]
    (one,) = [line for line in lines if line.startswith("openrouter A")]
    (two,) = [line for line in lines if line.startswith("openrouter B")]
    (none,) = [line for line in lines if line.startswith("openrouter 1 0.0%")]
    assert one.split()[2:4] == ["1", "100%"]
    assert two.split()[2:4] == ["2", "100%"]
    assert one.endswith("60% $0.2500")
    assert two.endswith("60% $0.5000")
    assert none
    main(["doctor", "--endpoints"])
    compared = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert {one, two, none} <= set(compared)


def test_figures_are_of_the_calls_that_were_asked_for(inbox: Path) -> None:
    """Medians of the answered, tokens over the time in which they were written, unknown prices as unknown."""
    Path("octavo.toml").write_text('stream = "always"\n', "utf-8")
    with model_server(in_pieces) as server:
        run(inbox, server.base_url, endpoints=("custom",), model="m")
    with Store.open("sqlite:///octavo.db", read_only=True) as store:
        (each,) = served_since(store, datetime.now(UTC) - timedelta(minutes=5))
        assert served_since(store, datetime.now(UTC) + timedelta(minutes=5)) == []
    ((seconds, first),) = rows("select seconds, first_token_seconds from calls")
    assert (each.endpoint, each.provider, each.model) == ("custom", "DeepInfra", FALL_BACK["model"])
    assert (each.calls, each.answered, each.cached_tokens) == (1, 1, 600)
    assert each.seconds == pytest.approx(seconds)
    assert each.first_token == pytest.approx(first)
    assert each.tokens_per_second == pytest.approx(100 / (seconds - first))
    assert each.cost_usd == 0.25


def test_a_stream_that_comes_all_at_once_is_written_in_all_of_its_time(inbox: Path) -> None:
    """A server that thinks, then sends one event, wrote while it was waited for: not thousands of tokens a second."""
    Path("octavo.toml").write_text('stream = "always"\n', "utf-8")

    def at_once(asked: Asked) -> Answer:
        pieces = in_pieces(asked).pieces or ()
        return Answer(pieces=[b"".join(pieces)], headers={"content-type": "text/event-stream"}, delay=0.3)

    with model_server(at_once) as server:
        run(inbox, server.base_url, endpoints=("custom",), model="m")
    with Store.open("sqlite:///octavo.db", read_only=True) as store:
        (each,) = served_since(store, datetime.now(UTC) - timedelta(minutes=5))
    ((seconds, first),) = rows("select seconds, first_token_seconds from calls")
    assert first > 0.9 * seconds
    assert each.tokens_per_second == pytest.approx(100 / seconds)


def test_cached_tokens_cost_what_the_profile_says(inbox: Path) -> None:
    """`price_cached` where it is set, else what other input costs; an endpoint's own cost wins."""
    Path("octavo.toml").write_text(
        "[endpoint.custom]\nprice_input = 1.0\nprice_output = 2.0\nprice_cached = 0.1\n", "utf-8"
    )
    usage = {name: value for name, value in USAGE.items() if name != "cost"}
    with model_server(lambda _: whole(usage=usage)) as server:
        run(inbox, server.base_url)
    ((paid,),) = rows("select cost_usd from extractions")
    assert paid == pytest.approx((400 * 1.0 + 600 * 0.1 + 100 * 2.0) / 1e6)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"cached_tokens": 30}}, {"num_cached_tokens": 30}, {"prompt_cache_hit_tokens": 30},
        {"prompt_tokens_details": None, "num_cached_tokens": 30},
    ],
)  # fmt: skip
def test_cached_tokens_are_told_in_several_ways(usage: dict[str, Any]) -> None:
    """OpenAI's, Mistral's and DeepSeek's."""
    body = {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 1, **usage}}
    assert speaks(json.dumps(body)).told.cached == 30
