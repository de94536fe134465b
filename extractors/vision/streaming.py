"""Streamed answers under watch: one that runs away is cut off, and costs no more.

A known failure of this model under guided JSON is white space without end; another is a cycle without end. Raw
bytes are gathered and looked at every few KiB, so that thousands of events a second stay cheap.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from extractors.vision.wire import RUNAWAY

_LOOK_EVERY = 4096  # bytes of the stream
_BLANK, _CYCLE, _TURNS, _SIGN = 256, 8192, 12, 48
"""Characters of white space, of a cycle's turns together, turns at least, and of the piece that finds a cycle."""


@dataclass
class _Heard:
    """What the events said so far."""

    pieces: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    refusal: str | None = None
    usage: dict[str, Any] | None = None
    error: Any = None
    done: bool = False


async def gathered(chunks: AsyncIterator[bytes]) -> str:
    """A stream of server-sent events as the body of an answer in one piece.

    Its finish reason is `runaway` when it was cut off. One that ends without saying why is an error, for the
    connection was lost.

    Args:
        chunks: the response's bytes as they come; not read to the end when the answer runs away.
    """
    heard, buffer, looked = _Heard(), bytearray(), 0
    async for chunk in chunks:
        buffer += chunk
        looked += len(chunk)
        if looked >= _LOOK_EVERY:
            looked = 0
            _take_lines(buffer, heard)
            if heard.done or runs_away("".join(heard.pieces[-_CYCLE:])[-_CYCLE:]):
                # What is left of the buffer is an event cut in two, and is not heard.
                heard.finish_reason = heard.finish_reason or RUNAWAY
                return _body(heard)
    buffer += b"\n"
    _take_lines(buffer, heard)
    return _body(heard)


def runs_away(text: str) -> bool:
    """Whether the end of a text is white space, or a cycle, without end."""
    if len(text) - len(text.rstrip()) >= _BLANK:
        return True
    tail = text[-_CYCLE:]
    if len(tail) < _CYCLE:
        return False
    before = tail.rfind(tail[-_SIGN:], 0, len(tail) - 1)
    period = len(tail) - _SIGN - before
    return before >= 0 and period * _TURNS <= len(tail) and tail[period:] == tail[:-period]


def _take_lines(buffer: bytearray, heard: _Heard) -> None:
    """Hears every whole line of the buffer and leaves the rest. Lines that are no data are comments."""
    end = buffer.rfind(b"\n")
    if end < 0:
        return
    for line in bytes(buffer[:end]).split(b"\n"):
        if line.startswith(b"data:"):
            _hear(line[5:].strip(), heard)
    del buffer[: end + 1]


def _hear(data: bytes, heard: _Heard) -> None:
    if data == b"[DONE]":
        heard.done, heard.finish_reason = True, heard.finish_reason or "stop"
        return
    try:
        event = json.loads(data)
    except ValueError:
        heard.error = {"message": f"an event that is not JSON: {data[:80]!r}", "code": 502}
        return
    if not isinstance(event, dict):
        return
    heard.error = event.get("error") or heard.error
    if isinstance(event.get("usage"), dict):
        heard.usage = event["usage"]
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    heard.error = choice.get("error") or heard.error
    told = choice.get("delta")
    delta = told if isinstance(told, dict) else {}
    if isinstance(delta.get("content"), str):
        heard.pieces.append(delta["content"])
    if isinstance(delta.get("refusal"), str):
        heard.refusal = (heard.refusal or "") + delta["refusal"]
    if isinstance(choice.get("finish_reason"), str):
        heard.finish_reason = choice["finish_reason"]


def _body(heard: _Heard) -> str:
    """As the same answer would have come in one piece."""
    if heard.error is None and heard.finish_reason is None:
        heard.error = {"message": "the stream broke off", "code": 502}
    usage = {"usage": heard.usage} if heard.usage else {}
    if heard.error is not None:
        return json.dumps({"error": heard.error, **usage})
    message = {"role": "assistant", "content": "".join(heard.pieces), "refusal": heard.refusal}
    choice = {"index": 0, "message": message, "finish_reason": heard.finish_reason}
    return json.dumps({"object": "chat.completion", "choices": [choice], **usage}, ensure_ascii=False)
