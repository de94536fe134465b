"""The text layer as a reader sees it: words with boxes, and apart from them what is hidden."""

from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from extractors.documents import Box, Word

_TINY = 2.0
_INVISIBLE = 3
_LIGHT, _CONTRAST = 0.9, 12


def visible_words(page: Any, image: Image.Image) -> tuple[tuple[Word, ...], str]:
    """Words in reading order with boxes in fractions of the upright page, and the hidden text.

    Args:
        page: a page of PyMuPDF's.
        image: the same page, drawn.

    Hidden is what is drawn in the invisible mode over no image, off the page, in white on white, or
    smaller than 2 pt: it is how documents carry instructions.
    """
    seen_at = _placing(page)
    hidden_boxes, hidden_text = _hidden_spans(page, image, seen_at)
    words = []
    for x0, y0, x1, y1, text, *_ in page.get_text("words"):
        if hidden_boxes and _within((x0 + x1) / 2, (y0 + y1) / 2, hidden_boxes):
            continue
        box = _on_page(seen_at((x0, y0, x1, y1)))
        if box[0] < box[2] and box[1] < box[3]:
            words.append(Word(text, box))
    return tuple(words), hidden_text


def _placing(page: Any) -> Callable[[Box], Box]:
    """A box as MuPDF tells it (unrotated points) -> fractions of the page as a reader sees it.

    In plain numbers: a page has hundreds of words, and MuPDF's own rectangles cost 20 times as much.
    """
    rect, (a, b, c, d, e, f) = page.rect, page.rotation_matrix
    left, top, width, height = rect.x0, rect.y0, rect.width, rect.height

    def seen_at(box: Box) -> Box:
        x0, y0, x1, y1 = box
        across = (a * x0 + c * y0 + e - left) / width, (a * x1 + c * y1 + e - left) / width
        down = (b * x0 + d * y0 + f - top) / height, (b * x1 + d * y1 + f - top) / height
        return min(across), min(down), max(across), max(down)

    return seen_at


def _on_page(box: Box) -> Box:
    x0, y0, x1, y1 = (round(min(1.0, max(0.0, share)), 5) for share in box)
    return x0, y0, x1, y1


def _within(x: float, y: float, boxes: Sequence[Box]) -> bool:
    return any(x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in boxes)


def _hidden_spans(page: Any, image: Image.Image, seen_at: Callable[[Box], Box]) -> tuple[list[Box], str]:
    images: list[Box] | None = None
    boxes, texts = [], []
    for span in page.get_texttrace():
        box: Box = span["bbox"]
        seen = seen_at(box)
        hidden = span["size"] < _TINY or not _overlap(seen, (0.0, 0.0, 1.0, 1.0)) or _fades(span, seen, image)
        if span["type"] == _INVISIBLE or span["opacity"] == 0:
            if images is None:
                images = [tuple(info["bbox"]) for info in page.get_image_info()]
            hidden = hidden or not any(_overlap(box, image) for image in images)
        if hidden:
            text = "".join(chr(char[0]) for char in span["chars"]).strip()
            if text:
                boxes.append(box)
                texts.append(text)
    return boxes, " ".join(texts)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _fades(span: dict[str, Any], seen: Box, image: Image.Image) -> bool:
    """Light text on a ground as light: the drawn page shows nothing where it stands."""
    if min(span["color"]) < _LIGHT:
        return False
    across, down = image.size
    area = (int(seen[0] * across), int(seen[1] * down), int(seen[2] * across) + 1, int(seen[3] * down) + 1)
    darkest, lightest = image.crop(area).convert("L").getextrema()
    return float(lightest) - float(darkest) < _CONTRAST  # type: ignore[arg-type]
