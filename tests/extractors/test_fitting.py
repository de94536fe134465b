"""Planned to fit: no question is larger than an endpoint's context, its pictures and its answer included."""

import asyncio
import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, Asked, ModelServer, model_server, says
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from pages import digital_pdf
from PIL import Image
from runs import TOTAL, rows, run, states

from extractors.asking import planning, wide
from extractors.documents import WHOLE, PageImage, Picture
from extractors.errors import BadConfiguration
from extractors.fitting import fitted, room_for_looks, room_of
from extractors.vision import VisionClient, contexts
from extractors.vision.endpoints import PROFILES
from flows.cli.parser import main
from flows.schema_lookup import find_schema
from schemas.json_file import schema_of_json


class _NoCalls:
    """The ledger of a client that asks nothing."""

    strikes = None


def client(*contexts_of: int, images: int = 64) -> VisionClient:
    """A client of endpoints with such contexts."""
    endpoints = [
        replace(PROFILES["vllm"], name=f"e{number}", context=context, images=images)
        for number, context in enumerate(contexts_of)
    ]
    return VisionClient(endpoints, None, _NoCalls())  # type: ignore[arg-type]


def fit(plan: planning.Plan, *contexts_of: int, images: int = 64) -> tuple[planning.Plan, planning.Room]:
    """A plan as endpoints with such contexts take it, and what one request may hold."""
    vision = client(*contexts_of, images=images)
    found = asyncio.run(fitted(plan, vision))
    return found, room_of(found.picture_tokens, vision)


def page(number: int, width: int, height: int, tiles: int = 0) -> PageImage:
    """A page of such a size, in so many parts."""
    parts = tuple(Picture(b"x", width, height, "t", box=WHOLE) for _ in range(tiles))
    return PageImage(number, b"x", width, height, "p", tiles=parts)


