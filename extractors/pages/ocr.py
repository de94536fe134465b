"""Image bytes -> lines of text with boxes, by RapidOCR (PP-OCR models that come inside its wheel).

Pages are read in threads, at most one a core over the whole process: two pages with one thread each take
1.0 s a page, one page with two threads takes 1.3 s (A4 invoice at 1540 px, 2 cores).
"""

import asyncio
import hashlib
import importlib.util
import io
import os
import re
import statistics
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from extractors.errors import BadConfiguration
from extractors.pages.lines import ReadPage, Segment, grouped

MOST_PIXELS = 60_000_000
"""A larger image is refused: 600 dpi A3 has fewer."""

_KEPT_PAGES = 64
_NEEDED = ("numpy", "onnxruntime", "cv2", "rapidocr")
_LEAST_SCORE = 0.5
_TALL = 1.6  # times wider than high: upright margin notes, which would join the lines they stand beside
_GLUED = re.compile(r"(?<=\d)(vom|du|van|of|del|dated|issued|bis|from|to|au)(?=\s|\d|$)")


Corners = list[tuple[float, float]]
"""Of a box, in pixels, from the text's upper left one clockwise."""


class Boxed(NamedTuple):
    """What the detector boxed, as the recogniser read it: `words` with boxes of their own, `score` 0 to 1."""

    corners: Corners
    text: str
    score: float
    words: tuple[tuple[str, Corners], ...]


class UnreadableImage(ValueError):
    """Bytes that are no image, or too many pixels; the message is for whoever sent them."""


class Reader:
    """Reads page images and remembers the last ones, for a repair round sends the same pages again."""

    def __init__(self) -> None:
        self._read: OrderedDict[str, ReadPage] = OrderedDict()

    async def read(self, image: bytes) -> ReadPage:
        """The lines of one page; the event loop stays free.

        Raises:
            UnreadableImage: the bytes are no image, or too large.
            BadConfiguration: the packages of the `local` extra are missing.
        """
        digest = hashlib.sha256(image).hexdigest()
        if digest not in self._read:
            page = await asyncio.get_running_loop().run_in_executor(_threads(), read_image, image)
            self._read[digest] = page
        self._read.move_to_end(digest)
        page = self._read[digest]
        while len(self._read) > _KEPT_PAGES:
            self._read.popitem(last=False)
        return page


def read_image(image: bytes) -> ReadPage:
    """The lines of one page, read in this thread. Raises as `Reader.read` does."""
    picture = decoded(image)
    boxed = found_in(picture)
    segments = [segment for each in boxed if (segment := segment_of(each)) is not None]
    return ReadPage(picture.width, picture.height, grouped(levelled(segments, boxed)))


def found_in(picture: Image.Image) -> list[Boxed]:
    """All that the detector boxed in a picture, as the recogniser read it. Raises as `Reader.read` does."""
    engine = _engine()
    import numpy as np

    # RapidOCR takes arrays as OpenCV does: blue first.
    result = engine(np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]), return_word_box=True)
    if not result.txts:
        return []
    words = [_words(row) for row in result.word_results]
    corners = [[(float(x), float(y)) for x, y in box] for box in result.boxes]
    return list(map(Boxed, corners, result.txts, map(float, result.scores), words))


def _words(row: Sequence[Any]) -> tuple[tuple[str, Corners], ...]:
    return tuple((text, [(float(x), float(y)) for x, y in corners]) for text, _, corners in row if corners)


def decoded(image: bytes) -> Image.Image:
    """The picture upright, in RGB, on white.

    Raises:
        UnreadableImage: no image, a broken one, or too many pixels.
    """
    try:
        with Image.open(io.BytesIO(image)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise UnreadableImage(
                    f"the image has {opened.width} x {opened.height} pixels: more than {MOST_PIXELS}"
                )
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage(f"not an image that can be read: {type(error).__name__}") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        if isinstance(error, UnreadableImage):
            raise
        raise UnreadableImage(f"the image is broken: {error}") from None
    paper = Image.new("RGB", upright.size, "white")
    paper.paste(upright, mask=upright.getchannel("A"))
    return paper


def segment_of(boxed: Boxed) -> Segment | None:
    """What was boxed as text to be read; None for what is none, or stands upright in the margin."""
    text = _GLUED.sub(r" \1 ", unicodedata.normalize("NFKC", boxed.text)).strip()
    xs, ys = [x for x, _ in boxed.corners], [y for _, y in boxed.corners]
    lone = len(text) <= 2  # noqa: PLR2004 - a character or two may be tall
    tall = max(ys) - min(ys) > _TALL * (max(xs) - min(xs)) and not lone
    if boxed.score < _LEAST_SCORE or tall or not text:
        return None
    # The detector widens its boxes by about a sixth of their height on either side.
    margin = min((max(ys) - min(ys)) / 6, (max(xs) - min(xs)) / 4)
    return Segment(text, min(xs) + margin, min(ys), max(xs) - margin, max(ys), boxed.score)


def levelled(segments: Sequence[Segment], boxed: Sequence[Boxed]) -> list[Segment]:
    """A tilted scan's segments where they would stand on a level page; the tilt is that of all that was boxed."""
    tilt = statistics.median([_slope(each.corners) for each in boxed]) if boxed else 0.0
    return [_level(segment, tilt) for segment in segments]


def _slope(corners: Corners) -> float:
    (x0, y0), (x1, y1) = corners[0], corners[1]
    return (y1 - y0) / (x1 - x0) if x1 - x0 > 1 else 0.0


def _level(segment: Segment, tilt: float) -> Segment:
    """A tilted scan's segment, moved to where it would stand on a level page."""
    if not 0.002 < abs(tilt) < 0.3:  # noqa: PLR2004 - less is noise, more is no tilt
        return segment
    # The box of tilted text is too high by its width times the tilt.
    rise, middle = tilt * (segment.x1 - segment.x0), segment.middle - tilt * (segment.x0 + segment.x1) / 2
    half = max(segment.height - abs(rise), segment.height * 0.4) / 2
    return Segment(segment.text, segment.x0, middle - half, segment.x1, middle + half, segment.score)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="octavo-ocr")


_LOADING = threading.Lock()


def _engine() -> Any:
    """The one OCR engine of the process: its sessions may run in several threads at once."""
    with _LOADING:
        return _loaded_engine()


def models() -> dict[str, Path]:
    """The built-in models' files by task, `det` and `rec`; nothing is imported.

    Raises:
        BadConfiguration: the packages of the `local` extra are missing, or rapidocr is too old.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise BadConfiguration(
            f"the built-in model needs {', '.join(missing)}: "
            "install Octavo with its `local` extra, as in pip install '.[local]'"
        )
    package: Any = importlib.util.find_spec("rapidocr")
    folder = Path(package.origin).parent / "models"
    return {task: _model(folder, task) for task in ("det", "rec")}


@cache
def _loaded_engine() -> Any:
    # Named files are never downloaded.
    named = models()
    import rapidocr

    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            # Short words that stand alone are found with little certainty; the recogniser weeds out what is no text.
            "Det.box_thresh": 0.3,
            "Det.model_path": str(named["det"]),
            "Rec.model_path": str(named["rec"]),
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _model(folder: Path, task: str) -> Path:
    found = sorted(folder.glob(f"*_{task}_*.onnx"))
    if not found:
        raise BadConfiguration(
            f"rapidocr has no {task} model in {folder}: install rapidocr 3.10 or later from its wheel"
        )
    return found[-1]
