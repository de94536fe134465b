"""Scans are turned upright by the shapes of their letters; a page that is upright, or unclear, is never turned."""

import io
import random
from collections.abc import Sequence
from pathlib import Path

import pymupdf
import pytest
from drawing import drawn, pdf, picture
from pages import digital_pdf, invoice_pdf
from PIL import Image, ImageChops, ImageFilter, ImageStat

from extractors.pages import prints
from extractors.pages.images import upright
from extractors.pages.sizes import grid, sent_size
from extractors.pages.turned import turn_of, turned
from flows.samples.scanning import scan

REAL = Path(__file__).parents[4] / "shared" / "data" / "real" / "docs"

TURNS = (90, 180, 270)

SCRIPTS = {
    "Latin capitals": "INVOICE NUMBER 4711 TOTAL AMOUNT DUE WITHIN THIRTY DAYS",
    "digits": "4711 12.50 2025-03-14 89.90 37 1,204.75 6.00 98",
    "Cyrillic": "счёт номер дата сумма итого поставщик покупатель договор",
    "Greek": "τιμολόγιο αριθμός ημερομηνία σύνολο πελάτης ποσότητα αξία",
    "Han": "发票号码 开票日期 购买方名称 纳税人识别号 地址电话 货物名称 规格型号 合计金额",
    "Japanese": "請求書番号 お支払い期限 ご請求金額 商品名 数量 単価 消費税 振込先",
    "Korean": "세금계산서 공급자 등록번호 상호 성명 사업장 주소 합계금액 품목",
    "Arabic": "فاتورة رقم التاريخ المبلغ الإجمالي الضريبة العنوان الهاتف شركة محدودة",
    "Hebrew": "חשבונית מספר תאריך סכום כתובת טלפון חברה כמות מחיר יחידה לקוח",
    "Thai": "ใบแจ้งหนี้ เลขที่ วันที่ จำนวน ราคา รวมทั้งสิ้น ภาษีมูลค่าเพิ่ม ที่อยู่",
    "Devanagari": "चालान संख्या दिनांक राशि कुल कर पता फ़ोन कंपनी मात्रा मूल्य",
    "Ethiopic": "ደረሰኝ ቁጥር ቀን ጠቅላላ ዋጋ ደንበኛ አድራሻ ስልክ",
}


def as_scanned(content: bytes, *, dpi: int = 130, tilt: float = 0.0) -> Image.Image:
    """A PDF's first page from a scanner, about as large as it is sent."""
    return scan(content, dpi=dpi, tilt=tilt)


def written(text: str, *, size: int = 12, seed: int = 1) -> Image.Image:
    """A page full of a text's words, as a picture."""
    words, chance = text.split(), random.Random(seed)
    said = "".join(f"<p>{' '.join(chance.choices(words, k=40))}</p>" for _ in range(8))
    with pymupdf.open() as made:
        page = made.new_page()
        page.insert_htmlbox((50, 50, 545, 800), f'<div style="font-size:{size}px">{said}</div>')
        pixels = page.get_pixmap(dpi=130, colorspace=pymupdf.csGRAY)
    return Image.frombytes("L", (pixels.width, pixels.height), pixels.samples)


def receipt(lines: Sequence[str]) -> Image.Image:
    """A narrow page of so many lines."""
    return as_scanned(digital_pdf(["\n".join(lines)], size=(320, 90 + 24 * len(lines))))


