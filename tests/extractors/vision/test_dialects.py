"""Every endpoint profile against a server as strict as its documentation, through the whole pipeline."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import model_server
from pages import digital_pdf
from runs import rows, run, states
from strict_servers import KEY, RECORD, SERVERS, script

from extractors.errors import BadConfiguration, EndpointRefused
from extractors.vision.endpoints import PROFILES, endpoint_for
from extractors.vision.sampling import DEFAULTS, Sampling, refuse_untaken, sampling_of, sent_to

EVERY = {
    "temperature": 0.2, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "frequency_penalty": 0.1, "presence_penalty": 0.1,
    "repetition_penalty": 1.1, "seed": 3, "stop": ["END"], "logit_bias": {"50": -100}, "max_completion_tokens": 3000,
    "tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none", "prefill": "{",
}  # fmt: skip


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Two documents; one has more pages than some endpoints take at once."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "one.pdf").write_bytes(digital_pdf(["Corner Shop"]))
    (folder / "ten.pdf").write_bytes(digital_pdf(10))
    return folder


def with_key(name: str, monkeypatch: pytest.MonkeyPatch, key: str = KEY) -> dict[str, Any]:
    """The wishes that ask one profile, its key set."""
    monkeypatch.setenv(PROFILES[name].key_env or "OCTAVO_API_KEY", key)
    return {"endpoints": (name,), "model": "any" if name == "custom" else None}


def toml(name: str, **values: Any) -> None:
    """Overrides in octavo.toml."""
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
    Path("octavo.toml").write_text(f"[endpoint.{name}]\n{lines}\n", encoding="utf-8")


@pytest.mark.parametrize("name", SERVERS)
def test_each_profile_gets_its_records(name: str, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Octavo sends is what that endpoint takes: no request is refused, every document is complete."""
    with model_server(script(SERVERS[name])) as server:
        summary = run(inbox, server.base_url, **with_key(name, monkeypatch), pages_per_request=10)
    assert states() == {"one.pdf": ("complete", None), "ten.pdf": ("complete", None)}
    assert json.loads(rows("select data from records")[0][0])["merchant"] == RECORD["merchant"]
    assert rows("select count(*) from replies where status != 200") == [(0,)]
    # vLLM tells its limit only when asked for more: that call is refused, and the window is halved.
    windows = {"mistral": 3, "ollama": 11, "vllm": 3}.get(name, 2)
    assert summary.meter.calls == windows + (name == "vllm")
    assert summary.meter.usage.input == 1000 * windows


