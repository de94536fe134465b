"""Words over which something opaque is drawn for others to stand on: known by the order in which a page is drawn."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from extractors.documents import Box
from extractors.pages.unseen import GRID, Cover, Drawn, under

_OPAQUE = 0.95


def covered(page: Any, words: Sequence[Drawn]) -> set[int]:
    """The numbers of the words that are covered.

    The page is gone through three times more: for those alone on which a word stands in the place of another.

    Args:
        page: a page of PyMuPDF's.
        words: that may be.
    """
    placed = _placing(page)
    rectangles = (Cover(placed(path["rect"]), path["seqno"]) for path in page.get_cdrawings() if _hides(path))
    pictures = (
        Cover(placed(box), number) for number, (kind, box) in enumerate(page.get_bboxlog()) if kind == "fill-image"
    )
    covers = sorted([*rectangles, *pictures], key=lambda cover: cover.block)
    traced = [word for span in page.get_texttrace() for word in _words(span, placed)]
    over = sorted((Cover(word.box, word.block) for word in traced), key=lambda cover: cover.block)
    hidden = {*under(traced, covers)} & {*under(traced, over)}
    gone = {(traced[number].text, *_middle(traced[number].box)) for number in hidden}
    left = {(word.text, *_middle(word.box)) for number, word in enumerate(traced) if number not in hidden}
    return {number for number, word in enumerate(words) if _is_among(word, gone, left)}


def _is_among(word: Drawn, gone: set[tuple[str, int, int]], left: set[tuple[str, int, int]]) -> bool:
    """Whether a word is one of some that are told by their middles; not where the same is drawn there once more."""
    x, y = _middle(word.box)
    around = {(word.text, x + across, y + down) for across in (-1, 0, 1) for down in (-1, 0, 1)}
    return not gone.isdisjoint(around) and left.isdisjoint(around)


def _middle(box: Box) -> tuple[int, int]:
    return int((box[0] + box[2]) / 2 * GRID[0]), int((box[1] + box[3]) / 2 * GRID[1])


def _hides(path: dict[str, Any]) -> bool:
    """Whether a path of PyMuPDF's is one filled rectangle through which nothing shines."""
    opacity = path.get("fill_opacity")
    whole = len(path["items"]) == 1 and path["items"][0][0] == "re"
    return whole and path.get("fill") is not None and (opacity is None or opacity >= _OPAQUE)


def _words(span: dict[str, Any], placed: Callable[[Box], Box]) -> Iterator[Drawn]:
    """A traced span's words; their `block` is the place of the span among what is drawn."""
    letters: list[str] = []
    boxes: list[Box] = []
    for code, _, _, box in (*span["chars"], (32, 0, (0, 0), (0, 0, 0, 0))):
        if not chr(code).isspace():
            letters.append(chr(code))
            boxes.append(box)
        elif letters:
            x0, y0, x1, y1 = zip(*boxes, strict=True)
            yield Drawn("".join(letters), placed((min(x0), min(y0), max(x1), max(y1))), span["seqno"], 0)
            letters, boxes = [], []


def _placing(page: Any) -> Callable[[Box], Box]:
    """A box as MuPDF tells it (unrotated points) -> fractions of the page as a reader sees it."""
    rect, (a, b, c, d, e, f) = page.rect, page.rotation_matrix
    left, top, width, height = rect.x0, rect.y0, rect.width, rect.height

    def seen_at(box: Box) -> Box:
        x0, y0, x1, y1 = box
        across = (a * x0 + c * y0 + e - left) / width, (a * x1 + c * y1 + e - left) / width
        down = (b * x0 + d * y0 + f - top) / height, (b * x1 + d * y1 + f - top) / height
        return min(across), min(down), max(across), max(down)

    return seen_at
