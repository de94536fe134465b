"""The gate: what the bytes are, by content, and whether they are within the limits. Runs in a worker."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.documents import Document, Spooled
from extractors.einvoice import EInvoice, UnreadEInvoice
from extractors.errors import Damaged, DocumentError, Encrypted, NotADocument, TooLarge, TooManyPages
from extractors.pages.einvoices import attached_einvoice
from extractors.pages.images import frames_of, open_image
from extractors.pages.limits import Limits, check_page

PDF = "application/pdf"
_HEAD = 2048
_TAIL = 2048
_HEIC = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}


@dataclass(frozen=True)
class _Pdf:
    """What opening a PDF shows."""

    pages: int
    repaired: bool
    password: str | None
    attachments: tuple[str, ...]
    einvoice: EInvoice | UnreadEInvoice | None


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


def open_document(spooled: Spooled, limits: Limits, passwords: Sequence[str] = ()) -> Document:
    """Decides what a file is and whether it can be read.

    Args:
        spooled: its bytes.
        limits: what it may be.
        passwords: tried in order on a PDF that needs one; the one that opens it travels with the document.

    Raises:
        DocumentError: it cannot; the class says why, the message names the limit and the value found.
    """
    if spooled.size == 0:
        raise Damaged("the file is empty (0 bytes)")
    if spooled.size > limits.max_bytes:
        raise TooLarge(f"{spooled.size:,} bytes, over the limit of {limits.max_bytes:,} (max_bytes)")
    with spooled.path.open("rb") as file:
        media_type = sniff(file.read(_HEAD))
    if media_type is None:
        raise NotADocument("neither a PDF nor an image, by content")
    if media_type == PDF:
        pdf = _open_pdf(spooled.path, passwords)
        _check_pages(pdf.pages, limits)
        return Document(
            spooled.path, spooled.sha256, spooled.size, media_type, pdf.pages, pdf.repaired, pdf.password,
            pdf.attachments, pdf.einvoice,
        )  # fmt: skip
    frames, animated = _open_image(spooled.path, media_type, limits)
    return Document(
        spooled.path, spooled.sha256, spooled.size, media_type, len(frames), frames=frames, animated=animated
    )


def _check_pages(count: int, limits: Limits) -> None:
    if count == 0:
        raise Damaged("the document has no pages")
    if count > limits.max_pages:
        raise TooManyPages(f"{count:,} pages, over the limit of {limits.max_pages:,} (max_pages)")


def _open_pdf(path: Path, passwords: Sequence[str]) -> _Pdf:
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)  # noqa: FBT003 - its only way
    pymupdf.TOOLS.mupdf_display_warnings(False)  # noqa: FBT003 - likewise
    try:
        with pymupdf.open(path, filetype="pdf") as pdf:
            found = _unlocked(pdf, passwords)
    except (MemoryError, Encrypted):
        raise
    except Exception as error:  # noqa: BLE001 - MuPDF raises what it likes over broken bytes: each is recorded
        raise Damaged(f"the PDF cannot be opened: {_line(error).replace(repr(str(path)), 'it')}") from None
    if found.repaired and not _ends_properly(path):
        raise Damaged("the PDF is cut off (no end marker): pages may be missing; upload it again")
    return found


def _unlocked(pdf: Any, passwords: Sequence[str]) -> _Pdf:
    """What an open PDF holds; one that only its owner locked opens without a password."""
    password = None
    if pdf.needs_pass:
        password = next((word for word in passwords if pdf.authenticate(word)), None)
        if password is None:
            tried = f"none of the {len(passwords)} given opens it" if passwords else "give it with --password"
            raise Encrypted(f"a password is needed to open this PDF: {tried}")
    names = tuple(str(name) for name in pdf.embfile_names())
    return _Pdf(len(pdf), bool(pdf.is_repaired), password, names, attached_einvoice(pdf))


def _ends_properly(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return b"%%EOF" in file.read()


def _open_image(path: Path, media_type: str, limits: Limits) -> tuple[tuple[int, ...], bool]:
    """The frames that are pages, and whether it is an animation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_image(path, media_type) as image:
                check_page(image.width, image.height, limits)
                if image.format == "TIFF":
                    _check_pages(getattr(image, "n_frames", 1), limits)
                return frames_of(image)
        except (MemoryError, DocumentError):
            raise
        except Exception as error:  # noqa: BLE001 - decoders raise what they like over broken bytes: each is recorded
            raise Damaged(f"the image cannot be opened: {_line(error)}") from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
