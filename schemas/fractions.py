"""Fractions that are one character: "1½ hours" is 1.5."""

import re

_PARTS = {"½": "5", "¼": "25", "¾": "75", "⅛": "1250", "⅜": "3750", "⅝": "6250", "⅞": "8750", "⅕": "2", "⅖": "4"}
"""Their decimals; eighths with four, for three might be a group of thousands. Thirds have no end."""

_FRACTION = re.compile(rf"(?<![\d.,])([0-9]{{0,4}}) ?([{''.join(_PARTS)}])(?![\d.,]\d)")


def decimal_fractions(text: str) -> str:
    """The same text with each such fraction as decimals: "1½" as "1.5", "½" as "0.5"."""
    return text if text.isascii() else _FRACTION.sub(lambda found: f"{found[1] or 0}.{_PARTS[found[2]]}", text)
