"""One server script for each dialect, as strict as its documentation: what production refuses, the test refuses.

Each answers a valid request with `RECORD` in the shape of its endpoint, and anything else with that endpoint's own
error. `KEY` is the only key that is taken.
"""

import io
import json
from collections.abc import Callable
from typing import Any

from fakes import Answer, Asked
from PIL import Image

from extractors.vision.endpoints import PROFILES

KEY = "sk-the-only-one"
RECORD = {"merchant": "Corner Shop", "total": "12.00", "currency": "EUR"}

_COMMON = {"model", "messages", "max_tokens", "temperature", "top_p", "stream"}
_PENALTIES = {"presence_penalty", "frequency_penalty"}


class Refused(Exception):
    """The answer to a request that breaks a rule."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.answer = Answer(status=status, body=json.dumps(body).encode())


def openrouter(asked: Asked) -> Answer:
    """Wants the key, a known slug with a routing suffix, upstreams that honour the schema, and its own headers."""

    def error(status: int, message: str) -> Refused:
        return Refused(status, {"error": {"message": message, "code": status}})

    _bearer(asked, error)
    slug, _, routing = asked.body["model"].partition(":")
    if slug != PROFILES["openrouter"].model or routing not in {"", "nitro", "exacto"}:
        raise error(400, f"{asked.body['model']} is not a valid model ID")
    if not asked.body["provider"].get("require_parameters"):
        raise error(404, "an upstream that drops response_format was chosen")
    if "x-openrouter-title" not in asked.headers or "http-referer" not in asked.headers:
        raise error(400, "no attribution")
    _pages(asked, 64, error)
    _json_schema(asked, error)
    return _completion(RECORD, {"prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.5,
                                "prompt_tokens_details": {"cached_tokens": 600}})  # fmt: skip


def unorouter(asked: Asked) -> Answer:
    """Drops `response_format`, so the answer comes in a fence; a quota that is used up is a 403."""

    def error(status: int, message: str) -> Refused:
        return Refused(status, {"error": {"message": message, "type": "new_api_error", "code": "invalid"}})

    _bearer(asked, error)
    if asked.body["model"] != "mistral-small-3.2":
        raise error(404, "no such model")
    _pages(asked, 64, error)
    return _completion(f"```json\n{json.dumps(RECORD)}\n```")


def modelslab(asked: Asked) -> Answer:
    """Takes Bearer, or `key` and `model_id` in the body; errors come with 200; it stops at 1000 tokens unasked."""

    def error(_: int, message: str) -> Refused:
        return Refused(200, {"status": "error", "messege": message})

    older = "key" in asked.body
    if (asked.body.get("key") != KEY) if older else (asked.headers.get("authorization") != f"Bearer {KEY}"):
        raise Refused(401, {"status": "error", "message": "Invalid API Key"})
    if asked.body.get("model_id" if older else "model") != PROFILES["modelslab"].model:
        raise error(404, "model_id not found")
    _fields(asked, {*_COMMON, *_PENALTIES, "response_format", "key", "model_id"}, error)
    if asked.body.get("response_format") != {"type": "json_object"}:
        raise error(400, "response_format must be json_object")
    if "max_tokens" not in asked.body:
        raise error(400, "cut off at 1000 tokens")
    _pages(asked, 64, error)
    return _completion(RECORD)


def modelslab_messages(asked: Asked) -> Answer:
    """Anthropic's Messages: its own headers, a limit always, images as sources, the forced tool."""

    def error(status: int, message: str) -> Refused:
        return Refused(status, {"type": "error", "error": {"type": "invalid_request_error", "message": message}})

    if asked.headers.get("x-api-key") != KEY:
        raise Refused(
            401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}
        )
    if asked.headers.get("anthropic-version") != "2023-06-01":
        raise error(400, "anthropic-version: header is required")
    if asked.path.endswith("/v1/messages/count_tokens"):
        _fields(asked, {"model", "messages", "system", "tools", "tool_choice"}, error)
        _jpegs(asked, error)
        return Answer(body=b'{"input_tokens": 77}')
    if not asked.path.endswith("/v1/messages"):
        raise error(404, "not found")
    if asked.body["model"] != PROFILES["modelslab-messages"].model:
        raise Refused(404, {"type": "error", "error": {"type": "not_found_error", "message": "model"}})
    _fields(asked, {*_COMMON, "system", "tools", "tool_choice", "top_k", "stop_sequences"}, error)
    if not isinstance(asked.body.get("max_tokens"), int) or any(
        m["role"] == "system" for m in asked.body["messages"]
    ):
        raise error(400, "max_tokens: Field required")
    (tool,) = asked.body["tools"]
    if (
        asked.body["tool_choice"] != {"type": "tool", "name": tool["name"]}
        or tool["input_schema"]["type"] != "object"
    ):
        raise error(400, "tool_choice")
    _jpegs(asked, error)
    body = {
        "type": "message", "role": "assistant", "stop_reason": "tool_use",
        "content": [{"type": "tool_use", "id": "t1", "name": tool["name"], "input": RECORD}],
        "usage": {"input_tokens": 400, "cache_read_input_tokens": 600, "output_tokens": 100},
    }  # fmt: skip
    return Answer(body=json.dumps(body).encode())


