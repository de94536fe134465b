"""OpenAI's chat completions, with what each endpoint wants otherwise (`extractors.vision.endpoints`)."""

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

PATH = "/chat/completions"


def body(request: VisionRequest, endpoint: Endpoint, sampling: Mapping[str, Any], asking: Asking) -> bytes:
    """The body. What is the same for every request comes first, so that gateways' prompt caches hit."""
    fields: dict[str, Any] = {
        "messages": [*_messages(request), *_prefill(endpoint, sampling)],
        endpoint.parameters["max_completion_tokens"]: asking.answer_tokens,
        **_response_format(request, endpoint, asking),
        **sent_to(endpoint, sampling),
        **_whom(endpoint),
        **endpoint.extra_body,
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
    routed: dict[str, Any] = {"model": endpoint.model + suffix}
    if endpoint.provider:
        routed["provider"] = dict(endpoint.provider)
    if endpoint.models:
        routed["models"] = [endpoint.model + suffix, *endpoint.models]
    return routed


def _messages(request: VisionRequest) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = [{"type": "text", "text": request.instructions}]
    for number, page in enumerate(request.pages):
        content.append({"type": "text", "text": f"Page {page.page}:"})
        content.append({"type": "image_url", "image_url": {"url": image_place(number)}})
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": request.system},
        {"role": "user", "content": content},
    ]
    if request.first_answer is not None:
        messages.append({"role": "assistant", "content": request.first_answer})
        messages.append({"role": "user", "content": repair_words(request)})
    return messages


def _prefill(endpoint: Endpoint, sampling: Mapping[str, Any]) -> list[dict[str, Any]]:
    if sampling.get("prefill") is None:
        return []
    # Source: Mistral's API: the last message is a prefix only when it says so.
    marked = {"prefix": True} if endpoint.name == "mistral" else {}
    return [{"role": "assistant", "content": sampling["prefill"], **marked}]


def _response_format(request: VisionRequest, endpoint: Endpoint, asking: Asking) -> dict[str, Any]:
    if not asking.grammar or endpoint.schema_by == "text":
        return {}
    if endpoint.schema_by == "json_object":
        return {"response_format": {"type": "json_object"}}
    schema = {"name": request.schema_name[:64], "strict": True, "schema": request.schema}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def spoken(raw: str, endpoint: Endpoint) -> Spoken:
    """Reads a response's body, whatever it is."""
    try:
        decoded = json.loads(raw)
    except (ValueError, RecursionError):
        return not_spoken(f"not JSON: {raw[:100]!r}")
    if not isinstance(decoded, dict):
        return not_spoken("not a JSON object")
    usage = usage_of(decoded.get("usage"), endpoint)
    choices = decoded.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    if decoded.get("error") or decoded.get("status") == "error":
        code, words = told_error(decoded)
        return not_spoken(words, usage, code)
    if choice.get("error"):
        code, words = told_error(choice)
        return not_spoken(words, usage, code)
    found = choice.get("message")
    message = found if isinstance(found, dict) else {}
    text, refusal, reason = message.get("content"), message.get("refusal"), choice.get("finish_reason")
    return Spoken(
        text if isinstance(text, str) else None,
        reason if isinstance(reason, str) else None,
        refusal if isinstance(refusal, str) else None,
        None,
        usage,
    )


def usage_of(told: Any, endpoint: Endpoint) -> Usage:
    """Tokens and cost as the endpoint tells them; its own cost wins over the profile's prices."""
    if not isinstance(told, dict):
        return Usage()
    sent, answered = count(told.get("prompt_tokens")), count(told.get("completion_tokens"))
    details = told.get("prompt_tokens_details")
    cached = min(sent, count(details.get("cached_tokens"))) if isinstance(details, dict) else 0
    own = told.get("cost")
    paid = float(own) if isinstance(own, int | float) and own >= 0 else cost(endpoint, sent, answered, cached)
    return Usage(sent, answered, cached, paid)
