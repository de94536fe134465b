"""Five invoices of invented companies, as records: what a reader of the documents should find."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from typing import Any

Record = dict[str, Any]
"""A record as a schema's JSON data: decimals as strings, dates ISO."""

_CENT = Decimal("0.01")


def invoice(
    lines: Sequence[tuple[str, str, str]],
    *,
    tax_rate: str,
    rate_on_lines: bool = True,
    deposit: str | None = None,
    iban: str | None = None,
    **fields: Any,
) -> Record:
    """An invoice that adds up.

    Args:
        lines: description, quantity and unit price of each line.
        tax_rate: percent, on everything.
        rate_on_lines: whether each line shows the rate.
        deposit: already paid: then the invoice shows what is still due.
        iban: account to pay to.
        fields: what else stands on it.
    """
    items: list[Record] = [
        {
            "description": description,
            "quantity": quantity,
            "unit_price": price,
            "tax_rate": tax_rate if rate_on_lines else None,
            "amount": str(_cents(Decimal(quantity) * Decimal(price))),
        }
        for description, quantity, price in lines
    ]
    subtotal = sum((Decimal(item["amount"]) for item in items), Decimal(0))
    tax = _cents(subtotal * Decimal(tax_rate) / 100)
    total = subtotal + tax
    return {
        "number": None, "issue_date": None, "due_date": None, "delivery_date": None, "order_reference": None,
        "seller": None, "buyer": None, "currency": None,
        **fields,
        "line_items": items, "subtotal": str(subtotal), "tax": str(tax), "total": str(total),
        "amount_due": str(total - Decimal(deposit)) if deposit else None, "iban": iban,
    }  # fmt: skip


def party(name: str, address: str, tax_id: str | None = None) -> Record:
    """A seller or buyer; the address in one line, as commas part it."""
    return {"name": name, "address": address, "tax_id": tax_id}


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


DIGITAL = invoice(
    [
        ("Ship's wheel clock, brass, 180 mm", "3", "84.50"),
        ("Bulkhead lamp, galvanised", "12", "27.90"),
        ("Bulb E27 LED, warm white", "24", "4.35"),
        ("Rope, manila, 14 mm, per metre", "150", "1.12"),
        ("Mooring cleat, cast iron", "8", "16.75"),
        ("Delivery by own van", "1", "35.00"),
    ],
    tax_rate="20",
    number="HL-2025-0117",
    issue_date="2025-03-14",
    due_date="2025-04-13",
    delivery_date="2025-03-11",
    order_reference="PO 88231",
    seller=party("Harbour Lights Ltd", "12 Quay Street, Whitcombe, WQ7 3QN, United Kingdom", "GB 999 4471 02"),
    buyer=party("The Gannet Hotel", "Promenade 4, Skerry Bay, SB1 2AA, United Kingdom"),
    currency="GBP",
    iban="GB47OCTV99990012345678",
)
"""One page, drawn digitally."""


def _ironmongery() -> list[tuple[str, str, str]]:
    """Sixty lines: twelve articles, each in five sizes."""
    articles = [
        ("Hex bolt, zinc", "0.18"), ("Wood screw, brass", "0.11"), ("Coach screw, galvanised", "0.32"),
        ("Washer, stainless", "0.05"), ("Lock nut, stainless", "0.09"), ("Wall plug, nylon", "0.07"),
        ("Masonry drill", "3.40"), ("Twist drill HSS", "2.15"), ("Butt hinge, steel", "1.95"),
        ("Angle bracket, steel", "0.88"), ("Eye bolt, zinc", "1.24"), ("Cable tie, black", "0.04"),
    ]  # fmt: skip
    found = []
    for number, ((article, price), size) in enumerate(product(articles, (4, 5, 6, 8, 10))):
        unit_price = (Decimal(price) * size / 4).quantize(_CENT, ROUND_HALF_UP)
        found.append((f"{article} {size} x {size * 10} mm", str(20 + number * 37 % 180), str(unit_price)))
    return found


THREE_PAGES = invoice(
    _ironmongery(),
    tax_rate="23",
    deposit="500.00",
    number="60442",
    issue_date="2025-02-27",
    due_date="2025-03-29",
    delivery_date="2025-02-25",
    order_reference="BQ-7719",
    seller=party("Quarry & Daughter Ironmongers", "Mill Lane 31, Ballyquarry, Q31 XK70, Ireland", "IE9990017Q"),
    buyer=party("Tidewater Boatbuilders Co-op", "Slipway 2, Port Anlay, P04 AN88, Ireland", "IE9990823T"),
    currency="EUR",
    iban="IE59OCTV99990087654321",
)
"""Sixty lines over three pages, with carry-over; a deposit is taken off at the end."""

GERMAN = invoice(
    [
        ("Wartung Aufzugsanlage, Quartal 1", "1", "1250.00"),
        ("Monteurstunde", "14.5", "78.00"),
        ("Tragseil 8 mm, je Meter", "62", "11.35"),
        ("Führungsschuh", "4", "96.20"),
        ("Anfahrt", "2", "45.00"),
    ],
    tax_rate="19",
    number="RE-2025/0384",
    issue_date="2025-03-31",
    due_date="2025-04-30",
    delivery_date="2025-03-24",
    order_reference="4500-1187",
    seller=party("Aufzugsdienst Möwenfels GmbH", "Werftstraße 9, 99998 Möwenfels", "DE999003849"),
    buyer=party("Wohnbau Grünhagen eG", "Lindenallee 112, 99996 Grünhagen", "DE999771200"),
    currency="EUR",
    iban="DE50999900000012345678",
)
"""German, with decimal commas and dates like 31.03.2025."""

SCANNED = invoice(
    [
        ("Annual inspection, steam boiler", "1", "640.00"),
        ("Gasket set, fire door", "2", "88.75"),
        ("Technician, hour", "6", "94.00"),
        ("Water treatment, gallon", "30", "7.20"),
    ],
    tax_rate="8.25",
    rate_on_lines=False,
    number="10-4471",
    issue_date="2025-01-21",
    due_date="2025-02-20",
    order_reference="W-2093",
    seller=party("Prairie Boiler Works, Inc.", "800 Foundry Road, Halden KS 66999"),
    buyer=party("Halden Brewing Company", "17 Malt Street, Halden KS 66999"),
    currency="USD",
)
"""A letter-size page that was scanned and lies on its side in the file."""

BLANK_INSIDE = invoice(
    [
        ("Beeswax, yellow, block 1 kg", "40", "9.60"),
        ("Honey jar 500 g, glass", "1200", "0.38"),
        ("Lid 82 mm, gold", "1200", "0.14"),
        ("Smoker, stainless", "2", "34.90"),
        ("Frame, assembled", "150", "1.85"),
        ("Queen excluder", "12", "8.25"),
        ("Hive tool", "5", "7.40"),
        ("Pallet, deposit", "3", "15.00"),
    ],
    tax_rate="21",
    number="F2025-1090",
    issue_date="2025-03-03",
    due_date="2025-03-17",
    delivery_date="2025-02-28",
    order_reference="VDM-55",
    seller=party("Imkerhuis Zonnedal BV", "Heideweg 20, 9999 XA Zonnedal, Netherlands", "NL999912345B01"),
    buyer=party("Van der Mare Honey Trading", "Kade 8, 9998 ZC Marehaven, Netherlands", "NL999954321B01"),
    currency="EUR",
    iban="NL73OCTV0012345678",
)
"""Printed on both sides of the paper: the back of the first sheet is blank."""
