"""Makes `extractors/pages/letter_shapes.py`: draws pages in many fonts and scripts, and trains the network on them.

    python tests/benchmarks/train_turned.py FONTS... [--pages 2000] [--units 16] [--rounds 30] [--into FILE]

FONTS are folders of TrueType and OpenType files, beside which MuPDF's own fonts stand. The weights in the repository
are of DejaVu (Debian's fonts-dejavu) and of the wheels font-roboto, font-source-sans-pro, font-source-serif-pro,
font-hanken-grotesk, font-lato, font-amatic-sc and font-intuitive
(--pages 1800, six minutes on a core). No real document is looked at.

The pages are blurred, shrunk, noisy, askew and poorly compressed as scans are, then cut into letters as `turned` does
it. Letters of lines are to be told as the right way up; what is cut from a page on its side is to be told as neither.
"""

import argparse
import base64
import io
import random
import string
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from extractors.pages import turned

LETTERS, OTHERS = 400, 90
"""Taken of a page at most: letters, and what is cut from it on its side."""

WORDS = {
    "Latin": "Invoice Total Subtotal Cash Change Date Quantity Amount Telephone Thank you for your "
    "order Receipt Street "
    "Road the and of to in is that it was with as be this have from or by not which payment within "
    "thirty days bank "
    "account number delivery address customer services provided agreement between parties shall any "
    "other information "
    "Rechnung Betrag Straße Kunden Nummer Lieferung Menge Preis Gesamt Mehrwertsteuer zahlbar "
    "Überweisung für und der "
    "die das nicht Größe facture numéro échéance quantité prix unitaire société téléphone reçu "
    "règlement fattura "
    "importo cliente descripción cantidad señor año przelew kwota sprzedawca nabywca złotych çeşit "
    "tutar mı vergi "
    "quick brown fox jumps over lazy dog pack my box five dozen liquor jugs journal expense vehicle "
    "equipment zone",
    "Cyrillic": "счёт номер дата сумма итого поставщик покупатель договор оплата товар количество "
    "цена Россия Москва "
    "улица дом телефон банк получатель без налога рублей копеек",
    "Greek": "τιμολόγιο αριθμός ημερομηνία σύνολο πελάτης ποσότητα αξία διεύθυνση τηλέφωνο Ελλάδα",
    "Arabic": "فاتورة رقم التاريخ المبلغ الإجمالي الضريبة العنوان الهاتف شركة محدودة البضاعة الكمية "
    "السعر الوحدة المجموع "
    "العميل البائع شروط الدفع خلال ثلاثين يوما من تاريخ الاستلام شكرا لكم ٤٥٦ ٧٨٩",
    "Hebrew": "חשבונית מספר תאריך סכום מס כתובת טלפון חברה כמות מחיר יחידה לקוח ספק תנאי תשלום בתוך "
    "שלושים יום תודה רבה",
    "Thai": "ใบแจ้งหนี้ เลขที่ วันที่ จำนวน ราคา รวมทั้งสิ้น ภาษีมูลค่าเพิ่ม ที่อยู่ โทรศัพท์ บริษัท จำกัด ลูกค้า สินค้า ขอบคุณ",
    "Devanagari": "चालान संख्या दिनांक राशि कुल कर पता फ़ोन कंपनी मात्रा मूल्य इकाई ग्राहक विक्रेता भुगतान शर्तें धन्यवाद",
    "Tamil": "பொருள் விலை மொத்தம் தேதி எண் முகவரி நிறுவனம் வரி நன்றி அளவு வாடிக்கையாளர்",
    "Georgian": "ინვოისი ნომერი თარიღი თანხა სულ მისამართი ტელეფონი კომპანია რაოდენობა ფასი გადახდა",
    "Armenian": "հաշիվ համար ամսաթիվ գումար ընդամենը հասցե հեռախոս ընկերություն քանակ գին վճարում",
}
SHARES = {
    "Latin": 60, "Cyrillic": 5, "Greek": 3, "Han": 7, "Japanese": 5, "Korean": 5,
    "Arabic": 5, "Hebrew": 3, "Thai": 3, "Devanagari": 3, "Tamil": 1, "Georgian": 1, "Armenian": 1,
}  # fmt: skip
CASED, EASTERN = {"Latin", "Cyrillic", "Greek"}, {"Han", "Japanese", "Korean"}


@cache
def eastern_signs(script: str) -> Sequence[str]:
    """The usual ones, by the order of the national standards."""
    if script == "Korean":
        return [bytes([row, cell]).decode("euc-kr") for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF)]
    han = [bytes([row, cell]).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFA)]
    kana = [chr(code) for code in (*range(0x3042, 0x3090), *range(0x30A2, 0x30F0))]
    return han if script == "Han" else kana + han[:800]


def number(chance: random.Random) -> str:
    """An amount, a date or a code."""
    day, month, year = chance.randint(1, 31), chance.randint(1, 12), chance.randint(1990, 2030)
    digits = chance.randrange(10 ** chance.randint(1, 8))
    return chance.choice([
        f"{digits}.{chance.randrange(100):02}", f"{digits:,}.{chance.randrange(100):02}", str(digits),
        chance.choice("./-").join((f"{day:02}", f"{month:02}", str(year))),
        f"{chance.choice(string.ascii_uppercase)}{digits}",
    ])  # fmt: skip


