"""Where the true values of the labelled receipts stand: in the data set's own lines of text."""

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors.documents import Box


@dataclass(frozen=True)
class _Line:
    text: str
    box: Box


def true_boxes(path: Path, values: dict[str, str], size: tuple[int, int]) -> dict[str, list[tuple[int, Box]]]:
    """Value's name -> page and box of each place where the lines print it, as fractions of the picture.

    Args:
        path: rows of `x1,y1,x2,y2,x3,y3,x4,y4,TEXT` in pixels.
        values: by name.
        size: of the picture, in pixels.
    """
    lines = [_line(row, size) for row in csv.reader(path.open(encoding="utf-8", errors="replace"), quotechar="\x00")]
    return {name: [(1, box) for box in _places(value, lines)] for name, value in values.items()}


def _line(row: Sequence[str], size: tuple[int, int]) -> _Line:
    xs, ys = [float(x) / size[0] for x in row[0:8:2]], [float(y) / size[1] for y in row[1:8:2]]
    return _Line(",".join(row[8:]), (min(xs), min(ys), max(xs), max(ys)))


def _places(value: str, lines: Sequence[_Line]) -> list[Box]:
    wanted = _letters(value)
    found = []
    for first in range(len(lines)):
        text = ""
        for last in range(first, min(first + 6, len(lines))):
            text += _letters(lines[last].text)
            at = text.find(wanted)
            if at >= 0:
                if at < len(_letters(lines[first].text)):
                    found.append(_box(lines[first : last + 1], at, len(wanted)))
                break
    return found


def _box(lines: Sequence[_Line], at: int, length: int) -> Box:
    """Around the letters from one on, each a share of its line's width."""
    boxes = []
    for line in lines:
        letters = len(_letters(line.text))
        begin, end = max(0, at), min(letters, at + length)
        if begin < end:
            x0, y0, x1, y1 = line.box
            width = (x1 - x0) / letters
            boxes.append((x0 + begin * width, y0, x0 + end * width, y1))
        at -= letters
    return (
        min(box[0] for box in boxes), min(box[1] for box in boxes),
        max(box[2] for box in boxes), max(box[3] for box in boxes),
    )  # fmt: skip


def _letters(text: str) -> str:
    return "".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKD", text).casefold()))
