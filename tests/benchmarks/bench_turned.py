"""How surely a scan's page is put upright: the real scans as they are and turned, also in poor conditions.

    python tests/benchmarks/bench_turned.py

Each scan of ../shared/data/real (image files, and PDF pages without a text layer) is judged as it is and turned by
90, 180 and 270 degrees: put right, turned wrongly, or left as it is. The same at half the size, as a JPEG of quality
40, 2.5 degrees askew, and cut to its upper quarter. Then the digital pages as pictures. CPU is `turn_of` alone.
Ends with 2 where the folder is absent, and with 1 where an upright page was turned.
"""

import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pymupdf
from PIL import Image
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from extractors.pages.images import open_image, true_size, upright
from extractors.pages.sizes import grid, sent_size
from extractors.pages.turned import turn_of, turned

REAL = ROOT.parent / "shared" / "data" / "real"

MOST_PAGES = 5
"""Of one document."""

TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}


def as_jpeg(picture: Image.Image) -> Image.Image:
    """Poorly compressed."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=40)
    return Image.open(file).convert(picture.mode)


CONDITIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda picture: picture,
    "half the size": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "JPEG 40": as_jpeg,
    "2.5 degrees askew": lambda picture: picture.rotate(2.5, Image.Resampling.BICUBIC, fillcolor="white"),
    "upper quarter": lambda picture: picture.crop((0, 0, picture.width, picture.height // 4)),
}


def main() -> None:
    """Measures and prints."""
    if not REAL.is_dir():
        print(f"{REAL} is absent: nothing to measure")
        sys.exit(2)
    scans, digital = dict(pages(scanned=True)), dict(pages(scanned=False))
    table = Table("pages", "condition", "turned by", "right", "wrong", "left alone", "ms CPU")
    wrong = 0
    for name, change in CONDITIONS.items():
        wrong += measured(table, f"{len(scans)} scans", name, [change(picture) for picture in scans.values()])
    wrong += measured(table, f"{len(digital)} digital, drawn", "as it is", list(digital.values()))
    Console(width=110).print(table)
    sys.exit(1 if wrong else 0)


def measured(table: Table, pages: str, condition: str, pictures: list[Image.Image]) -> int:
    """Adds the rows of one condition; how many upright pages were turned."""
    wrong = 0
    for degrees in (0, 90, 180, 270):
        told: Counter[str] = Counter()
        laid = [turned(picture, degrees) for picture in pictures]
        began = time.process_time()
        turns = [turn_of(picture) for picture in laid]
        took = (time.process_time() - began) / len(laid) * 1e3
        for turn in turns:
            right = (turn + degrees) % 360 == 0
            told["right" if right else "left alone" if turn == 0 else "wrong"] += 1
        wrong += told["wrong"] if degrees == 0 else 0
        table.add_row(pages, condition, str(degrees), *(str(told[each]) for each in ("right", "wrong", "left alone")),
                      f"{took:.1f}")  # fmt: skip
    return wrong


def pages(*, scanned: bool) -> Iterator[tuple[str, Image.Image]]:
    """The pages at the size that they are sent at, by name."""
    for line in (REAL / "labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        path = REAL / label["file"]
        if path.suffix in TYPES and scanned:
            with open_image(path, TYPES[path.suffix]) as image:
                size = sent_size(*true_size(image))
                yield path.name, upright(image, reduced=True).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        elif path.suffix == ".pdf" and scanned == (label["modality"] == "scanned_pdf_no_text_layer"):
            yield from pdf_pages(path)


def pdf_pages(path: Path) -> Iterator[tuple[str, Image.Image]]:
    """A document's first pages."""
    with pymupdf.open(path) as pdf:
        for number, page in zip(range(MOST_PAGES), pdf, strict=False):
            width, height = grid(page.rect.width, page.rect.height)
            matrix = pymupdf.Matrix(width / page.rect.width, height / page.rect.height)
            pixels = page.get_pixmap(matrix=matrix, alpha=False)
            picture = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples)
            yield f"{path.name} {number + 1}", picture


if __name__ == "__main__":
    main()
