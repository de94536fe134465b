"""What is planned fits: into every context, with every schema, for pages of every size."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from bounded import asked_tokens, text_tokens
from fakes import model_server, says
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.asking import planning
from extractors.capacity import Form
from extractors.documents import PageImage, Picture
from extractors.vision.connections import open_http
from extractors.vision.contexts import context_in, obeying, told_contexts
from extractors.vision.endpoints import PROFILES, Endpoint
from extractors.vision.estimating import LEAST_ANSWER, size_of
from extractors.vision.estimating import text_tokens as cautious
from extractors.vision.fitting import by, capacity, count_where_it_matters, fit_of
from extractors.vision.flow import Flow
from extractors.vision.tokenizers import has_own_tokenizer, own_counts
from flows.schema_lookup import find_schema

ENDPOINT = Endpoint("x", "http://x", "mistral-small-3.2")
INVOICE = planning.plan(find_schema("invoice"))


def flow(context: int, *, images: int = 64, forms: tuple[Form, ...] = ()) -> Flow:
    """An endpoint of such a context; with forms, one whose model's own tokenizer counts them."""
    made = Flow(replace(ENDPOINT, context=context, images=images), 1, streams=False)
    if forms:
        made.count = by({text: text_tokens(text) for form in forms for text in (form.system, *form.instructions)})
    return made


def wide(columns: int, rows: int) -> planning.Plan:
    """A plan for a schema of so many fields, and so many in each row of its table."""
    words = "The amount as it is printed, größer als 1.234,56 €"
    row = {f"r{number}": {"type": "string", "description": words} for number in range(rows)}
    fields: dict[str, Any] = {f"f{number}": {"type": "string", "description": words} for number in range(columns)}
    if rows:
        fields["items"] = {"type": "array", "items": {"type": "object", "properties": row, "required": list(row)}}
    schema = {"type": "object", "properties": fields, "required": list(fields), "title": "wide"}
    return planning.plan(replace(find_schema("receipt"), json_schema=schema), pages_per_request=12)


SIDES = st.integers(1, 55).map(lambda cells: cells * 28)
PICTURES = st.builds(lambda width, height: Picture(b"", width, height, ""), SIDES, SIDES)


@st.composite
def pages(draw: st.DrawFn) -> list[PageImage]:
    """Pages of any size on the grid; some in parts, some blank."""
    made = []
    for number in range(1, draw(st.integers(1, 14)) + 1):
        tiles = tuple(draw(st.lists(PICTURES, min_size=2, max_size=8))) if draw(st.integers(0, 4)) == 0 else ()
        blank = draw(st.integers(0, 9)) == 0
        made.append(PageImage(number, b"", draw(SIDES), draw(SIDES), str(number), tiles=tiles, blank=blank))
    return made


@settings(max_examples=150, deadline=None)
@given(pages(), st.integers(2_000, 140_000), st.integers(1, 120), st.integers(0, 30), st.booleans())
def test_no_window_is_planned_beyond_the_context(
    drawn: list[PageImage],
    context: int,
    columns: int,
    rows: int,
    own: bool,  # noqa: FBT001 - drawn
) -> None:
    """As the model's own tokenizer counts it, with all of its answer's budget; a page alone with what is left of it.

    Every page is in one window, in order; a page in one piece that has no room for any answer is not sent at all.
    """
    plan = wide(columns, rows)
    form = plan.form
    asked = flow(context, forms=(form,) if own else ())
    held = capacity([asked], form)
    sent = [planning.sendable(page, held) for page in drawn]
    windows = planning.windows(sent, held)
    assert [number for window in windows for number in window.numbers] == [p.page for p in drawn if not p.blank]
    for window in windows:
        for whole in (True, False):
            request = planning.request(plan, window, whole=whole)
            room = size_of(request, asked.count).room(asked.endpoint)
            answer = min(room, request.answer_tokens)
            if len(window.pages) > 1 or window.pages[0].tiles:
                assert answer == request.answer_tokens
            assert not room or asked_tokens(request) + answer <= context


