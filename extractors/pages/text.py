"""The text layer as a reader sees it: words with boxes, and apart from them what is hidden."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from PIL import Image

from extractors.documents import Box, TextLayer

_TINY = 2.0
_INVISIBLE = 3
_LIGHT, _CONTRAST = 0.9, 12


def visible_words(page: Any, drawing: Any, image: Image.Image) -> tuple[TextLayer, str]:
    """Words in reading order with boxes in fractions of the upright page, and the hidden text.

    Args:
        page: a page of PyMuPDF's.
        drawing: its display list, of which the text is read without going through the page again.
        image: the same page, drawn.

    Hidden is what is drawn in the invisible mode over no image, off the page, in white on white, or
    smaller than 2 pt: it is how documents carry instructions.
    """
    import pymupdf

    text = pymupdf.TextPage(drawing.get_textpage(pymupdf.TEXTFLAGS_WORDS))
    rect = drawing.rect
    left, top, width, height = rect.x0, rect.y0, rect.width, rect.height
    hidden: list[Box] = []
    hidden_text = ""
    if any(_is_suspect(span, rect) for span in _spans(drawing)):
        hidden, hidden_text = _hidden_spans(page, image)
    texts: list[str] = []
    edges: list[float] = []
    for x0, y0, x1, y1, word, _, _, _ in text.extractWORDS():
        box = ((x0 - left) / width, (y0 - top) / height, (x1 - left) / width, (y1 - top) / height)
        if box[0] < 0 or box[1] < 0 or box[2] > 1 or box[3] > 1:
            box = _on_page(box)
        if hidden and _within((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, hidden):
            continue
        if box[0] < box[2] and box[1] < box[3]:
            texts.append(word)
            edges.extend(box)
    return TextLayer(tuple(texts), array("d", edges).tobytes()), hidden_text


def _spans(drawing: Any) -> Iterator[dict[str, Any]]:
    """All text, also where it is off the page or cut away, which MuPDF leaves out of a text page by itself."""
    from pymupdf import TextPage, mupdf

    text = mupdf.FzStextPage(mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE))
    show_all(drawing, mupdf.fz_new_stext_device(text, mupdf.FzStextOptions(0)))
    for block in TextPage(text).extractDICT()["blocks"]:
        for line in block["lines"]:
            yield from line["spans"]


def show_all(drawing: Any, device: Any) -> None:
    """Shows one of MuPDF's devices everything that is drawn on a page, also beyond its edges."""
    from pymupdf import mupdf

    everything = mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE)
    mupdf.fz_run_display_list(drawing.this, device, mupdf.FzMatrix(), everything, mupdf.FzCookie())
    mupdf.fz_close_device(device)


def _is_suspect(span: dict[str, Any], page: Any) -> bool:
    """Whether a reader may not see it: a cheap first look, before the page is gone through again."""
    x0, y0, x1, y1 = span["bbox"]
    return (
        span["size"] < _TINY
        or not span["alpha"]  # also in the invisible mode
        or min(span["color"] >> 16, span["color"] >> 8 & 255, span["color"] & 255) >= _LIGHT * 255 - 1
        or x0 < page.x0
        or y0 < page.y0
        or x1 > page.x1
        or y1 > page.y1
    )


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


def _on_page(box: Box) -> Box:
    x0, y0, x1, y1 = box
    return min(1.0, max(0.0, x0)), min(1.0, max(0.0, y0)), min(1.0, max(0.0, x1)), min(1.0, max(0.0, y1))


def _within(x: float, y: float, boxes: Sequence[Box]) -> bool:
    return any(x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in boxes)


def _hidden_spans(page: Any, image: Image.Image) -> tuple[list[Box], str]:
    seen_at = _placing(page)
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
                boxes.append(seen)
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
