"""The OpenAI chat-completions shapes: what a request asks, and how an answer, its usage and an error look."""

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MODEL_ID = "octavo-ocr"

_DATA_URL = re.compile(r"data:(?P<type>[\w.+/-]*)(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL)
_CHUNK = 400  # characters of one streamed piece
_CELL = 28
_TEXT_TOKEN = 4  # characters, about


class BadRequest(ValueError):
    """A request that cannot be answered, as the OpenAI API would refuse it.

    Attributes:
        status: HTTP status.
        code: the error's `code`, or None.
        param: which part of the request is meant, or None.
    """

    def __init__(self, message: str, *, status: int = 400, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


@dataclass(frozen=True)
class Question:
    """A chat request, read.

    Attributes:
        images: the page images' bytes, in order; a page that is sent twice counts once.
        numbers: of the pages, as `Page N:` before each image says; counted where nothing does.
        text: every text of the messages, a blank line between them.
        schema: the answer's JSON schema, or None for plain text.
        most_tokens: the answer's limit in tokens, or None.
        stream: whether to answer in server-sent events.
        stream_usage: whether the stream's last event tells the usage.
    """

    images: tuple[bytes, ...]
    numbers: tuple[int, ...]
    text: str
    schema: dict[str, Any] | None
    most_tokens: int | None
    stream: bool
    stream_usage: bool


def question(body: object) -> Question:
    """Reads a chat request.

    Raises:
        BadRequest: it is no chat request, has no image that can be read here, or names another model.
    """
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    if body.get("model") != MODEL_ID:
        raise BadRequest(
            f"the model {body.get('model')!r} does not exist here; ask for {MODEL_ID}",
            status=404,
            code="model_not_found",
            param="model",
        )
    parts = list(_parts(body.get("messages")))
    texts = [str(part.get("text") or "") for part in parts if part.get("type") == "text"]
    images = _images(parts)
    if not images:
        raise BadRequest("there is no image_url part: this model answers from page images only", param="messages")
    text = "\n\n".join(texts)
    options = body.get("stream_options")
    return Question(
        images=tuple(image for _, image in images),
        numbers=tuple(number for number, _ in images),
        text=text,
        schema=_schema(body.get("response_format"), text),
        most_tokens=_limit(body),
        stream=body.get("stream") is True,
        stream_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _parts(messages: object) -> Iterator[dict[str, Any]]:
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages must be a list that is not empty", param="messages")
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str):
            yield {"type": "text", "text": content}
        elif isinstance(content, list) and all(isinstance(part, dict) for part in content):
            yield from content
        elif not isinstance(message, dict) or content is not None:
            raise BadRequest("a message's content must be text or a list of parts", param="messages")


def _images(parts: Sequence[dict[str, Any]]) -> list[tuple[int, bytes]]:
    """Page numbers and images in order; a repair round may send a page again, under the label it had."""
    found: dict[tuple[str, bytes], int] = {}
    label = ""
    for part in parts:
        if part.get("type") == "text":
            label = str(part.get("text") or "").strip()
        elif part.get("type") == "image_url":
            labelled = re.fullmatch(r"Page (\d+)(?:, part .*)?:?", label)
            number = int(labelled[1]) if labelled else len(found) + 1
            found.setdefault((label, _image(part.get("image_url"))), number)
            label = label if labelled else str(len(found))
    return [(number, image) for (_, image), number in found.items()]


def _image(given: object) -> bytes:
    url = given.get("url") if isinstance(given, dict) else given
    match = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        raise BadRequest("image_url must be a data: URL; this model fetches nothing", param="messages")
    if not match["base64"]:
        raise BadRequest("a data: URL must be base64", param="messages")
    try:
        return base64.b64decode(match["data"], validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("the data: URL is not base64", param="messages") from None


def _schema(response_format: object, text: str) -> dict[str, Any] | None:
    """The schema of `response_format`, else one that is written in the text, else None."""
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if response_format is None or kind in {"text", "json_object"}:
        found = schema_in(text)
        if found is None and kind == "json_object":
            raise BadRequest("json_object needs a JSON schema in the text", param="response_format")
        return found
    if kind != "json_schema":
        raise BadRequest(
            f"response_format {kind!r} is none of text, json_object, json_schema", param="response_format"
        )
    wrapped = response_format.get("json_schema") if isinstance(response_format, dict) else None
    schema = wrapped.get("schema") if isinstance(wrapped, dict) else None
    if not isinstance(schema, dict):
        raise BadRequest("response_format.json_schema.schema is missing", param="response_format")
    return schema


def schema_in(text: str) -> dict[str, Any] | None:
    """The first JSON object in a text that has `properties` of its own; None without one."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        if isinstance(value, dict) and isinstance(value.get("properties"), dict):
            return value
        at = text.find("{", end)
    return None


def _limit(body: dict[str, Any]) -> int | None:
    limits = [body[name] for name in ("max_completion_tokens", "max_tokens") if body.get(name) is not None]
    if any(isinstance(limit, bool) or not isinstance(limit, int) or limit < 1 for limit in limits):
        raise BadRequest("max_tokens must be a whole number from 1", param="max_tokens")
    return min(limits) if limits else None


@dataclass(frozen=True)
class Completion:
    """An answer before it takes its shape on the wire.

    Attributes:
        id: `chatcmpl-...`.
        created: Unix time.
        text: what is answered, cut to the limit.
        finish_reason: `stop`, or `length` when it was cut.
        prompt_tokens: of images and text.
        completion_tokens: of the answer.
    """

    id: str
    created: int
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int

    @property
    def usage(self) -> dict[str, int]:
        """Tokens as the API counts them up."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }

    def whole(self) -> dict[str, Any]:
        """The body of an answer in one piece."""
        message = {"role": "assistant", "content": self.text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": None}
        return self._body("chat.completion", [choice]) | {"usage": self.usage}

    def events(self, *, with_usage: bool) -> Iterator[str]:
        """The answer as server-sent events, `[DONE]` last."""
        deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
        deltas += [({"content": self.text[at : at + _CHUNK]}, None) for at in range(0, len(self.text), _CHUNK)]
        deltas.append(({}, self.finish_reason))
        for delta, finish in deltas:
            choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
            body = self._body("chat.completion.chunk", [choice])
            yield _event(body | {"usage": None} if with_usage else body)
        if with_usage:
            yield _event(self._body("chat.completion.chunk", []) | {"usage": self.usage})
        yield "data: [DONE]\n\n"

    def _body(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": MODEL_ID, "choices": choices}


def completion(
    asked: Question, answer: str, sizes: Sequence[tuple[int, int]], *, identity: str, created: int
) -> Completion:
    """An answer, cut at the request's limit and counted.

    Args:
        asked: the request.
        answer: what the model says.
        sizes: the images' widths and heights in pixels.
        identity: the completion's id.
        created: Unix time.
    """
    tokens = text_tokens(answer)
    cut = asked.most_tokens is not None and tokens > asked.most_tokens
    most = asked.most_tokens or 0
    return Completion(
        id=identity,
        created=created,
        text=answer[: most * _TEXT_TOKEN] if cut else answer,
        finish_reason="length" if cut else "stop",
        prompt_tokens=sum(image_tokens(*size) for size in sizes) + text_tokens(asked.text),
        completion_tokens=most if cut else tokens,
    )


def image_tokens(width: int, height: int) -> int:
    """Tokens of an image as Mistral Small 3.1/3.2 counts them: `(columns + 1) * rows` of 28-px cells.

    Source: mistral-common's image encoder; a longer side over 1540 px is scaled down to it first.
    The formula stands in `rendering` too: there it plans, here a server counts what it was sent, without PyMuPDF.
    """
    scale = min(1.0, 1540 / max(width, height))
    return (math.ceil(width * scale / _CELL) + 1) * math.ceil(height * scale / _CELL)


def text_tokens(text: str) -> int:
    """Tokens of a text, about: four characters each."""
    return math.ceil(len(text) / _TEXT_TOKEN)


def error_body(error: BadRequest) -> dict[str, Any]:
    """An error in the API's shape."""
    kind = "invalid_request_error" if error.status < 500 else "server_error"  # noqa: PLR2004 - HTTP's classes
    return {"error": {"message": str(error), "type": kind, "param": error.param, "code": error.code}}


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n"