def mistral(asked: Asked) -> Answer:
    """Refuses every field it does not know with 422, and more than eight images."""

    def error(status: int, message: str) -> Refused:
        return Refused(status, {"object": "error", "message": message, "type": "invalid_request_error"})

    if asked.headers.get("authorization") != f"Bearer {KEY}":
        raise Refused(401, {"message": "Unauthorized", "request_id": "x"})
    if asked.body["model"] != PROFILES["mistral"].model:
        raise Refused(400, {"object": "error", "message": f"Invalid model: {asked.body['model']}", "code": "1500"})
    allowed = {*_COMMON, *_PENALTIES, "stop", "random_seed", "response_format", "tools", "tool_choice"}
    extra = sorted(set(asked.body) - allowed)
    if extra:
        detail = [
            {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
            for name in extra
        ]
        raise Refused(422, {"detail": detail})
    _pages(asked, 8, error)
    _json_schema(asked, error)
    answer = _completion(RECORD)
    limits = {"x-ratelimit-limit-req-minute": "6000", "x-ratelimit-remaining-req-minute": "5999"}
    return Answer(body=answer.raw(), headers=limits)


def vllm(asked: Asked) -> Answer:
    """Knows one model, takes `--limit-mm-per-prompt` images, and compiles the schema or says that it cannot."""

    def error(status: int, message: str) -> Refused:
        return Refused(status, {"error": {"message": message, "type": "BadRequestError", "code": status}})

    if asked.body["model"] != PROFILES["vllm"].model:
        raise error(404, f"The model `{asked.body['model']}` does not exist.")
    if "guided_json" in asked.body or "structured_outputs" in asked.body:
        raise error(500, "structured_outputs")
    _pages(asked, 8, error)
    _json_schema(asked, error)
    if "oneOf" in json.dumps(asked.body["response_format"]):
        raise error(400, "Grammar error: oneOf is not supported")
    return _completion(RECORD)


def ollama(asked: Asked) -> Answer:
    """Its errors are plain strings; it reads data URLs only."""

    def error(status: int, message: str) -> Refused:
        return Refused(status, {"error": message})

    if asked.body["model"] != PROFILES["ollama"].model:
        raise error(404, f"model '{asked.body['model']}' not found")
    _pages(asked, 1, error)
    return _completion(RECORD)


def custom(asked: Asked) -> Answer:
    """Plain OpenAI: every unknown field is an error."""

    def error(status: int, message: str) -> Refused:
        return Refused(
            status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
        )

    _bearer(asked, error)
    allowed = {
        *_COMMON,
        *_PENALTIES,
        "seed",
        "stop",
        "logit_bias",
        "response_format",
        "tools",
        "tool_choice",
        "stream_options",
    }
    _fields(asked, allowed, error)
    _pages(asked, 64, error)
    _json_schema(asked, error)
    return _completion(RECORD)


def script(rules: Callable[[Asked], Answer]) -> Callable[[Asked], Answer]:
    """The rules as a script for `fakes.model_server`."""

    def answered(asked: Asked) -> Answer:
        try:
            return rules(asked)
        except Refused as refused:
            return refused.answer

    return answered


SERVERS: dict[str, Callable[[Asked], Answer]] = {
    "openrouter": openrouter, "unorouter": unorouter, "modelslab": modelslab,
    "modelslab-messages": modelslab_messages, "mistral": mistral, "vllm": vllm, "ollama": ollama, "custom": custom,
}  # fmt: skip

Error = Callable[[int, str], Refused]


def _completion(said: Any, usage: dict[str, Any] | None = None) -> Answer:
    text = said if isinstance(said, str) else json.dumps(said)
    return Answer(text=text, usage=usage or {"prompt_tokens": 1000, "completion_tokens": 100})


def _bearer(asked: Asked, error: Error) -> None:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        raise error(401, "No auth credentials found")


def _fields(asked: Asked, allowed: set[str], error: Error) -> None:
    extra = sorted(set(asked.body) - allowed)
    if extra:
        raise error(400, f"unknown field {extra[0]}")


def _pages(asked: Asked, most: int, error: Error) -> None:
    images = [part for m in asked.body["messages"] if isinstance(m["content"], list) for part in m["content"]]
    urls = [part["image_url"]["url"] for part in images if part["type"] == "image_url"]
    if not all(url.startswith("data:image/jpeg;base64,") for url in urls):
        raise error(400, "image_url must be a data URL")
    if len(urls) > most:
        raise error(400, f"At most {most} image(s) may be provided in one prompt.")
    _jpegs(asked, error)


def _jpegs(asked: Asked, error: Error) -> None:
    if not asked.images:
        raise error(400, "no image")
    for image in asked.images:
        with Image.open(io.BytesIO(image)) as opened:
            if opened.format != "JPEG":
                raise error(400, "not a JPEG")
            opened.load()


def _json_schema(asked: Asked, error: Error) -> None:
    wrapped = asked.body.get("response_format", {})
    if wrapped.get("type") != "json_schema" or wrapped["json_schema"].get("strict") is not True:
        raise error(400, "response_format: a strict json_schema is wanted")
    _strict(wrapped["json_schema"]["schema"], error)


def _strict(node: Any, error: Error) -> None:
    """OpenAI's strict mode: every object closed and all its properties required; nothing exotic."""
    if isinstance(node, list):
        for child in node:
            _strict(child, error)
    if not isinstance(node, dict):
        return
    if "properties" in node and (
        node.get("additionalProperties") is not False or set(node["required"]) != set(node["properties"])
    ):
        raise error(400, "every object must be closed and every property required")
    if {"$ref", "oneOf", "const", "default", "title"} & (set(node) - {"properties"}):
        raise error(400, f"schema keyword in {sorted(node)}")
    for name, child in node.items():
        _strict(list(child.values()) if name == "properties" else child, error)
