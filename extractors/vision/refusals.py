"""What a refusal says: a parameter that is not taken, a limit that is too large, what a person changes. Pure.

The words are the endpoints' own: OpenAI, Azure, Anthropic, Google, Mistral, Groq, DeepSeek, OpenRouter, vLLM,
llama.cpp and pydantic behind any of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from extractors.vision.endpoints import Endpoint
from extractors.vision.outcomes import Outcome
from extractors.vision.sampling import sent_to
from extractors.vision.wire import Asking

_LEAST = 64
"""Tokens of an answer that is worth asking for."""

_LIMITS = ("max_tokens", "max_completion_tokens")
_COMMON = {"stop", "tools", "stream"}
"""Parameters that are words of any sentence, too: they count in quotes only."""

_NOT_TAKEN = re.compile(
    r"(?i)unsupported|\bnot (?:\w+ )?support|n't support|unknown|unrecogni[sz]ed|unexpected|extra (?:input|field)"
    r"|not (?:be )?(?:permitted|allowed|accepted|available|implemented|enabled)|unavailable|forbidden|invalid"
    r"|\bcannot\b|can't|must (?:be|not)|disabled|no such"
)
_SCHEMA_WORDS = re.compile(
    r"response.format|json.schema|json.object|structured.output|guided.(?:json|decoding)", re.IGNORECASE
)
_ONE_OF_TWO = re.compile(r"(?i)\bboth\b|only one of|mutually exclusive")

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_ANSWER = re.compile(
    r"(?i)max_(?:completion_|output_|new_)?tokens|(?:completion|output|generated) tokens|in the (?:completion|output)"
)
_TOO_MUCH = re.compile(
    r"(?i)too (?:large|big|high|many|long)|exceed|(?:greater|larger|less|more|lower) than|at most|at least|maximum"
    r"|\brange\b|\bonly\b|up to|reduce|\blimit|>"
)
_CONTEXT = re.compile(r"(?i)context (?:length|window|size|limit)\D{0,20}?(\d+)")
_SENT = re.compile(
    r"(?i)(\d+) (?:tokens? )?(?:in the (?:messages|prompt|input)|of text input|(?:input|prompt) tokens)"
)
_SUM = re.compile(r"(\d+) \+ \d+ > (\d+)")
_DIFFERENCE = re.compile(r"> (\d+) - (\d+)")

_NUMBER = re.compile(r"(?<![\w.-])\d{1,9}(?![\w.-]*\w)")
_URL = re.compile(r"https?://\S+")
_NUMBERED = re.compile(r"[\w.-]*\d[\w.-]*")


@dataclass(frozen=True)
class Lowered:
    """A limit of the answer that the endpoint will take.

    Attributes:
        tokens: of the answer.
        lasting: it holds for every question, not only beside a prompt of this length.
    """

    tokens: int
    lasting: bool


def alike(why: str) -> str:
    """A refusal without what differs from call to call: numbers, ids and addresses; its status stays."""
    status, colon, words = why.partition(": ")
    return status + colon + _NUMBERED.sub("#", _URL.sub("#", words)).lower()


def limit_name(endpoint: Endpoint) -> str:
    """The field that bounds the answer."""
    return "max_tokens" if endpoint.dialect == "anthropic" else endpoint.parameters["max_completion_tokens"]


def sent_fields(endpoint: Endpoint, sampling: Mapping[str, Any], asking: Asking) -> frozenset[str]:
    """What a request holds beside its question, under the endpoint's names."""
    streamed = {"stream_options"} if asking.stream and endpoint.stream_usage else set()
    return schema_fields(endpoint, asking) | {*sent_to(endpoint, sampling), limit_name(endpoint), *streamed}


def schema_fields(endpoint: Endpoint, asking: Asking) -> frozenset[str]:
    """Fields by which the answer's schema is sent beside the prompt."""
    if not asking.grammar or endpoint.schema_by == "text":
        return frozenset()
    return frozenset({"tools", "tool_choice"} if endpoint.schema_by == "tool" else {"response_format"})


