"""Whether a page's fonts say which letters they draw."""

import re
from typing import Any

_PLAIN = {"WinAnsiEncoding", "MacRomanEncoding", "StandardEncoding"}
"""Encodings in which digits and Latin letters have the codes that they have in ASCII."""

_FEW = 3
"""Letters that a font may name otherwise than it draws them, as for ligatures; a digit never."""

_MOST = 32
"""Fonts of a page that are looked at."""

_SYMBOLIC = 4
"""Of a font's flags: its encoding says nothing of what it draws."""

_MAPPED = re.compile(rb"<([0-9A-Fa-f]{2})>\s*<([0-9A-Fa-f]{4})>")
_RANGE = re.compile(rb"<([0-9A-Fa-f]{2})>\s*<([0-9A-Fa-f]{2})>\s*<([0-9A-Fa-f]{4})>")


def lie(page: Any) -> bool:
    """Whether a font of a page maps digits or letters to others than its encoding draws."""
    pdf = page.parent
    fonts = [number for number, _, _, _, _, encoding in page.get_fonts() if encoding in _PLAIN]
    return any(_lies(pdf, number) for number in fonts[:_MOST])


def _lies(pdf: Any, number: int) -> bool:
    kind, where = pdf.xref_get_key(number, "ToUnicode")
    if kind != "xref" or _is_symbolic(pdf, number):
        return False
    said = pdf.xref_stream(int(where.split()[0])) or b""
    meant: dict[int, int] = {}
    for first, last, letter in _RANGE.findall(said):
        start = int(first, 16)
        meant |= {code: int(letter, 16) + code - start for code in range(start, int(last, 16) + 1)}
    meant |= {int(code, 16): int(letter, 16) for code, letter in _MAPPED.findall(_RANGE.sub(b"", said))}
    wrong = [code for code, letter in meant.items() if letter != code and chr(code).isalnum() and code < 128]  # noqa: PLR2004 - ASCII
    return any(chr(code).isdigit() for code in wrong) or len(wrong) >= _FEW


def _is_symbolic(pdf: Any, number: int) -> bool:
    kind, flags = pdf.xref_get_key(number, "FontDescriptor/Flags")
    return kind == "int" and bool(int(flags) & _SYMBOLIC)
