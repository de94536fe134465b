"""The ASGI app: `POST /v1/chat/completions`, `GET /v1/models`, `GET /healthz`."""

import asyncio
import json
import logging
import time
import uuid
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from extractors.errors import BadConfiguration
from extractors.local_model.chat import MODEL_ID, BadRequest, Question, completion, error_body, question
from extractors.local_model.filling import fill
from extractors.local_model.wanted import UnusableSchema
from extractors.pages.lines import ReadPage
from extractors.pages.ocr import Reader, UnreadableImage

_LOG = logging.getLogger(__name__)


def create_app() -> ASGIApp:
    """The built-in model behind the OpenAI wire protocol.

    Mount it with `httpx.ASGITransport`, or serve it with `serve`. It keeps the pages it read last, nothing else.
    """
    reader = Reader()

    async def chat(request: Request) -> Response:
        return await _chat(request, reader)

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/models", _models),
            Route("/healthz", _health),
        ],
        exception_handlers={BadRequest: _refuse, HTTPException: _no_such_thing},
    )


def serve(host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serves the model over HTTP until it is stopped.

    Raises:
        BadConfiguration: uvicorn is missing.
    """
    try:
        import uvicorn
    except ModuleNotFoundError:
        raise BadConfiguration("serving the built-in model needs uvicorn: install the `local` extra") from None
    uvicorn.run(create_app(), host=host, port=port, log_level="warning")


async def _chat(request: Request, reader: Reader) -> Response:
    asked = question(await _json(request))
    pages = await _read(asked, reader)
    text = await asyncio.to_thread(_answer, asked, pages)
    sizes = [(page.width, page.height) for page in pages]
    made = completion(asked, text, sizes, identity=f"chatcmpl-{uuid.uuid4().hex}", created=int(time.time()))
    if asked.stream:
        return StreamingResponse(made.events(with_usage=asked.stream_usage), media_type="text/event-stream")
    return JSONResponse(made.whole())


async def _json(request: Request) -> object:
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None


async def _read(asked: Question, reader: Reader) -> list[ReadPage]:
    """The pages of a request, read side by side."""
    reading = [asyncio.ensure_future(reader.read(image)) for image in asked.images]
    try:
        return list(await asyncio.gather(*reading))
    except UnreadableImage as error:
        raise BadRequest(str(error), param="messages", code="invalid_image") from None
    except BadConfiguration as error:
        _LOG.error("%s", error)
        raise BadRequest(str(error), status=500) from None
    finally:
        for one in reading:
            one.cancel()


def _answer(asked: Question, pages: list[ReadPage]) -> str:
    if asked.schema is None:
        return "\n\n".join(page.text for page in pages)
    try:
        filled = fill(asked.schema, pages, asked.numbers)
    except UnusableSchema as error:
        raise BadRequest(f"the schema cannot be filled: {error}", param="response_format") from None
    return json.dumps(filled, ensure_ascii=False, separators=(",", ":"))


async def _models(_: Request) -> Response:
    model: dict[str, Any] = {"id": MODEL_ID, "object": "model", "created": 0, "owned_by": "octavo"}
    return JSONResponse({"object": "list", "data": [model]})


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, BadRequest)  # noqa: S101 - it is registered for these only
    return JSONResponse(error_body(error), status_code=error.status)


async def _no_such_thing(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - likewise
    return JSONResponse(error_body(BadRequest(str(error.detail), status=error.status_code)), error.status_code)
