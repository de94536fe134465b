"""The gate: what the bytes are, by content, and whether they are within the limits. Runs in a worker."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from extractors.documents import Document, Spooled
from extractors.errors import Damaged, Encrypted, NotADocument, TooLarge, TooManyPages, Unsupported

PDF = "application/pdf"
_HEAD = 2048
_TAIL = 2048
_HEIC = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}


@dataclass(frozen=True)
class Limits:
    """What a document may be.

    Attributes:
        max_bytes: of the file.
        max_pages: pages of a PDF, frames of an image.
        max_pixels: of one image, as its header declares them.
        seconds: for opening a document, or for drawing one window of it.
        memory_bytes: address space of a worker beyond what it starts with.
    """

    max_bytes: int = 500_000_000
    max_pages: int = 5_000
    max_pixels: int = 300_000_000
    seconds: float = 60.0
    memory_bytes: int = 2 << 30


def sniff(head: bytes) -> str | None:
    """The media type that the first 2 KiB show, or None for what is neither PDF nor image."""
    if b"%PDF-" in head[:1024]:
        return PDF
    for magic, media_type in (
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"II*\x00", "image/tiff"),
        (b"MM\x00*", "image/tiff"),
        (b"II+\x00", "image/tiff"),
        (b"MM\x00+", "image/tiff"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
    ):
        if head.startswith(magic):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    if head[4:8] == b"ftyp":
        brands = {head[8:12], *(head[i : i + 4] for i in range(16, min(len(head), 64), 4))}
        return "image/avif" if brands & _AVIF else "image/heic" if brands & _HEIC else None
    return None


def open_document(spooled: Spooled, limits: Limits) -> Document:
    """Decides what a file is and whether it can be read.

    Raises:
        DocumentError: it cannot; the class says why, the message names the limit and the value found.
    """
    if spooled.size == 0:
        raise Damaged("the file is empty (0 bytes)")
    if spooled.size > limits.max_bytes:
        raise TooLarge(f"{spooled.size:,} bytes, over the limit of {limits.max_bytes:,}")
    with spooled.path.open("rb") as file:
        media_type = sniff(file.read(_HEAD))
    if media_type is None:
        raise NotADocument("neither a PDF nor an image, by content")
    pages, repaired = _open_pdf(spooled.path) if media_type == PDF else (_open_image(spooled.path, limits), False)
    if pages == 0:
        raise Damaged("the document has no pages")
    if pages > limits.max_pages:
        raise TooManyPages(f"{pages:,} pages, over the limit of {limits.max_pages:,}")
    return Document(spooled.path, spooled.sha256, spooled.size, media_type, pages, repaired)


def _open_pdf(path: Path) -> tuple[int, bool]:
    """Pages, and whether the structure had to be rebuilt."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)  # noqa: FBT003 - its only way
    pymupdf.TOOLS.mupdf_display_warnings(False)  # noqa: FBT003 - likewise
    try:
        with pymupdf.open(path, filetype="pdf") as pdf:
            locked, pages, repaired = bool(pdf.needs_pass), 0, False
            if not locked:
                pages, repaired = len(pdf), bool(pdf.is_repaired)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - MuPDF raises what it likes over broken bytes: each is recorded
        raise Damaged(f"the PDF cannot be opened: {_line(error).replace(repr(str(path)), 'it')}") from None
    if locked:
        raise Encrypted("a password is needed to open this PDF; remove it and upload the file again")
    if repaired and not _ends_properly(path):
        raise Damaged("the PDF is cut off (no end marker): pages may be missing; upload it again")
    return pages, repaired


def _ends_properly(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return b"%%EOF" in file.read()


def _open_image(path: Path, limits: Limits) -> int:
    """Frames."""
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # our own limit, told in our own words
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(path)
        except UnidentifiedImageError:
            raise _undecodable(path) from None
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - decoders raise what they like over broken bytes: each is recorded
            raise Damaged(f"the image cannot be opened: {_line(error)}") from None
        with image:
            pixels = image.width * image.height
            if pixels > limits.max_pixels:
                raise TooLarge(
                    f"an image of {image.width} x {image.height} = {pixels:,} pixels, over the limit of "
                    f"{limits.max_pixels:,}"
                )
            try:
                return int(getattr(image, "n_frames", 1))
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - likewise
                raise Damaged(f"the image's frames cannot be counted: {_line(error)}") from None


def _undecodable(path: Path) -> Damaged | Unsupported:
    with path.open("rb") as file:
        media_type = sniff(file.read(_HEAD))
    if media_type in {"image/heic", "image/avif"}:
        return Unsupported(f"no decoder for {media_type} is installed: pip install pillow-heif")
    return Damaged("the image's header cannot be read")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
