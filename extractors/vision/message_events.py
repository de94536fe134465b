"""The events of Anthropic's Messages, each as the chunk of a chat completion that says the same. Pure.

Source: Anthropic's API reference on streaming, which gateways of that shape follow.
"""

from collections.abc import Mapping
from typing import Any

_NAMES = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
_HELD = ("cache_read_input_tokens", "cache_creation_input_tokens")
_TYPES = {
    "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
    "message_stop", "ping",
}  # fmt: skip


def as_chunk(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The chunk; any other event as it is."""
    kind = event.get("type")
    if kind not in _TYPES or "choices" in event:
        return event
    if kind == "message_start":
        message = _dict(event.get("message"))
        named = {name: message[name] for name in ("id", "model", "provider") if name in message}
        return {**named, **_usage(message)}
    if kind == "content_block_delta":
        return _said(_piece(_dict(event.get("delta"))))
    if kind == "content_block_start":
        return _said(_piece(_dict(event.get("content_block"))))
    if kind == "message_delta":
        reason = _dict(event.get("delta")).get("stop_reason")
        ended = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]} if reason else {}
        return {**ended, **_usage(event)}
    return {}


def ends(event: Mapping[str, Any]) -> bool:
    """Whether nothing follows."""
    return event.get("type") == "message_stop" and "choices" not in event


def _piece(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a block, or a piece of one, adds to the message."""
    if isinstance(told.get("partial_json"), str):
        return {"tool_calls": [{"function": {"arguments": told["partial_json"]}}]}
    if told.get("type") == "tool_use" and told.get("input"):
        # A server that sends a tool's input whole does so where others send an empty one.
        return {"tool_calls": [{"function": {"arguments": told["input"]}}]}
    if isinstance(told.get("thinking"), str):
        return {"reasoning_content": told["thinking"]}
    return {"content": told["text"]} if isinstance(told.get("text"), str) else {}


def _said(delta: dict[str, Any]) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]} if delta else {}


def _usage(event: Mapping[str, Any]) -> dict[str, Any]:
    """Usage under OpenAI's names; cached input is counted beside `input_tokens` there, and in it here."""
    told = _dict(event.get("usage"))
    usage: dict[str, Any] = {_NAMES[name]: value for name, value in told.items() if name in _NAMES}
    held = [told[name] for name in _HELD if isinstance(told.get(name), int)]
    if held and isinstance(usage.get("prompt_tokens"), int):
        usage["prompt_tokens"] += sum(held)
    if told.get("cache_read_input_tokens"):
        usage["prompt_tokens_details"] = {"cached_tokens": told["cache_read_input_tokens"]}
    if "cost" in told:
        usage["cost"] = told["cost"]
    return {"usage": usage} if usage else {}


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
