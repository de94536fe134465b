"""One call over the wire: the body in the endpoint's dialect, sent, and the response read to its end or cut off."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import httpx

from extractors.aside import aside
from extractors.documents import Usage, VisionRequest
from extractors.vision import anthropic_messages, openai_chat
from extractors.vision.bodies import Body, unpacked
from extractors.vision.endpoints import Endpoint
from extractors.vision.envelopes import NO_TOOLS, Tools
from extractors.vision.outcomes import Outcome, outcome
from extractors.vision.sampling import tools_of
from extractors.vision.wire import Asking, Spoken, booked, is_billed_unread, not_spoken, read_json, unknown

MOST_BYTES = 4 << 20
"""Of an answer, unpacked. The longest that is asked for has a tenth of it."""

_CONNECT = 10.0
"""Seconds to be connected; for the whole call the client's own time-out counts."""

_STREAMS = 10
"""Time-outs that a whole stream may take: within it the time-out is for silence."""

_GRACE, _SHORT_GRACE = 2.0, 0.25
"""Seconds that a connection is listened to when its answer has come, and its usage not yet; when that has, too."""

_GOOD, _LATE = 200, frozenset({504, 524})
"""HTTP's success; what a gateway says of an endpoint that was still working."""

_UNSENT = (
    httpx.LocalProtocolError, httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError,
    httpx.UnsupportedProtocol,
)  # fmt: skip
"""What goes wrong before a request reaches anybody."""

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

    def spoken(self, decoded: Mapping[str, Any], tools: Tools, /) -> Spoken: ...


@dataclass(frozen=True)
class Answered:
    """What came of a call.

    Attributes:
        endpoint: who was asked.
        status: HTTP status, or 0 when there was no response.
        headers: by lower-case name.
        text: the body; of a stream, as it would have come in one piece.
        said: the body read.
        usage: what the call is counted as.
        outcome: what it means.
        seconds: that it took.
        asking: how it was asked.
        first_token: seconds until the first piece of the answer, where it came in pieces.
        streamed: it came as server-sent events.
        settled: it is known what it is counted as; else `usage` is the most that it can be.
    """

    endpoint: Endpoint
    status: int
    headers: Mapping[str, str]
    text: str
    said: Spoken
    usage: Usage
    outcome: Outcome
    seconds: float
    asking: Asking
    first_token: float | None = None
    streamed: bool = False
    settled: bool = True

    @property
    def unanswered(self) -> bool:
        """Whether the question was worked on, as far as anybody knows, and nothing came of it."""
        return not self.settled and (self.status == 0 or self.status in _LATE)


def speaks(body: str, tools: Tools = NO_TOOLS) -> Spoken:
    """What a response's body says, in the dialect that it is in, whoever was asked."""
    decoded = read_json(body)
    if not isinstance(decoded, dict):
        # Nothing, or a proxy's page, is nobody's answer.
        return not_spoken(f"not JSON: {body[:100]!r}") if body.lstrip()[:1] in {"", "<"} else unknown()
    signed = "stop_reason" in decoded or decoded.get("type") in ("message", "error")
    dialect: _Dialect = anthropic_messages if signed and "choices" not in decoded else openai_chat
    return dialect.spoken(decoded, tools)


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
    most_bytes: int = MOST_BYTES,
) -> Answered:
    """Asks once. Never raises for the endpoint's sake: what went wrong is in the outcome.

    Args:
        http: the run's connections.
        endpoint: whom to ask.
        request: the question.
        sampling: by the names on the model's page.
        asking: how.
        patience: seconds for the whole call; a body that drips more slowly counts as none. Of a stream, for silence.
        expected: tokens at most, for answers that do not tell their usage.
        most_bytes: of the body, unpacked.
    """
    dialect = _dialect(endpoint)
    raw = dialect.body(request, endpoint, sampling, asking)
    asked = asked_of(endpoint, dialect.PATH, raw, patience)
    began, body, response, lost = time.monotonic(), None, None, None
    try:
        async with asyncio.timeout(patience) as limit:
            response = await http.handle_async_request(asked)
            body = Body(most_bytes, response.charset_encoding)
            try:
                await _listen(response, body, limit, patience)
            finally:
                await response.aclose()
    except (httpx.TransportError, TimeoutError) as error:
        lost = error
    seconds = time.monotonic() - began
    if response is None or body is None or (lost is not None and body.stream is None):
        return _unheard(endpoint, lost, expected, seconds, asking)
    # A stream that was lost is what it said until then: its answer may have been whole.
    text, status = endpoint.without_key(body.text()), response.status_code
    said = await aside(len(text), speaks, text, tools_of(request, sampling))
    cut = lost is not None or body.over
    settled = status not in _LATE and not (cut and None in {said.told.input, said.told.output})
    settled = settled and not (status == _GOOD and is_billed_unread(said))
    usage = booked(said, endpoint, expected) if status == _GOOD else Usage()
    usage = usage if settled else expected
    told = await aside(len(text), outcome, status, response.headers, text, said)
    told = replace(told, why=endpoint.redacted(told.why))
    begun_at = body.stream.begun_at if body.stream is not None else None
    return Answered(
        endpoint, status, response.headers, text, said, usage, told, seconds, asking,
        first_token=None if begun_at is None else begun_at - began, streamed=body.stream is not None, settled=settled,
    )  # fmt: skip


async def _listen(response: httpx.Response, body: Body, limit: asyncio.Timeout, patience: float) -> None:
    """Reads a body to its end, or to the end of the answer where a connection is held open after it."""
    began, now = time.monotonic(), asyncio.get_running_loop().time
    known = ended = told = False
    async with aclosing(unpacked(response)) as chunks:
        async for chunk in chunks:
            body.add(chunk)
            if body.over:
                return
            if (stream := body.stream) is None:
                continue
            if not known:
                known = True
                limit.reschedule(now() + patience * _STREAMS - (time.monotonic() - began))
            if (stream.ended, stream.told) != (ended, told):
                ended, told = stream.ended, stream.told
                limit.reschedule(now() + (_SHORT_GRACE if told else _GRACE))


def _unheard(endpoint: Endpoint, lost: Exception | None, expected: Usage, seconds: float, asking: Asking) -> Answered:
    """A call without an answer. Unless it never got there, it may be worked on still, and billed."""
    slow = isinstance(lost, TimeoutError | httpx.TimeoutException)
    why = f"{type(lost).__name__}: {lost}".rstrip(": ")
    sent = not isinstance(lost, _UNSENT)
    told = Outcome("overloaded" if slow else "busy", endpoint.redacted(why))
    usage = expected if sent else Usage()
    return Answered(endpoint, 0, {}, "", not_spoken(why), usage, told, seconds, asking, settled=not sent)


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
