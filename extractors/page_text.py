"""The text layer as a reader sees it: words with boxes, and apart from them what is hidden."""

from typing import Any

from PIL import Image

from extractors.documents import Word

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
    import pymupdf

    rect, rotation = page.rect, page.rotation_matrix
    hidden_boxes, hidden_text = _hidden_spans(page, image)
    words = []
    for x0, y0, x1, y1, text, *_ in page.get_text("words"):
        raw = pymupdf.Rect(x0, y0, x1, y1)
        centre = pymupdf.Point((x0 + x1) / 2, (y0 + y1) / 2)
        if any(centre in box for box in hidden_boxes):
            continue
        box = raw * rotation
        box = (
            _share(box.x0 - rect.x0, rect.width), _share(box.y0 - rect.y0, rect.height),
            _share(box.x1 - rect.x0, rect.width), _share(box.y1 - rect.y0, rect.height),
        )  # fmt: skip
        if box[0] < box[2] and box[1] < box[3]:
            words.append(Word(text, box))
    return tuple(words), hidden_text


def _share(part: float, whole: float) -> float:
    return round(min(1.0, max(0.0, part / whole)), 5)


def _hidden_spans(page: Any, image: Image.Image) -> tuple[list[Any], str]:
    import pymupdf

    images: list[Any] | None = None
    boxes, texts = [], []
    visible_area = page.rect * page.derotation_matrix
    for span in page.get_texttrace():
        box = pymupdf.Rect(span["bbox"])
        hidden = span["size"] < _TINY or not box.intersects(visible_area) or _fades(span, box, page, image)
        if span["type"] == _INVISIBLE or span["opacity"] == 0:
            if images is None:
                images = [pymupdf.Rect(info["bbox"]) for info in page.get_image_info()]
            hidden = hidden or not any(box.intersects(image) for image in images)
        if hidden:
            text = "".join(chr(char[0]) for char in span["chars"]).strip()
            if text:
                boxes.append(box)
                texts.append(text)
    return boxes, " ".join(texts)


def _fades(span: dict[str, Any], box: Any, page: Any, image: Image.Image) -> bool:
    """Light text on a ground as light: the drawn page shows nothing where it stands."""
    if min(span["color"]) < _LIGHT:
        return False
    seen = box * page.rotation_matrix
    x, y = image.width / page.rect.width, image.height / page.rect.height
    area = (int(seen.x0 * x), int(seen.y0 * y), int(seen.x1 * x) + 1, int(seen.y1 * y) + 1)
    darkest, lightest = image.crop(area).convert("L").getextrema()
    return float(lightest) - float(darkest) < _CONTRAST  # type: ignore[arg-type]
