"""What a body tells of its tokens and its cost: one reader for every dialect, streamed or not. Pure."""

from collections.abc import Mapping
from typing import Any

from extractors.vision.wire import Told, count, price

AT_START = "output_tokens_at_start"
"""Where a stream keeps what its beginning tells of the answer's tokens: these at least."""

OF_THE_ANSWER = frozenset({"completion_tokens", "output_tokens", "total_tokens"})
"""Counts that are not known before the answer has ended."""

_SENT = ("prompt_tokens", "input_tokens")
_ANSWERED = ("completion_tokens", "output_tokens")
_HELD = ("cache_read_input_tokens", "cache_creation_input_tokens")


def told_of(usage: Any) -> Told:
    """Reads a usage, by OpenAI's names and by Anthropic's; each count is the first that is told of either."""
    if not isinstance(usage, dict):
        return Told(unread=bool(usage))
    # Source: Anthropic's API: cached input is counted beside input_tokens, not in it.
    sent, beside = count(usage.get("prompt_tokens")), 0
    if not sent and (fresh := count(usage.get("input_tokens"))) is not None:
        read, made = (count(usage.get(name)) or 0 for name in _HELD)
        sent, beside = fresh + read + made, read
    answered = _first(usage, _ANSWERED)
    total, least = count(usage.get("total_tokens")), count(usage.get(AT_START)) or 0
    if total and sent:
        # What a model thought is in the total alone at some endpoints.
        answered = max(answered or 0, total - sent)
    elif total and answered:
        sent = max(0, total - answered)
    answered = None if answered is None else max(answered, least)
    cost = price(usage.get("cost"))
    unread = cost is None and _is_unread(usage, sent, answered)
    return Told(sent, answered, beside or _cached(usage), cost, least, unread)


def _first(usage: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    told = [found for found in (count(usage.get(name)) for name in names) if found is not None]
    return next((found for found in told if found), told[0] if told else None)


def _is_unread(usage: Mapping[str, Any], sent: int | None, answered: int | None) -> bool:
    """Whether a count stands there that nobody understands, in place of one that is needed."""
    told = {name for name, value in usage.items() if value is not None}
    if sent is None and answered is None:
        return bool(told - {"cost"})
    return (sent is None and not told.isdisjoint(_SENT)) or (answered is None and not told.isdisjoint(OF_THE_ANSWER))


def _cached(usage: Mapping[str, Any]) -> int:
    """Tokens of the prompt that a cache held, as OpenAI, Mistral and DeepSeek tell them."""
    details = usage.get("prompt_tokens_details")
    told = (
        details.get("cached_tokens") if isinstance(details, dict) else None,
        usage.get("num_cached_tokens"), usage.get("prompt_cache_hit_tokens"),
    )  # fmt: skip
    return next((found for found in map(count, told) if found), 0)
