"""The wire: a request's body as bytes, built once, and what a response says. OpenAI chat completions."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extractors.documents import Usage, VisionRequest
from extractors.endpoints import Endpoint

_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Spoken:
    """What a response's body says.

    Attributes:
        text: the answer, or None.
        finish_reason: why it ended.
        refusal: the model's words of refusal.
        error: an error inside the body, as (code, message).
        usage: tokens and cost.
    """

    text: str | None
    finish_reason: str | None
    refusal: str | None
    error: tuple[int | None, str] | None
    usage: Usage


def fingerprint(request: VisionRequest, model: str, sampling: Mapping[str, Any], answer_tokens: int) -> str:
    """sha256 of everything that decides the answer; the endpoint is not part of it."""
    parts = [
        model, request.system, request.instructions, request.schema, dict(sampling), answer_tokens,
        [[page.page, page.sha256] for page in request.pages], request.first_answer, request.faults,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def body(request: VisionRequest, endpoint: Endpoint, sampling: Mapping[str, Any], answer_tokens: int) -> bytes:
    """The body. The stable part comes first, so that gateways' prompt caches hit; images are spliced in as bytes."""
    content: list[dict[str, Any]] = [{"type": "text", "text": request.instructions}]
    for number, page in enumerate(request.pages):
        content.append({"type": "text", "text": f"Page {page.page}:"})
        content.append({"type": "image_url", "image_url": {"url": f"\x00{number}\x00"}})
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": request.system},
        {"role": "user", "content": content},
    ]
    if request.first_answer is not None:
        told = "\n".join(f"- {fault}" for fault in request.faults)
        messages.append({"role": "assistant", "content": request.first_answer})
        messages.append(
            {
                "role": "user",
                "content": f"That answer has faults:\n{told}\nAnswer again with the whole object, corrected.",
            }
        )
    schema = {"name": request.schema_name[:64], "strict": True, "schema": request.schema}
    fields = {
        "model": endpoint.model,
        "messages": messages,
        "response_format": {"type": "json_schema", "json_schema": schema},
        "max_tokens": answer_tokens,
        **sampling,
        **endpoint.extra_body,
    }
    pieces = json.dumps(fields, ensure_ascii=True).encode().split(b"\\u0000")
    made = [pieces[0]]
    # Every image's place is three pieces: before it, its number, after it.
    for place, after in zip(pieces[1::2], pieces[2::2], strict=True):
        made += [b"data:image/jpeg;base64,", base64.b64encode(request.pages[int(place)].jpeg), after]
    return b"".join(made)


def estimate(request: VisionRequest, endpoint: Endpoint) -> Usage:
    """Tokens and cost at most: 28-px cells and a row mark for images, a token for four characters of text."""
    text = len(request.system) + len(request.instructions) + len(request.first_answer or "")
    images = sum((math.ceil(p.width / 28) + 1) * math.ceil(p.height / 28) for p in request.pages)
    tokens = text // _CHARACTERS_PER_TOKEN + 1 + images + 20 * len(request.pages)
    return Usage(tokens, request.answer_tokens, 0, cost(endpoint, tokens, request.answer_tokens))


def cost(endpoint: Endpoint, input_tokens: int, output_tokens: int) -> float:
    """USD by the profile's prices; 0 where they are unknown."""
    return (input_tokens * (endpoint.price_input or 0.0) + output_tokens * (endpoint.price_output or 0.0)) / 1e6


def spoken(raw: str, endpoint: Endpoint) -> Spoken:
    """Reads a response's body, whatever it is."""
    try:
        decoded = json.loads(raw)
    except (ValueError, RecursionError):
        return Spoken(None, None, None, (None, f"not JSON: {raw[:100]!r}"), Usage())
    if not isinstance(decoded, dict):
        return Spoken(None, None, None, (None, "not a JSON object"), Usage())
    usage = _usage(decoded.get("usage"), endpoint)
    choices = decoded.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    error = decoded.get("error") or choice.get("error")
    if error:
        return Spoken(None, None, None, told_error(decoded if decoded.get("error") else choice), usage)
    found = choice.get("message")
    message = found if isinstance(found, dict) else {}
    text, refusal = message.get("content"), message.get("refusal")
    reason = choice.get("finish_reason")
    return Spoken(
        text if isinstance(text, str) else None,
        reason if isinstance(reason, str) else None,
        refusal if isinstance(refusal, str) else None,
        None,
        usage,
    )


def told_error(decoded: Mapping[str, Any]) -> tuple[int | None, str]:
    """Code and message of an error body, in the shapes that endpoints use."""
    error = decoded.get("error", decoded)
    if isinstance(error, str):
        return None, error[:300]
    if not isinstance(error, Mapping):
        return None, str(error)[:300]
    code = error.get("code")
    message = error.get("message") or error.get("detail") or decoded.get("detail") or "no message"
    return (code if isinstance(code, int) else None), str(message)[:300]


def _usage(told: Any, endpoint: Endpoint) -> Usage:
    if not isinstance(told, dict):
        return Usage()
    sent, answered = _count(told.get("prompt_tokens")), _count(told.get("completion_tokens"))
    details = told.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    price = told.get("cost")
    paid = float(price) if isinstance(price, int | float) and price >= 0 else cost(endpoint, sent, answered)
    return Usage(sent, answered, cached, paid)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
