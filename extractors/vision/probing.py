"""Whether an endpoint is there at all: one GET, nothing asked and nothing paid."""

import httpx

from extractors.endpoints import Endpoint

_PATIENCE = 5.0
"""Seconds."""


def reach(endpoint: Endpoint) -> tuple[int | None, str]:
    """Asks for the endpoint's models: its HTTP status, or None with what went wrong."""
    try:
        answer = httpx.get(f"{endpoint.base_url}/models", headers=endpoint.auth_headers(), timeout=_PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return None, type(error).__name__
    return answer.status_code, ""
