"""What every dialect shares: images spliced into a body, errors read."""

import json
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pybase64

from extractors.documents import Usage, VisionRequest
from extractors.ledger import NOBODY, Speaker
from extractors.vision.endpoints import Endpoint

CHARACTERS_PER_TOKEN = 4
_MOST_TOKENS, _MOST_USD = 10_000_000, 100.0
"""Of one call: what is told beyond them is no count and no price."""

_DEEPEST, _MOST_VALUES = 200, 200_000
"""Levels and values of a body: reading more would hold up every document."""

_PLACE = f"octavo-image-{secrets.token_hex(12)}-"
"""Nobody can write it into a text: it is made anew for each process, and never sent."""

_PLACES = re.compile(rf"{_PLACE}(\d+);".encode())
_DECIMAL = re.compile(r"\s*[0-9]{1,15}(?:\.[0-9]{0,15})?\s*")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")


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
class Told:
    """Tokens and cost as a body tells them; None is what it does not tell, or tells as no endpoint can mean it.

    Attributes:
        input: of the question, cached ones included.
        output: of the answer, thoughts included.
        cached: those of the input that a cache held.
        cost_usd: of the call.
        least: of the answer, as told at its beginning.
        unread: it tells something that nobody understands: what the call costs is not known.
    """

    input: int | None = None
    output: int | None = None
    cached: int = 0
    cost_usd: float | None = None
    least: int = 0
    unread: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Spoken:
    """What a response's body says.

    Attributes:
        text: the answer, or None.
        finish_reason: why it ended, in the endpoint's words (`endings`).
        refusal: the model's words of refusal.
        error: an error inside the body, as (code, message).
        told: tokens and cost.
        known: the body is of a shape that a dialect has.
        begun: characters of an answer that an error broke off.
        speaker: who says to have answered.
        called: a tool that was called though its call is no answer.
    """

    text: str | None
    finish_reason: str | None
    refusal: str | None
    error: tuple[int | None, str] | None
    told: Told
    known: bool = True
    begun: int = 0
    speaker: Speaker = NOBODY
    called: str | None = None


def image_place(number: int) -> str:
    """What stands in a body for the question's picture `number`, until `spliced` puts it there."""
    return f"{_PLACE}{number};"


def spliced(fields: Mapping[str, Any], request: VisionRequest, before: bytes = b"data:image/jpeg;base64,") -> bytes:
    """A body as bytes, its images put in as they are: base64 needs no escaping, so JSON never sees them."""
    pieces = _PLACES.split(json.dumps(fields, ensure_ascii=True).encode())
    made = [pieces[0]]
    for place, after in zip(pieces[1::2], pieces[2::2], strict=True):
        made += [before, pybase64.b64encode(request.pictures[int(place)][1].jpeg), after]
    return b"".join(made)


def repair_words(request: VisionRequest) -> str:
    """What a repair round says about the first answer."""
    told = "\n".join(f"- {fault}" for fault in request.faults)
    which = "That answer" if request.first_answer else "An earlier answer"
    return f"{which} has faults:\n{told}\nAnswer again with the whole object, corrected."


def cost(endpoint: Endpoint, input_tokens: int, output_tokens: int, cached: int = 0) -> float:
    """USD by the profile's prices; 0 where they are unknown."""
    price = endpoint.price_input or 0.0
    held = price if endpoint.price_cached is None else endpoint.price_cached
    fresh = max(0, input_tokens - cached)
    return (fresh * price + cached * held + output_tokens * (endpoint.price_output or 0.0)) / 1e6


def read_json(raw: str) -> Any:
    """A body decoded; None for what is no JSON, or more than is read: deeper, or of more values, than any answer."""
    openings = raw.count("{") + raw.count("[")
    if openings + raw.count(",") > _MOST_VALUES:
        return None
    try:
        decoded = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return decoded if openings <= _DEEPEST or _depth_is_within(decoded, _DEEPEST) else None


def _depth_is_within(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return True
    return False


def told_error(decoded: Mapping[str, Any]) -> tuple[int | None, str]:
    """Code and message of an error body, in the shapes that endpoints use."""
    error = decoded.get("error", decoded)
    if not isinstance(error, Mapping):
        return None, plain(str(error))
    code = error.get("code")
    message = (
        error.get("message") or error.get("messege") or error.get("detail") or decoded.get("message")
        or decoded.get("detail") or error.get("type") or "no message"
    )  # fmt: skip
    return (code if isinstance(code, int) and not isinstance(code, bool) else None), plain(str(message))


def plain(words: str) -> str:
    """An endpoint's words as one short line that any terminal prints."""
    return _UNPRINTABLE.sub(" ", words[:1000])[:300]


def count(value: Any) -> int | None:
    """A number of tokens as told, a part of one counted whole; None for what is none, or more than any call has."""
    told = number(value)
    return math.ceil(told) if told is not None and 0 <= told <= _MOST_TOKENS else None


def price(value: Any) -> float | None:
    """USD as told; None for what is none, or for more than any call costs."""
    told = number(value)
    return float(told) if told is not None and 0 <= told <= _MOST_USD else None


def number(value: Any) -> float | None:
    """A number as told, be it as decimal text; None for what is none."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def booked(said: Spoken, endpoint: Endpoint, expected: Usage) -> Usage:
    """What a call is counted as: what its body tells, the rest by estimate.

    An answer that was cut off, or does not tell its usage, was billed all the same.

    Args:
        said: by a body that came with HTTP 200.
        endpoint: who said it.
        expected: tokens at most.
    """
    told = said.told
    if told == Told() and said.error is not None and not said.begun:
        return Usage()
    length = len(said.text or "") or said.begun
    sent = told.input or expected.input  # no question is of no token
    heard = min(expected.output, length // CHARACTERS_PER_TOKEN + 1) if length else 0
    answered = told.output or max(told.least, heard)
    cached = min(sent, told.cached)
    paid = cost(endpoint, sent, answered, cached) if told.cost_usd is None else told.cost_usd
    return Usage(sent, answered, cached, paid)


def is_billed_unread(said: Spoken) -> bool:
    """Whether a body tells a usage that nobody understands, of an answer that was billed."""
    return said.told.unread and (said.error is None or said.begun > 0)


def speaker_of(decoded: Mapping[str, Any]) -> Speaker:
    """Who says to have answered, as OpenAI, Anthropic and (for the provider) OpenRouter name it."""
    told = (decoded.get(name) for name in ("model", "provider", "id"))
    return Speaker(*(plain(each) if isinstance(each, str) and each.strip() else None for each in told))


def not_spoken(why: str, told: Told | None = None, code: int | None = None, begun: int = 0) -> Spoken:
    """A body with an error instead of an answer."""
    return Spoken(None, None, None, (code, why), told or Told(), begun=begun)


def unknown(told: Told | None = None) -> Spoken:
    """A body of no shape that a dialect has: somebody answered, and nobody can read it."""
    return Spoken(None, None, None, None, told or Told(), known=False)
