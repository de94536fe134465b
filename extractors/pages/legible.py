"""How large a page's print is in a picture of it, and how much larger the page has to be sent to be read.

Sizes are those of fonts (the em), in pixels. What a text layer says of them is exact; in a picture they are measured,
by the rows of pixels that are printed on.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from PIL import Image, ImageChops

ENOUGH, _LEAST = 12.0, 9.0
"""Pixels of print that is surely read, and below which a model guesses."""

_SHARE, _MEASURED_SHARE = 1 / 5, 1 / 3
"""Of a page's lines, from which it is not only a footer that is too small; of measured ones, for a line without tall
letters looks smaller than it is."""

_STRIPS, _DARKER = 24, 6
"""Parts of a picture's width in which lines are looked for; levels by which a printed row is darker than paper."""

_THIN, _TALL, _RULE = 3, 1 / 20, 1 / 3
"""Pixels of a line at least, and share of the picture's height at most; share of the taller lines' height that a
rule, which is no print, has at most."""

_COLUMNS, _CHANGING = 16, 0.3
"""Parts of a strip, no wider than letters are; by how much neighbours in a line differ, to how much darker than paper
they are, from which it is print: a rule goes on and on, however it is tilted, and ends but once."""

_PRINTED = re.compile(b"\1{%d,}" % _THIN)

_INKED = 0.7
"""Of an em, the height of a line's ink: capitals and digits, some letters with a tail."""

_FEWEST = 5


def print_size(sizes: Iterable[float], share: float = _SHARE) -> float | None:
    """The size that a fifth of a page's lines do not reach, from that of each; None for a page without any."""
    ordered = sorted(sizes)
    return ordered[int(share * len(ordered))] if ordered else None


def measured_size(picture: Image.Image) -> float | None:
    """The same of a picture, in its own pixels; None where no lines can be told apart."""
    grey = picture.convert("L")
    columns = grey.resize((_STRIPS * _COLUMNS, grey.height), Image.Resampling.BOX)
    strips = columns.reduce((_COLUMNS, 1))
    changes = ImageChops.difference(columns, ImageChops.offset(columns, 1, 0)).reduce((_COLUMNS, 1))
    found: list[int] = []
    for at in range(_STRIPS):
        strip, part = (at, 0, at + 1, grey.height), (at * _COLUMNS, 0, (at + 1) * _COLUMNS, grey.height)
        found += _lines(strips.crop(strip), changes.crop(strip), columns.crop(part))
    if len(found) < _FEWEST:
        return None
    ruled = _RULE * sorted(found)[int(0.8 * len(found))]
    return print_size((run / _INKED for run in found if run >= ruled), _MEASURED_SHARE)


def _lines(strip: Image.Image, changing: Image.Image, columns: Image.Image) -> Iterator[int]:
    """The heights of a strip's lines of print, from each row's level, how much its columns differ, and these."""
    paper, still = _commonest(strip), _commonest(changing)
    rows, changes = strip.tobytes(), changing.tobytes()
    printed = rows.translate(bytes(level <= paper - _DARKER for level in range(256)))
    for run in _PRINTED.finditer(printed):
        (start, end), height = run.span(), len(run[0])
        if height <= _TALL * len(rows):
            darker, change = paper * height - sum(rows[start:end]), sum(changes[start:end]) - still * height
            darkest: Any = columns.crop((0, start, _COLUMNS, end)).getextrema()[0]
            if change - (paper - darkest) / _COLUMNS * height >= _CHANGING * darker:
                yield height


def _commonest(strip: Image.Image) -> int:
    return max(range(256), key=strip.histogram().__getitem__)


def enlargement(size: float | None) -> float:
    """How many times larger print of a size has to be to be read; 1 where it is large enough."""
    return 1.0 if size is None or size <= 0 else max(1.0, ENOUGH / size)


def is_too_small(size: float | None, larger: float = 1.0) -> bool:
    """Whether print of a size is too small to be read though it is sent so many times larger."""
    return size is not None and size * larger < _LEAST
