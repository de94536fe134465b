"""Words of business documents in English, German, French, Dutch, Spanish and Italian, folded (`folding`).

They join a field's plain English name (`due_date`) with what is printed (`Fällig am`, `Échéance`), and tell
labels from values. Nothing here names a document type's answer.
"""


def word_set(text: str) -> frozenset[str]:
    """The words of a text, parted at blanks."""
    return frozenset(text.split())


CONCEPTS: dict[str, tuple[str, ...]] = {
    "invoice": ("invoice", "rechnung", "facture", "factuur", "factura", "fattura", "bill"),
    "receipt": ("receipt", "beleg", "bon", "quittung", "recu", "ticket", "recibo", "scontrino"),
    "contract": ("contract", "vertrag", "contrat", "contrato", "contratto", "agreement"),
    "number": ("number", "no", "nr", "nummer", "num", "numero", "nbr"),
    "id": ("id", "identification", "identifier", "nummer"),
    "date": ("date", "datum", "fecha", "data", "dated"),
    "due": ("due", "fallig", "falligkeit", "echeance", "verval", "vencimiento", "scadenza", "payable"),
    "issue": ("issue", "issued", "ausstellung", "emission", "emision", "emissione"),
    "delivery": ("delivery", "liefer", "lieferung", "livraison", "lever", "levering", "entrega", "consegna"),
    "total": ("total", "gesamt", "gesamtbetrag", "summe", "totaal", "totale", "grandtotal", "gesamtsumme"),
    "subtotal": ("subtotal", "zwischensumme", "soustotal", "subtotaal", "subtotale"),
    "net": ("net", "netto", "ht", "neto"),
    "gross": ("gross", "brutto", "ttc", "bruto", "lordo"),
    "amount": ("amount", "betrag", "montant", "bedrag", "importe", "importo", "amt"),
    "tax": ("tax", "vat", "ust", "mwst", "umsatzsteuer", "mehrwertsteuer", "tva", "btw", "iva", "gst"),
    "vat": ("vat", "ust", "mwst", "umsatzsteuer", "mehrwertsteuer", "tva", "btw", "iva", "ustid"),
    "rate": ("rate", "satz", "taux", "tarief", "tipo", "aliquota"),
    "order": ("order", "bestell", "bestellung", "auftrags", "commande", "bestelling", "pedido", "ordine"),
    "po": ("po", "purchaseorder", "bestell", "commande"),
    "customer": ("customer", "kunde", "kunden", "client", "klant", "cliente"),
    "account": ("account", "konto", "compte", "rekening", "cuenta", "conto", "acct", "ac"),
    "reference": ("reference", "ref", "referenz", "zeichen", "referentie", "referencia", "riferimento"),
    "quantity": ("quantity", "qty", "menge", "anzahl", "quantite", "qte", "aantal", "cantidad", "quantita"),
    "price": ("price", "preis", "prix", "prijs", "precio", "prezzo", "rate"),
    "unit": ("unit", "einzel", "unitaire", "stuk", "unitario"),
    "description": (
        "description", "desc", "bezeichnung", "beschreibung", "designation", "omschrijving", "descripcion",
        "concepto", "descrizione", "details", "libelle",
    ),
    "item": ("item", "artikel", "article", "articulo", "articolo", "product", "produkt", "produit", "producto"),
    "balance": ("balance", "saldo", "solde", "kontostand"),
    "opening": ("opening", "anfangs", "initial", "begin", "inicial", "iniziale", "previous"),
    "closing": ("closing", "end", "final", "eind", "finale", "ending", "new"),
    "payment": ("payment", "zahlung", "zahlungs", "paiement", "reglement", "betaling", "pago", "pagamento"),
    "method": ("method", "art", "weise", "mode", "wijze", "metodo", "modo"),
    "terms": ("terms", "bedingungen", "conditions", "voorwaarden", "condiciones", "condizioni"),
    "currency": ("currency", "wahrung", "devise", "valuta", "moneda", "divisa", "monnaie"),
    "discount": ("discount", "rabatt", "remise", "korting", "descuento", "sconto"),
    "shipping": ("shipping", "versand", "versandkosten", "port", "verzending", "envio", "freight", "fracht"),
    "phone": ("phone", "tel", "telephone", "telefon", "telefoon", "telefono", "mobile"),
    "email": ("email", "mail", "courriel", "correo"),
    "address": ("address", "anschrift", "adresse", "adres", "direccion", "indirizzo"),
    "name": ("name", "nom", "naam", "nombre", "nome"),
    "bank": ("bank", "banque", "banco", "banca"),
    "period": ("period", "zeitraum", "periode", "periodo"),
    "weight": ("weight", "gewicht", "poids", "peso"),
}  # fmt: skip
"""Words that name the same thing. A field's name word stands for all of its row."""

