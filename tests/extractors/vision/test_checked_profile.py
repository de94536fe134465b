"""One checked profile: settings that would undo Octavo's own, or mean nothing, stop a run before a call is sent."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, model_server, says
from pages import digital_pdf
from runs import TOTAL, rows, run, states

from extractors.errors import BadConfiguration
from extractors.vision.endpoints import PROFILES, endpoint_for
from extractors.vision.profile_checks import refuse_unusable
from extractors.vision.quotas import Granted
from extractors.vision.sampling import refuse_untaken, sampling_of
from flows.cli.parser import main
from flows.run.endpoints import choose
from flows.settings import read_settings
from flows.store.observed import sent_lately
from flows.store.store import Store


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Two receipts."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.pdf").write_bytes(digital_pdf([f"Shop {name}"]))
    return folder


def toml(text: str) -> None:
    """The settings file of the working directory."""
    Path("octavo.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "field", "value", "said"),
    [
        ("openrouter", "max_tokens", 100_000, r"extra_body: max_tokens: .*max_completion_tokens under \[sampling\]"),
        ("openrouter", "max_completion_tokens", 9, "extra_body: max_completion_tokens"),
        ("vllm", "max_new_tokens", 9, "extra_body: max_new_tokens"),
        ("ollama", "num_predict", 9, "extra_body: num_predict"),
        ("custom", "n", 5, "all would be billed"),
        ("custom", "temperature", 1, r"extra_body: temperature: set temperature under \[sampling\]"),
        ("mistral", "random_seed", 1, r"extra_body: random_seed: set seed under \[sampling\]"),
        ("vllm", "model", "x", r"extra_body: model: set model under \[endpoint.vllm\]"),
        ("openrouter", "provider", {}, r"extra_body: provider: set it under \[endpoint.openrouter\]"),
        ("modelslab-messages", "system", "x", "extra_body: system"),
        ("modelslab-messages", "tools", [], "extra_body: tools"),
        ("custom", "response_format", {}, "schema_by"),
        ("custom", "messages", [], "extra_body: messages"),
        ("custom", "stream", True, 'stream = "always"'),
        ("vllm", "structured_outputs", {"json": {}}, "extra_body: structured_outputs: .*schema_by"),
        ("vllm", "guided_json", {}, "extra_body: guided_json: .*schema_by"),
        ("vllm", "continue_final_message", True, "extra_body: continue_final_message"),
        ("vllm", "truncate_prompt_tokens", 10, "planned to fit"),
    ],
)
def test_extra_body_overrides_nothing(name: str, field: str, value: Any, said: str) -> None:
    """What Octavo sets itself is what is budgeted, asked and recorded."""
    endpoint = replace(PROFILES[name], base_url="http://localhost:1/v1", extra_body={field: value})
    with pytest.raises(BadConfiguration, match=f"endpoint {name}: .*{said}"):
        refuse_unusable(endpoint)


def test_extra_body_adds_what_has_no_name_here(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's own field travels; a limit under another name stops the run, and nothing is sent or spent."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "k" * 20)
    toml('[endpoint.openrouter.extra_body]\nreasoning = { effort = "low" }\n')
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url, endpoints=("openrouter",), max_cost=1.0)
        assert [asked.body["reasoning"] for asked in server.asked] == [{"effort": "low"}] * 2
        toml("[endpoint.openrouter.extra_body]\nmax_tokens = 100000\n")
        with pytest.raises(BadConfiguration, match="endpoint openrouter: extra_body: max_tokens"):
            run(inbox, server.base_url, endpoints=("openrouter",), max_cost=0.0005, rerun="all")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("unorouter", {"routing": "nitro"}, "endpoint unorouter: it has no routing: those are OpenRouter's"),
        ("vllm", {"provider": {"zdr": True}, "models": ["x"]}, "it has no provider, models"),
        ("modelslab-messages", {"auth": "body"}, "older form of chat completions"),
        ("openrouter", {"auth": "body"}, "older form of chat completions"),
        ("modelslab-messages", {"schema_by": "json_schema"}, 'no schema_by = "json_schema": use "tool" or "text"'),
        ("vllm", {"base_url": "localhost:8000/v1"}, "'localhost:8000/v1' is no address of a server"),
        ("vllm", {"base_url": "http://[::1"}, "is no address of a server"),
        ("vllm", {"headers": {"Content-Length": "3"}}, "headers: Content-Length is Octavo's own"),
        ("vllm", {"headers": {"X-A": "a\nb"}}, "headers: 'X-A' is no header"),
        ("vllm", {"parameters": {"top_k": "temperature"}}, "two of them are called temperature there"),
        ("vllm", {"parameters": {"top_k": "max_tokens"}}, "cannot be called max_tokens|two of them"),
        ("vllm", {"parameters": {"top_k": "messages"}}, "top_k cannot be called messages"),
        ("vllm", {"parameters": {"top_k": "provider"}}, "top_k cannot be called provider"),
        ("vllm", {"parameters": {"tempreature": "temp"}}, "parameters: there is no tempreature"),
        ("vllm", {"parameters": {"seed": ""}}, "parameters: seed has no name"),
        ("vllm", {"headers": {"Authorization": "Bearer abc"}}, "Authorization: keys come from the environment only"),
        ("openrouter", {"models": [" "]}, "models: a name is missing"),
        ("mistral", {"price_cached": 0.2}, "price_cached is above price_input"),
    ],
)
def test_what_a_profile_cannot_use_is_refused_by_name(name: str, values: dict[str, Any], said: str) -> None:
    """At `choose`, so that a run, a dry run and the doctor say the same."""
    endpoint = endpoint_for(name, {PROFILES[name].key_env or "": "k" * 20}, overrides=values)
    with pytest.raises(BadConfiguration, match=said):
        refuse_unusable(endpoint)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price_input", -1.0),
        ("price_output", float("nan")),
        ("images", 0),
        ("context", -5),
        ("requests_per_day", 0),
        ("context", True),
        ("price_input", True),
        ("requests_per_minute", 10**30),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(name: str, value: float) -> None:
    """A price below nothing would let any budget through."""
    with pytest.raises(BadConfiguration, match=rf"\[endpoint.vllm\] {name}"):
        endpoint_for("vllm", {}, overrides={name: value})


def test_a_gateway_of_ones_own_may_route() -> None:
    """Nobody knows what stands behind `custom`; of another profile `routes = true` says that it does so."""
    refuse_unusable(
        endpoint_for("custom", {}, base_url="https://g.example/v1", model="m", overrides={"routing": "nitro"})
    )
    refuse_unusable(endpoint_for("vllm", {}, overrides={"routing": "nitro", "routes": True}))


def test_the_schemas_tool_leaves_no_room_for_others() -> None:
    """`schema_by = "tool"` sends one; a person's tools beside it would be dropped."""
    with pytest.raises(BadConfiguration, match="endpoint vllm sends the schema as a tool"):
        refuse_untaken(replace(PROFILES["vllm"], schema_by="tool"), {"tools": [{}]})


