"""What a profile cannot mean is refused by its name before anything is sent: no setting is dropped in silence."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from extractors.errors import BadConfiguration
from extractors.vision.endpoints import Endpoint
from extractors.vision.sampling import Sampling

_ROUTED = ("routing", "provider", "models")
_LIMITS = (
    "max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "num_predict", "n_predict",
)  # fmt: skip
_SEVERAL = ("n", "best_of")
_SCHEMAS = (
    "response_format", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar",
    "guided_decoding_backend", "functions", "function_call", "format", "grammar", "json_schema",
)  # fmt: skip
_PROMPTS = ("prompt", "continue_final_message", "add_generation_prompt", "truncate_prompt_tokens", "suffix")
_KEY_IN_BODY = {"modelslab", "custom"}

_ELSEWHERE = {
    **dict.fromkeys(_LIMITS, "the answer's limit is max_completion_tokens under [sampling]; it is what is budgeted"),
    **dict.fromkeys(_SEVERAL, "of several answers one would be read, and all would be billed"),
    "messages": "what is asked follows from the schema",
    "system": "what is asked follows from the schema",
    "model": "set model under {table}",
    "model_id": "set model under {table}",
    "key": "keys come from the environment only",
    **dict.fromkeys(_SCHEMAS, "the answer's schema is sent by itself; how: schema_by under {table}"),
    **dict.fromkeys(_PROMPTS, "what is asked follows from the schema, and is planned to fit"),
    "stream": 'set stream = "always" or "never" at the top of octavo.toml',
    "stream_options": "set stream_usage under {table}",
    "tools": "set tools under [sampling], or schema_by under {table}",
    "tool_choice": "set tool_choice under [sampling], or schema_by under {table}",
}
"""What Octavo puts into a body itself -> where a person sets it."""

_KEYS = frozenset({"authorization", "x-api-key", "proxy-authorization"})
_OURS = frozenset({"content-length", "content-type", "host", "transfer-encoding", "connection", "accept-encoding"})
_HEADER_NAME, _HEADER_VALUE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), re.compile(r"[\t\x20-\x7e]*")


def refuse_unusable(endpoint: Endpoint) -> None:
    """Refuses settings that the endpoint's dialect or gateway has no use for, or that would undo Octavo's own.

    Raises:
        BadConfiguration: with the profile's name, every such setting, and where it belongs.
    """
    faults = [
        *_prices(endpoint), *_address(endpoint), *_routing(endpoint), *_auth(endpoint), *_schema(endpoint),
        *_names(endpoint), *_extra_body(endpoint), *_headers(endpoint),
    ]  # fmt: skip
    if faults:
        raise BadConfiguration(f"endpoint {endpoint.name}: {'; '.join(faults)}")


def _prices(endpoint: Endpoint) -> Iterator[str]:
    """A cached token that costs more than another would cross a budget: reservations know none as cached."""
    if endpoint.price_cached is not None and endpoint.price_cached > (endpoint.price_input or 0.0):
        yield "price_cached is above price_input: set price_input to the higher of the two"


def _address(endpoint: Endpoint) -> Iterator[str]:
    try:
        parts = urlsplit(endpoint.base_url)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole:
        yield f"{endpoint.base_url!r} is no address of a server: it begins with http:// or https://, as in {_EXAMPLE}"


_EXAMPLE = "http://localhost:8000/v1"


def _routing(endpoint: Endpoint) -> Iterator[str]:
    given = [name for name in _ROUTED if getattr(endpoint, name)]
    if any(not model.strip() for model in endpoint.models):
        yield "models: a name is missing"
    if given and (endpoint.dialect == "anthropic" or endpoint.auth == "body"):
        yield f"it has no {', '.join(given)} in this form: those are of chat completions with the model in the body"
    elif given and not endpoint.routes:
        yield (
            f"it has no {', '.join(given)}: those are OpenRouter's; a gateway that takes them too is one with "
            f"routes = true under [endpoint.{endpoint.name}]"
        )


def _auth(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.auth != "body":
        return
    if endpoint.dialect == "anthropic" or endpoint.name not in _KEY_IN_BODY:
        yield 'auth = "body" is ModelsLab\'s older form of chat completions: use "bearer" or "x-api-key" here'


def _schema(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.dialect == "anthropic" and endpoint.schema_by not in {"tool", "text"}:
        yield f'Anthropic\'s Messages have no schema_by = "{endpoint.schema_by}": use "tool" or "text"'


def _names(endpoint: Endpoint) -> Iterator[str]:
    """Parameters under names that are Octavo's own, or one name for two."""
    there = [name for key, name in endpoint.parameters.items() if key != "prefill"]
    for name in sorted({name for name in there if there.count(name) > 1}):
        yield f"parameters: two of them are called {name} there"
    taken = {*_ELSEWHERE, *_ROUTED} - {*_LIMITS, "tools", "tool_choice"}
    for key, name in endpoint.parameters.items():
        if key not in Sampling.model_fields:
            yield f"parameters: there is no {key}; there are {', '.join(Sampling.model_fields)}"
        elif not name.strip():
            yield f"parameters: {key} has no name"
        elif key == "max_completion_tokens" and endpoint.dialect == "anthropic" and name != "max_tokens":
            yield "parameters: max_completion_tokens is max_tokens in Anthropic's Messages"
        if name in taken or (name in _LIMITS and key != "max_completion_tokens"):
            yield f"parameters: {key} cannot be called {name}, which is Octavo's own"


def _extra_body(endpoint: Endpoint) -> Iterator[str]:
    sampled = {there: name for name, there in endpoint.parameters.items() if name != "prefill"}
    routed = {name for name in ("provider", "models") if getattr(endpoint, name)}
    for name in endpoint.extra_body:
        if name in _ELSEWHERE:
            yield f"extra_body: {name}: {_ELSEWHERE[name].format(table=f'[endpoint.{endpoint.name}]')}"
        elif name in sampled:
            yield f"extra_body: {name}: set {sampled[name]} under [sampling]"
        elif name in routed:
            yield f"extra_body: {name}: set it under [endpoint.{endpoint.name}] itself"


def _headers(endpoint: Endpoint) -> Iterator[str]:
    for name, value in endpoint.headers.items():
        if name.lower() in _OURS:
            yield f"headers: {name} is Octavo's own"
        elif name.lower() in _KEYS:
            yield f"headers: {name}: keys come from the environment only ({endpoint.key_env or 'OCTAVO_API_KEY'})"
        elif not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            yield f"headers: {name!r} is no header that can be sent"