NUMBER_WORDS = frozenset(CONCEPTS["number"])

ISSUER_WORDS = word_set(
    "seller vendor supplier merchant issuer shop store company creditor provider retailer payee biller "
    "restaurant verkaufer lieferant handler vendeur fournisseur commercant verkoper leverancier vendedor "
    "proveedor emisor venditore fornitore"
)
RECIPIENT_WORDS = word_set(
    "buyer customer client holder owner recipient purchaser debtor payer billto kaufer kunde empfanger acheteur "
    "destinataire koper klant comprador cliente receptor acquirente destinatario"
)
ISSUER_LABELS = (
    "Seller", "Vendor", "Supplier", "From", "Bill from", "Issued by", "Sold by", "Service provider", "Remit to",
    "Verkäufer", "Lieferant", "Rechnungsersteller", "Rechnungssteller", "Rechnungsaussteller", "Auftragnehmer",
    "Leistungserbringer", "Vendeur", "Fournisseur", "Émetteur", "Prestataire", "Verkoper", "Leverancier",
    "Vendedor", "Proveedor", "Emisor", "Venditore", "Fornitore", "Cedente",
)  # fmt: skip
RECIPIENT_LABELS = (
    "Bill to", "Billed to", "Bill to address", "Billing address", "Invoice to", "Invoiced to", "Sold to", "Buyer",
    "Rechnungsempfänger", "Käufer", "Käufer/Leistungsempfänger", "Leistungsempfänger", "Rechnungsanschrift",
    "Rechnungsadresse", "Rechnung an", "Acheteur", "Adresse de facturation", "Facturé à", "Destinataire",
    "Factuuradres", "Koper", "Comprador", "Facturar a", "Destinatario", "Datos del cliente", "Acquirente",
    "Cessionario", "Fatturare a", "Customer", "Kunde", "Auftraggeber", "Client", "Klant", "Cliente", "To", "Aan",
    "An", "Para", "Ship to",
)  # fmt: skip
"""Over or before a party's name; the surer ones first."""

COMPANY_SUFFIXES = (
    "GmbH & Co. KG", "GmbH", "mbH", "AG", "KG", "OHG", "e.K.", "e.V.", "a.G.", "UG", "SE", "SARL", "S.A.R.L.", "SAS",
    "S.A.S.", "SASU", "EURL", "S.A.", "SNC", "SCOP", "GbR", "eG", "KGaA", "gGmbH", "SCI", "Inc.", "LLC", "L.L.C.",
    "Ltd.", "Limited", "LLP", "PLC", "Corp.", "Corporation", "Co.", "B.V.", "N.V.", "V.O.F.", "S.L.", "S.L.U.",
    "S.p.A.", "S.r.l.", "Pte. Ltd.", "Pty. Ltd.", "Sdn. Bhd.", "Sbn. Bhd.", "S/B", "Bhd.", "Berhad", "Enterprise",
    "Trading", "Credit Union", "Oy", "AB", "ApS", "A/S", "Sp. z o.o.", "s.r.o.",
)  # fmt: skip
"""Legal forms; their dots and the blanks after them may be missing."""

TITLE_WORDS = word_set(
    "tax simplified official sales credit note to taxinvoice simplifiedtaxinvoice "
    "invoice receipt cashreceipt rechnung rechnungsnr facture factuur factura "
    "fattura avoir gutschrift creditnote quotation bill cashbill statement original copy copie kopie "
    "duplicate order contract officialreceipt salesreceipt kassenbon quittung recu ticket welcome "
    "officialbillinginvoice duplicata cash cashsales lieferschein proforma proformainvoice thankyou page "
    "seite accountstatement"
)
"""Whole lines that are a document's title, not a name."""

