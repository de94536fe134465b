"""A response's body as it comes: bounded by what it is when unpacked, and told apart by how it begins.

Neither the content type nor the length that a server declares is believed.
"""

import asyncio
import codecs
import json
import zlib
from collections.abc import AsyncGenerator

import httpx

from extractors.vision.endings import RUNAWAY
from extractors.vision.streaming import Stream

_AT_ONCE = 65_536  # bytes that are unpacked in one go
_BREATH = 1 << 20
"""Bytes unpacked from one piece, after which other documents have their turn."""

_EVENTS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How server-sent events begin; JSON begins otherwise."""

_SHOWN = 65_536
"""Characters kept of an answer that is longer than any may be."""


class Body:
    """What has come so far.

    Attributes:
        stream: the events, once it is known that they are some.
    """

    def __init__(self, most: int, charset: str | None = None) -> None:
        """Takes `most` bytes; more is no answer. `charset` is for bytes that are no UTF-8."""
        self.stream: Stream | None = None
        self._most, self._charset = most, charset
        self._raw, self._total = bytearray(), 0
        self._known = self._over = False

    @property
    def over(self) -> bool:
        """Whether what follows is not to be read."""
        return self._over if self.stream is None else self.stream.over

    def add(self, chunk: bytes) -> None:
        """Takes some more bytes."""
        self._total += len(chunk)
        if self.stream is not None:
            self.stream.add(chunk)
            return
        self._raw += chunk
        if not self._known:
            self._look()
        self._over = self.stream is None and self._total > self._most

    def _look(self) -> None:
        """Finds out by its first word what it is. Blanks before it say nothing."""
        head = bytes(self._raw.lstrip().removeprefix(codecs.BOM_UTF8).lstrip())
        self._raw[:] = head
        if head.startswith(_EVENTS):
            self.stream = Stream(self._most)
            self.stream.add(head)
        self._known = bool(head) and not any(sign.startswith(head) for sign in _EVENTS)

    def text(self) -> str:
        """The body; of a stream, as it would have come in one piece; of one that is too long, what it began with."""
        if self.stream is not None:
            return self.stream.body()
        text = _decoded(self._raw, self._charset)
        if not self._over:
            return text
        choice = {"index": 0, "message": {"content": text[:_SHOWN]}, "finish_reason": RUNAWAY}
        return json.dumps({"object": "chat.completion", "choices": [choice]})


def _decoded(raw: bytearray, charset: str | None) -> str:
    """JSON is UTF-8; a charset that is named counts for bytes that are not. What is in none is shown as such."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return raw.decode(charset or "utf-8", "replace")
        except (LookupError, UnicodeError):
            return raw.decode("utf-8", "replace")


async def unpacked(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The body's bytes, unpacked a little at a time: a small piece may hold gigabytes.

    What is packed wrongly ends there; so much of it is the body.
    """
    packed = response.headers.get("content-encoding", "").strip().lower() in {"gzip", "x-gzip", "deflate"}
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None
    async for chunk in response.aiter_raw():
        if unpacker is None:
            yield chunk
            continue
        left, since = chunk, 0
        while left:
            try:
                piece = unpacker.decompress(left, _AT_ONCE)
            except zlib.error:
                return
            left, since = unpacker.unconsumed_tail, since + len(piece)
            yield piece
            if since >= _BREATH:
                since = 0
                await asyncio.sleep(0)
