"""What a server says of its own context, in its list of models: asked once, at the start of a run."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx

from extractors.vision.bodies import Body, unpacked
from extractors.vision.endpoints import Endpoint
from extractors.vision.wire import count, read_json

PATH = "/models"

_PATIENCE = 3.0
"""Seconds until a run goes on with what its profile says."""

_MOST_BYTES = 8 << 20
"""Of a list; the longest that is known has a tenth of it."""

_NAMES = ("max_model_len", "context_length", "max_context_length")
"""vLLM's name for it, OpenRouter's and Mistral's; llama.cpp has `n_ctx` in `meta`."""


async def told_contexts(http: httpx.AsyncBaseTransport, endpoints: Sequence[Endpoint]) -> dict[str, int]:
    """Tokens by the endpoint's name, of those whose profile says that they tell it, and that do.

    Raises:
        BadConfiguration: the environment names a proxy that cannot be used.
    """
    asked = [endpoint for endpoint in endpoints if endpoint.tells_context and not endpoint.in_process]
    told = await asyncio.gather(*(_told(http, endpoint) for endpoint in asked))
    return {endpoint.name: tokens for endpoint, tokens in zip(asked, told, strict=True) if tokens is not None}


def obeying(endpoint: Endpoint, told: Mapping[str, int]) -> Endpoint:
    """The endpoint with the smaller of its own context and what its server told."""
    return replace(endpoint, context=min(endpoint.context, told.get(endpoint.name, endpoint.context)))


def context_in(body: str, model: str) -> int | None:
    """The context of a model, by its exact name, in a list of models; None where it is not told."""
    decoded = read_json(body)
    listed = decoded.get("data") if isinstance(decoded, dict) else None
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return min((tokens for entry in entries if entry.get("id") == model for tokens in _of(entry)), default=None)


def _of(entry: Mapping[str, Any]) -> list[int]:
    meta = entry.get("meta")
    named = [entry.get(name) for name in _NAMES] + ([meta.get("n_ctx")] if isinstance(meta, dict) else [])
    return [tokens for tokens in map(count, named) if tokens]


async def _told(http: httpx.AsyncBaseTransport, endpoint: Endpoint) -> int | None:
    """No answer, or one that says nothing, is no fault: what is asked later shows what is wrong."""
    body = Body(_MOST_BYTES)
    try:
        asked = httpx.Request(
            "GET", endpoint.base_url + PATH, headers=endpoint.auth_headers(),
            extensions={"timeout": httpx.Timeout(_PATIENCE).as_dict()},
        )  # fmt: skip
        async with asyncio.timeout(_PATIENCE):
            response = await http.handle_async_request(asked)
            try:
                async for chunk in unpacked(response):
                    body.add(chunk)
                    if body.over:
                        return None
            finally:
                await response.aclose()
    except (httpx.TransportError, httpx.InvalidURL, TimeoutError):
        return None
    return context_in(body.text(), endpoint.model) if response.is_success else None