def said(chance: random.Random, script: str, count: int) -> str:
    """So many words and numbers, in one case where the script has cases."""
    if script in EASTERN:
        signs = eastern_signs(script)
        words = ["".join(chance.choices(signs, k=chance.randint(1, 8))) for _ in range(count)]
    else:
        words = chance.choices(WORDS[script].split(), k=count)
    words = [number(chance) if chance.random() < 0.3 else word for word in words]
    case = chance.choices([str, str.upper, str.title], [45, 40, 15])[0] if script in CASED else str
    return " ".join(map(case, words))


def drawn(chance: random.Random, script: str, fonts: Sequence[bytes]) -> Image.Image:
    """A page of lines, in fonts and sizes that change."""
    size = chance.choice([(700, 900), (900, 700)])
    paper, ink = chance.randint(200, 255), chance.randint(0, 110)
    picture = Image.new("L", size, paper)
    pen, y = ImageDraw.Draw(picture), 10
    while y < size[1] - 40:
        if y == 10 or chance.random() < 0.12:
            high, gap = (
                chance.choice([9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 24, 28, 34]),
                chance.uniform(1.15, 1.9),
            )
            font = ImageFont.truetype(io.BytesIO(chance.choice(fonts)), high)
        x = chance.choice([20, 20, 20, chance.randint(10, 300)])
        while x < size[0] - 60 and chance.random() > 0.1:
            text = said(chance, script, chance.randint(1, 8))
            pen.text((x, y), text, fill=ink, font=font)
            x += int(pen.textlength(text, font=font)) + chance.choice([high // 2, chance.randint(20, 200)])
        y += int(high * gap)
    return picture


def shaped(chance: random.Random, script: str) -> Image.Image:
    """A page whose script takes a layout engine, with MuPDF's own font for it."""
    way = "rtl" if script in {"Arabic", "Hebrew"} else "ltr"
    blocks = [
        f'<p style="font-size:{chance.choice([8, 9, 10, 11, 12, 14, 16, 20])}px;'
        f'line-height:{chance.uniform(1.2, 1.8)};font-weight:{chance.choice(["normal", "normal", "bold"])}">'
        f"{said(chance, script, chance.randint(5, 60))}</p>"
        for _ in range(chance.randint(8, 16))
    ]
    with pymupdf.open() as made:
        page = made.new_page(width=600, height=800)
        page.insert_htmlbox((20, 20, 580, 780), f'<div dir="{way}">{"".join(blocks)}</div>')
        scale = chance.uniform(1.1, 1.9)
        pixels = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csGRAY)
        return Image.frombytes("L", (pixels.width, pixels.height), pixels.samples)


def scanned(chance: random.Random, picture: Image.Image) -> Image.Image:
    """As a poor scanner or a phone would deliver it."""
    width, height = picture.size
    kind, scale = chance.random(), chance.uniform(0.55, 0.9)
    if kind < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 1.1)))
    elif kind < 0.4:
        picture = picture.filter(ImageFilter.MinFilter(3))
    elif kind < 0.65:
        picture = picture.resize((int(width * scale), int(height * scale)), Image.Resampling.LANCZOS)
        if kind < 0.55:
            picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    if chance.random() < 0.5:
        askew, corner = chance.uniform(-2, 2), picture.getpixel((0, 0))
        picture = picture.rotate(askew, Image.Resampling.BICUBIC, fillcolor=corner)
    if chance.random() < 0.6:
        grain = np.random.default_rng(chance.randrange(1 << 32)).normal(0, chance.uniform(1, 16), picture.size[::-1])
        picture = Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype("uint8"))
    if chance.random() < 0.6:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=chance.randint(25, 90))
        picture = Image.open(file).convert("L")
    return picture


def letters_of(pages: range, fonts: dict[str, list[bytes]]) -> tuple[np.ndarray, np.ndarray]:
    """What is cut from so many pages, a row of cells each: 0 to 1; and whether it is of an upright page."""
    upright, others = [], []
    for number_of_page in pages:
        chance = random.Random(number_of_page)
        script = chance.choices(list(SHARES), list(SHARES.values()))[0]
        known = fonts.get("Han" if script in EASTERN else script)
        ink = turned.ink_of(scanned(chance, drawn(chance, script, known) if known else shaped(chance, script)))
        for found, kept, most in ((ink, upright, LETTERS), (turned.turned(ink, 90), others, OTHERS)):
            letters = list(turned.letters(found))
            kept.extend(chance.sample(letters, min(most, len(letters))))
    cells = np.frombuffer(b"".join(upright + others), "uint8").astype("f4") / 255
    return cells.reshape(len(upright) + len(others), -1), np.arange(len(upright) + len(others)) < len(upright)


