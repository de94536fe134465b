"""How a page without a text layer lies: told by the shapes of its letters.

Print stands in lines with gaps between its letters. Cut out, each is looked at by a small network (`letter_shapes`),
which says whether it is a letter the right way up or one on its head, for most letters differ from both ends. One
says little, thirty say it for sure; on a page on its side, what looks like lines gives no letters, and says nothing.
Where they do not say it for sure, the page stays as it is.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from operator import mul
from struct import Struct
from typing import NamedTuple

from PIL import Image, ImageChops, ImageFilter

from extractors.pages.letter_shapes import ACROSS, DOWN, UNITS

_PAPER, _NEIGHBOURS = 16, 2
"""Pixels of a square, and how many squares around the lightest is that is the paper, against which ink is dark."""

_INK, _INK_SHARE = 24, 0.02
"""Levels by which ink is darker than its paper at least; share of a page's pixels that are surely ink, where there is
print: what is half as dark is ink too."""

_STRIP, _IN_LINE = 72, 6
"""Pixels across of the upright strips in which lines are looked for, narrow so that a tilted scan's lines do not run
into each other; level of a strip's row, of 255 for all ink, from which it belongs to a line."""

_HIGH, _MOST_PIECES = range(7, 61), 1500
"""Pixels of a line's height, within which its letters can be told; pieces of lines that are looked at."""

_NARROW, _WIDE = 0.3, 1.3
"""Of the line's height: the widths that letters have."""

_LIMIT, _HEARD = 3.0, 2
"""What one letter may say at most, in logits; how many letters of one shape are heard."""

_OUT = tuple(out for _, _, out in UNITS)

_PARTS, _MIDDLE = Struct(f"<{len(UNITS)}I"), 1 << 31
"""A long number's parts, one for each unit, and what stands for 0 in one: no sum of 96 cells comes near its ends."""


def _packed(numbers: Sequence[int]) -> int:
    return sum(number << 32 * unit for unit, number in enumerate(numbers))


_CELLS = [_packed(weights) for weights in zip(*(weights for weights, _, _ in UNITS), strict=True)]
_START = _packed([bias + _MIDDLE for _, bias, _ in UNITS])

_FEW, _MANY, _MOST = (24, 40, 56, 72), 300, 600
"""Letters after which a page is seen to be upright, as almost all are; those that are heard where it is not; and
those that are looked at for that, with shapes that come again and again."""

_UPRIGHT, _UPRIGHT_ERRORS = 0.45, 3.0
"""The few letters' mean, and how many times its standard error that is, from which a page is upright."""

_ON_HEAD, _ON_SIDE = 0.28, 0.45
"""The many letters' mean from which a page is on its head, and from which it is on its side: there, what is cut from
the lines of a script that was not learnt says up to 0.4."""

_LEAST, _ERRORS, _CLEARLY = 40, 3.5, 1.7
"""Letters, and standard errors of their mean, that turn a page; times what is said along the other sides of it."""

_SPREAD = 0.3
"""Added to the spread of what letters say: where all say the same, they are one shape again and again."""

_TRANSPOSED = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
"""Pillow turns counter-clockwise."""


class _Vote(NamedTuple):
    """What letters say: their number, the mean of their logits, and that in standard errors.

    Less than 0 where they stand on their heads.
    """

    letters: int
    mean: float
    errors: float


def turned(picture: Image.Image, degrees: int) -> Image.Image:
    """A picture turned clockwise by 0, 90, 180 or 270 degrees."""
    return picture.transpose(_TRANSPOSED[degrees]) if degrees else picture


def turn_of(picture: Image.Image) -> int:
    """By how many degrees, clockwise, a page is to be turned to be upright: 0, 90, 180 or 270.

    0 also where that is not sure: where there is too little print, or none whose letters are known.

    Args:
        picture: the page at the size that it is sent at, in grey or RGB.
    """
    ink = ink_of(picture)
    found = _opinions(ink)
    said: list[float] = []
    for count in _FEW:
        said += islice(found, count - len(said))
        few = _vote(said)
        if few.mean >= _UPRIGHT and few.errors >= _UPRIGHT_ERRORS:
            return 0
    said += islice(found, _MANY - len(said))
    across, down = _vote(said), _vote(list(islice(_opinions(turned(ink, 90)), _MANY)))
    if abs(across.errors) >= abs(down.errors):
        return 180 if across.mean <= -_ON_HEAD and _is_clear(across, down) else 0
    if abs(down.mean) < _ON_SIDE or not _is_clear(down, across):
        return 0
    return 90 if down.mean > 0 else 270


