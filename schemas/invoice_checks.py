"""What must hold between the values of an invoice or credit note (EN 16931's terms and rules)."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from schemas.checks import Check, NotChecked, in_order
from schemas.identifiers import wrong_iban, wrong_vat_number
from schemas.sums import HIGHEST_RATE, Row, line_sums, near, near_total, too_much_already, unit, with_sign_of

_PRICE_BASES = tuple(map(Decimal, (1, 10, 100, 1000)))
_MOST_DISCOUNT = Decimal("0.5")
_MOST_DAYS_APART = 3 * 366
_WHOLE_PERCENTS = Decimal("0.005")


def _needed(record: Any, *names: str) -> list[Decimal]:
    """The named amounts.

    Raises:
        NotChecked: one of them is missing; it names the field.
    """
    missing = [name for name in names if getattr(record, name) is None]
    if missing:
        raise NotChecked(f"{missing[0]} is missing")
    return [getattr(record, name) for name in names]


def _adjusted(invoice: Any, before: Decimal, sign: Decimal) -> Decimal:
    """An amount after the document's allowances and charges."""
    return before - with_sign_of(invoice.allowances, sign) + with_sign_of(invoice.charges, sign)


def _lines(invoice: Any) -> str | None:
    """Lines are net and lead to the subtotal, or are printed with tax and lead to the total."""
    rows = [Row(line.description or "", line.amount) for line in invoice.line_items]
    sign = invoice.total or invoice.subtotal or Decimal(1)
    stated = [amount for amount in (invoice.subtotal, invoice.total) if amount is not None]
    if not stated:
        raise NotChecked("subtotal and total are missing")
    try:
        sums = line_sums(rows)
        if sign < 0 and all(found > 0 for found in sums):
            # A credit note may print the minus at its totals only.
            sums = [-found for found in sums]
    except NotChecked:
        most = max(stated) + abs(invoice.allowances or Decimal(0)) + unit(invoice.currency) * len(rows)
        found = too_much_already(rows, most)
        if found is None:
            raise
        return f"the lines with an amount sum to {found} already, more than {_told(invoice)}"
    found_sums = [*sums, *(_adjusted(invoice, found, sign) for found in sums)]
    targets = list(stated)
    if invoice.subtotal is None and invoice.tax is not None and invoice.total is not None:
        targets.append(invoice.total - invoice.tax)
    if invoice.subtotal is not None:
        # Freight may be a line as well as a charge of its own.
        targets.append(_adjusted(invoice, invoice.subtotal, sign))
    without_tax = _without_tax(invoice, sums, sign)
    if any(near(found, target, invoice.currency, len(rows)) for found in found_sums for target in targets) or any(
        near(found, target, invoice.currency, len(rows) + 2) for found in without_tax for target in targets
    ):
        return None
    if invoice.subtotal is None and invoice.tax is None and _untold_tax(found_sums[-1], invoice.total):
        raise NotChecked(f"lines of {sums[0]} may be without tax in a total of {invoice.total}; tax is missing")
    return f"the lines sum to {sums[0]}, but {_told(invoice)}"


def _without_tax(invoice: Any, sums: list[Decimal], sign: Decimal) -> list[Decimal]:
    """The sums as if the lines were printed with tax, of which allowances and charges have none."""
    if not invoice.tax or not invoice.total or not (invoice.charges or invoice.allowances):
        return []
    nets = [found * (invoice.total - invoice.tax) / invoice.total for found in sums]
    return [*nets, *(_adjusted(invoice, net, sign) for net in nets)]


def _told(invoice: Any) -> str:
    name = "total" if invoice.subtotal is None else "subtotal"
    return f"{name} is {getattr(invoice, name)}"


def _untold_tax(net: Decimal, total: Decimal) -> bool:
    """Whether a total is as much above a net sum as a tax that is not in the record may be."""
    return net * total > 0 and abs(net) <= abs(total) <= abs(net) * (1 + HIGHEST_RATE)


def _total(invoice: Any) -> str | None:
    subtotal, total = _needed(invoice, "subtotal", "total")
    rounding = invoice.rounding_amount or Decimal(0)
    nets = [subtotal, _adjusted(invoice, subtotal, total)]
    if invoice.tax is None:
        if any(near_total(net + extra, total, invoice.currency) for net in nets for extra in (0, rounding)):
            return None
        if any(_untold_tax(net, total) for net in nets):
            raise NotChecked("tax is missing")
        return f"subtotal {subtotal} and total {total} are further apart than a tax"
    # A shop's subtotal may hold the tax that it tells of: then it is the total itself.
    taxes = [invoice.tax] + ([Decimal(0)] if _within_rates(invoice.tax, total) else [])
    sums = [net + tax + extra for net in nets for tax in taxes for extra in (Decimal(0), rounding)]
    if any(near_total(found, total, invoice.currency) for found in sums):
        return None
    return f"subtotal {subtotal} and tax {invoice.tax} lead to {nets[-1] + invoice.tax}, but total is {total}"


