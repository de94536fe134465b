"""Who calls `octavo listen`, and how long it may take: tokens, signatures, bodies that end, headers that arrive."""

import asyncio
import hmac
import re
import time
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from flows.signing import SIGNATURE, STAMP, signature

MOST_BYTES = 1_048_576
"""Of a body: S3 sends a few records at a time, well under 100 KB."""

PATIENCE = 15.0
"""Seconds for a request's headers, and as many for its body: who sends half of them holds a place no longer."""

_SKEW = 300.0
"""Seconds that a signature's time stamp may be off: what was overheard cannot be sent again later."""


class Unfinished(Exception):
    """The caller went away, or did not end its body in time."""


@dataclass(frozen=True)
class Locks:
    """What a caller must know: one of them all.

    Attributes:
        tokens: sent as `Authorization: Bearer ...`.
        secrets: of the body's HMAC-SHA256, in hex: `X-Octavo-Signature: sha256=...`; with `X-Octavo-Timestamp`
            (seconds since 1970), of the time stamp, a dot and the body.
    """

    tokens: tuple[SecretStr, ...]
    secrets: tuple[SecretStr, ...]

    def may(self, request: Request, body: bytes) -> bool:
        """Whether the caller knows the token, or the secret that the body is signed with."""
        return self._bears(request) or self._signed(request, body)

    def may_yet(self, request: Request) -> bool:
        """Whether that is possible at all, told before the body is here."""
        signed = bool(self.secrets) and SIGNATURE in request.headers
        return signed or self._bears(request)

    def _bears(self, request: Request) -> bool:
        return any(bears(request.headers.get("Authorization"), each) for each in self.tokens)

    def _signed(self, request: Request, body: bytes) -> bool:
        stamp = request.headers.get(STAMP)
        if stamp is not None and not _recent(stamp):
            return False
        said = request.headers.get(SIGNATURE, "").lower().encode()
        return any(hmac.compare_digest(said, signature(each, body, stamp).encode()) for each in self.secrets)


def bears(authorization: str | None, token: SecretStr | None) -> bool:
    """Whether a request's `Authorization` holds the token; nobody's does when there is none."""
    if token is None:
        return False
    return hmac.compare_digest((authorization or "").encode(), f"Bearer {token.get_secret_value()}".encode())


def _recent(stamp: str) -> bool:
    # At most eleven digits: no number without end is read.
    return re.fullmatch(r"[0-9]{1,11}", stamp) is not None and abs(time.time() - int(stamp)) <= _SKEW


async def whole_body(request: Request, *, kept: bool, seconds: float = PATIENCE) -> bytes | None:
    """The body; None when it is too large, which is told without reading it to its end.

    Args:
        request: the caller's.
        kept: else what is read is thrown away: a stranger's body takes no memory.
        seconds: for all of it.

    Raises:
        Unfinished: the caller went away, or took longer.
    """
    held, size = bytearray(), 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MOST_BYTES:
                    return None
                if kept:
                    held += chunk
    except (TimeoutError, ClientDisconnect):
        raise Unfinished(f"the body did not come to its end in {seconds:g} s") from None
    return bytes(held)


class Impatient(H11Protocol):
    """uvicorn's own reading of HTTP, but that a connection whose headers do not arrive in time is closed."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller is there: its first request's headers are waited for."""
        super().connection_made(transport)
        self._late = self.loop.call_later(PATIENCE, self._close_if_late)

    def data_received(self, data: bytes) -> None:
        """Some bytes: a request under way has its own limits, the headers of the next one have this one."""
        super().data_received(data)
        if not self._waits():
            self._stop()
        elif self._late is None:
            self._late = self.loop.call_later(PATIENCE, self._close_if_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        self._stop()
        super().connection_lost(exc)

    def _waits(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _close_if_late(self) -> None:
        self._late = None
        if self._waits() and not self.transport.is_closing():
            self.transport.close()

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
