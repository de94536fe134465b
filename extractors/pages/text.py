"""The text layer as a reader sees it: words with boxes, and apart from them what is hidden."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from PIL import Image

from extractors.documents import Box, TextLayer
from extractors.pages import layers, said
from extractors.pages.covered import covered
from extractors.pages.legible import enlargement, print_size
from extractors.pages.sheets import cut_of
from extractors.pages.unseen import (
    LEGIBLE,
    Cover,
    Drawn,
    Line,
    Suspect,
    looked_at,
    overwritten,
    suspicion_of,
    suspicions,
    unseen,
)

_LEVEL = 0.1
"""Rise of a line of text, to its length, from which it does not run from left to right."""

_READABLE = 4.0
"""Points, from which print can be read on paper, however large the sheet."""

_TURNS = {(0, -1): 90, (0, 1): 270, (-1, 0): 180}
"""The ways that text runs where it does not run to the right (down is positive), and what turns a page upright."""

_TURNED, _TURNED_LEAST = 0.8, 20
"""Share of a page's letters that run the same way, and how many, from which the page is not upright."""


class Seen(NamedTuple):
    """What a page's text layer says.

    Attributes:
        layer: its words.
        hidden: what nobody sees of it.
        turn: by how many degrees, clockwise, the page is to be turned to be upright.
        size: of its print in the picture, as `legible.print_size`.
    """

    layer: TextLayer
    hidden: str
    turn: int
    size: float | None


def visible_words(
    page: Any, drawing: Any, image: Image.Image, larger: Callable[[tuple[int, int]], Image.Image], *, pictured: bool
) -> Seen:
    """Words in reading order with boxes in fractions of the page as it is drawn, and the hidden text.

    Args:
        page: a page of PyMuPDF's.
        drawing: its display list, of which the text is read without going through the page again.
        image: the same page, drawn.
        larger: draws it at another size.
        pictured: it has images of its own, besides those in its drawing (inline).

    Hidden is what the drawn page does not show (`unseen`): invisible, hardly opaque, as light as its ground, covered,
    off the page, on a layer that is switched off, or too small to be read. It is how documents carry instructions.
    """
    found = _found(drawing, image.height / (drawing.rect.height or 1), pictured=pictured)
    words = found.words
    flat, twice = looked_at(found.lines, words, image)
    suspect = suspicions(words, found.suspects, found.pictures, flat)
    closely = larger(found.sent) if suspect and found.sent[1] > image.height else image
    hidden = unseen(words, suspect, flat, closely) if suspect else set()
    if twice and overwritten(words):
        hidden |= covered(page, words)
    seen = [word for number, word in enumerate(words) if number not in hidden] if hidden else words
    told = found.off + [words[number].text for number in sorted(hidden)]
    told += layers.switched_off(page, words)
    boxes = [picture.box for picture in found.pictures]
    edges = array("d")
    for word in seen:
        edges.extend(word.box)
    texts = tuple([word.text for word in seen])
    layer = TextLayer(texts, edges.tobytes(), said.says_all(page, seen, boxes, image))
    said_hidden = " ".join(filter(str.strip, told))
    # Text that nobody sees turns no page.
    turn = 0 if said_hidden else _turn(found.turned, sum(map(len, texts)))
    return Seen(layer, said_hidden, turn, found.size)


def print_of(drawing: Any, pixels: float) -> tuple[float | None, bool, int]:
    """The size of a page's print where a unit is drawn as so many pixels, whether it is upright, and its words."""
    from pymupdf import TEXTFLAGS_WORDS, TextPage

    lines = _lines(TextPage(drawing.get_textpage(TEXTFLAGS_WORDS)))
    level = sum(line["dir"][0] >= _LEVEL for line in lines)
    words = sum(len(span["text"].split()) for line in lines for span in line["spans"])
    return _print_size(lines, pixels), 2 * level >= len(lines), words


def _lines(text: Any) -> list[dict[str, Any]]:
    """The lines of a text page that have any extent: print of no size, or of no width, has no spans."""
    return [line for block in text.extractDICT()["blocks"] for line in block["lines"] if line["spans"]]


def _print_size(lines: list[dict[str, Any]], pixels: float) -> float | None:
    """Of the lines that a reader can see: on paper, or in the picture."""
    sizes = (line["spans"][0]["size"] for line in lines)
    return print_size(size * pixels for size in sizes if size >= _READABLE or size * pixels >= LEGIBLE)


def _turn(turned: Mapping[tuple[int, int], int], letters: int) -> int:
    """By how much a page is to be turned on which so many letters run so."""
    way, count = max(turned.items(), key=itemgetter(1), default=((1, 0), 0))
    return _TURNS.get(way, 0) if count >= max(_TURNED_LEAST, _TURNED * letters) else 0


def show_all(drawing: Any, device: Any) -> None:
    """Shows one of MuPDF's devices everything that is drawn on a page, also beyond its edges."""
    from pymupdf import mupdf

    everything = mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE)
    mupdf.fz_run_display_list(drawing.this, device, mupdf.FzMatrix(), everything, mupdf.FzCookie())
    mupdf.fz_close_device(device)


