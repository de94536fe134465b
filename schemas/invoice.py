"""The invoice, and the credit note, of any country."""

from typing import ClassVar

from schemas.checks import Check
from schemas.fields import Currency, Date, Money, Quantity, Rate, field
from schemas.invoice_checks import INVOICE_CHECKS
from schemas.record import Record


class Party(Record):
    """Who sells or buys."""

    name: str | None = field("Name of the company or person, as printed")
    address: str | None = field("Postal address in one line")
    tax_id: str | None = field(
        "VAT or tax identification number",
        labels=["VAT ID", "VAT No.", "USt-IdNr.", "UID", "N° TVA", "TVA intracommunautaire", "BTW", "P.IVA"],
        examples=["DE123456789"],
    )


class LineItem(Record):
    """One line of the invoice's table."""

    description: str | None = field(
        "What was sold",
        labels=["Description", "Item", "Article", "Bezeichnung", "Artikel", "Beschreibung", "Désignation",
                "Omschrijving", "Descripción", "Leistung", "Service", "Product"],
    )  # fmt: skip
    quantity: Quantity | None = field(
        "How many units", labels=["Qty", "Quantity", "Menge", "Anzahl", "Quantité", "Qté", "Aantal", "Hours"]
    )
    unit_price: Money | None = field(
        "Price of one unit, without tax",
        labels=["Unit price", "Price", "Rate", "Einzelpreis", "Preis", "Prix unitaire", "P.U.", "Prijs"],
    )
    tax_rate: Rate | None = field(
        "Tax rate in percent",
        labels=["VAT %", "Tax %", "USt", "MwSt", "Steuersatz", "TVA", "BTW"],
        examples=["19"],
    )
    amount: Money | None = field(
        "Amount of the line, without tax where both are printed",
        labels=[
            "Amount",
            "Total",
            "Line total",
            "Gesamt",
            "Gesamtpreis",
            "Betrag",
            "Montant",
            "Total HT",
            "Bedrag",
        ],
    )


class Invoice(Record):
    """An invoice or credit note."""

    number: str | None = field(
        "The invoice's own number, not that of an order or a customer",
        labels=["Invoice No.", "Invoice number", "Invoice #", "Rechnungsnummer", "Rechnung Nr.", "Rechnungs-Nr.",
                "Beleg-Nr.", "Facture n°", "N° de facture", "Numéro de facture", "Factuurnummer", "Avoir n°",
                "Número de factura", "Numero fattura", "Credit note No."],
        examples=["2024-00123"],
    )  # fmt: skip
    issue_date: Date | None = field(
        "Date of the invoice",
        labels=["Invoice date", "Date of issue", "Date", "Rechnungsdatum", "Datum", "Belegdatum", "Date de facture",
                "Date d'émission", "Factuurdatum", "Fecha", "Data fattura"],
        examples=["2024-03-31"],
    )  # fmt: skip
    due_date: Date | None = field(
        "Date by which it must be paid",
        labels=["Due date", "Payment due", "Pay by", "Fällig am", "Fälligkeitsdatum", "Zahlbar bis", "Échéance",
                "Date d'échéance", "Vervaldatum", "Vencimiento", "Scadenza"],
    )  # fmt: skip
    delivery_date: Date | None = field(
        "Date of delivery or service",
        labels=["Delivery date", "Service date", "Lieferdatum", "Leistungsdatum", "Date de livraison"],
    )
    order_reference: str | None = field(
        "The buyer's order number",
        labels=["Order No.", "PO number", "Purchase order", "Bestellnummer", "Bestell-Nr.", "N° de commande",
                "Commande", "Ordernummer"],
    )  # fmt: skip
    seller: Party | None = field("Who issued the invoice")
    buyer: Party | None = field("Whom the invoice is addressed to")
    currency: Currency | None = field("Currency of the amounts", labels=["Currency", "Währung", "Devise", "Valuta"])
    line_items: list[LineItem] = field("Every line of the invoice's table, in order", default=[])
    subtotal: Money | None = field(
        "Sum without tax",
        labels=["Subtotal", "Net", "Net amount", "Total excl. VAT", "Nettobetrag", "Summe netto", "Zwischensumme",
                "Total HT", "Montant HT", "Subtotaal", "Base imponible", "Imponibile", "Gesamt netto"],
        merge="last",
    )  # fmt: skip
    allowances: Money | None = field(
        "Discounts on the whole invoice, without tax",
        labels=["Total discount", "Gesamtbetrag der Abschläge", "Total remise"],
        merge="last",
    )
    charges: Money | None = field(
        "Freight and other charges on the whole invoice, without tax",
        labels=["Shipping", "Versandkosten", "Gesamtbetrag der Zuschläge", "Frais de port"],
        merge="last",
    )
    tax: Money | None = field(
        "Sum of all taxes",
        labels=["Tax", "VAT", "Sales tax", "GST", "Umsatzsteuer", "Mehrwertsteuer", "MwSt", "USt", "Total TVA", "TVA",
                "BTW", "IVA", "Steuerbetrag"],
        merge="last",
    )  # fmt: skip
    total: Money | None = field(
        "Grand total with tax",
        labels=["Total", "Grand total", "Invoice total", "Total amount", "Total incl. VAT", "Gesamtbetrag",
                "Rechnungsbetrag", "Bruttobetrag", "Endbetrag", "Gesamtsumme", "Total TTC", "Montant TTC",
                "Totaal", "Importe total", "Totale"],
        merge="last",
    )  # fmt: skip
    prepaid_amount: Money | None = field(
        "What was paid before",
        labels=["Amount paid", "Deposit received", "Bereits bezahlt", "Anzahlung", "Acompte"],
        merge="last",
    )
    rounding_amount: Money | None = field(
        "What rounding adds to the amount due", labels=["Rounding", "Rundung", "Arrondi"], merge="last"
    )
    amount_due: Money | None = field(
        "What is still to be paid",
        labels=["Amount due", "Balance due", "Total due", "Zahlbetrag", "Zu zahlen", "Fälliger Betrag",
                "Net à payer", "Reste à payer", "Te betalen"],
        merge="last",
    )  # fmt: skip
    iban: str | None = field("Account to pay to", labels=["IBAN"], examples=["DE89370400440532013000"])

    checks: ClassVar[tuple[Check, ...]] = INVOICE_CHECKS