@pytest.mark.parametrize("name", ["openrouter", "modelslab-messages"])
def test_what_all_requests_share_comes_first(name: str, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """System prompt, instructions and schema stand before any page, the same in every request, for caches."""
    (inbox / "ten.pdf").write_bytes(digital_pdf(["Other Shop"]))
    with model_server(script(SERVERS[name])) as server:
        run(inbox, server.base_url, **with_key(name, monkeypatch))
    first, second = server.asked
    assert first.images != second.images
    shared = [
        (asked.body.get("system"), asked.body.get("tools"), asked.body["messages"][:-1], content[:1], len(content))
        for asked in (first, second)
        for content in [asked.body["messages"][-1]["content"]]
    ]
    assert shared[0] == shared[1]
    (instructions,) = shared[0][3]
    assert '"merchant"' in instructions["text"]
    assert [part["type"] for part in first.body["messages"][-1]["content"]][:2] == ["text", "text"]


@pytest.mark.parametrize("name", ["openrouter", "modelslab-messages"])
def test_cached_tokens_are_counted(name: str, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the gateway's prompt cache held is told apart; the endpoint's own cost wins over the price table."""
    with model_server(script(SERVERS[name])) as server:
        summary = run(inbox / "one.pdf", server.base_url, **with_key(name, monkeypatch))
    assert (summary.meter.usage.input, summary.meter.usage.cached) == (1000, 600)
    own = {"openrouter": 0.5, "modelslab-messages": (1000 * 0.075 + 100 * 0.20) / 1e6}
    assert summary.meter.usage.cost_usd == pytest.approx(own[name])


@pytest.mark.parametrize("name", [name for name in SERVERS if name not in {"vllm", "ollama"}])
def test_a_wrong_key_stops_the_run(name: str, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call is enough to know; the line says which variable to look at, and nothing is quarantined."""
    key = PROFILES[name].key_env or "OCTAVO_API_KEY"
    wishes = with_key(name, monkeypatch, key="wrong")
    with (
        model_server(script(SERVERS[name])) as server,
        pytest.raises(EndpointRefused, match=f"refuses the key.*{key}"),
    ):
        run(inbox / "one.pdf", server.base_url, **wishes)
    assert len(server.asked) == 1
    assert states() == {"one.pdf": ("pending", None)}


@pytest.mark.parametrize("name", [name for name in SERVERS if name != "custom"])
def test_a_wrong_model_stops_the_run(name: str, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every endpoint has its own words for it; the consequence is one."""
    wishes = {**with_key(name, monkeypatch), "model": "no-such-model"}
    with (
        model_server(script(SERVERS[name])) as server,
        pytest.raises(EndpointRefused, match="does not know the model"),
    ):
        run(inbox / "one.pdf", server.base_url, **wishes)
    assert len(server.asked) == 1


def test_modelslabs_older_form(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`auth = "body"` sends the key and `model_id` in the body, and no Authorization header."""
    toml("modelslab", auth="body")
    with model_server(script(SERVERS["modelslab"])) as server:
        run(inbox / "one.pdf", server.base_url, **with_key("modelslab", monkeypatch))
    assert states() == {"one.pdf": ("complete", None)}
    (asked,) = server.asked
    assert asked.body["key"] == KEY
    assert "authorization" not in asked.headers
    assert "model" not in asked.body


def test_openrouters_routing(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mode, provider preferences and fall-back models are set in octavo.toml; the schema stays demanded."""
    toml("openrouter", routing="nitro", models=["mistralai/mistral-small-24b"])
    with Path("octavo.toml").open("a", encoding="utf-8") as file:
        file.write('headers = { X-OpenRouter-Title = "Ours" }\n')
        file.write('[endpoint.openrouter.provider]\nzdr = true\nsort = "price"\nmax_price = { prompt = 1 }\n')
    with model_server(script(SERVERS["openrouter"])) as server:
        run(inbox / "one.pdf", server.base_url, **with_key("openrouter", monkeypatch))
    (asked,) = server.asked
    nitro = f"{PROFILES['openrouter'].model}:nitro"
    assert asked.body["model"] == nitro
    assert asked.body["models"] == [nitro, "mistralai/mistral-small-24b"]
    preferences = {"require_parameters": True, "zdr": True, "sort": "price", "max_price": {"prompt": 1}}
    assert asked.body["provider"] == preferences
    assert asked.headers["x-openrouter-title"] == "Ours"


def test_a_schema_that_cannot_be_compiled_is_asked_for_in_words(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """VLLM's `Grammar error` costs one call: from then on the prompt alone holds the schema."""

    def rules(asked: Any) -> Any:
        if "response_format" in asked.body:
            asked.body["response_format"]["oneOf"] = []
        else:
            asked.body["response_format"] = _any_schema()
        return SERVERS["vllm"](asked)

    with model_server(script(rules)) as server:
        summary = run(
            inbox / "ten.pdf", server.base_url, **with_key("vllm", monkeypatch), pages_per_request=2, concurrency=1
        )
    assert states() == {"ten.pdf": ("complete", None)}
    assert summary.meter.calls == 6


def _any_schema() -> dict[str, Any]:
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}


@pytest.mark.parametrize("name", PROFILES)
def test_every_parameter_is_sent_or_refused(name: str) -> None:
    """Each of the model's page is either sent under the endpoint's own name, or refused before anything is sent."""
    assert set(EVERY) == set(Sampling.model_fields)
    endpoint = PROFILES[name]
    for parameter, value in EVERY.items():
        if parameter in endpoint.parameters:
            refuse_untaken(endpoint, {parameter: value})
            continue
        with pytest.raises(BadConfiguration, match=f"endpoint {name} takes no {parameter}.*it takes"):
            refuse_untaken(endpoint, {parameter: value})
    sent = sent_to(endpoint, sampling_of(EVERY))
    assert set(sent) <= set(endpoint.parameters.values())


def test_parameters_take_the_endpoints_names() -> None:
    """Mistral's seed is `random_seed`, Anthropic's stops `stop_sequences`; defaults it does not take stay home."""
    assert sent_to(PROFILES["mistral"], DEFAULTS) == {"temperature": 0.15, "top_p": 1.0, "random_seed": 7}
    messages = PROFILES["modelslab-messages"]
    assert sent_to(messages, sampling_of({"stop": "END"})) == {
        "temperature": 0.15, "top_p": 1.0, "stop_sequences": ["END"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"temperature": 3}, "sampling temperature.*less than or equal to 2"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "sampling stop.*at most 4"),
        ({"temprature": 1}, "sampling temprature.*there are temperature"),
        ({"logit_bias": {"5": 200}}, "sampling logit_bias"),
    ],
)
def test_a_parameter_that_means_nothing_is_told(given: dict[str, Any], said: str) -> None:
    """A wrong name or value is found before the first document."""
    with pytest.raises(BadConfiguration, match=said):
        sampling_of(given)


def test_parameters_and_a_prefill_travel(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What octavo.toml sets is in the request; an answer that goes on from its prefill is read whole."""
    Path("octavo.toml").write_text('[sampling]\ntop_k = 20\nprefill = "{"\nmax_completion_tokens = 500\n', "utf-8")
    from fakes import Answer

    with model_server(lambda _: Answer(text=json.dumps(RECORD)[1:])) as server:
        run(inbox / "one.pdf", server.base_url, **with_key("vllm", monkeypatch))
    assert states() == {"one.pdf": ("complete", None)}
    (asked,) = server.asked
    assert (asked.body["top_k"], asked.body["max_tokens"]) == (20, 500)
    assert asked.body["messages"][-1] == {"role": "assistant", "content": "{"}
    assert asked.body["continue_final_message"] is True


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"price": 1}, "there is no price"),
        ({"api_key": "x"}, "there is no api_key; keys come from the environment only"),
        ({"images": "many"}, r"\[endpoint.vllm\] images"),
        ({"routing": "fast"}, r"\[endpoint.vllm\] routing"),
    ],
)
def test_an_override_that_means_nothing_is_told(values: dict[str, Any], said: str) -> None:
    """A wrong name or value in octavo.toml says where it stands."""
    with pytest.raises(BadConfiguration, match=said):
        endpoint_for("vllm", {}, overrides=values)