def _within_rates(tax: Decimal, total: Decimal) -> bool:
    return abs(tax) * (1 + HIGHEST_RATE) <= abs(total) * HIGHEST_RATE and tax * total >= 0


def _due(invoice: Any) -> str | None:
    total, due = _needed(invoice, "total", "amount_due")
    prepaid, rounding = with_sign_of(invoice.prepaid_amount, total), invoice.rounding_amount or Decimal(0)
    if any(near_total(total - prepaid + extra, due, invoice.currency) for extra in (Decimal(0), rounding)):
        return None
    if invoice.prepaid_amount is None and 0 <= due.copy_abs() <= total.copy_abs() and due * total >= 0:
        raise NotChecked(f"amount_due {due} is less than total {total}, and prepaid_amount is missing")
    return f"total {total} less {prepaid} prepaid is {total - prepaid + rounding}, but amount_due is {due}"


def _tax_within_total(invoice: Any) -> str | None:
    tax, total = _needed(invoice, "tax", "total")
    if abs(tax) > abs(total):
        return f"tax {tax} is more than total {total}"
    if tax * total < 0:
        return f"tax {tax} and total {total} have different signs"
    if invoice.subtotal is not None and invoice.subtotal * total < 0:
        return f"subtotal {invoice.subtotal} and total {total} have different signs"
    return None


def line_product(lines: Any, currency: str | None, rate: Callable[[Any], Decimal | None]) -> str | None:
    """The first line whose quantity x price is not its amount.

    A price may be for 10, 100 or 1000 units, without the tax that the amount has, or before a discount; a
    credit note may print the minus at the amount only.

    Raises:
        NotChecked: no line is wrong, and one cannot be told; its text names the line.
    """
    stopped = "" if lines else "there are no lines"
    for number, line in enumerate(lines, start=1):
        if line.quantity is None or line.unit_price is None or line.amount is None:
            stopped = stopped or f"line {number} lacks its quantity, unit_price or amount"
            continue
        product, amount = abs(line.quantity * line.unit_price), abs(line.amount)
        # Unit prices are often rounded: allow half a unit of the last printed place for each unit.
        place = min(unit(currency), Decimal(1).scaleb(int(line.unit_price.as_tuple().exponent)))
        tolerance = unit(currency) + abs(line.quantity) * place / 2
        taxed = 1 + (rate(line) or Decimal(0)) / 100
        if any(abs(product / base * by - amount) <= tolerance for base in _PRICE_BASES for by in {Decimal(1), taxed}):
            continue
        if product * _MOST_DISCOUNT <= amount < product:
            if not _whole_percents(product, amount, unit(currency)):
                stopped = stopped or f"line {number}: {amount} of {product} may be after a discount"
            continue
        return f"line {number}: {line.quantity} x {line.unit_price} is {product}, but amount is {line.amount}"
    if stopped:
        raise NotChecked(stopped)
    return None


def _whole_percents(product: Decimal, amount: Decimal, smallest: Decimal) -> bool:
    """Whether the discount is one that a person gives: whole or half percents."""
    percents = ((1 - amount / product) / _WHOLE_PERCENTS).to_integral_value() * _WHOLE_PERCENTS
    return abs(product * (1 - percents) - amount) <= smallest


def _iban(invoice: Any) -> str | None:
    if invoice.iban is None:
        raise NotChecked("iban is missing")
    return wrong_iban(invoice.iban)


def _tax_ids(invoice: Any) -> str | None:
    stopped = "no tax_id is in the record"
    for name in ("seller", "buyer"):
        party = getattr(invoice, name)
        if party is None or party.tax_id is None:
            continue
        try:
            wrong = wrong_vat_number(party.tax_id)
        except NotChecked as reason:
            stopped = f"{name}: {reason}"
            continue
        if wrong is not None:
            return f"{name}: {wrong}"
        stopped = ""
    if stopped:
        raise NotChecked(stopped)
    return None


def _delivery(invoice: Any) -> str | None:
    if invoice.issue_date is None or invoice.delivery_date is None:
        raise NotChecked("issue_date or delivery_date is missing")
    if abs((invoice.delivery_date - invoice.issue_date).days) <= _MOST_DAYS_APART:
        return None
    return f"delivery_date {invoice.delivery_date} is years from issue_date {invoice.issue_date}"


INVOICE_CHECKS = (
    Check("lines_sum_to_subtotal", _lines),
    Check("subtotal_plus_tax_is_total", _total),
    Check("total_less_prepaid_is_due", _due),
    Check("tax_within_total", _tax_within_total),
    Check(
        "quantity_times_price_is_amount", lambda i: line_product(i.line_items, i.currency, lambda line: line.tax_rate)
    ),
    in_order("due_not_before_issue", "issue_date", "due_date"),
    Check("delivery_near_issue", _delivery),
    Check("iban_is_valid", _iban),
    Check("vat_numbers_are_valid", _tax_ids),
)
