"""Where a drawn page has ink: its margins need not be sent. Boxes are in pixels."""

from PIL import Image

from extractors.pages.sizes import CELL

_REDUCED, _FAINT = 4, 5
"""Pixels of a side that are looked at as one; levels from the ground that are ink, however little."""

_SPARE = 12
"""Pixels of margin that stay around the ink."""


def inked_box(image: Image.Image) -> tuple[int, int, int, int]:
    """The part of a picture that has anything on it, in whole cells of the model's grid where there is room.

    Where paper has a grain, or a shadow, that is all of it: nothing faint is cut off.
    """
    small = image.reduce(_REDUCED) if min(image.size) >= _REDUCED else image
    boxes = [box for channel in small.split() if (box := ink_of(channel).getbbox()) is not None]
    if not boxes:
        return 0, 0, *image.size
    across, down = image.width / small.width, image.height / small.height
    x0, y0 = min(box[0] for box in boxes) * across, min(box[1] for box in boxes) * down
    x1, y1 = max(box[2] for box in boxes) * across, max(box[3] for box in boxes) * down
    return around((x0, y0, x1, y1), image.size)


def around(ink: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Ink with a little of the margin around it, on a page of a size."""
    x0, y0, x1, y1 = ink
    left, right = in_cells(x0 - _SPARE, x1 + _SPARE, size[0])
    top, bottom = in_cells(y0 - _SPARE, y1 + _SPARE, size[1])
    return left, top, right, bottom


def in_cells(start: float, end: float, length: int) -> tuple[int, int]:
    """A stretch of a side, widened to whole cells of the model's grid; all of the side where they do not fit in."""
    size = -(-int(end - start + 1) // CELL) * CELL
    if size >= length:
        return 0, length
    first = round((start + end - size) / 2)
    first = min(max(0, first), length - size)
    return first, first + size


def ink_of(channel: Image.Image) -> Image.Image:
    """255 where there is something on the paper, 0 elsewhere; of a picture in one channel."""
    counts = channel.histogram()
    ground = max(range(256), key=counts.__getitem__)
    return channel.point([255 * (abs(level - ground) >= _FAINT) for level in range(256)])
