"""The connections of a run. One httpx pool is quadratic in its connections (26 ms a call at 128): each has its own.

Nothing of httpx above its transports is used: no redirect, cookie or login of its own, which cost a fifth of a call.
"""

import ssl
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

import httpx

from extractors.errors import BadConfiguration
from extractors.vision.endpoints import LOCAL_URL, Endpoint

_LOCAL = httpx.URL(LOCAL_URL).host
_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30)


class Connections(httpx.AsyncBaseTransport):
    """Hands each request to a free connection to its host, the one used last first; opened as they are needed."""

    def __init__(self, local: httpx.AsyncBaseTransport | None = None) -> None:
        """Opens nothing yet; `local` answers for the built-in model."""
        self._local = local
        self._opened: list[httpx.AsyncHTTPTransport] = []
        self._free: dict[str, list[httpx.AsyncHTTPTransport]] = defaultdict(list)
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; its connection is free again when the response is closed.

        Raises:
            BadConfiguration: the environment names a proxy that cannot be used.
        """
        if self._local is not None and request.url.host == _LOCAL:
            return await self._local.handle_async_request(request)
        free = self._free[f"{request.url.scheme}://{request.url.netloc.decode()}"]
        connection = free.pop() if free else self._another(request.url)
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            free.append(connection)
            raise
        response.stream = _Told(response.stream, lambda: free.append(connection))
        return response

    async def aclose(self) -> None:
        """Closes every connection."""
        for connection in self._opened:
            await connection.aclose()

    def _another(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        connection = httpx.AsyncHTTPTransport(verify=self._tls, limits=_LIMITS, proxy=proxy_for(url))
        self._opened.append(connection)
        return connection


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


def proxy_for(url: httpx.URL) -> httpx.Proxy | None:
    """The proxy that the environment names for a host (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).

    None for a host that it excepts, and for this machine itself, which no proxy reaches.

    Raises:
        BadConfiguration: it cannot be used; its password is not told.
    """
    named = urllib.request.getproxies()
    told = named.get(url.scheme) or named.get("all")
    if not told or _is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    try:
        proxy = httpx.Proxy(told if "://" in told else f"http://{told}")
    except (ValueError, httpx.InvalidURL):
        raise BadConfiguration(
            f"the proxy that the environment names for {url.host} is none that can be used: set HTTPS_PROXY (or "
            "HTTP_PROXY, ALL_PROXY) to http://host:port, or except the host with NO_PROXY"
        ) from None
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise BadConfiguration(f"the proxy for {url.host} speaks SOCKS: pip install 'httpx[socks]'")
    return proxy


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_http(endpoints: Sequence[Endpoint], *, local_app: Any = None) -> Connections:
    """The connections of a run, with the built-in model among them where it is asked in-process."""
    asked = local_app is not None and any(endpoint.in_process for endpoint in endpoints)
    return Connections(httpx.ASGITransport(local_app) if asked else None)
