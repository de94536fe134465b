"""What a schema's fields mean on an invoice is told by their names, and only where those leave no doubt."""

from datetime import date
from decimal import Decimal

from pydantic import BaseModel

from schemas.invoice import Invoice
from schemas.meanings import INVOICE, Meaning, meant_by
from schemas.record import schema_of


class Position(BaseModel):
    """A line in German."""

    bezeichnung: str
    menge: Decimal
    einzelpreis: Decimal
    betrag: Decimal
    rabatt: Decimal


class Rechnung(BaseModel):
    """An invoice in German, with a field that is none of an invoice's."""

    rechnungsnummer: str
    rechnungsdatum: date
    lieferant: str
    kunde_ustid: str
    kundennummer: str
    netto: Decimal
    mwst: Decimal
    gesamtbetrag: Decimal
    zahlbetrag: Decimal
    positionen: list[Position]


class Doubtful(BaseModel):
    """Each name may be two things, or two fields may be one."""

    total: Decimal
    grand_total: Decimal
    name: str
    vat_id: str
    date: str
    seller_of_the_buyer: str
    rate: Decimal


def test_the_names_of_other_languages_and_of_parties_are_known() -> None:
    """Labels and synonyms decide; a party's word says whose name or tax number it is."""
    meant = meant_by(schema_of(Rechnung).leaves, ["positionen"])
    assert meant.fields == {
        "rechnungsnummer": Meaning.NUMBER,
        "rechnungsdatum": Meaning.ISSUE_DATE,
        "lieferant": Meaning.SELLER_NAME,
        "kunde_ustid": Meaning.BUYER_TAX_ID,
        "netto": Meaning.SUBTOTAL,
        "mwst": Meaning.TAX,
        "gesamtbetrag": Meaning.TOTAL,
        "zahlbetrag": Meaning.DUE,
    }
    assert meant.rows == "positionen"
    assert meant.columns == {
        "bezeichnung": Meaning.DESCRIPTION,
        "menge": Meaning.QUANTITY,
        "einzelpreis": Meaning.UNIT_PRICE,
        "betrag": Meaning.AMOUNT,
    }


def test_what_may_be_two_things_is_nothing() -> None:
    """Two fields of one meaning, a name without its party, a day that is text: none is held against anything."""
    assert meant_by(schema_of(Doubtful).leaves, []).fields == {}


def test_the_built_in_invoice_is_understood_as_declared() -> None:
    """Its names alone say the same as the fixed map, as far as they say anything; every meaning is a field of it."""
    leaves = schema_of(Invoice).leaves
    meant = meant_by(leaves, ["line_items"])
    assert meant.fields.items() <= INVOICE.fields.items()
    assert (meant.rows, meant.columns) == (INVOICE.rows, INVOICE.columns)
    assert leaves.by_path.keys() >= set(Meaning)
