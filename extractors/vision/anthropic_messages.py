"""Anthropic's Messages: images as base64 sources, the schema by one tool that the model is made to call."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from extractors.documents import VisionRequest
from extractors.vision.endpoints import Endpoint
from extractors.vision.envelopes import NO_TOOLS, Tools, answer_of, calls_of
from extractors.vision.sampling import sent_to
from extractors.vision.usages import told_of
from extractors.vision.wire import (
    Asking,
    Spoken,
    image_place,
    not_spoken,
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


def spoken(decoded: Mapping[str, Any], tools: Tools = NO_TOOLS) -> Spoken:
    """Reads a response's body: the input of the answer's own tool goes first, as in every dialect."""
    return replace(_spoken(decoded, tools), speaker=speaker_of(decoded))


def _spoken(decoded: Mapping[str, Any], tools: Tools) -> Spoken:
    told = told_of(decoded.get("usage"))
    if decoded.get("error") or "error" in (decoded.get("status"), decoded.get("type")):
        code, words = told_error(decoded)
        return not_spoken(words, told, code)
    if "content" not in decoded:
        return unknown(told)
    message, reason = _as_message(decoded["content"]), decoded.get("stop_reason")
    called = next((call.name for call in calls_of(message) if call.name in tools.others), None)
    text = answer_of(message, tools)
    return Spoken(text or None, reason if isinstance(reason, str) else None, None, None, told, called=called)


def _as_message(content: Any) -> dict[str, Any]:
    """A content as the message of a chat completion that says the same."""
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    used = [block for block in blocks if block.get("type") == "tool_use"]
    functions = [{"name": block.get("name"), "arguments": block.get("input") or ""} for block in used]
    return {"content": content, "tool_calls": [{"function": function} for function in functions]}