def not_taken(outcome: Outcome, sent: frozenset[str]) -> frozenset[str]:
    """Those of the sent fields that a refusal says the endpoint does not take; none where it is about another."""
    if not _NOT_TAKEN.search(outcome.why):
        return frozenset()
    # What it points at, if anything: its words may repeat the whole request.
    named = sent & set(outcome.about) or {name for name in sent if _says(outcome.why, name)}
    if _SCHEMA_WORDS.search(outcome.why):
        named |= sent & {"response_format", "tools", "tool_choice"}
    if len(named) > 1 and _ONE_OF_TWO.search(outcome.why):
        named -= {"temperature"}  # of two that exclude each other, this one matters
    return frozenset(named)


def _says(words: str, name: str) -> bool:
    quoted = name in _COMMON
    pattern = rf"['\"`]{re.escape(name)}['\"`]" if quoted else rf"(?<!\w){re.escape(name)}(?!\w)"
    return re.search(pattern, words) is not None


def without(endpoint: Endpoint, names: frozenset[str], why: str) -> Endpoint | None:
    """The endpoint as it is asked from now on; None where it does not take what no question can do without.

    Args:
        endpoint: as it was asked.
        names: fields that it does not take; those of the schema are the caller's.
        why: its words: they may name the field that it wants instead.
    """
    parameters = {name: there for name, there in endpoint.parameters.items() if there not in names}
    limit = limit_name(endpoint)
    if limit in names:
        other = next((name for name in _LIMITS if name != limit and _says(why, name)), None)
        if other is None or endpoint.dialect == "anthropic":
            return None
        parameters["max_completion_tokens"] = other
    tells_usage = endpoint.stream_usage and "stream_options" not in names
    return replace(endpoint, parameters=parameters, stream_usage=tells_usage)


def lowered(why: str, asked: int, *, least: int = _LEAST) -> Lowered | None:
    """The answer's limit that a refusal leaves room for; None where it is not about that, or leaves too little.

    Args:
        why: the endpoint's words.
        asked: tokens of the answer that were asked for.
        least: tokens of an answer that is worth asking for.
    """
    words, least = _THOUSANDS.sub("", why.partition(": ")[2]), max(least, _LEAST)
    if not _ANSWER.search(words) or not _TOO_MUCH.search(words):
        return None
    room = _room(words)
    if room is not None:
        return Lowered(room, lasting=False) if least <= room < asked else None
    told = [number for number in map(int, _NUMBER.findall(words)) if number < asked]
    tokens = max((number for number in told if number >= least), default=asked // 2)
    return Lowered(tokens, lasting=True) if tokens >= least else None


def _room(words: str) -> int | None:
    """What a prompt leaves of the context, where a refusal tells both."""
    if found := _SUM.search(words):
        return int(found[2]) - int(found[1])
    if found := _DIFFERENCE.search(words):
        return int(found[1]) - int(found[2])
    context, sent = _CONTEXT.search(words), _SENT.search(words)
    return int(context[1]) - int(sent[1]) if context and sent else None


_CHANGES = (
    (r"redirects", "set {address} to where it is"),
    (r"refuses the key|forbids|no credit|no allowance", "check {key}, the credit and the model's name"),
    (r"multimodal|image|vision", "choose a model that reads images (--model, OCTAVO_MODEL)"),
    (_SCHEMA_WORDS.pattern, 'set schema_by = "text" under {table} of octavo.toml'),
    (
        r"max_(?:completion_)?tokens",
        "set max_completion_tokens under [sampling], or its name there under {table} parameters, in octavo.toml",
    ),
    (
        r"context|too (?:large|long|big|many)|exceed|entity",
        "ask for less (--pages-per-request 1), or set context, images, body_bytes under {table} of octavo.toml",
    ),
    (r"not found|model", "check the model (--model, OCTAVO_MODEL) and the address ({address})"),
    (
        r"",
        "check the address ({address}), the model (--model) and what is sent ([sampling] and {table} of octavo.toml)",
    ),
)
"""What a refusal's words mean for a person; the first that fit count."""


def what_to_change(endpoint: Endpoint, why: str) -> str:
    """What a person sets otherwise when an endpoint refuses everything, by its words."""
    table = f"[endpoint.{endpoint.name}]"
    advice = next(told for words, told in _CHANGES if re.search(words, why, re.IGNORECASE))
    address = "OCTAVO_BASE_URL or --base-url" if endpoint.name == "custom" else f"base_url under {table}"
    return advice.format(address=address, table=table, key=endpoint.key_env or "OCTAVO_API_KEY")
