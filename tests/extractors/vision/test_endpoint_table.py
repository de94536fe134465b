"""The tables of docs/endpoints.md, row by row: what a real request holds, and what is refused before one is sent."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from extractors.documents import PageImage, Usage, VisionRequest
from extractors.errors import BadConfiguration
from extractors.vision import refuse_untaken
from extractors.vision.calling import post
from extractors.vision.endpoints import PROFILES, Endpoint
from extractors.vision.profile_checks import refuse_unusable
from extractors.vision.sampling import Sampling, sampling_of
from extractors.vision.wire import Asking

PAGE = Path(__file__).parents[3] / "docs" / "endpoints.md"

VALUES: dict[str, Any] = {
    "temperature": 0.2, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "frequency_penalty": 0.1, "presence_penalty": 0.1,
    "repetition_penalty": 1.1, "seed": 3, "stop": ["END"], "logit_bias": {"50": -100.0},
    "max_completion_tokens": 300, "tools": [{"type": "function", "function": {"name": "f"}}],
    "tool_choice": "none", "prefill": "{",
}  # fmt: skip
SETTINGS: dict[str, Any] = {"routing": "nitro", "provider": {"zdr": True}, "models": ("other",)}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def table(heading: str) -> Iterator[tuple[str, str, str]]:
    """Row, endpoint and cell of the table whose first column is called so."""
    lines = PAGE.read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| `{heading}` |"))
    names = [cell.strip(" `") for cell in lines[start].strip("|").split("|")][1:]
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        yield from ((first.strip("`"), name, cell) for name, cell in zip(names, cells, strict=True))


def sent(endpoint: Endpoint, sampling: dict[str, Any], *, stream: bool = False) -> tuple[dict[str, Any], str]:
    """The body of a real request, and its path."""
    asked: list[httpx.Request] = []

    class Capture(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(request)
            raise httpx.ConnectError("it is heard, and nothing is answered")

    page = PageImage(1, b"jpeg", 28, 28, "x")
    request = VisionRequest("system", "instructions", "thing", SCHEMA, (page,), 100)
    limit = sampling.get("max_completion_tokens", 100)
    asking = Asking(limit, stream=stream)
    asyncio.run(post(Capture(), endpoint, request, sampling, asking, patience=5, expected=Usage()))
    return json.loads(asked[0].content), asked[0].url.path


def at(name: str, **values: Any) -> Endpoint:
    """A profile as a run has it."""
    url = PROFILES[name].base_url or "http://localhost:9/v1"
    return replace(PROFILES[name], base_url=url, model=PROFILES[name].model or "m", api_key="k" * 20, **values)


@pytest.mark.parametrize(("parameter", "name", "cell"), list(table("[sampling]")))
def test_a_parameter_is_sent_as_the_table_says(parameter: str, name: str, cell: str) -> None:
    """Under the endpoint's own name, or it is refused with the profile's."""
    endpoint, given = at(name), {parameter: VALUES[parameter]}
    if cell == "-":
        with pytest.raises(BadConfiguration, match=f"endpoint {name} takes no {parameter}.*it takes"):
            refuse_untaken(endpoint, given)
        return
    refuse_untaken(endpoint, given)
    body, _ = sent(endpoint, sampling_of(given))
    if parameter == "prefill":
        assert body["messages"][-1]["content"] == "{"
    else:
        there = parameter if cell == "yes" else cell.strip("`")
        assert body[there] == VALUES[parameter], body
        assert there == parameter or parameter not in body


def test_the_table_has_every_parameter_and_every_endpoint() -> None:
    """None is forgotten when one is added; the built-in model takes what OpenAI does, and heeds none."""
    rows = list(table("[sampling]"))
    assert {row for row, _, _ in rows} == set(Sampling.model_fields) == set(VALUES)
    assert {name for _, name, _ in rows} == set(PROFILES) - {"local"}


@pytest.mark.parametrize(("setting", "name", "cell"), list(table("[endpoint.NAME]")))
def test_a_setting_does_what_the_table_says(setting: str, name: str, cell: str) -> None:
    """It is in the request, or it is refused with the profile's name: nothing that is set is dropped in silence."""
    key, _, value = setting.partition(" = ")
    endpoint = at(name, **{key: json.loads(value) if value else SETTINGS[key]})
    if cell == "-":
        with pytest.raises(BadConfiguration, match=f"endpoint {name}: .*{re.escape(key)}|endpoint {name}: it has no"):
            refuse_unusable(endpoint)
        return
    refuse_unusable(endpoint)
    assert (cell == "default") == (key == "schema_by" and PROFILES[name].schema_by == endpoint.schema_by)
    _holds(sent(endpoint, sampling_of({}))[0], endpoint, setting)


def _holds(body: dict[str, Any], endpoint: Endpoint, setting: str) -> None:
    """Whether a request shows a setting."""
    formats = {'schema_by = "json_schema"': "json_schema", 'schema_by = "json_object"': "json_object"}
    if setting.startswith("schema_by"):
        assert body.get("response_format", {}).get("type") == formats.get(setting)
        tools = [tool.get("function", tool)["name"] for tool in body.get("tools", ())]
        assert tools == (["thing"] if setting == 'schema_by = "tool"' else [])
        choice = {"type": "tool", "name": "thing"}
        if endpoint.dialect == "openai":
            choice = {"type": "function", "function": {"name": "thing"}}
        assert body.get("tool_choice") == (choice if tools else None)
    elif setting == "routing":
        assert body["model"].endswith(":nitro")
    elif setting == 'auth = "body"':
        assert (body["key"], body["model_id"]) == (endpoint.api_key, endpoint.model)
        assert "model" not in body
    elif setting == "provider":
        assert body["provider"] == {"zdr": True}
    else:
        assert body["models"] == [endpoint.model, "other"]


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_usable_and_streams_as_it_says(name: str) -> None:
    """No profile has a setting that it refuses itself; a stream is asked for in its dialect's way."""
    endpoint = at(name)
    refuse_unusable(endpoint)
    body, path = sent(endpoint, sampling_of({}), stream=True)
    assert body["stream"] is True
    assert ("stream_options" in body) == (endpoint.dialect == "openai" and endpoint.stream_usage)
    assert path.endswith("/messages" if endpoint.dialect == "anthropic" else "/chat/completions")


@pytest.mark.parametrize("name", ["max_tokens", "stream", "response_format", "structured_outputs", "n"])
def test_the_pages_own_names_lead_somewhere(name: str) -> None:
    """Each name in the docs' last table is mapped, or answered with where it is set."""
    value: Any = {"max_tokens": 700, "response_format": {"type": "text"}, "n": 2}.get(name, True)
    if name == "max_tokens":
        refuse_untaken(PROFILES["mistral"], {name: value})
        assert sampling_of({name: value})["max_completion_tokens"] == 700
        return
    for read in (sampling_of, lambda given: refuse_untaken(PROFILES["vllm"], given)):
        with pytest.raises(BadConfiguration, match=f"sampling {name} is not set here"):
            read({name: value})


def test_one_limit_under_two_names_is_refused() -> None:
    """Nobody knows which of the two is meant."""
    with pytest.raises(BadConfiguration, match="older name: set one of them"):
        sampling_of({"max_tokens": 700, "max_completion_tokens": 800})
