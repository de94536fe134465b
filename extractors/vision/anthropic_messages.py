"""Anthropic's Messages: images as base64 sources, the schema by one tool that the model is made to call."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from extractors.documents import VisionRequest
from extractors.vision.endpoints import Endpoint
from extractors.vision.envelopes import NO_TOOLS, Tools, words_of
from extractors.vision.sampling import sent_to
from extractors.vision.wire import (
    Asking,
    Spoken,
    Told,
    count,
    image_place,
    not_spoken,
    price,
    repair_words,
    speaker_of,
    spliced,
    told_error,
    unknown,
)

PATH = "/messages"
COUNT_PATH = "/messages/count_tokens"
"""Counts a question's tokens without asking it. Source: ModelsLab's and Anthropic's API; it costs nothing."""


def body(request: VisionRequest, endpoint: Endpoint, sampling: Mapping[str, Any], asking: Asking) -> bytes:
    """The body; without the grammar there is no tool, and the schema in the prompt must do."""
    fields = {
        **endpoint.extra_body,
        **_question(request, endpoint, asking),
        "max_tokens": asking.answer_tokens,
        **sent_to(endpoint, sampling),
        **({"stream": True} if asking.stream else {}),
    }
    return spliced(fields, request, before=b"")


def counting_body(request: VisionRequest, endpoint: Endpoint, asking: Asking) -> bytes:
    """The body that asks for a question's tokens only, those of its tool included."""
    return spliced(_question(request, endpoint, asking), request, before=b"")


def _question(request: VisionRequest, endpoint: Endpoint, asking: Asking) -> dict[str, Any]:
    fields = {"model": endpoint.model, "system": request.system, "messages": _messages(request)}
    if not asking.grammar or endpoint.schema_by != "tool":
        return fields
    name = request.schema_name[:64]
    tool = {"name": name, "description": "Takes the record.", "input_schema": request.schema}
    return {**fields, "tools": [tool], "tool_choice": {"type": "tool", "name": name}}


def _messages(request: VisionRequest) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    for number, (label, _) in enumerate(request.pictures):
        source = {"type": "base64", "media_type": "image/jpeg", "data": image_place(number)}
        content += [{"type": "text", "text": label}, {"type": "image", "source": source}]
    content.insert(len(content) if request.pictures_first else 0, {"type": "text", "text": request.instructions})
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if request.faults and not request.first_answer:
        content.append({"type": "text", "text": repair_words(request)})
    elif request.first_answer:
        messages.append({"role": "assistant", "content": request.first_answer})
        messages.append({"role": "user", "content": repair_words(request)})
    return messages


def spoken(decoded: Mapping[str, Any], tools: Tools = NO_TOOLS) -> Spoken:  # noqa: ARG001 - as every dialect's
    """Reads a response's body: the input of the one tool that is sent is the answer, else the text is."""
    return replace(_spoken(decoded), speaker=speaker_of(decoded))


def _spoken(decoded: Mapping[str, Any]) -> Spoken:
    told = _told(decoded.get("usage"))
    if decoded.get("error") or "error" in (decoded.get("status"), decoded.get("type")):
        code, message = told_error(decoded)
        return not_spoken(message, told, code)
    content, reason = decoded.get("content"), decoded.get("stop_reason")
    if "content" not in decoded:
        return unknown(told)
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    inputs = [block.get("input") for block in blocks if block.get("type") == "tool_use"]
    given = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in inputs if each]
    text = "\n".join(given) or words_of(content)
    return Spoken(text or None, reason if isinstance(reason, str) else None, None, None, told)


def _told(usage: Any) -> Told:
    if not isinstance(usage, dict):
        return Told()
    cached = count(usage.get("cache_read_input_tokens")) or 0
    sent, made = count(usage.get("input_tokens")), count(usage.get("cache_creation_input_tokens")) or 0
    # Source: Anthropic's API: cached input is counted beside input_tokens, not in it.
    whole = None if sent is None else sent + cached + made
    return Told(whole, count(usage.get("output_tokens")), cached, price(usage.get("cost")))
