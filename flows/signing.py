"""Signatures of bodies, the same on the way in (`octavo listen`) as on the way out (`flows.notify`)."""

import hashlib
import hmac

from pydantic import SecretStr

STAMP, SIGNATURE = "X-Octavo-Timestamp", "X-Octavo-Signature"
"""Headers: seconds since 1970, and what `signature` gives."""


def signature(secret: SecretStr, body: bytes, stamp: str | None) -> str:
    """`sha256=` and the HMAC of the time stamp, a dot and the body, in hex; without a time stamp, of the body."""
    content = body if stamp is None else stamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.get_secret_value().encode(), content, hashlib.sha256).hexdigest()
