"""What a question takes of an endpoint's context: as its server states it, in tokens as its model's tokenizer counts.

A server of one's own tells its context in its list of models; a smaller one than the profile's counts.
"""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from extractors.documents import VisionRequest
from extractors.vision.bodies import unpacked
from extractors.vision.endpoints import Endpoint
from extractors.vision.estimating import FEWEST_ANSWER, Count, Size, size_of, text_tokens
from extractors.vision.flow import Flow
from extractors.vision.question import Question

_PATIENCE = 3.0
"""Seconds for a list of models: a run does without it."""

_MOST_BYTES = 4 << 20
_PACKED = 8
"""Characters that no tokenizer packs into one token on average."""

_TEKKEN = re.compile(r"mistral-?small-?(3|24b|250[136])|magistral-small|pixtral-12b", re.IGNORECASE)
"""Models that have it, under the names that endpoints have for them; Mistral 7B and Mistral Small 2 have another one,
which makes more tokens of a text."""

_NAMES = ("max_model_len", "context_length", "max_context_length")
"""Under which vLLM, OpenRouter and Mistral tell a model's context."""

Ask = Callable[[int], Sequence[VisionRequest]]
"""The questions about so many pages, which have no pictures yet."""


async def with_told_contexts(endpoints: Sequence[Endpoint], http: httpx.AsyncBaseTransport) -> list[Endpoint]:
    """The endpoints, those that are servers of one's own with the context that they state where it is smaller."""
    told = await asyncio.gather(*(_told(endpoint, http) for endpoint in endpoints))
    return [
        endpoint if context is None or context >= endpoint.context else replace(endpoint, context=context)
        for endpoint, context in zip(endpoints, told, strict=True)
    ]


async def _told(endpoint: Endpoint, http: httpx.AsyncBaseTransport) -> int | None:
    """None where nothing is told that can be understood: the profile's counts then."""
    if not endpoint.own_server:
        return None
    timeout = httpx.Timeout(_PATIENCE, pool=None)
    extensions, url = {"timeout": timeout.as_dict()}, f"{endpoint.base_url}/models"
    asked = httpx.Request("GET", url, headers=endpoint.auth_headers(), extensions=extensions)
    try:
        async with asyncio.timeout(_PATIENCE):
            response = await http.handle_async_request(asked)
            try:
                body = bytearray()
                async for chunk in unpacked(response):
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        return None
            finally:
                await response.aclose()
        listed = json.loads(body)["data"]
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, TypeError, KeyError, RecursionError):
        return None
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    # llama.cpp lists its one model by the path of its file.
    meant = entries if len(entries) == 1 else [each for each in entries if each.get("id") == endpoint.model]
    return next((found for each in meant if (found := _context(each))), None)


def _context(entry: dict[str, Any]) -> int | None:
    meta = entry.get("meta")  # llama.cpp's
    told = [*(entry.get(name) for name in _NAMES), meta.get("n_ctx") if isinstance(meta, dict) else None]
    found = (value for value in told if isinstance(value, int) and not isinstance(value, bool) and value > 0)
    return next(found, None)


async def picture_tokens(
    endpoint: Endpoint, ask: Ask, most: int, page: int, beside: int = 0
) -> tuple[tuple[int, ...], Count]:
    """What an endpoint's context leaves for the pictures of 1, 2, ... pages, beside prompt and answer.

    As many entries as usual pages fit into one request, `most` at most; none where not even one does. A page alone
    gets what its answer can do without, down to `FEWEST_ANSWER`. Texts are counted with the model's own tokenizer
    where a package has it, and where it may make a difference; else cautiously. How they were is what they have to be
    counted by when they are sent (`room_for`).

    Args:
        endpoint: which.
        ask: the questions.
        most: pages that are wanted.
        page: tokens of a usual one.
        beside: tokens that a person's parameters put into every prompt.
    """

    def rooms(count: Count) -> tuple[int, ...]:
        return _rooms(replace(endpoint, context=endpoint.context - beside), ask, most, page, count)

    cautious = rooms(text_tokens)
    if len(cautious) < most and len(rooms(_fewest_tokens)) > len(cautious):
        count = await asyncio.to_thread(own_tokenizer, endpoint)
        if count is not None:
            return rooms(count), count
    return cautious, text_tokens


def _fewest_tokens(text: str) -> int:
    """Tokens that no tokenizer goes below: loading one is in vain where not even this would let more pages fit."""
    return len(text) // _PACKED


def room_for(flow: Flow, question: Question, size: Size, beside: int) -> int:
    """Tokens that an endpoint's context leaves for an answer; 0 where too few.

    Args:
        flow: of the endpoint.
        question: what is asked.
        size: the same, counted cautiously; it is counted once more only where that leaves less than is wanted.
        beside: tokens of it that are a person's parameters'.
    """
    room = size.room(flow.endpoint)
    if room < question.asking.answer_tokens and flow.count is not text_tokens:
        return size_of(question.request, flow.count).plus(beside).room(flow.endpoint)
    return room


def _rooms(endpoint: Endpoint, ask: Ask, most: int, page: int, count: Count) -> tuple[int, ...]:
    rooms: list[int] = []
    for pages in range(1, most + 1):
        room = min(endpoint.context - needed(endpoint, each, pages, count) for each in ask(pages))
        if room < pages * page:
            break
        rooms.append(room)
    return tuple(rooms)


def needed(endpoint: Endpoint, question: VisionRequest, pages: int, count: Count = text_tokens) -> int:
    """Tokens of the context that a question about so many pages takes without its pictures, its answer included."""
    answer = question.answer_tokens if pages > 1 else min(question.answer_tokens, FEWEST_ANSWER)
    return size_of(question, count).in_context(endpoint) + answer


def no_room(endpoint: Endpoint, tokens: int, page: int, what: str) -> str:
    """Why an endpoint cannot be asked at all, and what to do; `tokens` are those of prompt and answer."""
    whole = tokens + page
    context = f"{1 << (whole - 1).bit_length():,}".replace(",", "")
    raises = {"ollama": f"start it with OLLAMA_CONTEXT_LENGTH={context}", "vllm": f"--max-model-len {context}"}
    served = raises.get(endpoint.name, "give the server more")
    return (
        f"{endpoint.name}'s context of {endpoint.context:,} tokens cannot hold one page under {what}: prompt and "
        f"answer take {tokens:,}, an A4 page {page:,}: {served}, and set context = {context} under "
        f"[endpoint.{endpoint.name}] of octavo.toml"
    )


def own_tokenizer(endpoint: Endpoint) -> Count | None:
    """Counts a text as the model's own tokenizer does; None where no package has it (the extra `tokens`).

    That of every model which may answer: those that a gateway falls back to count, too.
    """
    known = all(_TEKKEN.search(model) for model in (endpoint.model, *endpoint.models))
    return _tekken() if known and find_spec("mistral_common") is not None else None


@cache
def _tekken() -> Count:
    """Mistral's Tekken, whose file comes with `mistral_common`; loading it takes a second, and 160 MB."""
    import mistral_common
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    tokenizer = Tekkenizer.from_file(Path(mistral_common.__file__).parent / "data" / "tekken_240911.json")

    @cache
    def count(text: str) -> int:
        return len(tokenizer.encode(text, bos=False, eos=False))

    return count
