"""How long an endpoint asks to wait, in all the ways that endpoints write it. Pure."""

import math
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_EPOCH, _EPOCH_IN_MS = 1e9, 1e11
"""From here on a bare number is a moment, in seconds or in milliseconds, and no stretch of time."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_STRETCH = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|d|h|m|s)")


def number(value: Any) -> float | None:
    """A finite number as told, or None."""
    if value is None or isinstance(value, bool):
        return None
    try:
        told = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return told if math.isfinite(told) else None


def wait_of(value: Any) -> float | None:
    """Seconds from now, of what an endpoint says; None where it says nothing that can be understood.

    Args:
        value: seconds, a moment as an epoch (seconds or milliseconds), `6m0s`, `120ms`, or a date (HTTP's or ISO's).
    """
    bare = number(value)
    if bare is not None:
        moment = bare / 1000 if bare >= _EPOCH_IN_MS else bare
        return max(0.0, moment - time.time()) if moment >= _EPOCH else (bare if bare >= 0 else None)
    text = str(value)[:100].strip() if isinstance(value, str) else ""
    if _STRETCH.sub("", text) == "" and text:
        return sum(float(amount) * _UNITS[unit] for amount, unit in _STRETCH.findall(text))
    return _until(text)


def _until(text: str) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (ValueError, TypeError, OverflowError):
            continue
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None
