"""Small files that crash, hang or eat memory in a careless renderer. Made here, byte by byte."""

import struct
import zlib
from collections.abc import Sequence


def pdf_of(objects: Sequence[bytes], *, prev: str = "") -> bytes:
    """A PDF whose object 1 is its catalogue, with a right cross-reference table."""
    body, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    prev = prev.replace("SELF", str(table))
    return body + f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {prev} >>\nstartxref\n{table}\n%%EOF\n".encode()


def stream(data: bytes, *entries: str) -> bytes:
    """A stream object."""
    return f"<< /Length {len(data)} {' '.join(entries)} >>\nstream\n".encode() + data + b"\nendstream"


def page_with(content: bytes, *more: bytes, resources: str = "") -> list[bytes]:
    """Objects of a one-page PDF: content stream 4, further objects from 5."""
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << {resources} >> >>"
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page.encode(), content,
        *more,
    ]  # fmt: skip


def xref_loop() -> bytes:
    """A cross-reference table that names itself as its predecessor."""
    return pdf_of(page_with(stream(b"0 0 100 100 re f")), prev="/Prev SELF")


def deflated(megabytes: int, filler: bytes = b"\n") -> bytes:
    """Zlib data that inflates to so much."""
    packer = zlib.compressobj(9)
    block = filler * (1 << 20)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def stream_bomb(gigabytes: int) -> bytes:
    """A page whose content inflates, twice packed, to so much."""
    packed = zlib.compress(deflated(gigabytes * 1024), 9)
    return pdf_of(page_with(stream(packed, "/Filter [/FlateDecode /FlateDecode]")))


def image_bomb(side: int, megabytes: int = 1) -> bytes:
    """A page with one grey image of side x side pixels, so many MiB of it there."""
    entries = (
        "/Type /XObject /Subtype /Image", f"/Width {side} /Height {side}",
        "/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode",
    )  # fmt: skip
    image = stream(deflated(megabytes, b"\x80"), *entries)
    drawing = stream(b"q 500 0 0 500 40 40 cm /I Do Q")
    return pdf_of(page_with(drawing, image, resources="/XObject << /I 5 0 R >>"))


def png_bomb(side: int) -> bytes:
    """A grey PNG of side x side pixels, all of it there: very white paper."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * side
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in (
        (b"IHDR", header), (b"IDAT", data), (b"IEND", b""),
    ))  # fmt: skip


def png_claiming(side: int) -> bytes:
    """A PNG that says it is side x side and holds nothing."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND", b"")


def laughs(depth: int) -> bytes:
    """Forms that each draw the next one ten times: 10 ** depth rectangles."""
    forms = []
    for number in range(depth):
        last = number == depth - 1
        entries = ["/Type /XObject /Subtype /Form /BBox [0 0 595 842]"]
        if not last:
            entries.append(f"/Resources << /XObject << /F {6 + number} 0 R >> >>")
        forms.append(stream(b"0 0 400 400 re f " if last else b"/F Do " * 10, *entries))
    return pdf_of(page_with(stream(b"/F Do"), *forms, resources="/XObject << /F 5 0 R >>"))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
