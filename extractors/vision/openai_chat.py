"""OpenAI's chat completions, with what each endpoint wants otherwise (`extractors.vision.endpoints`)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from extractors.documents import VisionRequest
from extractors.vision.endpoints import Endpoint
from extractors.vision.envelopes import NO_TOOLS, Tools, answer_of, calls_of, refusal_of
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

PATH = "/chat/completions"


def body(request: VisionRequest, endpoint: Endpoint, sampling: Mapping[str, Any], asking: Asking) -> bytes:
    """The body. What is the same for every request comes first, so that gateways' prompt caches hit."""
    fields: dict[str, Any] = {
        **endpoint.extra_body,
        "messages": [*_messages(request), *_prefill(endpoint, sampling)],
        endpoint.parameters["max_completion_tokens"]: asking.answer_tokens,
        **sent_to(endpoint, sampling),
        **_schema_fields(request, endpoint, asking),
        **_whom(endpoint),
    }
    if sampling.get("prefill") is not None and endpoint.name == "vllm":
        # Source: vLLM's chat completion protocol: the last message is gone on with.
        fields |= {"add_generation_prompt": False, "continue_final_message": True}
    if asking.stream:
        fields |= {"stream": True} | ({"stream_options": {"include_usage": True}} if endpoint.stream_usage else {})
    return spliced(fields, request)


def _whom(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.auth == "body":
        return {"key": endpoint.api_key, "model_id": endpoint.model}
    suffix = f":{endpoint.routing}" if endpoint.routing in {"nitro", "exacto"} else ""
    model = endpoint.model.removesuffix(suffix) + suffix
    routed: dict[str, Any] = {"model": model}
    if endpoint.provider:
        routed["provider"] = dict(endpoint.provider)
    if endpoint.models:
        routed["models"] = [model, *endpoint.models]
    return routed


def _messages(request: VisionRequest) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    for number, (label, _) in enumerate(request.pictures):
        content.append({"type": "text", "text": label})
        content.append({"type": "image_url", "image_url": {"url": image_place(number)}})
    content.insert(len(content) if request.pictures_first else 0, {"type": "text", "text": request.instructions})
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": request.system},
        {"role": "user", "content": content},
    ]
    if request.faults and not request.first_answer:
        content.append({"type": "text", "text": repair_words(request)})
    elif request.first_answer:
        messages.append({"role": "assistant", "content": request.first_answer})
        messages.append({"role": "user", "content": repair_words(request)})
    return messages


def _prefill(endpoint: Endpoint, sampling: Mapping[str, Any]) -> list[dict[str, Any]]:
    if sampling.get("prefill") is None:
        return []
    # Source: Mistral's API: the last message is a prefix only when it says so.
    marked = {"prefix": True} if endpoint.name == "mistral" else {}
    return [{"role": "assistant", "content": sampling["prefill"], **marked}]


def _schema_fields(request: VisionRequest, endpoint: Endpoint, asking: Asking) -> dict[str, Any]:
    """The answer's schema beside the prompt, as the profile has it."""
    if not asking.grammar or endpoint.schema_by == "text":
        return {}
    if endpoint.schema_by == "json_object":
        return {"response_format": {"type": "json_object"}}
    name = request.schema_name[:64]
    if endpoint.schema_by == "tool":
        tool = {"name": name, "description": "Takes the record.", "parameters": request.schema}
        choice = {"type": "function", "function": {"name": name}}
        return {"tools": [{"type": "function", "function": tool}], "tool_choice": choice}
    schema = {"name": name, "strict": True, "schema": request.schema}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def spoken(decoded: Mapping[str, Any], tools: Tools = NO_TOOLS) -> Spoken:
    """Reads a response's body."""
    return replace(_spoken(decoded, tools), speaker=speaker_of(decoded))


def _spoken(decoded: Mapping[str, Any], tools: Tools) -> Spoken:
    told = told_of(decoded.get("usage"))
    listed = decoded.get("choices")
    choices = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    choices.sort(key=_index)
    failed = next((each for each in (decoded, *choices[:1]) if is_error(each)), None)
    if failed is not None:
        begun = len(answer_of(_message(choices[0]), tools) or "") if choices else 0
        code, words = told_error(failed)
        return not_spoken(words, told, code, begun)
    if "choices" not in decoded:
        return unknown(told)
    messages = [_message(choice) for choice in choices]
    read = [(answer_of(message, tools), refusal_of(message)) for message in messages]
    if not read:
        return Spoken(None, None, None, None, told)
    place = next((place for place, said in enumerate(read) if any(said)), 0)
    reason = choices[place].get("finish_reason")
    called = next((call.name for call in calls_of(messages[place]) if call.name in tools.others), None)
    return Spoken(
        read[place][0], reason if isinstance(reason, str) else None, read[place][1], None, told, called=called
    )


def is_error(decoded: Mapping[str, Any]) -> bool:
    """Whether a body, an event or a choice is an error."""
    return bool(decoded.get("error")) or decoded.get("status") == "error" or decoded.get("object") == "error"


def _index(choice: Mapping[str, Any]) -> int:
    index = choice.get("index")
    return index if isinstance(index, int) else 0


def _message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """A choice's message; of the older completions, its text."""
    found = choice.get("message")
    message = found if isinstance(found, dict) else choice.get("delta")
    if isinstance(message, dict):
        return message
    return {"content": found if isinstance(found, str) else choice.get("text")}