@settings(max_examples=60, deadline=None)
@given(st.integers(2_000, 140_000), st.integers(1, 120), st.integers(0, 30), st.integers(1, 64))
def test_pages_drawn_together_fit_together(context: int, columns: int, rows: int, images: int) -> None:
    """As many usual pages as one window holds, and one more would not fit: else a group would be cut once more."""
    plan = wide(columns, rows)
    form, asked = plan.form, flow(context, images=images)
    held = capacity([asked], form)
    a4 = [PageImage(number, b"", 1092, 1540, str(number)) for number in range(1, 13)]
    assert 1 <= held.pages <= min(12, images)
    assert held.pages == 1 or held.holds(a4[: held.pages])
    assert len(planning.windows(a4[: held.pages], held)) == 1
    if held.pages < min(12, images):
        letter = [PageImage(number, b"", 1148, 1484, str(number)) for number in range(1, held.pages + 2)]
        assert not held.holds(letter)


@pytest.mark.parametrize(("schema", "at_32k"), [("invoice", 4), ("receipt", 5), ("bank_statement", 5)])
def test_windows_of_the_usual_contexts(schema: str, at_32k: int) -> None:
    """Of 128K tokens eight pages, as ever; of 32,768 as many as fit with all of their answers."""
    form = planning.plan(find_schema(schema)).form
    held = {size: capacity([flow(size)], form).pages for size in (4_096, 8_192, 16_384, 32_768, 65_536, 131_072)}
    assert held == {4_096: 1, 8_192: 1, 16_384: 2, 32_768: at_32k, 65_536: 8, 131_072: 8}


def test_a_window_is_planned_for_the_smallest_endpoint() -> None:
    """Any of a run's endpoints may have to answer it."""
    form = INVOICE.form
    both = capacity([flow(131_072, images=3), flow(32_768)], form)
    assert (both.pages, both.pictures) == (3, 3)
    assert both.tokens == capacity([flow(32_768)], form).tokens


def test_a_persons_own_limit_of_answers_makes_windows_larger() -> None:
    """What is never asked for needs no room."""
    form = INVOICE.form
    assert capacity([flow(32_768)], form, most=4_000).pages == 8


def test_what_does_not_fit_says_what_helps() -> None:
    """Prompt, page and answer in tokens, the context, and the settings of that server."""
    form = INVOICE.form
    fit = fit_of(Flow(PROFILES["ollama"], 1, streams=False), form)
    assert not fit.holds
    told = fit.told()
    for words in (f"{fit.prompt:,}", f"{fit.page:,}", f"{fit.answer:,}", "4,096", "under invoice"):
        assert words in told
    assert "OLLAMA_CONTEXT_LENGTH=16384" in told
    assert "context = 16384 under [endpoint.ollama] of octavo.toml" in told
    small = replace(PROFILES["vllm"], context=4_096)
    assert "--max-model-len 16384" in fit_of(Flow(small, 1, streams=False), form).told()
    # And with that setting it does fit, with all of the answer.
    better = fit_of(Flow(replace(PROFILES["ollama"], context=16_384), 1, streams=False), form)
    assert better.left >= better.answer


def test_usual_answers_that_would_be_cut_off_are_told() -> None:
    """A page fits, and hardly an answer: it is asked, and said."""
    ollama = Flow(PROFILES["ollama"], 1, streams=False)
    fit = fit_of(ollama, planning.plan(find_schema("receipt")).form)
    assert fit.holds
    assert fit.is_tight
    assert LEAST_ANSWER <= fit.left < fit.answer / 8


def test_the_models_own_tokenizer_counts_where_it_matters() -> None:
    """A receipt in 4,096 tokens: by the cautious count its answer is cut off, by the model's own it is not.

    Where it changes nothing, as in every context that is large, it is not even loaded; nor for models of others.
    """
    form = planning.plan(find_schema("receipt")).form
    small, large, strange = flow(4_096), flow(131_072), flow(4_096)
    strange.endpoint = replace(strange.endpoint, model="qwen")
    asyncio.run(count_where_it_matters([small, large, strange], [form]))
    assert fit_of(small, form).left > fit_of(strange, form).left
    assert not fit_of(small, form).is_tight
    assert large.count is strange.count is cautious


def test_own_counts_are_the_tokenizers() -> None:
    """And what follows a known text is counted cautiously, so that no text counts for nothing."""
    form = INVOICE.form
    count = by(own_counts([form.system, *form.instructions]))
    for text in (form.system, *form.instructions):
        assert count(text) == text_tokens(text) < cautious(text)
        assert count(f"{text} and more") == text_tokens(text) + cautious(" and more")
    assert count("unknown") == cautious("unknown")