def grained(size: tuple[int, int], seed: int) -> Image.Image:
    """Something that is no print: smooth blots of all greys."""
    small = Image.frombytes(
        "L", (size[0] // 12, size[1] // 12), random.Random(seed).randbytes(size[0] // 12 * (size[1] // 12))
    )
    return small.resize(size, Image.Resampling.BICUBIC)


def test_turned_is_clockwise() -> None:
    """By the top edge, which comes to lie on the right."""
    page = Image.new("L", (30, 20), 255)
    page.paste(0, (0, 0, 30, 5))
    laid = turned(page, 90)
    assert laid.size == (20, 30)
    assert laid.getpixel((18, 15)) == 0
    assert turned(page, 0) is page
    for degrees in TURNS:
        assert ImageChops.difference(turned(turned(page, degrees), 360 - degrees), page).getbbox() is None


@pytest.mark.parametrize("lies", TURNS)
@pytest.mark.parametrize("tilt", [0.0, 1.5, -1.5])
def test_a_scan_is_put_upright(lies: int, tilt: float) -> None:
    """However it lies, and though the sheet is not quite straight."""
    page = as_scanned(invoice_pdf(), tilt=tilt)
    assert turn_of(page) == 0
    assert (turn_of(turned(page, lies)) + lies) % 360 == 0


@pytest.mark.parametrize("lies", TURNS)
def test_a_receipt_photographed_sideways_is_put_upright(lies: int) -> None:
    """It has few lines, and most of what is on it are capitals and digits."""
    names = ("MILK 1L", "BREAD RYE", "Butter 250g", "EGGS X6", "Coffee ground", "APPLES KG", "Rounding", "CASH")
    items = [f"{name} {number}.{number * 7 % 100:02}" for number, name in enumerate(names, 3)]
    page = receipt(
        ["CORNER SHOP LTD", "12 Market Street, Netherby", "Tel 0123 456789", *items, "TOTAL GBP 57.19", "Thank you"]
    )
    assert turn_of(page) == 0
    assert (turn_of(turned(page, lies)) + lies) % 360 == 0


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("size", [9, 10, 12, 18])
def test_an_upright_page_is_not_turned_in_any_script(script: str, size: int) -> None:
    """Also in one that was not learnt: what its letters say is unclear, then."""
    assert turn_of(written(SCRIPTS[script], size=size)) == 0


@pytest.mark.parametrize("script", ["Latin capitals", "digits", "Hebrew"])
@pytest.mark.parametrize("lies", TURNS)
def test_other_scripts_are_put_upright_too(script: str, lies: int) -> None:
    """Those whose letters differ from both ends."""
    assert (turn_of(turned(written(SCRIPTS[script]), lies)) + lies) % 360 == 0


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("lies", TURNS)
def test_no_page_is_turned_the_wrong_way(script: str, lies: int) -> None:
    """It is put upright, or left as it is."""
    turn = turn_of(turned(written(SCRIPTS[script]), lies))
    assert turn == 0 or (turn + lies) % 360 == 0


def test_columns_of_han_are_not_lines_on_their_side() -> None:
    """Written from top to bottom, a page is upright."""
    signs = [sign for sign in SCRIPTS["Han"] + SCRIPTS["Japanese"] if sign != " "]
    chance = random.Random(1)
    with pymupdf.open() as made:
        page = made.new_page()
        for column in range(18):
            for row in range(40):
                page.insert_text(
                    (540 - 28 * column, 60 + 18 * row), chance.choice(signs), fontname="china-s", fontsize=14
                )
        pixels = page.get_pixmap(dpi=130, colorspace=pymupdf.csGRAY)
    assert turn_of(Image.frombytes("L", (pixels.width, pixels.height), pixels.samples)) == 0


@pytest.mark.parametrize(
    "page",
    [
        Image.new("L", (1092, 1540), 255), Image.new("RGB", (1092, 1540), "black"), Image.new("L", (1, 1), 0),
        Image.new("L", (5000, 2), 128), grained((1092, 1540), 1), grained((1540, 1092), 2),
        Image.frombytes("L", (700, 700), random.Random(3).randbytes(490_000)),
        Image.linear_gradient("L").resize((800, 600)), receipt(["TOTAL 12.50"]),
    ],
    ids=["blank", "black", "pixel", "strip", "blots", "blots across", "noise", "gradient", "one line"],
)  # fmt: skip
def test_what_shows_no_print_or_little_is_left_as_it_is(page: Image.Image) -> None:
    """Nothing tells how it lies."""
    assert {turn_of(turned(page, lies)) for lies in (0, *TURNS)} == {0}


LETTERS = "abcdefghiklmnoprstuvwyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789.,-/:#"


@pytest.mark.parametrize("seed", range(30))
def test_no_upright_page_is_turned(seed: int) -> None:
    """Whatever words stand on it, in whatever columns, sharp or not, with a table's lines or without.

    Not so for a page of one letter again and again, blurred and askew: "A" forty times may be turned.
    """
    chance = random.Random(seed)
    words = ["".join(chance.choices(LETTERS, k=chance.randint(1, 12))) for _ in range(chance.randint(12, 60))]
    size, across, font = chance.randint(6, 24), chance.randint(1, 8), chance.choice(["helv", "tiro", "cour", "hebo"])
    ruled, blurred, tilt = chance.random() < 0.5, chance.uniform(0, 1.5), chance.uniform(-3, 3)
    with pymupdf.open() as made:
        page = made.new_page()
        for row in range(min(40, 700 // (size + 6))):
            for column in range(across):
                place = (50 + 500 * column / across, 70 + (size + 6) * row)
                page.insert_text(place, words[(row * across + column) % len(words)], fontname=font, fontsize=size)
                if ruled:
                    page.draw_rect((place[0] - 3, place[1] - size - 2, place[0] + 500 / across - 3, place[1] + 4))
        pixels = page.get_pixmap(dpi=130, colorspace=pymupdf.csGRAY)
    picture = Image.frombytes("L", (pixels.width, pixels.height), pixels.samples)
    laid = picture.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(blurred))
    assert turn_of(laid) == 0


def grey(jpeg: bytes) -> Image.Image:
    """The picture that is sent."""
    return Image.open(io.BytesIO(jpeg)).convert("L")


def in_pdf(image: Image.Image) -> bytes:
    """A page that is one picture."""
    with pymupdf.open() as made:
        page = made.new_page(width=image.width * 72 / 300, height=image.height * 72 / 300)
        page.insert_image(page.rect, stream=picture(image, "JPEG", quality=85))
        return made.tobytes(no_new_id=True)


@pytest.mark.parametrize("kind", ["image", "pdf"])
@pytest.mark.parametrize("lies", TURNS)
def test_what_is_sent_is_upright(tmp_path: Path, kind: str, lies: int) -> None:
    """A file that lies on its side is sent as the upright one is: in its size, and in what it shows."""
    sheet = scan(invoice_pdf(), dpi=300)
    files = [picture(each, "JPEG") if kind == "image" else in_pdf(each) for each in (sheet, turned(sheet, lies))]
    (upright,), (page,) = (drawn(tmp_path, file, whole=True) for file in files)
    assert (page.width, page.height) == grid(*sheet.size)
    assert (page.width, page.height) == (upright.width, upright.height)
    assert page.illegible == upright.illegible
    assert ImageStat.Stat(ImageChops.difference(grey(page.jpeg), grey(upright.jpeg))).mean[0] < 4


def test_a_page_with_words_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text layer tells how it lies, for nothing."""
    monkeypatch.setattr(prints, "turn_of", lambda _: pytest.fail("looked at"))
    assert drawn(tmp_path, pdf())


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared is absent")
def test_real_receipts_are_put_upright() -> None:
    """None is turned as it is; at least 9 of 10 are put right that are turned."""
    told = []
    for path in sorted(REAL.glob("rcpt_*.jpg")):
        with Image.open(path) as image:
            page = upright(image, reduced=True)
            page = page.resize(sent_size(*page.size))
        assert turn_of(page) == 0, path.name
        told += [(turn_of(turned(page, lies)) + lies) % 360 == 0 for lies in TURNS]
    assert sum(told) >= 0.9 * len(told)


def test_a_pattern_is_soon_given_up() -> None:
    """A page full of one shape tells nothing, however many of it are looked at."""
    squares = Image.new("L", (1540, 1540), 255)
    square = Image.new("L", (8, 8), 0)
    for place in range(96 * 96):
        squares.paste(square, (place % 96 * 16, place // 96 * 16))
    assert turn_of(squares) == 0
