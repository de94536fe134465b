"""What a schema's fields mean on an invoice: by their names, where those leave no doubt. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from schemas.folding import fold, words
from schemas.leaves import Leaf, LeafKind, Leaves
from schemas.synonyms import same_names


class Meaning(StrEnum):
    """What a value of an invoice means; each is the field of the built-in `invoice` that means it."""

    NUMBER = "number"
    ISSUE_DATE = "issue_date"
    DUE_DATE = "due_date"
    DELIVERY_DATE = "delivery_date"
    ORDER_REFERENCE = "order_reference"
    SELLER_NAME = "seller.name"
    SELLER_TAX_ID = "seller.tax_id"
    BUYER_NAME = "buyer.name"
    BUYER_TAX_ID = "buyer.tax_id"
    CURRENCY = "currency"
    SUBTOTAL = "subtotal"
    ALLOWANCES = "allowances"
    CHARGES = "charges"
    TAX = "tax"
    TOTAL = "total"
    PREPAID = "prepaid_amount"
    ROUNDING = "rounding_amount"
    DUE = "amount_due"
    IBAN = "iban"
    DESCRIPTION = "line_items.description"
    QUANTITY = "line_items.quantity"
    UNIT_PRICE = "line_items.unit_price"
    TAX_RATE = "line_items.tax_rate"
    AMOUNT = "line_items.amount"


ROWS = "line_items"
"""The built-in invoice's list of lines."""

_NAMES: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.NUMBER: ("invoice number", "number"),
    Meaning.ISSUE_DATE: ("invoice date", "issue date", "date"),
    Meaning.DUE_DATE: ("due date",),
    Meaning.DELIVERY_DATE: ("delivery date",),
    Meaning.ORDER_REFERENCE: ("order number", "order reference"),
    Meaning.CURRENCY: ("currency",),
    Meaning.SUBTOTAL: ("subtotal", "net amount", "tax basis"),
    Meaning.TAX: ("tax", "total tax", "vat"),
    Meaning.TOTAL: ("total", "grand total"),
    Meaning.PREPAID: ("prepaid amount", "prepaid"),
    Meaning.ROUNDING: ("rounding amount", "rounding"),
    Meaning.DUE: ("amount due", "balance due"),
    Meaning.IBAN: ("iban",),
}
_ROW_NAMES: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.DESCRIPTION: ("description", "item"),
    Meaning.QUANTITY: ("quantity",),
    Meaning.UNIT_PRICE: ("unit price",),
    Meaning.TAX_RATE: ("tax rate",),
    Meaning.AMOUNT: ("line total", "amount", "total"),
}
_TEXTS = frozenset({
    Meaning.NUMBER, Meaning.ORDER_REFERENCE, Meaning.IBAN, Meaning.DESCRIPTION,
    Meaning.SELLER_NAME, Meaning.SELLER_TAX_ID, Meaning.BUYER_NAME, Meaning.BUYER_TAX_ID,
})  # fmt: skip
_DATES = frozenset({Meaning.ISSUE_DATE, Meaning.DUE_DATE, Meaning.DELIVERY_DATE})

_SELLER = frozenset({
    "seller", "vendor", "supplier", "issuer", "biller", "verkaufer", "lieferant", "rechnungssteller", "aussteller",
    "fournisseur", "vendeur", "emetteur", "leverancier", "verkoper", "proveedor", "vendedor", "emisor", "fornitore",
})  # fmt: skip
_BUYER = frozenset({
    "buyer", "customer", "client", "purchaser", "recipient", "kaufer", "kunde", "empfanger", "rechnungsempfanger",
    "acheteur", "destinataire", "koper", "klant", "afnemer", "comprador", "cliente", "acquirente",
})  # fmt: skip
_OF_NAMES = frozenset({"", "name", "company", "companyname", "legalname"})
_ROWS_NEED = 2
"""Columns that a list of lines has at least."""


@dataclass(frozen=True)
class Meant:
    """What a schema's fields mean.

    Attributes:
        fields: path -> meaning, of values that stand in no list.
        rows: path of the list of lines; empty where no list, or more than one, can be meant.
        columns: path inside a line -> meaning.
    """

    fields: Mapping[str, Meaning]
    rows: str = ""
    columns: Mapping[str, Meaning] = field(default_factory=dict)