@pytest.mark.parametrize("name", ["vllm", "ollama", "custom"])
def test_ones_own_server_is_named_by_the_environment(name: str, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Address, model and key as docs/self-hosting.md has them."""
    with model_server(lambda _: says(TOTAL)) as server:
        monkeypatch.setenv("OCTAVO_BASE_URL", server.base_url)
        monkeypatch.setenv("OCTAVO_MODEL", "mine")
        monkeypatch.setenv("OCTAVO_API_KEY", "my-own-key-of-20-chars")
        toml(f"[endpoint.{name}]\ncontext = 131072\n")
        run(inbox, None, endpoints=(name,), model=None)  # type: ignore[arg-type]
    assert {asked.body["model"] for asked in server.asked} == {"mine"}
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer my-own-key-of-20-chars"}


def test_a_providers_key_never_goes_to_ones_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """`OCTAVO_BASE_URL` is custom's, else vllm's or ollama's; OpenRouter stays where it is."""
    monkeypatch.setenv("OCTAVO_BASE_URL", "http://localhost:1/v1")
    monkeypatch.setenv("OCTAVO_MODEL", "mine")
    monkeypatch.setenv("OPENROUTER_API_KEY", "k" * 20)
    chosen = choose(("openrouter", "vllm", "ollama"), None, None, read_settings())
    assert [each.base_url for each in chosen] == [
        PROFILES["openrouter"].base_url, "http://localhost:1/v1", PROFILES["ollama"].base_url,
    ]  # fmt: skip
    chosen = choose(("vllm", "custom"), None, None, read_settings())
    assert [each.base_url for each in chosen] == [PROFILES["vllm"].base_url, "http://localhost:1/v1"]


def test_settings_that_nobody_uses_are_told(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model set for a server that is not asked is not dropped in silence."""
    monkeypatch.setenv("OCTAVO_MODEL", "mine")
    monkeypatch.setenv("OPENROUTER_API_KEY", "k" * 20)
    with model_server(lambda _: says(TOTAL)) as server:
        code = main([
            "extract", str(inbox), "--schema", "receipt", "--endpoint", "openrouter", "--base-url", server.base_url,
        ])  # fmt: skip
    assert code == 0
    assert {asked.body["model"] for asked in server.asked} == {PROFILES["openrouter"].model}


def test_a_misspelt_endpoints_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """`OCTAVO_ENDPOINT` is no setting; its JSON form, the profiles' overrides, still is."""
    monkeypatch.setenv("OCTAVO_ENDPOINT", "openrouter")
    with pytest.raises(BadConfiguration, match="OCTAVO_ENDPOINT is no setting: it is OCTAVO_ENDPOINTS"):
        read_settings()
    monkeypatch.setenv("OCTAVO_ENDPOINT", '{"vllm": {"images": 3}}')
    assert read_settings().endpoint == {"vllm": {"images": 3}}


def test_the_free_models_of_a_gateway_are_asked_once_a_minute() -> None:
    """UnoRouter's profile has its context and what its free models grant; a paid model has no such limit."""
    key = {"UNOROUTER_API_KEY": "k" * 20}
    free = endpoint_for("unorouter", key, model="mistral-small-3.2:free")
    assert (free.context, free.requests_per_minute) == (120_000, 1)
    assert endpoint_for("unorouter", key).requests_per_minute is None
    set_by_hand = endpoint_for("unorouter", key, model="m:free", overrides={"requests_per_minute": 30})
    assert set_by_hand.requests_per_minute == 30


@pytest.mark.parametrize("text", ["{bad", "temperature=1"])
def test_a_variable_that_is_no_table_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not octavo.toml that cannot be read."""
    monkeypatch.setenv("OCTAVO_SAMPLING", text)
    with pytest.raises(BadConfiguration, match=r"^OCTAVO_SAMPLING is no JSON object"):
        read_settings()


@pytest.mark.parametrize("name", ["temperature", "seed", "max_tokens", "top_k"])
def test_true_is_no_number(name: str) -> None:
    """`false` leaves a parameter out; `true` is none."""
    with pytest.raises(BadConfiguration, match="true is no value of it"):
        sampling_of({name: True})


@pytest.mark.parametrize("given", [{"stop": ""}, {"stop": ["a", ""]}, {"tools": []}])
def test_an_empty_parameter_is_refused(given: dict[str, Any]) -> None:
    """Servers refuse it, and then it would be left out in silence."""
    with pytest.raises(BadConfiguration, match=f"sampling {next(iter(given))}"):
        sampling_of(given)


@pytest.mark.parametrize(
    "key", ["sk-secret-of-20-chars\n", "  sk-secret-of-20-chars ", "\tsk-secret-of-20-chars\r\n"]
)
def test_a_key_is_sent_without_what_stands_around_it(key: str, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key file ends with a line end."""
    monkeypatch.setenv("OPENROUTER_API_KEY", key)
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url, endpoints=("openrouter",))
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer sk-secret-of-20-chars"}


@pytest.mark.parametrize("key", ["schl\u00fcssel-secret-of-20", "two\nlines-secret", "secret\x00of-20-characters"])
def test_a_key_that_cannot_be_sent_is_refused_by_its_variable(key: str) -> None:
    """Before a call, and without a word of the key."""
    with pytest.raises(BadConfiguration, match="OPENROUTER_API_KEY cannot be sent") as refused:
        endpoint_for("openrouter", {"OPENROUTER_API_KEY": key})
    assert "secret" not in str(refused.value)


def test_a_blank_key_is_none() -> None:
    """As if the variable were not set."""
    with pytest.raises(BadConfiguration, match="needs a key: set OPENROUTER_API_KEY"):
        endpoint_for("openrouter", {"OPENROUTER_API_KEY": " \n"})


def test_another_dialect_brings_its_own_parameters(inbox: Path) -> None:
    """Anthropic's Messages behind `custom`: their parameters, schema, headers and key; what they lack is refused."""
    overrides = {"dialect": "anthropic"}
    endpoint = endpoint_for("custom", {}, base_url="http://h/v1", model="m", api_key="k" * 20, overrides=overrides)
    refuse_unusable(endpoint)
    assert (endpoint.schema_by, endpoint.auth) == ("tool", "x-api-key")
    assert endpoint.headers == {"anthropic-version": "2023-06-01"}
    assert endpoint.parameters["stop"] == "stop_sequences"
    for untaken in ({"prefill": "{"}, {"tools": [{"a": 1}]}, {"logit_bias": {"5": 1}}):
        with pytest.raises(BadConfiguration, match="endpoint custom takes no"):
            refuse_untaken(endpoint, untaken)
    for values in ({"routing": "nitro"}, {"models": ("x",)}, {"provider": {"zdr": True}}):
        for form in ({"dialect": "anthropic"}, {"auth": "body"}):
            odd = replace(PROFILES["custom"], base_url="http://h/v1", model="m", **form, **values)
            with pytest.raises(BadConfiguration, match=r"endpoint custom: .*in this form"):
                refuse_unusable(odd)


def test_a_minutes_requests_of_earlier_runs_count(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that begins within the minute waits for what is left of it."""
    assert 15 < Granted(per_minute=2, per_day=None, ages=(40.0, 1.0)).wait() <= 20
    assert Granted(per_minute=2, per_day=None, ages=(61.0, 1.0)).wait() == 0
    assert Granted(per_minute=3, per_day=None, ages=(40.0, 1.0)).wait() == 0
    monkeypatch.setenv("UNOROUTER_API_KEY", "k" * 20)
    toml("[endpoint.unorouter]\nrequests_per_minute = 2\n")
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url, endpoints=("unorouter",))
    with Store.open("sqlite:///octavo.db", read_only=True) as store, store.reading() as connection:
        ages = sent_lately(connection, choose(("unorouter",), None, None, read_settings()))
    assert len(ages["unorouter"]) == 2
    assert all(0 <= age < 60 for age in ages["unorouter"])


def test_a_minutes_requests_are_waited_for() -> None:
    """The first go at once, the next only when a minute has passed since the oldest of them."""
    granted = Granted(per_minute=2, per_day=None)
    for _ in range(2):
        assert granted.wait() == 0
        assert granted.take()
    assert 50 < granted.wait() <= 60


def test_a_days_requests_are_not_exceeded(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When they are used the run pauses, and says which setting it is; those of earlier runs count."""
    monkeypatch.setenv("UNOROUTER_API_KEY", "k" * 20)
    toml("[endpoint.unorouter]\nrequests_per_day = 1\n")
    with model_server(lambda _: says(TOTAL)) as server:
        first = run(inbox, server.base_url, endpoints=("unorouter",))
        assert first.exit_code == 4
        assert "unorouter's 1 requests a day are used (requests_per_day under [endpoint.unorouter]" in str(
            first.paused
        )
        assert "wait for tomorrow (UTC)" in str(first.paused)
        assert run(inbox, server.base_url, endpoints=("unorouter",)).exit_code == 4
        assert len(server.asked) == 1
    assert sorted(states().values()) == [("complete", None), ("pending", "endpoint_down")]


def test_where_a_days_requests_are_used_the_next_endpoint_goes_on(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the documents do not wait for tomorrow."""
    monkeypatch.setenv("UNOROUTER_API_KEY", "k" * 20)
    with model_server(lambda _: says(TOTAL)) as server, model_server(lambda _: says(TOTAL)) as other:
        toml(f'[endpoint.unorouter]\nrequests_per_day = 1\n[endpoint.vllm]\nbase_url = "{other.base_url}"\n')
        assert run(inbox, server.base_url, endpoints=("unorouter", "vllm")).exit_code == 0
    assert (len(server.asked), len(other.asked)) == (1, 1)
    assert rows("select endpoint, count(*) from calls group by endpoint") == [("unorouter", 1), ("vllm", 1)]


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        (404, "note", "/models is not there (HTTP 404): is the URL right"),
        (500, "missing", "has a fault of its own (HTTP 500)"),
        (502, "missing", "has a fault of its own (HTTP 502)"),
        (401, "missing", "refuses the key (HTTP 401)"),
        (429, "note", "is asked too often (HTTP 429)"),
        (418, "note", "answers HTTP 418, which says nothing of the model"),
    ],
)
def test_the_doctor_calls_a_status_what_it_is(
    status: int, state: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list of models that is not there is no endpoint that answers."""
    with model_server(lambda _: Answer()) as server:
        server.listing_status = status
        code = main(["doctor", "--base-url", server.base_url, "--model", "m"])
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert said in told
    assert f"endpoint custom {state}" in told
    assert code == (1 if state == "missing" else 0)