class _Found(NamedTuple):
    """What a page's text layer and pictures tell by themselves.

    Attributes:
        off: text off the page.
        turned: how many letters run upwards, downwards or upside down, by the way that they run.
        size: of the print, as `legible.print_size`.
        sent: the page's pixels in all the parts that it is sent in: where it is looked at closely.
    """

    words: list[Drawn]
    lines: list[Line]
    pictures: list[Cover]
    suspects: list[Suspect]
    off: list[str]
    turned: Counter[tuple[int, int]]
    size: float | None
    sent: tuple[int, int]


def _found(drawing: Any, pixels: float, *, pictured: bool) -> _Found:
    """Reads the text layer; a unit is drawn as so many pixels."""
    from pymupdf import TEXT_PRESERVE_IMAGES, TEXTFLAGS_WORDS, TextPage

    text = _all_text(drawing, TEXTFLAGS_WORDS | (0 if pictured else TEXT_PRESERVE_IMAGES))
    if not pictured and any(map(_is_image, _blocks(text))):
        # Images that its content holds itself. Reading the text without them spares unpacking them.
        pictured, text = True, _all_text(drawing, TEXTFLAGS_WORDS)
    everything = TextPage(text)
    rect, lines, suspects, off, beyond = drawing.rect, [], [], [], False
    turned: Counter[tuple[int, int]] = Counter()
    told = _lines(everything)
    size = _print_size(told, pixels)
    # Print that paper shows is not hidden by being small in one picture: it is sent larger, in parts.
    shape = (int(rect.width * pixels) or 1, int(rect.height * pixels) or 1)
    scale = cut_of(shape, enlargement(size)).scale
    sent = int(shape[0] * scale), int(shape[1] * scale)
    for line in told:
        for span in line["spans"]:
            why = suspicion_of(span, scale * pixels if span["size"] >= _READABLE else pixels)
            if why is not None:
                suspects.append(Suspect(_fractions(span["bbox"], rect), why))
        x0, y0, x1, y1 = box = line["bbox"]
        if x0 < rect.x0 or y0 < rect.y0 or x1 > rect.x1 or y1 > rect.y1:
            beyond = True
            off += [span["text"].strip() for span in line["spans"] if _is_off(span["bbox"], rect)]
        em = line["spans"][0]["size"] * pixels
        along, rise = line["dir"]
        lines.append(Line(_fractions(box, rect), em, turned=abs(rise) > _LEVEL))
        if along < _LEVEL and not line["wmode"]:
            turned[round(along), round(rise)] += sum(len(span["text"].strip()) for span in line["spans"])
    if not beyond and not pictured:
        return _Found(_words(everything, rect, beyond=False), lines, [], suspects, off, turned, size, sent)
    clipped = drawing.get_textpage(TEXTFLAGS_WORDS | TEXT_PRESERVE_IMAGES)
    pictures = [
        Cover(_on_page(_fractions((block.bbox.x0, block.bbox.y0, block.bbox.x1, block.bbox.y1), rect)), number)
        for number, block in enumerate(_blocks(clipped))
        if _is_image(block)
    ]
    return _Found(_words(TextPage(clipped), rect, beyond=beyond), lines, pictures, suspects, off, turned, size, sent)


def _all_text(drawing: Any, flags: int) -> Any:
    """All text, also where it is off the page or cut away, which a text page leaves out by itself."""
    from pymupdf import TEXT_MEDIABOX_CLIP, mupdf

    text = mupdf.FzStextPage(mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE))
    show_all(drawing, mupdf.fz_new_stext_device(text, mupdf.FzStextOptions(flags & ~TEXT_MEDIABOX_CLIP)))
    return text


def _words(text: Any, rect: Any, *, beyond: bool) -> list[Drawn]:
    """The words of a text page; some of those `beyond` the page's edges are partly, or not at all, on it."""
    left, top, across, down = rect.x0, rect.y0, 1 / rect.width, 1 / rect.height
    words = [
        Drawn(word, ((x0 - left) * across, (y0 - top) * down, (x1 - left) * across, (y1 - top) * down), block, line)
        for x0, y0, x1, y1, word, block, line, _ in text.extractWORDS()
    ]
    if beyond:
        words = [word._replace(box=_on_page(word.box)) for word in words]
    return [word for word in words if word.box[0] < word.box[2] and word.box[1] < word.box[3]]


def _fractions(box: Box, rect: Any) -> Box:
    left, top, width, height = rect.x0, rect.y0, rect.width, rect.height
    return (box[0] - left) / width, (box[1] - top) / height, (box[2] - left) / width, (box[3] - top) / height


def _is_off(box: Box, rect: Any) -> bool:
    return bool(box[2] <= rect.x0 or box[3] <= rect.y0 or box[0] >= rect.x1 or box[1] >= rect.y1)


def _blocks(text: Any) -> Iterator[Any]:
    block = text.m_internal.first_block
    while block:
        yield block
        block = block.next


def _is_image(block: Any) -> bool:
    from pymupdf import mupdf

    return bool(block.type == mupdf.FZ_STEXT_BLOCK_IMAGE)


def _on_page(box: Box) -> Box:
    x0, y0, x1, y1 = box
    return min(1.0, max(0.0, x0)), min(1.0, max(0.0, y0)), min(1.0, max(0.0, x1)), min(1.0, max(0.0, y1))