INVOICE = Meant(
    {meaning.value: meaning for meaning in Meaning if not meaning.startswith(f"{ROWS}.")},
    ROWS,
    {meaning.removeprefix(f"{ROWS}."): meaning for meaning in Meaning if meaning.startswith(f"{ROWS}.")},
)
"""Of the built-in invoice."""


def meant_by(leaves: Leaves, lists: Collection[str]) -> Meant:
    """What the fields of any schema mean, as far as their names say it; a meaning of two fields is none's.

    Args:
        leaves: the schema's single values.
        lists: paths of its lists of objects.
    """
    inside = {path: next((each for each in lists if path.startswith(f"{each}.")), "") for path in leaves.by_path}
    fields = _once((path, _meaning(path, leaf)) for path, leaf in leaves.by_path.items() if not inside[path])
    tables = {}
    for rows in lists:
        meant = _once(
            (path.removeprefix(f"{rows}."), _named(_row_names(), path.removeprefix(f"{rows}."), leaf))
            for path, leaf in leaves.by_path.items()
            if inside[path] == rows
        )
        if len(meant) >= _ROWS_NEED:
            tables[rows] = meant
    if len(tables) != 1:
        return Meant(fields)
    ((rows, columns_meant),) = tables.items()
    return Meant(fields, rows, columns_meant)


def _once(found: Iterable[tuple[str, Meaning | None]]) -> dict[str, Meaning]:
    named = [(path, meaning) for path, meaning in found if meaning is not None]
    times = Counter(meaning for _, meaning in named)
    return {path: meaning for path, meaning in named if times[meaning] == 1}


def _meaning(path: str, leaf: Leaf) -> Meaning | None:
    said = [word for step in path.split(".") for word in words(step)]
    of_seller, of_buyer = not _SELLER.isdisjoint(said), not _BUYER.isdisjoint(said)
    if not of_seller and not of_buyer:
        return _named(_field_names(), path, leaf)
    if (of_seller and of_buyer) or leaf.kind != LeafKind.TEXT:
        return None
    rest = "".join(word for word in said if word not in _SELLER | _BUYER)
    if rest in _OF_NAMES:
        return Meaning.SELLER_NAME if of_seller else Meaning.BUYER_NAME
    if rest in same_names("vatid") or rest in {"vatid", "taxid", "vatnumber", "taxnumber", "vatno"}:
        return Meaning.SELLER_TAX_ID if of_seller else Meaning.BUYER_TAX_ID
    return None


def _named(names: Mapping[str, Meaning], path: str, leaf: Leaf) -> Meaning | None:
    """The one meaning that a leaf's names have; None where they have none, or several."""
    own = (fold(path.rpartition(".")[2]), fold(path.replace(".", " ")))
    # Its own name says more than what else documents call it.
    for said in (own, leaf.labels):
        meant = {names[name] for name in said if name in names and _can_be(names[name], leaf)}
        if meant:
            return meant.pop() if len(meant) == 1 else None
    return None


def _can_be(meaning: Meaning, leaf: Leaf) -> bool:
    if meaning in _TEXTS:
        return leaf.kind == LeafKind.TEXT
    if meaning in _DATES:
        return leaf.kind == LeafKind.DATE
    if meaning == Meaning.CURRENCY:
        return leaf.kind in {LeafKind.CURRENCY, LeafKind.CHOICE, LeafKind.TEXT}
    return leaf.kind == LeafKind.NUMBER and leaf.rate == (meaning == Meaning.TAX_RATE)


@cache
def _field_names() -> Mapping[str, Meaning]:
    return _without_shared(_NAMES)


@cache
def _row_names() -> Mapping[str, Meaning]:
    return _without_shared(_ROW_NAMES)


def _without_shared(table: Mapping[Meaning, tuple[str, ...]]) -> Mapping[str, Meaning]:
    """Folded name -> its meaning; the table's own names, and of their synonyms those of one meaning alone."""
    own = {fold(name): meaning for meaning, names in table.items() for name in names}
    others = {(same, meaning) for name, meaning in own.items() for same in same_names(name)}
    times = Counter(same for same, _ in others)
    return {same: meaning for same, meaning in others if times[same] == 1} | own
