"""One call over the wire: the body in the endpoint's dialect, sent, and the response read to its end or cut off."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import httpx

from extractors.documents import Usage, VisionRequest
from extractors.vision import anthropic_messages, openai_chat
from extractors.vision.endpoints import Endpoint
from extractors.vision.outcomes import Outcome, outcome
from extractors.vision.streaming import gathered
from extractors.vision.wire import RUNAWAY, Asking, Spoken, cost, not_spoken

_CONNECT = 10.0
"""Seconds to be connected; for the whole call the client's own time-out counts."""

_GOOD = 200

_HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "Content-Type": "application/json",
    "User-Agent": "octavo",
}


class _Dialect(Protocol):
    """What the modules of the dialects have in common."""

    PATH: str

    def body(
        self, request: VisionRequest, endpoint: Endpoint, sampling: Mapping[str, Any], asking: Asking, /
    ) -> bytes: ...

    def spoken(self, raw: str, endpoint: Endpoint, /) -> Spoken: ...


@dataclass(frozen=True)
class Answered:
    """What came of a call.

    Attributes:
        endpoint: who was asked.
        status: HTTP status, or 0 when there was no response.
        headers: by lower-case name.
        text: the body; of a stream, as it would have come in one piece.
        said: the body read.
        outcome: what it means.
        seconds: that it took.
        streamed: it came as server-sent events.
    """

    endpoint: Endpoint
    status: int
    headers: Mapping[str, str]
    text: str
    said: Spoken
    outcome: Outcome
    seconds: float
    streamed: bool = False


def speaks(body: str, endpoint: Endpoint) -> Spoken:
    """What a response's body says, in the endpoint's dialect."""
    return _dialect(endpoint).spoken(body, endpoint)


def _dialect(endpoint: Endpoint) -> _Dialect:
    return anthropic_messages if endpoint.dialect == "anthropic" else openai_chat


async def post(
    http: httpx.AsyncBaseTransport,
    endpoint: Endpoint,
    request: VisionRequest,
    sampling: Mapping[str, Any],
    asking: Asking,
    *,
    patience: float,
    expected: Usage,
) -> Answered:
    """Asks once. Never raises for the endpoint's sake: what went wrong is in the outcome.

    Args:
        http: the run's connections.
        endpoint: whom to ask.
        request: the question.
        sampling: by the names on the model's page.
        asking: how.
        patience: seconds for the whole call; a body that drips more slowly counts as none.
        expected: tokens at most, for answers that do not tell their usage.
    """
    dialect = _dialect(endpoint)
    raw = dialect.body(request, endpoint, sampling, asking)
    asked = asked_of(endpoint, dialect.PATH, raw, patience)
    began, begun = time.monotonic(), False
    try:
        async with asyncio.timeout(patience):
            response = await http.handle_async_request(asked)
            try:
                begun = response.status_code == _GOOD
                events = response.headers.get("content-type", "").startswith("text/event-stream")
                text = await gathered(response.aiter_bytes()) if events else await _whole(response)
            finally:
                await response.aclose()
    except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
        slow = isinstance(error, TimeoutError | httpx.TimeoutException)
        why = f"{type(error).__name__}: {error}".rstrip(": ")
        # An answer that had begun was worked on, and may be billed: its input is counted.
        usage = Usage(expected.input, 0, 0, cost(endpoint, expected.input, 0)) if begun else Usage()
        said, told = not_spoken(why, usage), Outcome("overloaded" if slow else "busy", why)
        return Answered(endpoint, 0, {}, "", said, told, time.monotonic() - began)
    text = endpoint.without_key(text)
    said = _with_usage(dialect.spoken(text, endpoint), endpoint, expected)
    told = outcome(response.status_code, response.headers, text, said)
    seconds = time.monotonic() - began
    return Answered(endpoint, response.status_code, response.headers, text, said, told, seconds, streamed=events)


def asked_of(endpoint: Endpoint, path: str, body: bytes, patience: float) -> httpx.Request:
    """An HTTP request to an endpoint: its address, key and headers, and seconds to wait for each byte."""
    headers = httpx.Headers(_HEADERS)
    headers.update(endpoint.auth_headers())  # whatever the case of a person's own
    timeout = httpx.Timeout(patience, connect=min(_CONNECT, patience), pool=None)
    return httpx.Request(
        "POST", _address(endpoint.base_url + path), content=body, headers=headers,
        extensions={"timeout": timeout.as_dict()},
    )  # fmt: skip


@lru_cache(maxsize=16)
def _address(url: str) -> httpx.URL:
    return httpx.URL(url)


async def _whole(response: httpx.Response) -> str:
    await response.aread()
    return response.text.removeprefix("\ufeff")  # a byte order mark is no reason to ask, and pay, again


def _with_usage(said: Spoken, endpoint: Endpoint, expected: Usage) -> Spoken:
    """An answer that was cut off, or does not tell its usage, is counted by estimate: it was billed all the same."""
    if said.usage != Usage() or (said.text is None and said.finish_reason != RUNAWAY):
        return said
    output = min(expected.output, len(said.text or "") // 4 + 1)
    return replace(said, usage=Usage(expected.input, output, 0, cost(endpoint, expected.input, output)))
