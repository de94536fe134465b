"""One httpx pool is quadratic in its connections (26 ms a call at 128): so calls spread over pools of 4."""

import ssl
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from extractors.endpoints import LOCAL_URL, Endpoint

_EACH = 4


class SpreadTransport(httpx.AsyncBaseTransport):
    """Hands each request to the least busy of several pools, opened as they are needed."""

    def __init__(self) -> None:
        self._pools: list[httpx.AsyncHTTPTransport] = []
        self._busy: list[int] = []
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; its pool counts as busy until the response's body is closed."""
        number = self._least_busy()
        self._busy[number] += 1
        try:
            response = await self._pools[number].handle_async_request(request)
        except BaseException:
            self._busy[number] -= 1
            raise
        stream = _Counted(response.stream, lambda: self._release(number))
        return httpx.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Closes every pool."""
        for pool in self._pools:
            await pool.aclose()

    def _least_busy(self) -> int:
        free = [number for number, busy in enumerate(self._busy) if busy < _EACH]
        if free:
            return max(free, key=self._busy.__getitem__)
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        limits = httpx.Limits(max_connections=_EACH, max_keepalive_connections=_EACH, keepalive_expiry=30)
        self._pools.append(httpx.AsyncHTTPTransport(verify=self._tls, limits=limits))
        self._busy.append(0)
        return len(self._pools) - 1

    def _release(self, number: int) -> None:
        self._busy[number] -= 1


class _Counted(httpx.AsyncByteStream):
    """A response's body that tells when it is closed."""

    def __init__(self, stream: Any, closed: Callable[[], None]) -> None:
        self._stream = stream
        self._closed: Callable[[], None] | None = closed

    def __aiter__(self) -> Any:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        await self._stream.aclose()
        if self._closed is not None:
            self._closed()
            self._closed = None


def open_http(endpoints: Sequence[Endpoint], *, local_app: Any = None) -> httpx.AsyncClient:
    """The client of a run: pooled, with the built-in model mounted where it is asked in-process."""
    mounts: dict[str, httpx.AsyncBaseTransport] = {}
    if local_app is not None and any(endpoint.in_process for endpoint in endpoints):
        mounts[LOCAL_URL.removesuffix("/v1")] = httpx.ASGITransport(local_app)
    return httpx.AsyncClient(transport=SpreadTransport(), mounts=mounts, follow_redirects=False)
