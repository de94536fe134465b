"""How well evidence points: word-box and page F1 as ExtractBench defines them, true values given.

github.com/run-llama/ExtractBench: a field is grounded right when its value is accepted and its box overlaps an
accepted one at IoU 0.5 (the word level), or its page is right (the page level). Precision is over the fields with a
box, recall over those with a true one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from extractors.documents import Box, Evidence

_OVERLAP = 0.5


@dataclass
class Score:
    """Counts of fields."""

    true: int = 0
    told: int = 0
    boxes: int = 0
    pages: int = 0

    @property
    def box_f1(self) -> float:
        """Per cent, on the level of words."""
        return _f1(self.boxes, self.told, self.true)

    @property
    def page_f1(self) -> float:
        """Per cent, on the level of pages."""
        return _f1(self.pages, self.told, self.true)

    def add(self, evidence: Iterable[Evidence], truth: Mapping[str, Sequence[tuple[int, Box]]]) -> list[str]:
        """Counts a record, given the true places of each value; returns the paths whose box is none of them."""
        told = {item.path: item for item in evidence if item.box is not None and item.path in truth}
        wrong = []
        self.true += len(truth)
        self.told += len(told)
        for path, places in truth.items():
            item = told.get(path)
            boxes = [box for page, box in places if item is not None and item.page == page]
            here = bool(boxes)
            right = item is not None and item.box is not None and any(overlap(item.box, b) >= _OVERLAP for b in boxes)
            self.pages += here
            self.boxes += right
            if not right:
                wrong.append(path)
        return wrong


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (_area(one) + _area(other) - both)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _f1(right: int, told: int, true: int) -> float:
    return 200 * right / (told + true) if told + true else 0.0
