"""The pixels that a page is sent at, and the tokens that they are.

After mistral-common's image encoder: one token for 28x28 px, longest side 1540, one more a row; a page drawn straight
to that grid is not stretched again by the server.
"""

import math

CELL, MOST_CELLS = 28, 55

SMALL_VERSION, SMALL_CELLS = "25", 25
"""Of the small images that tell what a page is: at most 700 px; A4 is 476x672, 432 tokens (18 * 24) of 2,200."""

_ASPECT_ERROR = 0.005


def image_tokens(width: int, height: int) -> int:
    """Input tokens of an image: `(columns + 1) * rows` of 28-px cells (mistral-common)."""
    return (math.ceil(width / CELL) + 1) * math.ceil(height / CELL)


def grid(width: float, height: float, most_cells: int = MOST_CELLS) -> tuple[int, int]:
    """The pixels to draw a page of this shape at: multiples of 28, at most 28 * `most_cells`, hardly stretched.

    Of the grids whose aspect is off by at most 0.5 % the largest; else the one that is off least.
    """
    long, short = max(width, height), min(width, height)
    best = (most_cells, 1, math.inf)
    for rows in range(most_cells, most_cells - 8, -1):
        columns = max(1, round(rows * short / long))
        error = abs(columns / rows / (short / long) - 1)
        if error <= _ASPECT_ERROR:
            best = (rows, columns, error)
            break
        if error < best[2]:
            best = (rows, columns, error)
    rows, columns, _ = best
    return (columns * CELL, rows * CELL) if height >= width else (rows * CELL, columns * CELL)


def sent_size(width: int, height: int) -> tuple[int, int]:
    """The pixels that a picture is sent at: its own where the model takes them, for nothing is enlarged."""
    return grid(width, height) if max(width, height) > MOST_CELLS * CELL else (width, height)


def small_size(size: tuple[int, int]) -> tuple[int, int]:
    """The pixels of a page's small image, from those it would be drawn at for reading."""
    return grid(*size, SMALL_CELLS) if max(size) > SMALL_CELLS * CELL else size
