"""Request parameters of the model's page: checked before anything is sent, under each endpoint's own names."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from extractors.documents import VisionRequest
from extractors.errors import BadConfiguration
from extractors.vision.endpoints import Endpoint
from extractors.vision.envelopes import Tools
from extractors.vision.estimating import text_tokens

DEFAULTS: Mapping[str, Any] = {"temperature": 0.15, "top_p": 1.0, "seed": 7}
"""Sent where the endpoint takes them, unless a person says otherwise; `seed = false` leaves one out."""

_Penalty = Annotated[float, Field(ge=-2, le=2)]
_Stops = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    BeforeValidator(lambda stop: [stop] if isinstance(stop, str) else stop),
    Field(min_length=1, max_length=4),
]


class Sampling(BaseModel):
    """What `[sampling]` of octavo.toml may hold; `false` for what is not to be sent.

    `prefill` is how the assistant's answer begins.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=-1)
    min_p: float | None = Field(None, ge=0, le=1)
    frequency_penalty: _Penalty | None = None
    presence_penalty: _Penalty | None = None
    repetition_penalty: float | None = Field(None, gt=0, le=2)
    seed: int | None = None
    stop: _Stops | None = None
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    max_completion_tokens: int | None = Field(None, ge=1)
    tools: list[dict[str, Any]] | None = Field(None, min_length=1)
    tool_choice: str | dict[str, Any] | None = None
    prefill: str | None = None


_ELSEWHERE = {
    "stream": 'is not set here: stream = "always" or "never" stands at the top of octavo.toml (OCTAVO_STREAM)',
    "stream_options": "is not set here: stream_usage under [endpoint.NAME] says whether streams are asked for usage",
    "response_format": "is not set here: the schema is always sent; how: schema_by under [endpoint.NAME]",
    "structured_outputs": "is not set here: the schema is always sent; how: schema_by under [endpoint.NAME]",
    "model": "is not set here: --model, OCTAVO_MODEL, or model under [endpoint.NAME]",
    "messages": "is not set here: what is asked follows from the schema",
    "n": "is not set here: of several answers one would be read, and all would be billed",
}
"""Names of the model's pages that are no sampling, and where they are set."""


def page_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """A person's parameters under one name each: `max_tokens` is the older one of `max_completion_tokens`.

    Raises:
        BadConfiguration: one that is set elsewhere, or the limit under both names.
    """
    for name in given:
        if name in _ELSEWHERE:
            raise BadConfiguration(f"sampling {name} {_ELSEWHERE[name]}")
    if {"max_tokens", "max_completion_tokens"} <= given.keys():
        raise BadConfiguration("sampling: max_tokens is max_completion_tokens under its older name: set one of them")
    return {"max_completion_tokens" if name == "max_tokens" else name: value for name, value in given.items()}


def sampling_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """A person's parameters over the defaults, by their names on the model's page; without those that are off.

    Raises:
        BadConfiguration: one that there is not, or a value out of its range.
    """
    given = page_names(given)
    if truths := [name for name, value in given.items() if value is True]:
        raise BadConfiguration(f"sampling {truths[0]}: true is no value of it; false leaves it out")
    try:
        asked = {name: None if _is_off(value) else value for name, value in given.items()}
        checked = Sampling.model_validate(asked).model_dump(exclude_none=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        known = f"; there are {', '.join(Sampling.model_fields)}" if first["type"] == "extra_forbidden" else ""
        raise BadConfiguration(f"sampling {'.'.join(map(str, first['loc']))}: {first['msg']}{known}") from None
    defaults = {name: value for name, value in DEFAULTS.items() if not _is_off(given.get(name, value))}
    return {**defaults, **checked}


def _is_off(value: object) -> bool:
    return value is None or value is False


def refuse_untaken(endpoint: Endpoint, given: Mapping[str, Any]) -> None:
    """Refuses what an endpoint would refuse, or drop in silence.

    Raises:
        BadConfiguration: the endpoint takes no such parameter, or it has another use there.
    """
    asked = {name for name, value in page_names(given).items() if not _is_off(value)}
    if endpoint.schema_by == "tool" and (used := sorted({"tools", "tool_choice"} & asked & set(endpoint.parameters))):
        raise BadConfiguration(
            f"endpoint {endpoint.name} sends the schema as a tool (schema_by): remove {', '.join(used)} from "
            "[sampling]"
        )
    untaken = sorted(asked - set(endpoint.parameters))
    if untaken:
        takes = ", ".join(sorted(endpoint.parameters))
        raise BadConfiguration(
            f"endpoint {endpoint.name} takes no {', '.join(untaken)}: remove it from [sampling] or choose another "
            f"endpoint; it takes {takes}"
        )


def refuse_a_field_begun(sampling: Mapping[str, Any], what: str) -> None:
    """Refuses a prefill that fits one schema only, where others are asked for, too.

    Raises:
        BadConfiguration: it holds a name, and not just what all answers begin with; `what` says whom it does not fit.
    """
    prefill = str(sampling.get("prefill") or "")
    if '"' in prefill:
        raise BadConfiguration(
            f'sampling prefill {prefill!a:.80} begins a field, and does not fit {what}: set prefill = "{{", or none'
        )


def tools_of(request: VisionRequest, sampling: Mapping[str, Any]) -> Tools:
    """Which tools' calls answer a question: the schema's own, and the one that a person forces; her others do not."""
    given = {name for tool in sampling.get("tools") or () if (name := _name_of(tool)) is not None}
    forced, choice = _name_of(sampling.get("tool_choice")), sampling.get("tool_choice")
    answer = {request.schema_name[:64]} | ({forced} if forced is not None else set())
    # One of them must be called, whichever: what it is called with is what was asked for.
    return Tools(
        frozenset(answer),
        frozenset() if isinstance(choice, str) and choice in {"required", "any"} else frozenset(given - answer),
    )


def _name_of(tool: object) -> str | None:
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def tokens_beside(sampling: Mapping[str, Any]) -> int:
    """Tokens at most of what a person's parameters put into every prompt: her tools and her prefill."""
    tools, prefill = sampling.get("tools"), sampling.get("prefill")
    return (text_tokens(json.dumps(tools)) if tools else 0) + (text_tokens(prefill) if prefill else 0)


def sent_to(endpoint: Endpoint, sampling: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters under the endpoint's names; the answer's limit and a prefill have places of their own."""
    apart = {"max_completion_tokens", "prefill"}
    return {
        endpoint.parameters[name]: value
        for name, value in sampling.items()
        if name in endpoint.parameters and name not in apart
    }
