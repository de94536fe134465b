"""A time of day behind a printed day: "March 28, 2020 10:30 PM", "28.03.2020, 12:05 Uhr"."""

import re
from datetime import time

_TIME = re.compile(
    r"(?:[,T]|\s|\b(?:at|um|à|kl\.?|alle)\b)+\s*(\d{1,2})[:.h](\d{2})(?::(\d{2}))?"
    r"\s*([AaPp]\.?\s?[Mm]\.?)?\s*(?:Uhr|hrs?|h)?\s*\Z"
)
_NOON = 12


def day_and_time(text: str) -> tuple[str, time]:
    """What stands before the time of a text, and the time; midnight where none is printed.

    Raises:
        ValueError: what stands there is no time of a day.
    """
    found = _TIME.search(text)
    if found is None:
        return text, time()
    hour, half = int(found[1]), (found[4] or "").casefold()[:1]
    if half and not 1 <= hour <= _NOON:
        raise ValueError(f"{found[0].strip()!r} is no time of a day; write it as hh:mm:ss")
    if half:
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    return text[: found.start()], time(hour, int(found[2]), int(found[3] or 0))
