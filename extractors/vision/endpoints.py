"""Vision endpoints as data, one profile each: where, whose key, which dialect, limits and prices.

Facts and prices: DESIGN section 3, and the providers' own API pages. Everything here can be overridden under
`[endpoint.NAME]` of octavo.toml, by the names of `Endpoint`'s attributes.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from extractors.errors import BadConfiguration

LOCAL_URL = "http://octavo-local/v1"

_REAL_KEY, _SECRET = 16, 4
"""Characters of a key that no document holds by chance; of one that is kept out of errors all the same."""

_PLAIN = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "stop")
_OPENAI = (*_PLAIN, "logit_bias", "tools", "tool_choice", "max_completion_tokens")
_OPEN_WEIGHTS = (*_OPENAI, "top_k", "min_p", "repetition_penalty", "prefill")


_Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=1, le=10**9)]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names} | {"max_completion_tokens": "max_tokens"}


@dataclass(frozen=True)
class Endpoint:
    """One server that answers questions about images.

    Attributes:
        name: the profile's.
        base_url: without a trailing slash.
        model: the model's name there.
        key_env: environment variable of the key, or None where none is needed.
        api_key: the key itself; never shown.
        dialect: `openai` (chat completions) or `anthropic` (messages).
        auth: how the key is sent: `bearer`, `x-api-key`, or in the `body` as `key`, with `model_id` for `model`.
        parameters: request parameters that it takes -> their names there; others are refused before anything is sent.
        schema_by: how the answer's schema is sent beside the prompt, which holds it always: `json_schema`,
            `json_object` (only that JSON is wanted), one forced `tool`, or not at all (`text`).
        streams: whether an answer can be streamed.
        stream_usage: whether a stream tells its usage when asked by `stream_options`.
        price_input: USD for a million input tokens, or None when unknown.
        price_output: likewise, output.
        price_cached: likewise, input that its prompt cache held; None: as other input.
        images: in one request at most.
        body_bytes: of one request at most.
        context: tokens of one request and its answer.
        max_concurrency: calls in flight at most, whatever is asked for.
        requests_per_minute: that the account is granted; None: as its answers' headers say.
        requests_per_day: likewise; the run pauses when they are used, whoever of this store's runs used them.
        free_per_minute: of a model whose name ends in `:free`, unless `requests_per_minute` is set.
        headers: sent with every request.
        extra_body: put into every request's body.
        routes: it passes questions on to providers as OpenRouter does, and takes the next three.
        routing: of OpenRouter: `balanced`, `nitro` (fastest first) or `exacto` (best tool calling first).
        provider: OpenRouter's provider preferences: `order`, `only`, `ignore`, `sort`, `max_price`, `zdr`,
            `data_collection` and so on, beside `require_parameters`.
        models: OpenRouter's models to fall back to.
        own_server: whoever runs Octavo runs it, too: `OCTAVO_BASE_URL`, `OCTAVO_MODEL`, `OCTAVO_API_KEY` are its.
        in_process: answered by the built-in model inside this process.
    """

    name: str
    base_url: str
    model: str
    key_env: str | None = None
    api_key: str | None = field(default=None, repr=False)
    dialect: Literal["openai", "anthropic"] = "openai"
    auth: Literal["bearer", "x-api-key", "body"] = "bearer"
    parameters: Mapping[str, str] = field(default_factory=lambda: _same(*_OPENAI))
    schema_by: Literal["json_schema", "json_object", "tool", "text"] = "json_schema"
    streams: bool = True
    stream_usage: bool = True
    price_input: _Price | None = None
    price_output: _Price | None = None
    price_cached: _Price | None = None
    images: _Count = 64
    body_bytes: _Count = 20_000_000
    context: _Count = 131_072
    max_concurrency: _Count | None = None
    requests_per_minute: _Count | None = None
    requests_per_day: _Count | None = None
    free_per_minute: _Count | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    routes: bool = False
    routing: Literal["balanced", "nitro", "exacto"] | None = None
    provider: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    own_server: bool = False
    in_process: bool = False

    def auth_headers(self) -> dict[str, str]:
        """The key as the endpoint wants it; none when the key goes into the body."""
        if not self.api_key or self.auth == "body":
            return dict(self.headers)
        name, value = (
            ("x-api-key", self.api_key) if self.auth == "x-api-key" else ("Authorization", f"Bearer {self.api_key}")
        )
        return {**self.headers, name: value}

    def without_key(self, text: str) -> str:
        """What the endpoint answered, to the letter, but for its real key: some servers repeat it.

        A key of a few characters is none: servers without keys are given "EMPTY" or "1", and documents hold these.
        """
        return text.replace(self.api_key, "***") if self.api_key and len(self.api_key) >= _REAL_KEY else text

    def redacted(self, words: str) -> str:
        """Words for logs and errors, without the key; a shorter one, too, where it stands as a word."""
        words = self.without_key(words)
        if not self.api_key or len(self.api_key) < _SECRET:
            return words
        return re.sub(rf"(?<!\w){re.escape(self.api_key)}(?!\w)", "***", words)


_MISTRAL_SMALL = "mistralai/mistral-small-3.2-24b-instruct"
_MODELSLAB = "mistralai-mistral-small-3.2-24b-instruct"

_MESSAGES = _same("temperature", "top_p", "top_k") | {"stop": "stop_sequences"}

_OF_DIALECT: dict[str, dict[str, Any]] = {
    "openai": {
        "auth": "bearer", "schema_by": "json_schema", "parameters": _same(*_OPENAI), "headers": {},
    },
    "anthropic": {
        "auth": "x-api-key", "schema_by": "tool", "parameters": _MESSAGES,
        "headers": {"anthropic-version": "2023-06-01"},
    },
}  # fmt: skip
"""What a profile has whose dialect a person sets to another one."""

PROFILES: dict[str, Endpoint] = {
    profile.name: profile
    for profile in (
        Endpoint(
            "openrouter", "https://openrouter.ai/api/v1", _MISTRAL_SMALL,
            key_env="OPENROUTER_API_KEY",
            parameters=_same(*_OPEN_WEIGHTS),
            price_input=0.075, price_output=0.20,
            headers={"X-OpenRouter-Title": "Octavo", "HTTP-Referer": "https://octavo.invalid"},
            # Source: OpenRouter's page on limits.
            free_per_minute=20,
            routes=True,
            # Only upstreams that honour the schema are used.
            provider={"require_parameters": True},
        ),
        Endpoint(
            "unorouter", "https://api.unorouter.com/v1", "mistral-small-3.2",
            key_env="UNOROUTER_API_KEY",
            parameters=_same(*_OPEN_WEIGHTS),
            price_input=0.0, price_output=0.0,
            # Its page: 120K, of prompt and answer together.
            context=120_000,
            # Not on its pages: what several who use its free models measured; how many a day, nobody tells.
            free_per_minute=1,
        ),
        Endpoint(
            "modelslab", "https://modelslab.com/api/v7/llm", _MODELSLAB,
            key_env="MODELSLAB_API_KEY",
            parameters=_same("temperature", "top_p", "frequency_penalty", "presence_penalty"),
            schema_by="json_object",
            stream_usage=False,
            price_input=0.075, price_output=0.20,
        ),
        Endpoint(
            "modelslab-messages", "https://modelslab.com/api/v7/llm/v1", _MODELSLAB,
            key_env="MODELSLAB_API_KEY",
            dialect="anthropic", **_OF_DIALECT["anthropic"],
            price_input=0.075, price_output=0.20,
        ),
        Endpoint(
            "mistral", "https://api.mistral.ai/v1", "mistral-small-latest",
            key_env="MISTRAL_API_KEY",
            parameters=_same(*_PLAIN, "tools", "tool_choice", "prefill") | {"seed": "random_seed"},
            stream_usage=False,  # told unasked; the field would be refused
            price_input=0.10, price_output=0.30,
            images=8,
        ),
        Endpoint(
            "vllm", "http://localhost:8000/v1", "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
            parameters=_same(*_OPEN_WEIGHTS),
            price_input=0.0, price_output=0.0,
            own_server=True,
        ),
        Endpoint(
            "ollama", "http://localhost:11434/v1", "mistral-small3.2",
            parameters=_same(*_PLAIN, "tools"),
            price_input=0.0, price_output=0.0,
            # Its default; raise both OLLAMA_CONTEXT_LENGTH and this for windows of more than a page.
            context=4096,
            own_server=True,
        ),
        Endpoint(
            "local", LOCAL_URL, "octavo-ocr",
            price_input=0.0, price_output=0.0,
            max_concurrency=os.cpu_count() or 1,
            in_process=True,
        ),
        # It may be any gateway.
        Endpoint("custom", "", "", own_server=True, routes=True),
    )
}  # fmt: skip


def endpoint_for(
    name: str,
    environment: Mapping[str, str],
    *,
    base_url: str | None = None,
    model: str | None = None,
    api_key: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Endpoint:
    """A profile with its key, and with what a person says otherwise; `api_key` is for one without a variable.

    Raises:
        BadConfiguration: no such profile, no key, or an override of something that a profile does not have.
    """
    if name not in PROFILES:
        close = get_close_matches(name, PROFILES, n=1)
        told = f"did you mean {close[0]}? There are" if close else "there are"
        raise BadConfiguration(f"unknown endpoint {name!r}: {told} {', '.join(PROFILES)}")
    endpoint = _overridden(PROFILES[name], overrides or {})
    key = environment.get(endpoint.key_env) if endpoint.key_env else api_key
    model = (model or "").strip() or endpoint.model.strip()
    free = endpoint.free_per_minute if model.endswith(":free") else None
    endpoint = replace(
        endpoint,
        base_url=(base_url or endpoint.base_url).strip().rstrip("/"),
        model=model,
        api_key=_sendable(key, endpoint.key_env or "OCTAVO_API_KEY"),
        in_process=endpoint.in_process and base_url is None,
        requests_per_minute=endpoint.requests_per_minute or free,
    )
    if not endpoint.base_url:
        raise BadConfiguration("endpoint custom needs a server: set OCTAVO_BASE_URL or give --base-url")
    if not endpoint.model:
        raise BadConfiguration(f"endpoint {name} needs a model: set OCTAVO_MODEL or give --model")
    if endpoint.key_env and not endpoint.api_key and base_url is None:
        raise BadConfiguration(f"endpoint {name} needs a key: set {endpoint.key_env}")
    return endpoint


def _sendable(key: str | None, variable: str) -> str | None:
    """A key without the blanks and line ends around it; None for one of nothing else.

    Raises:
        BadConfiguration: no header can carry it. It is not repeated.
    """
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise BadConfiguration(
            f"{variable} cannot be sent: it holds line breaks or signs beyond ASCII; set the key and nothing else"
        )
    return key or None


def _overridden(profile: Endpoint, overrides: Mapping[str, Any]) -> Endpoint:
    """The profile with a person's values; tables are merged into the profile's own."""
    where = f"octavo.toml, [endpoint.{profile.name}]"
    known = {each.name: getattr(profile, each.name) for each in fields(profile)}
    unknown = sorted(set(overrides) - (known.keys() - {"name", "api_key", "in_process", "own_server"}))
    if unknown:
        raise BadConfiguration(f"{where}: there is no {', '.join(unknown)}; keys come from the environment only")
    if overrides.get("dialect", profile.dialect) != profile.dialect:
        known |= _OF_DIALECT.get(str(overrides["dialect"]), {})
    for name, value in overrides.items():
        if isinstance(value, bool) and not isinstance(known[name], bool):
            raise BadConfiguration(f"{where} {name}: true and false are no value of it")
    merged = {
        name: {**known[name], **value} if isinstance(known[name], Mapping) and isinstance(value, Mapping) else value
        for name, value in overrides.items()
    }
    try:
        return TypeAdapter(Endpoint).validate_python({**known, **merged})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadConfiguration(f"{where} {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
