"""The bearer token that a caller sends (pure)."""

import hmac

from pydantic import SecretStr


def bears(authorization: str | None, token: SecretStr) -> bool:
    """Whether a request's `Authorization` holds the token.

    Args:
        authorization: the header as servers hand it on: each byte a letter, as latin-1 has it; None: there is none.
        token: whose letters beyond ASCII a caller sends as UTF-8.
    """
    sent = (authorization or "").encode("latin-1")
    return hmac.compare_digest(sent, f"Bearer {token.get_secret_value()}".encode())
