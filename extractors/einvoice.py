"""What an e-invoice says of itself, in the data that is attached to its PDF (Factur-X, ZUGFeRD, XRechnung).

Of some fields it says several things that are all true (a legal name and a trading name, a net price and one before
its discount): those are tuples.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class EInvoiceLine:
    """One line: amounts and prices without tax, the rate in percent."""

    description: tuple[str, ...] = ()
    quantity: Decimal | None = None
    unit_price: tuple[Decimal, ...] = ()
    tax_rate: Decimal | None = None
    amount: Decimal | None = None


@dataclass(frozen=True)
class EInvoice:
    """An invoice's or credit note's data; None, or empty, where it says nothing or not one thing.

    Attributes:
        file: the attachment's name.
        credit_note: amounts to be paid back are positive here, and may be printed with a minus.
        line_total: the sum of the lines, before allowances and charges of the whole invoice.
        tax_basis: the sum without tax, after them.
        total: with tax.
        due: what is still to be paid.
        lines: none in a profile without lines, and of an invoice with too many to be read.
    """

    file: str
    credit_note: bool = False
    number: str | None = None
    issue_date: date | None = None
    due_date: date | None = None
    delivery_date: date | None = None
    order_reference: str | None = None
    currency: str | None = None
    seller_names: tuple[str, ...] = ()
    seller_tax_ids: tuple[str, ...] = ()
    buyer_names: tuple[str, ...] = ()
    buyer_tax_ids: tuple[str, ...] = ()
    ibans: tuple[str, ...] = ()
    line_total: Decimal | None = None
    allowances: Decimal | None = None
    charges: Decimal | None = None
    tax_basis: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal | None = None
    prepaid: Decimal | None = None
    rounding: Decimal | None = None
    due: Decimal | None = None
    lines: tuple[EInvoiceLine, ...] = ()


@dataclass(frozen=True)
class UnreadEInvoice:
    """An attachment with an e-invoice's name that cannot be read as one, and why."""

    file: str
    why: str
