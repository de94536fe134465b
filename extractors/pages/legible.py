"""How large a page's print is in a picture of it, and how much larger the page has to be sent to be read.

Sizes are those of fonts (the em), in pixels. What a text layer says of them is exact; in a picture they are measured,
by the rows of pixels that are printed on.
"""

import statistics
from collections.abc import Iterable

from PIL import Image

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

_INKED = 0.7
"""Of an em, the height of a line's ink: capitals and digits, some letters with a tail."""

_FEWEST = 5


def print_size(sizes: Iterable[float], share: float = _SHARE) -> float | None:
    """The size that a fifth of a page's lines do not reach, from that of each; None for a page without any."""
    ordered = sorted(sizes)
    return ordered[int(share * len(ordered))] if ordered else None


def measured_size(picture: Image.Image) -> float | None:
    """The same of a picture, in its own pixels; None where no lines can be told apart."""
    strips = picture.convert("L").resize((_STRIPS, picture.height), Image.Resampling.BOX)
    found = []
    for at in range(_STRIPS):
        rows = strips.crop((at, 0, at + 1, picture.height)).tobytes()
        paper = statistics.mode(rows)
        printed = rows.translate(bytes(level <= paper - _DARKER for level in range(256)))
        found += [len(run) for run in printed.split(b"\0") if _THIN <= len(run) <= _TALL * picture.height]
    if len(found) < _FEWEST:
        return None
    ruled = _RULE * sorted(found)[int(0.8 * len(found))]
    return print_size((run / _INKED for run in found if run >= ruled), _MEASURED_SHARE)


def enlargement(size: float | None) -> float:
    """How many times larger print of a size has to be to be read; 1 where it is large enough."""
    return 1.0 if size is None or size <= 0 else max(1.0, ENOUGH / size)


def is_too_small(size: float | None, larger: float = 1.0) -> bool:
    """Whether print of a size is too small to be read though it is sent so many times larger."""
    return size is not None and size * larger < _LEAST
