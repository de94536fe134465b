"""Peak memory of whole runs: 1,000 mixed documents at 64 calls in flight, and one document grown tenfold.

    python tests/benchmarks/bench_memory.py [--quick]

The peak is of all processes of the run together, looked at every 100 ms; pages that they share count once
(the kernel's Pss). Memory that does not grow with a document shows as a ratio near 1.
"""

import argparse
import io
import sys
import tempfile
from pathlib import Path

import pymupdf
from bench_saturation import Measured, measure
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from pages import digital_pdf

FORMS = {"png": "PNG", "tiff": "TIFF", "webp": "WEBP", "jpg": "JPEG"}


def make_mixed(folder: Path, count: int) -> None:
    """PDFs of 1 to 6 pages, PDFs of a 300-dpi scan, and images of four kinds; no two pages alike."""
    paper = Image.effect_noise((1240, 1754), 30).point(lambda level: min(255, level + 100))
    scan = paper.resize((2480, 3508)).convert("RGB")
    for number in range(count):
        kind = number % 10
        if kind < 5:
            texts = [f"Document {number}, page {page}\n" + "Some words\n" * 20 for page in range(1 + number % 6)]
            (folder / f"{number:05}.pdf").write_bytes(digital_pdf(texts))
        elif kind < 7:
            (folder / f"{number:05}.pdf").write_bytes(_scanned([_numbered(scan, number)]))
        else:
            suffix, form = list(FORMS.items())[number % 4]
            _numbered(paper.convert("L"), number).save(folder / f"{number:05}.{suffix}", form)


def make_long(path: Path, pages: int) -> None:
    """One PDF of scans whose grain makes them about 240 KB each."""
    base = Image.effect_noise((620, 877), 40).convert("L")
    made = []
    for number in range(pages):
        buffer = io.BytesIO()
        _numbered(base, number).save(buffer, "JPEG")
        made.append(buffer.getvalue())
    path.write_bytes(_scanned(made))


def _numbered(image: Image.Image, number: int) -> Image.Image:
    copy = image.copy()
    ImageDraw.Draw(copy).text((100, 100), f"No {number}", font_size=90, fill="black")
    return copy


def _scanned(images: list[Image.Image] | list[bytes]) -> bytes:
    with pymupdf.open() as pdf:
        for image in images:
            if isinstance(image, Image.Image):
                buffer = io.BytesIO()
                image.save(buffer, "JPEG")
                image = buffer.getvalue()  # noqa: PLW2901 - now as bytes
            page = pdf.new_page(width=595, height=842)
            page.insert_image(page.rect, stream=image)
        content: bytes = pdf.tobytes()
    return content


def run_over(folder: Path, slots: int, latency: float, pages_per_request: int) -> Measured:
    """One run; every page must have been read."""
    run = measure(folder, slots, latency, 0.0, 100, pages_per_request=pages_per_request, exact=True)
    assert run.counts["documents"]["pending"] == run.counts["documents"]["quarantined"] == 0, run.counts  # type: ignore[index]
    return run


def main() -> None:
    """Prints the two tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    share = 10 if parser.parse_args().quick else 1
    print("| what | pages | file MB | peak MB | ratio |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        make_mixed(Path(folder), 1_000 // share)
        tell("mixed documents", Path(folder), run_over(Path(folder), 64, 1.0, 8))
    smaller = None
    for pages in (200 // share, 2_000 // share):
        with tempfile.TemporaryDirectory() as folder:
            make_long(Path(folder) / "long.pdf", pages)
            run = run_over(Path(folder), 16, 0.5, 8)
            tell("one document", Path(folder), run, smaller)
            smaller = run


def tell(what: str, folder: Path, run: Measured, smaller: Measured | None = None) -> None:
    """Prints one line."""
    files = [path.stat().st_size for path in folder.iterdir()]
    pages = run.counts["pages"]["read"]  # type: ignore[index]
    ratio = f"{run.peak / smaller.peak:.2f}" if smaller else ""
    told = (f"{len(files):,} {what}", f"{pages:,}", f"{sum(files) / 1e6:.0f}", f"{run.peak / 1e6:.0f}", ratio)
    print(f"| {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    main()
