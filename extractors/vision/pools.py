"""One httpx pool is quadratic in its connections (26 ms a call at 128): so each connection has a pool of its own."""

import ssl
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from extractors.endpoints import LOCAL_URL, Endpoint

_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30)


class SpreadTransport(httpx.AsyncBaseTransport):
    """Hands each request to a connection that is free, the one used last first; opened as they are needed."""

    def __init__(self) -> None:
        self._opened: list[httpx.AsyncHTTPTransport] = []
        self._free: list[httpx.AsyncHTTPTransport] = []
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; its connection is free again when the response's body is closed."""
        connection = self._free.pop() if self._free else self._another()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._free.append(connection)
            raise
        stream = _Told(response.stream, lambda: self._free.append(connection))
        return httpx.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Closes every connection."""
        for connection in self._opened:
            await connection.aclose()

    def _another(self) -> httpx.AsyncHTTPTransport:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        self._opened.append(httpx.AsyncHTTPTransport(verify=self._tls, limits=_LIMITS))
        return self._opened[-1]


class _Told(httpx.AsyncByteStream):
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
