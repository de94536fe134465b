"""The words of a page's picture, as OCR reads them; a worker of its own runs this."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version

from extractors.documents import Box, PageWords, Picture, Word
from extractors.pages.lines import Segment, grouped
from extractors.pages.ocr import Boxed, Corners, decoded, found_in, levelled, models, segment_of

MEMORY = 4 << 30
"""Bytes of address space for a worker, of which the models take an eighth."""

_VERSION = "1"
"""Of what is made here of the models' answer: raised, all pictures are read anew."""

_UNREAD = 0.1
"""Share of the boxed area that may not be read, where all words are said to be known."""

_NICE = 5
_MARGIN = 1 / 8
"""Of a line's height, by which the detector widens its boxes above and below."""


def reader_name() -> str:
    """The built-in reader with its versions: what another one read is read again.

    Raises:
        BadConfiguration: it is not installed.
    """
    files = models()
    return f"rapidocr {version('rapidocr')} {files['det'].stem} {files['rec'].stem} {_VERSION}"


def read_words(jpeg: bytes) -> PageWords:
    """The words of one page in reading order, with boxes in fractions of the picture.

    `whole` is False where a good part of what looks like text was not read well, or stands upright.

    Raises:
        UnreadableImage: the bytes are no image, or too large.
    """
    _give_way()
    picture = decoded(jpeg)
    boxed = found_in(picture)
    read = [(each, segment) for each in boxed if (segment := segment_of(each)) is not None]
    level = dict(zip(levelled([segment for _, segment in read], boxed), read, strict=True))
    words = [
        Word(text, (x0 / picture.width, y0 / picture.height, x1 / picture.width, y1 / picture.height))
        for line in grouped(level)
        for segment in line.segments
        for text, (x0, y0, x1, y1) in _words(*level[segment])
    ]
    known = sum(_area(each.corners) for each, _ in read)
    whole = bool(words) and known >= (1 - _UNREAD) * sum(_area(each.corners) for each in boxed)
    return PageWords(tuple(words), whole, by_ocr=True)


def on_page(read: Sequence[tuple[Picture, PageWords]]) -> PageWords:
    """The words of a page's pictures, with boxes in fractions of the page.

    A word that stands where two pictures overlap is taken from the one whose middle is nearer to it: at the edge of
    the other it may be cut.
    """
    words = [
        Word(word.text, box)
        for number, (picture, found) in enumerate(read)
        for word in found.words
        if _nearest(box := _within(word.box, picture.box), read) == number
    ]
    return PageWords(tuple(words), all(found.whole for _, found in read), by_ocr=True)


def _within(box: Box, outer: Box) -> Box:
    left, top, right, bottom = outer
    across, down = right - left, bottom - top
    return left + box[0] * across, top + box[1] * down, left + box[2] * across, top + box[3] * down


def _nearest(box: Box, read: Sequence[tuple[Picture, PageWords]]) -> int:
    """The number of the picture in whose middle a box stands, or nearest to it."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2

    def far(number: int) -> float:
        left, top, right, bottom = read[number][0].box
        return max(abs(2 * x - left - right) / (right - left), abs(2 * y - top - bottom) / (bottom - top))

    return min(range(len(read)), key=far)


@cache
def _give_way() -> None:
    """Whoever draws and sends pages comes first; once for the process."""
    os.nice(_NICE)


def _words(boxed: Boxed, segment: Segment) -> Iterator[tuple[str, Box]]:
    """The words of what was boxed, in pixels: between blanks, where the recogniser saw their letters."""
    letters = [letter for text, corners in boxed.words for letter in _letters(text, corners)]
    if "".join(letter for letter, _ in letters) != "".join(segment.text.split()):
        letters = list(_letters(boxed.text, boxed.corners))
    at = 0
    for text in segment.text.split():
        boxes = [box for _, box in letters[at : at + len(text)]]
        at += len(text)
        x0, y0, x1, y1 = zip(*boxes, strict=True)
        yield text, (min(x0), min(y0), max(x1), max(y1))


def _letters(text: str, corners: Corners) -> Iterator[tuple[str, Box]]:
    """The letters of a stretch of text, each with its share of the stretch's width."""
    whole = unicodedata.normalize("NFKC", text)
    for number, letter in enumerate(whole):
        if not letter.isspace():
            yield letter, _slice(corners, number / len(whole), (number + 1) / len(whole))


def _slice(corners: Corners, start: float, end: float) -> Box:
    """The upright box around a part of a stretch of text that may be tilted."""
    upper_left, upper_right, lower_right, lower_left = corners
    points = []
    for share in (start, end):
        above, below = _between(upper_left, upper_right, share), _between(lower_left, lower_right, share)
        points += [_between(above, below, _MARGIN), _between(above, below, 1 - _MARGIN)]
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _between(one: tuple[float, float], other: tuple[float, float], share: float) -> tuple[float, float]:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def _area(corners: Corners) -> float:
    """Twice the area of a box that may be tilted."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    return abs((x2 - x0) * (y3 - y1) - (x3 - x1) * (y2 - y0))
