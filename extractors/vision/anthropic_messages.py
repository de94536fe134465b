"""Anthropic's Messages: images as base64 sources, the schema by one tool that the model is made to call."""

import json
from collections.abc import Mapping
from typing import Any

from extractors.documents import Usage, VisionRequest
from extractors.vision.endpoints import Endpoint
from extractors.vision.sampling import sent_to
from extractors.vision.wire import (
    Asking,
    Spoken,
    cost,
    count,
    image_place,
    not_spoken,
    repair_words,
    spliced,
    told_error,
)

PATH = "/messages"
COUNT_PATH = "/messages/count_tokens"
"""Counts a question's tokens without asking it. Source: ModelsLab's and Anthropic's API; it costs nothing."""

_REASONS = {"max_tokens": "length", "refusal": "content_filter", "tool_use": "stop", "end_turn": "stop"}


def body(request: VisionRequest, endpoint: Endpoint, sampling: Mapping[str, Any], asking: Asking) -> bytes:
    """The body; without the grammar there is no tool, and the schema in the prompt must do."""
    fields: dict[str, Any] = {
        "model": endpoint.model,
        "system": request.system,
        "messages": _messages(request),
        "max_tokens": asking.answer_tokens,
        **sent_to(endpoint, sampling),
        **endpoint.extra_body,
    }
    if asking.grammar and endpoint.schema_by == "tool":
        name = request.schema_name[:64]
        fields["tools"] = [{"name": name, "description": "Takes the record.", "input_schema": request.schema}]
        fields["tool_choice"] = {"type": "tool", "name": name}
    return spliced(fields, request, before=b"")


def counting_body(request: VisionRequest, endpoint: Endpoint) -> bytes:
    """The body that asks for a question's tokens only."""
    fields = {"model": endpoint.model, "system": request.system, "messages": _messages(request)}
    return spliced(fields, request, before=b"")


def _messages(request: VisionRequest) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = [{"type": "text", "text": request.instructions}]
    for number, page in enumerate(request.pages):
        source = {"type": "base64", "media_type": "image/jpeg", "data": image_place(number)}
        content += [{"type": "text", "text": f"Page {page.page}:"}, {"type": "image", "source": source}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if request.first_answer is not None:
        messages.append({"role": "assistant", "content": request.first_answer})
        messages.append({"role": "user", "content": repair_words(request)})
    return messages


def spoken(raw: str, endpoint: Endpoint) -> Spoken:
    """Reads a response's body, whatever it is: the tool's input is the answer, else the text is."""
    try:
        decoded = json.loads(raw)
    except (ValueError, RecursionError):
        return not_spoken(f"not JSON: {raw[:100]!r}")
    if not isinstance(decoded, dict):
        return not_spoken("not a JSON object")
    usage = _usage(decoded.get("usage"), endpoint)
    if decoded.get("error") or decoded.get("status") == "error" or decoded.get("type") == "error":
        code, message = told_error(decoded)
        return not_spoken(message, usage, code)
    blocks = [block for block in decoded.get("content") or [] if isinstance(block, dict)]
    inputs = [block.get("input") for block in blocks if block.get("type") == "tool_use"]
    texts = [block["text"] for block in blocks if block.get("type") == "text" and isinstance(block.get("text"), str)]
    text = json.dumps(inputs[0], ensure_ascii=False) if inputs and isinstance(inputs[0], dict) else "".join(texts)
    reason = decoded.get("stop_reason")
    return Spoken(text or None, _REASONS.get(str(reason), str(reason)) if reason else None, None, None, usage)


def _usage(told: Any, endpoint: Endpoint) -> Usage:
    if not isinstance(told, dict):
        return Usage()
    cached = count(told.get("cache_read_input_tokens"))
    # Source: Anthropic's API: cached input is counted beside input_tokens, not in it.
    sent = count(told.get("input_tokens")) + cached + count(told.get("cache_creation_input_tokens"))
    answered = count(told.get("output_tokens"))
    return Usage(sent, answered, cached, cost(endpoint, sent, answered, cached))
