"""The way of a page to the model: Octavo's beside the usual ones, in one process on the same pages.

    python tests/benchmarks/bench_render.py [--rounds 5]

Three A4 pages: digital (a dense invoice), scan (the same as a 300-dpi colour JPEG), photo (the same, blurred and
uneven, from a 12-megapixel JPEG). Each way makes the bytes that would be sent; CPU is the least of some rounds,
opening the file included, as a ratio to Octavo's own on the same page. Octavo's also reads the text layer.

What reaches the model is then compared at the model's grid: a server stretches what it gets to multiples of 28
without anti-aliasing (mistral-common, `transform_image`). RMSE is against a 600-dpi drawing brought down with a
box filter; text is how much of the OCR of that reference the OCR of the page agrees with (difflib, 1 = all).
"""

import argparse
import io
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import sha256
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image, ImageFilter
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from pages import invoice_pdf

from extractors.documents import PageImage, Spooled
from extractors.pages.limits import Limits
from extractors.pages.opening import open_document
from extractors.pages.rendering import render_pages
from extractors.pages.sizes import grid

Way = Callable[[Path], bytes]


@dataclass(frozen=True)
class Measured:
    """One way on one page: seconds of CPU, bytes sent, root mean square error (0-255), share of the text."""

    cpu: float
    size: int
    rmse: float
    text: float


def octavo(path: Path) -> bytes:
    """Straight to the model's grid, JPEG."""
    content = path.read_bytes()
    document = open_document(Spooled(path, sha256(content).hexdigest(), len(content)), Limits())
    (page,) = render_pages(document, (1,), Limits())
    assert isinstance(page, PageImage), page
    return page.jpeg


def pymupdf_png(path: Path) -> bytes:
    """PyMuPDF at 300 dpi, PNG."""
    with pymupdf.open(path, filetype="pdf") as pdf:
        png: bytes = pdf[0].get_pixmap(dpi=300).tobytes("png")
    return png


def poppler_png(path: Path) -> bytes:
    """What pdf2image does: pdftoppm at 200 dpi, PNG."""
    return subprocess.run(
        ["pdftoppm", "-r", "200", "-png", "-singlefile", path], check=True, capture_output=True
    ).stdout


def pdfium_jpeg(path: Path) -> bytes:
    """pypdfium2 at the right size, Pillow's JPEG."""
    import pypdfium2

    pdf = pypdfium2.PdfDocument(path)
    page = pdf[0]
    width, height = grid(*page.get_size())
    image = page.render(scale=height / page.get_height()).to_pil().convert("RGB")
    buffer = io.BytesIO()
    image.resize((width, height)).save(buffer, "JPEG", quality=85)
    pdf.close()
    return buffer.getvalue()


def ways() -> dict[str, Way]:
    """Those that this machine can go."""
    found: dict[str, Way] = {"Octavo": octavo, "PyMuPDF, 300 dpi, PNG": pymupdf_png}
    if shutil.which("pdftoppm"):
        found["pdf2image (poppler), 200 dpi, PNG"] = poppler_png
    try:
        import pypdfium2  # noqa: F401 - only whether it is there
    except ImportError:
        return found
    return {**found, "pypdfium2, right size, JPEG": pdfium_jpeg}


def pages(folder: Path) -> dict[str, Path]:
    """The three pages as PDF files."""
    lines = [(f"Walnut shelf, oiled, No {n:03}", str(1 + n % 7), f"{17 * n % 90 + 9}.50") for n in range(1, 19)]
    digital = invoice_pdf(lines=lines)
    with pymupdf.open(stream=digital) as pdf:
        paper = pdf[0].get_pixmap(dpi=300)
    scan = Image.frombytes("RGB", (paper.width, paper.height), paper.samples)
    grain = np.random.default_rng(1).normal(0, 6, (scan.height, scan.width, 3))
    scan = Image.fromarray(np.clip(np.asarray(scan, dtype=float) * 0.96 + grain, 0, 255).astype("uint8"))
    light = np.linspace(0.7, 1.0, 4000)[:, None, None]
    photo = scan.resize((2828, 4000)).filter(ImageFilter.GaussianBlur(1.2)).rotate(0.7, fillcolor=(90, 80, 70))
    photo = Image.fromarray((np.asarray(photo, dtype=float) * light).astype("uint8"))
    made = {"digital": digital, "scan": _wrapped(scan), "photo": _wrapped(photo)}
    for name, content in made.items():
        (folder / f"{name}.pdf").write_bytes(content)
    return {name: folder / f"{name}.pdf" for name in made}


def _wrapped(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    with pymupdf.open() as pdf:
        page = pdf.new_page(width=595, height=842)
        page.insert_image(page.rect, stream=buffer.getvalue(), keep_proportion=False)
        content: bytes = pdf.tobytes()
    return content


def cpu_of(way: Way, path: Path, rounds: int) -> tuple[float, bytes]:
    """The least CPU of this process and its children over some rounds, and the bytes made."""
    least, made = float("inf"), b""
    for _ in range(rounds):
        before = _cpu()
        made = way(path)
        least = min(least, _cpu() - before)
    return least, made


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def at_the_grid(image: Image.Image) -> Image.Image:
    """What the model sees: stretched as mistral-common's image encoder does it."""
    import cv2

    size = grid(595, 842)
    if image.size == size:
        return image.convert("RGB")
    return Image.fromarray(cv2.resize(np.asarray(image.convert("RGB")), size, interpolation=cv2.INTER_CUBIC))


def reference(path: Path) -> Image.Image:
    """600 dpi, brought down with a box filter."""
    with pymupdf.open(path, filetype="pdf") as pdf:
        pixels = pdf[0].get_pixmap(dpi=600)
    whole = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples)
    return whole.resize(grid(595, 842), Image.Resampling.BOX)


def text_of(image: Image.Image) -> str:
    """What OCR reads, top to bottom."""
    from rapidocr import RapidOCR

    if not _reader:
        _reader.append(RapidOCR(params={"Global.log_level": "error"}))
    found = _reader[0](np.asarray(image))
    return "\n".join(found.txts or ())


_reader: list = []  # type: ignore[type-arg]


def measure(rounds: int) -> dict[str, dict[str, Measured]]:
    """Page -> way -> what was measured."""
    table: dict[str, dict[str, Measured]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, path in pages(Path(folder)).items():
            best = reference(path)
            wanted = text_of(best)
            table[name] = {}
            for way, go in ways().items():
                cpu, made = cpu_of(go, path, rounds)
                seen = at_the_grid(Image.open(io.BytesIO(made)))
                error = np.asarray(seen, dtype=float) - np.asarray(best, dtype=float)
                agreed = SequenceMatcher(None, wanted, text_of(seen), autojunk=False).ratio()
                table[name][way] = Measured(cpu, len(made), float(np.sqrt((error**2).mean())), agreed)
    return table


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    table = Table("page", "way", "CPU", "ratio", "sent", "RMSE", "text")
    for page, by_way in measure(parser.parse_args().rounds).items():
        own = by_way["Octavo"]
        for way, found in by_way.items():
            table.add_row(
                page, way, f"{found.cpu * 1000:,.1f} ms", f"{found.cpu / own.cpu:.1f}x",
                f"{found.size / 1024:,.0f} KiB", f"{found.rmse:.1f}", f"{found.text:.3f}",
            )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
