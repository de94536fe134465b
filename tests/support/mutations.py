"""Broken files from whole ones: the same seed makes the same file."""

import io
from collections.abc import Iterator
from random import Random

import killers
from pages import digital_pdf, encrypted_pdf, invoice_pdf, multiframe_tiff, scan_jpeg
from PIL import Image

FORMS = ("PNG", "GIF", "BMP", "WEBP", "AVIF", "TIFF")


def whole_files() -> list[bytes]:
    """Valid PDFs and images of every kind that opens."""
    picture = Image.linear_gradient("L").resize((90, 60)).convert("RGB")
    files = [
        digital_pdf(["One", "Two"]), invoice_pdf(), encrypted_pdf("x"), scan_jpeg(["Some text"]), multiframe_tiff(3),
        killers.pdf_of(killers.page_with(killers.stream(b"0 0 100 100 re f"))), killers.image_bomb(900),
    ]  # fmt: skip
    for form in FORMS:
        buffer = io.BytesIO()
        picture.save(buffer, form)
        files.append(buffer.getvalue())
    deep = io.BytesIO()
    Image.frombytes("I;16", (40, 40), bytes(range(200)) * 16).save(deep, "TIFF", compression="tiff_lzw")
    return [*files, deep.getvalue()]


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """So many broken files: flipped bits, other bytes, cuts, repeats, and pieces of other files."""
    random, whole = Random(seed), whole_files()
    for _ in range(count):
        content = bytearray(random.choice(whole))
        for _ in range(random.choice((1, 1, 2, 4, 16))):
            random.choice(_WAYS)(content, random, whole)
        yield bytes(content)


def _flip(content: bytearray, random: Random, _: list[bytes]) -> None:
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def _overwrite(content: bytearray, random: Random, _: list[bytes]) -> None:
    start = random.randrange(len(content) + 1)
    filler = random.choice((b"\0", b"\xff", b"9", random.randbytes(1))) * random.choice((1, 2, 4, 8))
    content[start : start + len(filler)] = filler


def _cut(content: bytearray, random: Random, _: list[bytes]) -> None:
    del content[random.randrange(len(content) + 1) :]


def _drop(content: bytearray, random: Random, _: list[bytes]) -> None:
    start = random.randrange(len(content) + 1)
    del content[start : start + random.randrange(1, 64)]


def _repeat(content: bytearray, random: Random, _: list[bytes]) -> None:
    start = random.randrange(len(content) + 1)
    content[start:start] = content[start : start + random.randrange(1, 512)] * random.choice((1, 1, 8))


def _splice(content: bytearray, random: Random, whole: list[bytes]) -> None:
    other = random.choice(whole)
    start, begin = random.randrange(len(content) + 1), random.randrange(len(other))
    content[start:start] = other[begin : begin + random.randrange(1, 2048)]


def _number(content: bytearray, random: Random, _: list[bytes]) -> None:
    """Another number where a PDF has one: a length, an offset, an object, a size."""
    digits = [place for place, byte in enumerate(content) if 48 <= byte <= 57]
    if digits:
        place = random.choice(digits)
        content[place : place + 1] = random.choice((b"0", b"9", b"-1", b"99999999999", b"4294967296", b"1e9"))


_WAYS = (_flip, _flip, _overwrite, _overwrite, _cut, _drop, _repeat, _splice, _number, _number)
