"""The events of Anthropic's Messages, each as the chunk of a chat completion that says the same. Pure.

Source: Anthropic's API reference on streaming, which gateways of that shape follow.
"""

from collections.abc import Mapping
from typing import Any

from extractors.vision.usages import AT_START, OF_THE_ANSWER, told_of

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
        return {**named, **_usage_at_start(message)}
    place = event.get("index")
    if kind == "content_block_delta":
        return _said(_piece(_dict(event.get("delta")), place))
    if kind == "content_block_start":
        return _said(_piece(_dict(event.get("content_block")), place))
    if kind == "message_delta":
        reason = _dict(event.get("delta")).get("stop_reason")
        ended = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]} if reason else {}
        return {**ended, **_usage(event)}
    return _usage(event) if kind == "message_stop" else {}


def ends(event: Mapping[str, Any]) -> bool:
    """Whether nothing follows."""
    return event.get("type") == "message_stop" and "choices" not in event


def _piece(told: Mapping[str, Any], place: Any) -> dict[str, Any]:
    """What a block, or a piece of one, adds to the message."""
    if isinstance(told.get("partial_json"), str):
        return {"tool_calls": [{"index": place, "function": {"arguments": told["partial_json"]}}]}
    if told.get("type") == "tool_use":
        # A server that sends a tool's input whole does so where others send an empty one.
        function = {"name": told.get("name"), "arguments": told.get("input") or ""}
        return {"tool_calls": [{"index": place, "id": told.get("id"), "function": function}]}
    if isinstance(told.get("thinking"), str):
        return {"reasoning_content": told["thinking"]}
    return {"content": told["text"]} if isinstance(told.get("text"), str) else {}


def _said(delta: dict[str, Any]) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]} if delta else {}


def _usage_at_start(message: Mapping[str, Any]) -> dict[str, Any]:
    """The answer's tokens are those of its beginning there: no less than these, however it ends."""
    told = _dict(message.get("usage"))
    sent = {name: value for name, value in told.items() if name not in OF_THE_ANSWER}
    begun = told_of(told).output
    usage = {**sent, **({AT_START: begun} if begun else {})}
    return {"usage": usage} if usage else {}


def _usage(event: Mapping[str, Any]) -> dict[str, Any]:
    told = event.get("usage")
    return {"usage": told} if isinstance(told, dict) else {}


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
