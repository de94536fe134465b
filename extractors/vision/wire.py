"""What every dialect shares: fingerprint and estimate of a question, images spliced into a body, errors read."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pybase64

from extractors.documents import Usage, VisionRequest
from extractors.vision.endpoints import Endpoint

RUNAWAY = "runaway"
"""The finish reason of an answer that was cut off for running away."""

_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Asking:
    """How one attempt asks.

    Attributes:
        answer_tokens: the answer's limit.
        grammar: whether the endpoint is to hold the model to the schema; the prompt holds it in any case.
        stream: whether the answer is streamed.
    """

    answer_tokens: int
    grammar: bool = True
    stream: bool = False


@dataclass(frozen=True)
class Spoken:
    """What a response's body says.

    Attributes:
        text: the answer, or None.
        finish_reason: why it ended, in OpenAI's words.
        refusal: the model's words of refusal.
        error: an error inside the body, as (code, message).
        usage: tokens and cost.
    """

    text: str | None
    finish_reason: str | None
    refusal: str | None
    error: tuple[int | None, str] | None
    usage: Usage


def fingerprint(request: VisionRequest, model: str, sampling: Mapping[str, Any], asking: Asking) -> str:
    """sha256 of everything that decides the answer; the endpoint is not part of it."""
    parts = [
        model, request.system, request.instructions, request.schema, dict(sampling), asking.answer_tokens,
        [[page.page, page.sha256] for page in request.pages], request.first_answer, request.faults,
        *([] if asking.grammar else ["without grammar"]),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def image_place(number: int) -> str:
    """What stands in a body for the image of the window's page `number`, until `spliced` puts it there."""
    return f"\x00{number}\x00"


def spliced(fields: Mapping[str, Any], request: VisionRequest, before: bytes = b"data:image/jpeg;base64,") -> bytes:
    """A body as bytes, its images put in as they are: base64 needs no escaping, so JSON never sees them."""
    pieces = json.dumps(fields, ensure_ascii=True).encode().split(b"\\u0000")
    made = [pieces[0]]
    # Every image's place is three pieces: before it, its number, after it.
    for place, after in zip(pieces[1::2], pieces[2::2], strict=True):
        made += [before, pybase64.b64encode(request.pages[int(place)].jpeg), after]
    return b"".join(made)


def repair_words(request: VisionRequest) -> str:
    """What a repair round says about the first answer."""
    told = "\n".join(f"- {fault}" for fault in request.faults)
    return f"That answer has faults:\n{told}\nAnswer again with the whole object, corrected."


def estimate(request: VisionRequest, endpoint: Endpoint, answer_tokens: int | None = None) -> Usage:
    """Tokens and cost at most.

    An image costs `(columns + 1) * rows` of 28-px cells (source: mistral-common's image encoder), text a token
    for four characters, the answer its limit.
    """
    text = len(request.system) + len(request.instructions) + len(request.first_answer or "")
    images = sum((math.ceil(page.width / 28) + 1) * math.ceil(page.height / 28) for page in request.pages)
    tokens = text // _CHARACTERS_PER_TOKEN + 1 + images + 20 * len(request.pages)
    answer = answer_tokens or request.answer_tokens
    return Usage(tokens, answer, 0, cost(endpoint, tokens, answer))


def most_pages(endpoint: Endpoint) -> int:
    """Images that an endpoint takes in one request, its context considered."""
    page, rest = 2_300, 8_000  # tokens of an A4 page, and of the prompt with an answer
    return min(endpoint.images, max(1, (endpoint.context - rest) // page))


def cost(endpoint: Endpoint, input_tokens: int, output_tokens: int, cached: int = 0) -> float:
    """USD by the profile's prices; 0 where they are unknown."""
    price = endpoint.price_input or 0.0
    held = price if endpoint.price_cached is None else endpoint.price_cached
    fresh = max(0, input_tokens - cached)
    return (fresh * price + cached * held + output_tokens * (endpoint.price_output or 0.0)) / 1e6


def told_error(decoded: Mapping[str, Any]) -> tuple[int | None, str]:
    """Code and message of an error body, in the shapes that endpoints use."""
    error = decoded.get("error", decoded)
    if isinstance(error, str):
        return None, error[:300]
    if not isinstance(error, Mapping):
        return None, str(error)[:300]
    code = error.get("code")
    message = (
        error.get("message") or error.get("messege") or error.get("detail") or decoded.get("message")
        or decoded.get("detail") or error.get("type") or "no message"
    )  # fmt: skip
    return (code if isinstance(code, int) else None), str(message)[:300]


def count(value: Any) -> int:
    """A number of tokens as told; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def not_spoken(why: str, usage: Usage | None = None, code: int | None = None) -> Spoken:
    """A body without an answer."""
    return Spoken(None, None, None, (code, why), usage or Usage())