def wide_schema(leaves: int) -> Any:
    """A schema of so many fields, half of them in a table."""
    columns = max(1, leaves // 2)
    row = {"type": "object", "properties": {f"column_{n}": {"type": "string"} for n in range(columns)}}
    fields = {f"field_{n}": {"type": "string", "description": f"The {n}th value"} for n in range(leaves - columns)}
    document = {"type": "object", "properties": {**fields, "rows": {"type": "array", "items": row}}}
    return schema_of_json(document, "wide")


def tokenizer() -> Tekkenizer:
    """The model's own."""
    import mistral_common

    return Tekkenizer.from_file(Path(mistral_common.__file__).parent / "data" / "tekken_240911.json")


TOKENIZER = tokenizer()


def counted(texts: Sequence[str], sizes: Sequence[tuple[int, int]]) -> int:
    """Tokens as a server counts them: texts by its tokenizer, pictures by cells of 28 pixels, and its template."""
    text = sum(len(TOKENIZER.encode(each, bos=False, eos=False)) for each in texts)
    return text + sum((math.ceil(w / 28) + 1) * math.ceil(h / 28) for w, h in sizes) + 20


PLANS = [planning.plan(find_schema(name)) for name in ("invoice", "receipt", "bank_statement")]
PLANS += [planning.plan(wide_schema(leaves)) for leaves in (5, 90, 300)]

_SIZES = st.tuples(st.integers(200, 1540), st.integers(200, 1540), st.sampled_from([0, 0, 0, 2, 4, 8]))


@settings(max_examples=60, deadline=None)
@given(
    plan=st.sampled_from(PLANS),
    context=st.integers(6_000, 140_000),
    sizes=st.lists(_SIZES, min_size=1, max_size=10),
    images=st.sampled_from([1, 3, 8, 64]),
)
def test_every_planned_question_fits(
    plan: planning.Plan, context: int, sizes: list[tuple[int, int, int]], images: int
) -> None:
    """Of whatever schema, context and pages: prompt, pictures and the answer's whole budget stay within the context.

    A page alone may leave less than the budget; then the answer is asked for in what is left, as long as an answer of
    a usual page fits.
    """
    try:
        found, room = fit(plan, context, images=images)
    except BadConfiguration:
        question = planning.request(plan, planning.Window(()), whole=False)
        needed = max(contexts.needed(PROFILES["vllm"], each, 1) for each in wide.in_groups(question))
        assert context < needed + 2_300
        return
    drawn = [planning.sendable(page(number, *size), room) for number, size in enumerate(sizes, start=1)]
    windows = planning.windows(drawn, room)
    assert [each for window in windows for each in window.numbers] == list(range(1, len(sizes) + 1))
    for window in windows:
        for question in wide.in_groups(planning.request(found, window, whole=False)):
            pictures = [(picture.width, picture.height) for _, picture in question.pictures]
            labels = [label for label, _ in question.pictures]
            used = counted([question.system, question.instructions, *labels], pictures)
            least = question.answer_tokens if len(window.pages) > 1 else min(question.answer_tokens, 300)
            usual = len(window.pages) > 1 or pictures[0][0] * pictures[0][1] <= 1092 * 1540
            assert not usual or used + least <= context
        assert len(window.pages) == 1 or sum(len(each.pictures) for each in window.pages) <= images


@pytest.mark.parametrize(
    ("name", "context", "pages"),
    [
        ("invoice", 131_072, 8), ("receipt", 131_072, 8), ("bank_statement", 131_072, 8),
        ("invoice", 65_536, 8), ("invoice", 32_768, 4), ("receipt", 32_768, 5), ("bank_statement", 32_768, 5),
        ("invoice", 16_384, 2), ("invoice", 8_192, 1), ("receipt", 8_192, 1),
    ],
)  # fmt: skip
def test_pages_of_a_request_follow_from_the_context(name: str, context: int, pages: int) -> None:
    """The usual context leaves all windows as they were, so that stored replies count; a small one cuts them."""
    assert fit(planning.plan(find_schema(name)), context)[0].pages_per_request == pages


def test_the_smallest_context_of_the_run_counts() -> None:
    """Whoever answers, the question fits: fail-over asks it as it is."""
    plan = planning.plan(find_schema("invoice"))
    assert fit(plan, 131_072, 32_768)[0].pages_per_request == 4
    assert fit(plan, 32_768, 131_072)[0] == fit(plan, 32_768)[0]


def test_an_endpoint_too_small_for_a_page_is_not_asked() -> None:
    """The others are planned for; alone it ends the run, with what prompt, answer and page take, and what helps."""
    plan = planning.plan(find_schema("invoice"))
    assert fit(plan, 4_096, 131_072)[0].pages_per_request == 8
    with pytest.raises(BadConfiguration, match="e0's context of 4,096 tokens cannot hold one page"):
        fit(plan, 4_096)


def test_the_models_own_tokenizer_counts_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, and for other models, the careful estimate does: never less than the true count."""
    plan = planning.plan(find_schema("receipt"))
    question = planning.request(plan, planning.Window(()), whole=True)
    count = contexts.own_tokenizer(PROFILES["vllm"])
    assert count is not None
    true = len(TOKENIZER.encode(question.instructions, bos=False, eos=False))
    assert count(question.instructions) == true
    assert contexts.text_tokens(question.instructions) > true
    for others in ("qwen2.5-vl", "mistral-small-2409", "mistral-7b-instruct", "mixtral-8x7b"):
        assert contexts.own_tokenizer(replace(PROFILES["vllm"], model=others)) is None
        assert contexts.own_tokenizer(replace(PROFILES["openrouter"], models=(others,))) is None
    # Between the two counts lies a context that holds a receipt, or not.
    tight = contexts.needed(PROFILES["vllm"], replace(question, answer_tokens=3720), 1) + 2223 - 100
    assert fit(plan, tight)[0].pages_per_request == 1
    monkeypatch.setattr(contexts, "find_spec", lambda _: None)
    with pytest.raises(BadConfiguration, match="cannot hold one page"):
        fit(plan, tight)


def test_a_tokenizer_is_loaded_only_where_more_pages_may_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a second and 160 MB: not where not even the fewest tokens would make room for a page more."""
    loaded: list[str] = []
    monkeypatch.setattr(contexts, "own_tokenizer", lambda endpoint: loaded.append(endpoint.name))
    for context in (8_192, 16_384, 32_768, 65_536, 131_072):
        fit(planning.plan(find_schema("invoice")), context)
    assert loaded == []
    with pytest.raises(BadConfiguration):
        fit(planning.plan(find_schema("invoice")), 4_096)
    assert loaded == ["e0"]


def test_a_persons_own_limit_of_answers_makes_windows_larger() -> None:
    """What is never asked for needs no room."""
    plan = planning.plan(find_schema("invoice"))
    endpoint = replace(PROFILES["vllm"], context=32_768)
    vision = VisionClient([endpoint], None, _NoCalls(), sampling={"max_completion_tokens": 4_000})  # type: ignore[arg-type]
    assert asyncio.run(fitted(plan, vision)).pages_per_request == 8


def strict(context: int) -> Any:
    """A script that refuses, as vLLM does, what is larger than its context by its own count."""

    def rules(asked: Asked) -> Answer:
        sizes = [Image.open(io.BytesIO(jpeg)).size for jpeg in asked.images]
        used, most = counted([asked.text], sizes), asked.body["max_tokens"]
        if used + most > context:
            told = (
                f"'max_tokens' or 'max_completion_tokens' is too large: {most}. This model's maximum context length "
                f"is {context} tokens and your request has {used} input tokens ({most} > {context} - {used})."
            )
            return Answer(status=400, body=json.dumps({"error": {"message": told, "code": 400}}).encode())
        return replace(says(TOTAL), usage={"prompt_tokens": used, "completion_tokens": 50})

    return rules


def listing(server: ModelServer, **entry: Any) -> None:
    """What the server says of its model when it is asked for its models."""
    server.entries = [{"id": "other", "max_model_len": 9}, {"id": "test-model", "object": "model", **entry}]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """One document of ten pages."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "ten.pdf").write_bytes(digital_pdf(10))
    return folder


@pytest.mark.parametrize("told", [{"max_model_len": 16_384}, {"meta": {"n_ctx": 16_384}}, {"context_length": 16_384}])
@pytest.mark.parametrize("name", ["vllm", "custom"])
def test_what_a_server_tells_of_its_context_is_obeyed(name: str, told: dict[str, Any], inbox: Path) -> None:
    """Not one call is refused, though nobody set a context: 2 receipts a request instead of 8."""
    with model_server(strict(16_384)) as server:
        listing(server, **told)
        run(inbox, server.base_url, endpoints=(name,))
    assert states() == {"ten.pdf": ("complete", None)}
    assert rows("select distinct status from calls") == [(200,)]
    assert max(len(asked.images) for asked in server.asked) == 2


def test_a_context_that_is_set_is_obeyed(inbox: Path) -> None:
    """`context = 32768` in octavo.toml, at a server that tells none, or a larger one."""
    Path("octavo.toml").write_text("[endpoint.vllm]\ncontext = 32768\n", "utf-8")
    with model_server(strict(32_768)) as server:
        listing(server, max_model_len=131_072)
        run(inbox, server.base_url, endpoints=("vllm",))
    assert rows("select distinct status from calls") == [(200,)]
    assert max(len(asked.images) for asked in server.asked) == 5


def test_the_one_model_that_a_server_lists_is_meant_whatever_it_calls_it(inbox: Path) -> None:
    """llama.cpp lists its model by the path of its file."""
    with model_server(strict(16_384)) as server:
        server.entries = [{"id": "/models/small.gguf", "meta": {"n_ctx": 16_384}}]
        run(inbox, server.base_url, endpoints=("custom",))
    assert rows("select distinct status from calls") == [(200,)]
    assert max(len(asked.images) for asked in server.asked) == 2


@pytest.mark.parametrize(
    "entry", [{}, {"max_model_len": None}, {"max_model_len": "16k"}, {"max_model_len": -1}, {"max_model_len": True}]
)
def test_a_list_that_tells_nothing_changes_nothing(entry: dict[str, Any], inbox: Path) -> None:
    """The profile's context counts then, and the run goes on."""
    with model_server(lambda _: says(TOTAL)) as server:
        listing(server, **entry)
        run(inbox, server.base_url, endpoints=("vllm",))
    assert states() == {"ten.pdf": ("complete", None)}
    assert max(len(asked.images) for asked in server.asked) == 8


def test_one_invoice_page_does_not_fit_ollamas_default(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Said before the first call, with the settings that help; nothing is quarantined. A dry run says the same."""
    with model_server(lambda _: says(TOTAL)) as server:
        Path("octavo.toml").write_text(f'[endpoint.ollama]\nbase_url = "{server.base_url}"\n', "utf-8")
        for more in ([], ["--dry-run"]):
            code = main(["extract", str(inbox), "--schema", "invoice", "--endpoint", "ollama", *more])
            assert code == 1
            told = " ".join(capsys.readouterr().err.split())
            assert "ollama's context of 4,096 tokens cannot hold one page under invoice" in told
            assert "OLLAMA_CONTEXT_LENGTH=8192, and set context = 8192 under [endpoint.ollama]" in told
    assert server.asked == []
    assert rows("select count(*) from extractions where status = 'quarantined'") == [(0,)]


def test_ollama_beside_another_is_left_out(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on with the other, in windows of its size."""
    with model_server(lambda _: says(TOTAL)) as ollama, model_server(strict(131_072)) as other:
        Path("octavo.toml").write_text(f'[endpoint.ollama]\nbase_url = "{ollama.base_url}"\n', "utf-8")
        monkeypatch.setenv("OCTAVO_BASE_URL", other.base_url)
        monkeypatch.setenv("OCTAVO_MODEL", "m")
        run(inbox, None, schema_name="invoice", endpoints=("ollama", "custom"), model=None)  # type: ignore[arg-type]
    assert ollama.asked == []
    assert [len(asked.images) for asked in other.asked][:1] == [8]


@pytest.mark.parametrize("begun", ['{"field_0": "', '{ "records": [{'])
def test_a_prefill_that_fits_one_question_only_is_refused(begun: str) -> None:
    """Where a wide schema is asked in groups, or a file's pages are looked at, before anything is sent."""
    vision = VisionClient([PROFILES["vllm"]], None, _NoCalls(), sampling={"prefill": begun})  # type: ignore[arg-type]
    with pytest.raises(BadConfiguration, match=r"begins a field, and does not fit wide, .* in 4 groups"):
        asyncio.run(fitted(planning.plan(wide_schema(120)), vision))
    narrow = asyncio.run(fitted(planning.plan(wide_schema(80)), vision))
    with pytest.raises(BadConfiguration, match="does not fit the look at a file's pages"):
        asyncio.run(room_for_looks([narrow], vision))


@pytest.mark.parametrize("begun", ["{", " {\n", "```json\n{", ""])
def test_a_prefill_that_all_answers_begin_with_fits(begun: str) -> None:
    """In groups and looks, too."""
    vision = VisionClient([PROFILES["vllm"]], None, _NoCalls(), sampling={"prefill": begun})  # type: ignore[arg-type]
    plan = asyncio.run(fitted(planning.plan(wide_schema(120)), vision))
    assert asyncio.run(room_for_looks([plan], vision))


def test_a_tool_takes_room_in_the_prompt() -> None:
    """A server writes it into its template, and counts it: the schema stands in the context twice."""
    plan = planning.plan(find_schema("invoice"))
    tool = replace(PROFILES["vllm"], context=28_500, schema_by="tool")
    by_tool = VisionClient([tool], None, _NoCalls())  # type: ignore[arg-type]
    by_format = VisionClient([replace(tool, schema_by="json_schema")], None, _NoCalls())  # type: ignore[arg-type]
    assert asyncio.run(fitted(plan, by_format)).pages_per_request == 4
    assert asyncio.run(fitted(plan, by_tool)).pages_per_request == 3