def trained(cells: np.ndarray, upright: np.ndarray, units: int, rounds: int) -> tuple[np.ndarray, ...]:
    """The weights of the cells, biases and outgoing weights, by Adam over the logistic loss.

    A letter's logit is what the units say of it less what they say of it on its head; with what is neither, both are
    as likely.
    """
    chance, batch = np.random.default_rng(0), 1024
    of_cells, biases = chance.normal(0, 0.15, (cells.shape[1], units)).astype("f4"), np.zeros(units, "f4")
    weights = [of_cells, biases, chance.normal(0, 0.3, units).astype("f4")]
    means, squares = [np.zeros_like(each) for each in weights], [np.zeros_like(each) for each in weights]
    step, steps = 0, rounds * (len(cells) // batch)
    for done in range(rounds):
        order, loss = chance.permutation(len(cells)), 0.0
        for start in range(0, len(cells) - batch + 1, batch):
            chosen = order[start : start + batch]
            seen, is_upright = cells[chosen], upright[chosen]
            one, other = (np.maximum(way @ weights[0] + weights[1], 0) for way in (seen, seen[:, ::-1]))
            likely = 1 / (1 + np.exp(-(one - other) @ weights[2]))
            loss += float(-np.log(likely[is_upright]).sum() / max(1, is_upright.sum()))
            error = np.where(is_upright, likely - 1, likely - 0.5)[:, None].astype("f4") / batch
            back, ahead = error * weights[2] * (one > 0), -error * weights[2] * (other > 0)
            slopes = (seen.T @ back + seen[:, ::-1].T @ ahead, (back + ahead).sum(0), (error * (one - other)).sum(0))
            step += 1
            rate = 4e-3 * 0.5 * (1 + np.cos(np.pi * step / steps)) + 1e-5
            for at, slope in enumerate(slopes):
                means[at] = 0.9 * means[at] + 0.1 * slope
                squares[at] = 0.999 * squares[at] + 0.001 * slope * slope
                mean, square = means[at] / (1 - 0.9**step), squares[at] / (1 - 0.999**step)
                weights[at] -= (rate * mean / (np.sqrt(square) + 1e-8)).astype("f4")
        print(f"round {done + 1}: loss of upright letters {loss / (len(cells) // batch):.4f}", flush=True)
    return tuple(weights)


def module(of_cells: np.ndarray, biases: np.ndarray, outgoing: np.ndarray) -> str:
    """The weights as Python: a byte for each of the cells'."""
    scale = np.abs(of_cells).max(0) / 127
    raw = (np.round(of_cells / scale).T + 128).astype("uint8").tobytes()
    text = base64.b85encode(raw).decode()
    pairs = zip(np.round(biases * 255 / scale), outgoing * scale / 255, strict=True)
    lines = [f"    ({int(bias)}, {float(out):.4g})," for bias, out in pairs]
    chunks = [f'    "{text[start : start + 104]}",' for start in range(0, len(text), 104)]
    return TEMPLATE.replace("UNITS_HERE", "\n".join(lines)).replace("CELLS_HERE", "\n".join(chunks))


TEMPLATE = '''"""The weights of a small network that tells a letter the right way up from one on its head (`turned`).

Made by `tests/benchmarks/train_turned.py` out of pages drawn in many fonts and scripts; nothing here is set by hand.
"""

import base64

ACROSS, DOWN = 8, 12
"""Cells that a letter is brought to; each holds how much of it is ink, 0 to 255, row by row."""

_OF_UNITS = (
UNITS_HERE
)
"""Bias and outgoing weight of each unit."""

_OF_CELLS = (
CELLS_HERE
)
"""The units' weights of the cells, a byte each in base 85: 128 is none."""


def _units() -> list[tuple[list[int], int, float]]:
    cells, raw = ACROSS * DOWN, base64.b85decode("".join(_OF_CELLS))
    rows = [raw[start : start + cells] for start in range(0, len(raw), cells)]
    return [([each - 128 for each in row], *rest) for row, rest in zip(rows, _OF_UNITS, strict=True)]


UNITS = _units()
"""Of each unit its weights of the cells, its bias, and its outgoing weight."""
'''


def main() -> None:
    """Draws, trains and writes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("fonts", nargs="+", type=Path)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--units", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--into", type=Path, default=Path(turned.__file__).with_name("letter_shapes.py"))
    asked = parser.parse_args()
    files = sorted(file for folder in asked.fonts for file in folder.rglob("*.[to]tf"))
    own = [
        pymupdf.Font(name).buffer
        for name in pymupdf.Base14_fontdict
        if name not in {"symb", "zadb", "symbol", "zapfdingbats"}
    ]
    wide = [file.read_bytes() for file in files if file.name.startswith("DejaVuS") and "Extra" not in file.name]
    usual = [file.read_bytes() for file in files if "Math" not in file.name and "Thin" not in file.name]
    fonts = {
        "Latin": [*usual, *own, *own, *own],
        "Cyrillic": wide, "Greek": wide, "Han": [pymupdf.Font("cjk").buffer],
    }  # fmt: skip
    cells, upright = letters_of(range(asked.pages), fonts)
    print(f"{upright.sum()} letters, {len(upright) - upright.sum()} others", flush=True)
    asked.into.write_text(module(*trained(cells, upright, asked.units, asked.rounds)))


if __name__ == "__main__":
    main()