TURNING_WORDS = word_set(
    "excl excluding exclusive ohne hors ht excluant excluido excluded before vor avant sub net netto neto qty "
    "quantity items item menge discount rabatt remise korting descuento saving savings rounding change tax "
    "gst vat tva btw iva ust mwst sst due original alt alternate external delivery liefer order customer "
    "kunden client savings points deposit paid prepaid page seite previous last zwischen anzahlung acompte "
    "code"
)
"""Beside a label they make it mean something else, unless the field itself speaks of them."""

SUM_WORDS = word_set(
    "total totals subtotal grandtotal nettotal summe gesamtbetrag gesamtsumme rechnungsbetrag rechnungssumme "
    "zwischensumme zahlbetrag endbetrag bruttosumme nettosumme positionssumme nettobetrag belegsummen totaal "
    "subtotaal totale soustotal "
    "amountdue balancedue amountpayable netapayer ubertrag uebertrag exclusief baseimponible"
)
"""A row that begins with one of these sums others up: it is no entry of a list."""

TAX_WORDS = word_set("tax taxe taxes vat gst sst mwst ust umsatzsteuer mehrwertsteuer tva btw iva")

TOTAL_WORDS = TAX_WORDS | word_set(
    "sum gesamt netto brutto net saldo rounding roundingadj roundingadjustment cash change visa "
    "mastercard master discount shipping versandkosten bar gegeben ruckgeld especes carriedforward "
    "broughtforward report deposit dontva endsaldo anfangssaldo itemcount qty openingbalance "
    "closingbalance lastmonthsbalance previousbalance newbalance balancebf balancecf gstsummary "
    "taxsummary vatsummary "
)
"""A cell that says no more than one of these marks its row as no entry, too."""

DUE_WORDS = ("total", "payable", "amountdue", "balancedue", "duepayable", "zahlbetrag", "zuzahlen", "netapayer",
             "apayer", "tebetalen", "apagar", "endbetrag", "rechnungsbetrag", "gesamtbetrag", "amounttobepaid",
             "dapagare", "bruttosumme", "gesamt", "summe", "totaal", "totale", "due", "sommeapayer")  # fmt: skip
"""Words near a document's grand total."""

OUTFLOW_WORDS = word_set(
    "debit debits paidout withdrawal withdrawals moneyout payments charges soll belastung belastungen lastschrift "
    "lastschriften ausgang ausgange ausgaben lasten af uitgaven cargo cargos adeudo debe debet gastos retraits "
    "sorties addebiti uscite dare"
)
"""Column heads of money that leaves an account."""

INFLOW_WORDS = word_set(
    "credit credits paidin deposit deposits moneyin haben gutschrift gutschriften eingang eingange bij ontvangsten "
    "abono abonos haber ingresos depots entrees accrediti entrate avere"
)
"""Column heads of money that comes."""

OUTFLOW_MARKS = word_set("af d dr db debit debet soll s debe cargo lastschrift")
"""Cells that say of their row's amount that it leaves."""

SPECIFIC_DATES = word_set(
    "due delivery service birth start end from to expiry expiration until payment order shipping ship valid "
    "begin period pay paid arrival departure flight first last maturity liefer leistung"
)
"""A date field that names one of these is not the document's own date."""

LAST_OF_RANGE = word_set("end to until last through thru bis au fin hasta tot al final")
"""A date field that names one of these is the later of two printed dates."""

FIRST_OF_RANGE = word_set("start from begin beginning since von du desde van vanaf dal")
"""A date field that names one of these is the earlier of two printed dates."""

FIRST_OF_SEVERAL = word_set("opening previous beginning starting initial first old anfangs")
"""An amount that names one of these is the first of those printed; sums and ends are the last."""

COUNTRIES = word_set(
    "germany deutschland france frankreich netherlands nederland holland belgium belgique belgie spain espana "
    "italy italia austria osterreich switzerland schweiz suisse luxembourg luxemburg england unitedkingdom uk "
    "ireland usa us unitedstates canada singapore malaysia hongkong australia india china portugal poland "
    "denmark deutschlandgermany ukunitedkingdom"
)

YES = word_set("yes y ja oui si true x checked wahr vrai")
NO = word_set("no n nein non nee false unchecked falsch faux")