@pytest.mark.parametrize(
    ("model", "known"),
    [
        *((profile.model, name in {"openrouter", "unorouter", "modelslab", "modelslab-messages", "vllm", "ollama"})
          for name, profile in PROFILES.items()),
        ("mistral-small-2409", False), ("mixtral-8x7b", False), ("qwen2.5-vl", False), ("my-mistral", False),
    ],
)  # fmt: skip
def test_a_tokenizer_is_used_for_its_own_models_only(model: str, known: bool) -> None:  # noqa: FBT001
    """By names that say which model it is; a fall-back of another family counts otherwise."""
    assert has_own_tokenizer(replace(ENDPOINT, model=model)) == known
    assert not has_own_tokenizer(replace(ENDPOINT, model=model, models=("openai/gpt-5-mini",)))


LISTS = {
    "vLLM": ({"id": "m", "object": "model", "max_model_len": 32768, "parent": None}, 32_768),
    "vLLM's adapter": ({"id": "m", "max_model_len": None}, None),
    "OpenRouter": ({"id": "m", "context_length": 131072, "top_provider": {"context_length": 9}}, 131_072),
    "Mistral": ({"id": "m", "max_context_length": 131072}, 131_072),
    "llama.cpp": ({"id": "m", "meta": {"n_ctx": 16384, "n_ctx_train": 131072}}, 16_384),
    "an older llama.cpp": ({"id": "m", "meta": {"n_ctx_train": 131072}}, None),
    "several": ({"id": "m", "context_length": 131072, "max_model_len": 8192}, 8_192),
    "another model's": ({"id": "m-large", "max_model_len": 4096}, None),
    "nothing": ({"id": "m"}, None),
    "zero": ({"id": "m", "max_model_len": 0}, None),
    "a text": ({"id": "m", "max_model_len": "32768"}, None),
    "a truth": ({"id": "m", "max_model_len": True}, None),
    "beyond any": ({"id": "m", "max_model_len": 10**12}, None),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_server_tells_its_context(name: str) -> None:
    """Under the names that servers have for it, for the model of exactly that name."""
    entry, tokens = LISTS[name]
    assert (
        context_in(json.dumps({"object": "list", "data": [{"id": "other", "max_model_len": 7}, entry]}), "m")
        == tokens
    )


@given(st.text() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["m", "id", "data"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "data", "meta", "max_model_len"]), inner),
).map(json.dumps))  # fmt: skip
def test_a_strange_list_is_no_fault(body: str) -> None:
    """It says nothing, or a number of tokens."""
    told = context_in(body, "m")
    assert told is None or told > 0


def test_the_smaller_context_counts() -> None:
    """A person's own bounds what the server says, and the other way round."""
    mine = replace(ENDPOINT, context=16_384)
    assert obeying(mine, {"x": 32_768}).context == 16_384
    assert obeying(mine, {"x": 8_192}).context == 8_192
    assert obeying(mine, {"another": 8_192}).context == 16_384


@pytest.mark.parametrize("silent", [True, False])
def test_a_server_that_lists_no_models_holds_nothing_up(silent: bool) -> None:  # noqa: FBT001
    """It is waited for three seconds at most, and no fault: the profile's context counts."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_say_nothing, args=(listening, silent), daemon=True).start()
        began = time.monotonic()
        assert told_by(f"http://127.0.0.1:{listening.getsockname()[1]}/v1") == {}
        assert time.monotonic() - began < (5 if silent else 2)
    assert told_by("http://127.0.0.1:1/v1") == {}


def test_a_server_is_asked_once_and_only_where_its_profile_says_so() -> None:
    """For the model asked for; other profiles' lists say nothing of it, and the built-in model has none."""
    with model_server(lambda _: says({})) as server:
        server.models, server.facts = ("m", "another"), {"max_model_len": 8_192}
        assert told_by(server.base_url) == {"vllm": 8_192, "custom": 8_192}
        assert server.asked == []


def told_by(base_url: str) -> dict[str, int]:
    """What a server says to all profiles at once."""
    endpoints = [replace(profile, base_url=base_url, model="m") for profile in PROFILES.values()]

    async def asked() -> dict[str, int]:
        async with open_http(endpoints) as http:
            return await told_contexts(http, endpoints)

    return asyncio.run(asked())


def _say_nothing(listening: socket.socket, silent: bool) -> None:  # noqa: FBT001
    """Takes connections and keeps them, or hangs up at once."""
    held = []
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            if silent:
                held.append(connection)
            else:
                connection.close()