def _vote(said: Sequence[float]) -> _Vote:
    count = len(said)
    if not count:
        return _Vote(0, 0.0, 0.0)
    mean = sum(said) / count
    spread = (sum((each - mean) ** 2 for each in said) / count) ** 0.5
    return _Vote(count, mean, mean / (spread + _SPREAD) * count**0.5)


def _is_clear(vote: _Vote, other: _Vote) -> bool:
    """Whether a vote, against the one along the page's other sides, is enough to turn the page."""
    return vote.letters >= _LEAST and abs(vote.errors) >= max(_ERRORS, _CLEARLY * abs(other.errors))


def ink_of(picture: Image.Image) -> Image.Image:
    """A picture of the same size: 255 where it is darker than the paper around, 0 elsewhere."""
    grey = picture.convert("L")
    lightest = grey.reduce(_PAPER)
    for _ in range(_NEIGHBOURS):
        lightest = lightest.filter(ImageFilter.MaxFilter(3))
    paper = lightest.resize(grey.size, Image.Resampling.NEAREST)
    darker = ImageChops.subtract(paper, grey)
    sample = darker.resize((max(1, grey.width // 4), max(1, grey.height // 4)), Image.Resampling.NEAREST)
    counts = sample.histogram()
    surely, left = 255, _INK_SHARE * sum(counts)
    while surely and left > counts[surely]:
        left -= counts[surely]
        surely -= 1
    least = max(_INK, surely // 2)
    return darker.point([255 * (level >= least) for level in range(256)])


def letters(ink: Image.Image) -> Iterator[bytes]:
    """The letters of lines that run across, from all over the page: `ACROSS` by `DOWN` levels, 255 for ink."""
    pieces = _pieces(ink)
    # By the golden section, any first few are spread over the page.
    for number in sorted(range(len(pieces)), key=lambda each: each * 0.618 % 1)[:_MOST_PIECES]:
        x0, y0, x1, y1 = pieces[number]
        high = y1 - y0
        columns = ink.resize((x1 - x0, 1), Image.Resampling.BOX, box=pieces[number]).tobytes()
        # A column is part of a letter from one pixel of ink on.
        for start, end in _runs(columns, 255 // (high + 1) + 1):
            is_cut = start == 0 or end == x1 - x0
            if not is_cut and _NARROW * high <= end - start <= _WIDE * high:
                box = (x0 + start, y0, x0 + end, y1)
                yield ink.resize((ACROSS, DOWN), Image.Resampling.BOX, box=box).tobytes()


def _pieces(ink: Image.Image) -> list[tuple[int, int, int, int]]:
    """Pieces of lines, a strip wide: boxes in pixels, as high as the letters in them reach."""
    width, height = ink.size
    count = max(1, round(width / _STRIP))
    rows = ink.resize((count, height), Image.Resampling.BOX).transpose(Image.Transpose.TRANSPOSE).tobytes()
    return [
        (strip * width // count, top, (strip + 1) * width // count, bottom)
        for strip in range(count)
        for top, bottom in _runs(rows[strip * height : (strip + 1) * height], _IN_LINE)
        if bottom - top in _HIGH
    ]


def _runs(levels: bytes, least: int) -> Iterator[tuple[int, int]]:
    """Beginning and end of each run of levels that are a least one or more."""
    inked = levels.translate(_from(least))
    start = inked.find(1)
    while start >= 0:
        end = inked.find(0, start)
        end = len(inked) if end < 0 else end
        yield start, end
        start = inked.find(1, end)


@lru_cache(maxsize=256)
def _from(least: int) -> bytes:
    return bytes(level >= least for level in range(256))


def _opinions(ink: Image.Image) -> Iterator[float]:
    """How much more likely each letter is the right way up than on its head: the logarithm, within `_LIMIT`.

    A shape that comes again and again, as a column of zeros does, is no new evidence: it is heard `_HEARD` times.
    """
    heard: Counter[tuple[bool, ...]] = Counter()
    for letter in islice(letters(ink), _MOST):
        up, down = _levels(letter), _levels(letter[::-1])
        shape = tuple([level > 0 for level in up + down])
        heard[shape] += 1
        if heard[shape] <= _HEARD:
            said = sum([out * (max(0, a) - max(0, b)) for out, a, b in zip(_OUT, up, down, strict=True)])
            yield max(-_LIMIT, min(_LIMIT, said))


def _levels(letter: bytes) -> list[int]:
    """Of each unit, the sum of its weighted cells: of all at once, each in a part of one long number."""
    together = _START + sum(map(mul, _CELLS, letter))
    return [level - _MIDDLE for level in _PARTS.unpack(together.to_bytes(_PARTS.size, "little"))]
