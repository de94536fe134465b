"""Vision endpoints as data, one profile each. Facts and prices: DESIGN section 3."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from extractors.errors import BadConfiguration

LOCAL_URL = "http://octavo-local/v1"


@dataclass(frozen=True)
class Endpoint:
    """One server that speaks OpenAI's chat completions.

    Attributes:
        name: the profile's.
        base_url: without a trailing slash.
        model: the model's name there.
        key_env: environment variable of the key, or None where none is needed.
        api_key: the key itself; never shown.
        price_input: USD for a million input tokens, or None when unknown.
        price_output: likewise, output.
        images: in one request at most.
        body_bytes: of one request at most.
        max_concurrency: calls in flight at most, whatever is asked for.
        headers: sent with every request.
        extra_body: put into every request's body.
        in_process: answered by the built-in model inside this process.
    """

    name: str
    base_url: str
    model: str
    key_env: str | None = None
    api_key: str | None = field(default=None, repr=False)
    price_input: float | None = None
    price_output: float | None = None
    images: int = 64
    body_bytes: int = 20_000_000
    max_concurrency: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    in_process: bool = False

    def auth_headers(self) -> dict[str, str]:
        """The key as the endpoint wants it."""
        return {**self.headers, **({"Authorization": f"Bearer {self.api_key}"} if self.api_key else {})}

    def without_key(self, text: str) -> str:
        """What the endpoint sent, without its key: some servers repeat it in their errors, and these are kept."""
        return text.replace(self.api_key, "***") if self.api_key else text


PROFILES: dict[str, Endpoint] = {
    profile.name: profile
    for profile in (
        Endpoint(
            "openrouter",
            "https://openrouter.ai/api/v1",
            "mistralai/mistral-small-3.2-24b-instruct",
            key_env="OPENROUTER_API_KEY",
            price_input=0.075,
            price_output=0.20,
            headers={"X-OpenRouter-Title": "Octavo"},
            # Only upstreams that honour the schema are used.
            extra_body={"provider": {"require_parameters": True}},
        ),
        Endpoint(
            "vllm",
            "http://localhost:8000/v1",
            "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
            price_input=0.0,
            price_output=0.0,
        ),
        Endpoint(
            "local",
            LOCAL_URL,
            "octavo-ocr",
            price_input=0.0,
            price_output=0.0,
            max_concurrency=os.cpu_count() or 1,
            in_process=True,
        ),
        Endpoint("custom", "", "", key_env=None),
    )
}


def endpoint_for(
    name: str,
    environment: Mapping[str, str],
    *,
    base_url: str | None = None,
    model: str | None = None,
    api_key: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Endpoint:
    """A profile with its key, and with what a person says otherwise.

    Raises:
        BadConfiguration: no such profile, no key, or an override of something that a profile does not have.
    """
    if name not in PROFILES:
        raise BadConfiguration(f"unknown endpoint {name!r}: there are {', '.join(PROFILES)}")
    try:
        endpoint = replace(PROFILES[name], **dict(overrides or {}))
    except TypeError:
        raise BadConfiguration(
            f"octavo.toml, endpoint.{name}: unknown key among {', '.join(overrides or ())}"
        ) from None
    key = api_key if name == "custom" else environment.get(endpoint.key_env or "")
    endpoint = replace(
        endpoint,
        base_url=(base_url or endpoint.base_url).rstrip("/"),
        model=model or endpoint.model,
        api_key=key or None,
        in_process=endpoint.in_process and base_url is None,
    )
    if not endpoint.base_url:
        raise BadConfiguration("endpoint custom needs a server: set OCTAVO_BASE_URL or give --base-url")
    if not endpoint.model:
        raise BadConfiguration(f"endpoint {name} needs a model: set OCTAVO_MODEL or give --model")
    if endpoint.key_env and not endpoint.api_key and base_url is None:
        raise BadConfiguration(f"endpoint {name} needs a key: set {endpoint.key_env}")
    return endpoint
