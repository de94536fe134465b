"""Printed names that mean the same on business documents, so that a schema need not list them all.

A field whose name or declared label is among a row's keys is looked for under all of the row's names. The
names are written as documents print them, in English, German, French, Dutch, Spanish and Italian. In the
table below the keys stand in the first line of an entry, the names under it.
"""

from functools import cache

from schemas.folding import fold

_ROWS = """
invoice number; invoice no; invoice num; invoice id; bill number
    Invoice No.; Invoice #; Inv. No.; Inv #; Tax invoice No.; Rechnungsnummer; Rechnung Nr.; Rechnungs-Nr.;
    Rechnungsnr.; Beleg-Nr.; Belegnummer; Facture n°; N° de facture; Numéro de facture; N° facture;
    Factuurnummer; Factuur nr.; Avoir n°; Número de factura; Factura n°; N° de factura; Numero fattura;
    Fattura n.; N. fattura; Credit note No.; Gutschrift Nr.; Bill No.; Document No.; Invoice; Rechnung;
    Facture; Factuur; Factura; Fattura; Avoir; Credit note; Gutschrift; Invoice ref.; Invoice reference;
    Rechnung-Nr.; Rg.-Nr.; RE-Nr.; Beleg; Document number; Réf. facture; Facture numéro; Nº factura; Nº de
    factura; Núm. factura; Factura núm.; Factura número; Factuurnr.; Notanummer; Creditnota; Creditnota nr.;
    Factura rectificativa; Abono n°; Nota de crédito; Credit memo; Credit memo No.

receipt number; receipt no
    Receipt No.; Receipt #; Cash sales No.; Slip No.; Bill No.; Bill #; Check #; Inv. No.; Invoice No.; Tax
    invoice No.; Bon-Nr.; Bonnummer; Beleg-Nr.; Ticket n°; Doc No.; Document No.; Trans No.; CS No.; Ref. No.;
    Ticket; Nº ticket; Check; Check No.; Kassenbon; Bon; Bonnr.; Bon nr.; Trans; Transaction; Transaction No.;
    Transaction ID; Trans ID; Trans #; Transaktion; Transactie; Ticket No.; Ticket nr.; N° ticket; N° de
    ticket; Factura simplificada; Order #; Kassabon; Quittung Nr.; Beleg; Note n°; Note; Addition n°; Facture
    n°; Rechnung Nr.; Rechnungsnr.; Factura n°

invoice date; date of issue; issue date; date of the invoice; document date; bill date
    Invoice date; Date of issue; Issue date; Issued on; Date; Dated; Rechnungsdatum; Ausstellungsdatum;
    Belegdatum; Datum; Date de facture; Date de facturation; Date d'émission; Factuurdatum; Fecha de factura;
    Fecha de emisión; Fecha; Data fattura; Data emissione; Data; Billing date; Tax point; Tax date; Rechnung
    vom; Rechnung Datum; Ausgestellt am; Date facture; Facture du; Date du document; Émise le; Datum factuur;
    Factuur datum; Datum van uitgifte; Fecha factura; Fecha de expedición; Fecha emisión

date; receipt date; purchase date; transaction date
    Date; Bizdate; Bill date; Invoice date; Transaction date; Datum; Fecha; Date de transaction

due date; payment due; payment due date; pay by
    Due date; Payment due; Payment due date; Pay by; Due by; Please remit until; Payable by; Fällig am; Fällig
    bis; Fälligkeitsdatum; Fälligkeit; Zahlbar bis; Zahlbar innerhalb; Zahlungsziel; Zahlungstermin; Échéance;
    Date d'échéance; Date limite de paiement; À payer avant le; Vervaldatum; Te betalen voor; Uiterste
    betaaldatum; Vencimiento; Fecha de vencimiento; Scadenza; Data scadenza; Payable before; No later than; On
    or before; Payment date; Due on; Zahlbar bis zum; Zahlbar spätestens; Bis zum; Bis spätestens; Spätestens
    am; Fällig zum; Zahlung bis; Zu zahlen bis; Payable avant le; À régler avant le; À payer pour le; Avant
    le; Au plus tard le; Payable le; Date d'exigibilité; Date de règlement; Uiterlijk; Betalen voor; Te
    voldoen voor; Uiterlijk betalen op; Betaling uiterlijk; Vence el; Vto.; Fecha vencimiento; Fecha de vto.;
    Fecha límite de pago; Antes del

delivery date; service date
    Delivery date; Date of delivery; Service date; Date of service; Date of supply; Ship date; Lieferdatum;
    Lieferschein-Datum; Leistungsdatum; Liefer- und Leistungsdatum; Leistungszeitraum;
    Liefer-/Leistungszeitraum; Date de livraison; Date de prestation; Leverdatum; Fecha de entrega; Data di
    consegna; Supply date; Delivered on; Geliefert am; Leistungszeitpunkt; Leistung vom; Livré le; Livraison
    du; Date d'exécution; Geleverd op; Datum levering; Fecha de servicio; Fecha entrega

order number; order no; po number; purchase order; purchase order number; order reference; customer order
    Order No.; Order #; PO number; P.O. No.; PO; Purchase order; Your order; Your reference; Your ref.;
    Bestellnummer; Bestell-Nr.; Bestellung Nr.; Ihre Bestellung; Bestellung; N° de commande; Commande n°;
    Commande; Votre référence; Votre commande; Ordernummer; Bestelnummer; Uw referentie; N° de pedido; Pedido;
    Su pedido; Su referencia; Numero ordine; Ordine n.; Your PO; Your order No.; Customer PO; Cust. PO; Ihre
    Referenz; Bestelling; Uw kenmerk; Bestelnr.; Réf.
    client; Bon de commande; Réf. commande; Ref. cliente; Nº pedido; Nº de pedido; Pedido nº; Orden de compra

customer number; customer no; customer id; client number; client id; account number; account no
    Customer No.; Customer number; Customer ID; Client No.; Account No.; Kundennummer; Kunden-Nr.; Kundennr.;
    N° client; Numéro de client; Code client; Id client; Klantnummer; N° de cliente; Codice cliente; Customer
    ref.; Customer code; Account ref.; Debitorennr.; Debitor; Kunden-ID; Mandant; Réf. client; N° de client;
    Klantnr.; Klant nr.; Relatienummer; Debiteurnummer; Nº cliente; Código cliente; Número de cliente

vat id; vat no; vat number; tax id; vat registration; tax number; gst number
    VAT ID; VAT No.; VAT Reg. No.; VAT number; Tax ID; Tax No.; USt-IdNr.; USt-Identnr.; USt-ID; UStId;
    USt-Id.-Nr.; Umsatzsteuer-Identifikationsnummer; Umsatzsteuer-ID; UID; N° TVA; N° de TVA; TVA
    intracommunautaire; N° TVA intra communautaire; N° TVA client; TVA; BTW-nummer; BTW nr.; BTW; NIF; CIF;
    NIF/CIF; CIF/NIF; P.IVA; Partita IVA; GST Reg. No.; GST Reg; GST No.; GST ID; EIN; ABN; Steuer-Nr.;
    Steuernummer

subtotal; net total; net amount; total net; amount without tax; total excl vat; total excluding tax
    Subtotal; Sub total; Net total; Total net; Net amount; Total excl. VAT; Total excluding GST; Total excl.
    GST; Amount excl. VAT; Total before tax; Taxable amount; Nettobetrag; Summe netto; Gesamt netto;
    Nettosumme; Netto; Rechnungssumme netto; Rechnungssumme ohne USt.; Total HT; Montant HT; Montant EUR HT;
    Total hors taxes; Totaal excl. BTW; Exclusief BTW; Subtotaal; Base imponible; Imponibile; Totale
    imponibile; Sous-total; Zwischensumme; Positionssumme; Warenwert; Total exkl. MwSt.; Total exkl. USt.;
    Total zzgl. MwSt.; Netto gesamt; Warenwert netto; Total net HT; Montant total HT; Total hors TVA; Bedrag
    excl. BTW; Totaal exclusief BTW; Totaal ex BTW; Suma; Total neto; Importe neto; Base; Total sin IVA;
    Subtotal sin IVA; Net; Total ex. VAT; Total exc. VAT; Total before VAT; Value of goods; Goods total; Total
    goods

tax; vat; tax amount; vat amount; total tax; sales tax; tax total; vat total; gst
    Total tax; Total VAT; Total GST; VAT total; Tax amount; VAT amount; GST amount; GST payable; Total taxes;
    Sales tax; Service tax; Summe Umsatzsteuer; Summe USt.; Summe MwSt.; Steuerbetrag; Umsatzsteuerbetrag;
    MwSt-Betrag; zzgl. Umsatzsteuer; zzgl. MwSt.; Total TVA; Montant TVA; BTW-bedrag; Totaal BTW; Total IVA;
    Cuota IVA; Importe IVA; Totale IVA; Imposta; Tax; VAT; GST; Umsatzsteuer; Mehrwertsteuer; MwSt; USt; TVA;
    BTW; IVA; MwSt.-Betrag; USt.-Betrag; Enthaltene MwSt.; Enthaltene USt.; Montant de la TVA; Dont TVA;
    Btw-bedrag; Bedrag BTW; Waarvan BTW; Importe del IVA; Cuota; State tax; VAT included; Includes VAT; Incl.
    VAT

total; grand total; total amount; invoice total; amount; invoice amount; total price; total incl vat; gross total
    Grand total; Invoice total; Total amount; Total incl. VAT; Total; Total for this invoice; Total due; Gross
    total; Gross amount; Total invoice amount; Rechnungsbetrag; Gesamtbetrag; Rechnungssumme brutto;
    Rechnungssumme; Bruttobetrag; Bruttosumme; Endbetrag; Endsumme; Gesamtsumme; Gesamt; Summe; Total TTC;
    Montant TTC; Montant EUR TTC; Montant total; Total facture; Totaal incl. BTW; Totaalbedrag; Totaal;
    Importe total; Total factura; Totale fattura; Totale documento; Totale; Invoice value; Total GBP; Total
    USD; Total EUR; Total CHF; Order total; Total charges; Gesamtbetrag brutto; Rechnungsbetrag brutto;
    Gesamtbetrag inkl. MwSt.; Gesamt brutto; Rechnungsendbetrag; Gutschriftsbetrag; Gutschriftbetrag;
    Erstattungsbetrag; Total général; Total à payer; Montant à payer; Montant total TTC; Total de la facture;
    Montant de l'avoir; Total avoir; Factuurbedrag; Totaal factuur; Totaal te betalen; Eindbedrag; Eindtotaal;
    Te betalen bedrag; Creditbedrag; Total con IVA; Total IVA incluido; Importe total factura; Importe
    factura; Total a abonar; Total abono; Credit total; Total credit; Total euro

total payable; total paid; total to pay; net total; rounded total
    Total payable; Total amount payable; Total amt payable; Amount to be paid; Total to pay; Grand total; Net
    total; Nett total; Rounded total; Total rounded; Total after rounding; Total RM; Total amt; Total due;
    Due; Total sales; Total incl. GST; Total inclusive of GST; Total sales inclusive GST; Zu zahlen; Montant
    dû; À payer; Te betalen; Total a pagar; Zahlbetrag; Gesamtbetrag; Total TTC; Totaal; Totaal te betalen;
    Total à payer; Net à payer; Montant; A pagar; Importe total

amount due; balance due; total due; outstanding amount; due amount; amount payable
    Amount due; Balance due; Total due; Total amount due; Amount payable; Due payable; Open amount;
    Outstanding; Zahlbetrag; Zu zahlen; Zu zahlender Betrag; Fälliger Betrag; Offener Betrag; Net à payer;
    Reste à payer; Solde à payer; Somme à payer; Montant dû; Te betalen; Openstaand bedrag; Total a pagar;
    Importe a pagar; Totale da pagare; Netto a pagare; Amount outstanding; Now due; Nachzahlung; Restbetrag;
    Noch zu zahlen; Offen; Montant restant dû; Total à régler; Net à régler; Te voldoen; Nog te betalen;
    Openstaand; Pendiente; Importe pendiente; Líquido a percibir

currency; currency code; invoice currency
    Currency; Invoice currency; Währung; Rechnungswährung; Beträge in; Devise; Valuta; Moneda; Divisa

description; item; item description; product; product name; article; name of the item
    Description; Item; Items; Article; Bezeichnung; Artikelbezeichnung; Artikelbeschreibung; Artikel;
    Beschreibung; Désignation; Libellé; Omschrijving; Descripción; Concepto; Descrizione; Leistung; Service;
    Product; Produkt; Produit; Details; Particulars; Desc; Beschreibung der Leistung; Text;
    Leistungsbeschreibung; Ware; Prestation; Prestations; Intitulé; Détail; Nature; Produits; Dienst;
    Werkzaamheden; Artikelomschrijving; Detalle; Producto; Servicio; Description of goods; Goods; Services;
    Activity; Task; Work; Product/Service

quantity; qty; units; count
    Qty; Quantity; Menge; Anzahl; Quantité; Qté; Nombre; Aantal; Cantidad; Cant.; Quantità; Q.tà; Hours;
    Units; Ud.; Uds.; Unid.; Unidades; Unités; Stuks; Stück; Stk.; Std.; Stunden; Heures; Uren; Horas; Jours;
    Days; Hrs; Menge/Einheit; Verbrauch; Q'ty; Quant.; Nb; Pcs; Anz.; Anz

unit price; price; price per unit; unit cost; price each; rate
    Unit price; Price per unit; U.Price; U/Price; Price; Rate; Unit cost; Einzelpreis; Stückpreis; Nettopreis;
    VK-Preis; E-Preis; Preis/Einheit; Preis; Prix unitaire; P.U.; P.U. HT; PU; Prijs per stuk; Stukprijs;
    Prijs; Precio unitario; Precio; Prezzo unitario; Prezzo; Unit; Unit rate; Price/unit; Price (excl.); Unit
    price (net); Unit price excl. VAT; Each; Preis/Stk.; Preis/Stück; Einzelpr.; EP; Stundensatz; Preis pro
    Einheit; Netto-Einzelpreis; Prix; Prix unit.; P. unitaire; PU HT; Prix unit. HT; Tarif; Prijs per eenheid;
    Eenheidsprijs; Tarief; P. unit.; P. unitario; Precio ud.; Precio/ud.; Importe unitario; Einzel; P. Unit;
    Per unit; Satz; Rate/hr; Stundenpreis

tax rate; vat rate; tax percent; vat %; tax %
    VAT %; VAT rate; Tax %; Tax rate; USt. %; USt; MwSt-%; MwSt; MwSt-Satz; Steuersatz; % TVA; Taux TVA; TVA;
    BTW %; BTW; % IVA; IVA; Aliquota; GST; VAT; Tax

line total; line amount; total price; extended price
    Line total; Line amount; Amount; Amt; Total; Net amount; Extended price; Gesamtpreis; Gesamt; Betrag;
    Nettowert; Positionsbetrag; Zeilenbetrag; Entgelt; Montant; Montant HT; Total HT; Prix HT; Bedrag; Totaal;
    Importe; Importo; Value; Net; Net value; Line value; Sum; Extended; Total net; Netto; G-Preis; GP;
    Gesamtpr.; Gesamt netto; Summe; Nettobetrag; Total ligne; Prix total; Montant total; Bedrag excl.;
    Regeltotaal; Total línea; Precio total; Subtotal

transaction details; transaction description; details; verwendungszweck
    Description; Details; Transaction; Transaction details; Particulars; Payee; Verwendungszweck;
    Buchungstext; Libellé; Opération; Nature des opérations; Omschrijving; Concepto; Descripción; Memo

transaction date; booking date; posting date; buchungstag
    Date; Transaction date; Posting date; Booking date; Buchungstag; Buchungsdatum; Datum; Buchung; Date
    opération; Date d'opération; Boekdatum; Fecha; Fecha operación; Data operazione; F. Operación; F. Op.;
    Fecha op.; Fecha de operación; F. Valor; Fecha valor; Date opé.; Date valeur; Bu.Tag; Buchungs-tag;
    Boekingsdatum; Trans. date; Post date; Posted; Datum/Valuta

debit; credit; paid out; paid in; withdrawals; deposits; withdrawal; deposit
    Debit; Debits; Credit; Credits; Paid out; Paid in; Withdrawals; Withdrawal; Deposits; Deposit; Withdrawals
    / Deposits; Money out; Money in; Soll; Haben; Débit; Crédit; Af; Bij; Af/Bij; Cargo; Abono; Debe; Haber;
    Dare; Avere; Umsatz; Betrag; Bedrag; Importe; Montant; Withdrawn; Paid; Received; Belastung; Gutschrift;
    Lastschrift; Ausgang; Eingang; Ausgaben; Einnahmen; Betrag EUR; Betrag in EUR; Retraits; Dépôts; Sorties;
    Entrées; Uitgaven; Ontvangsten; Gastos; Ingresos; Cargos; Abonos; Adeudo; Bedrag (EUR); Charges; Payments;
    Transaction amount

balance; running balance; saldo
    Balance; Running balance; Saldo; Solde; Kontostand; Saldo EUR; Saldo disponible; Account balance; Solde
    progressif; Saldo na; Kontosaldo

opening balance; previous balance; beginning balance; starting balance
    Opening balance; Previous balance; Beginning balance; Starting balance; Last month's balance; Your
    previous balance; Balance brought forward; Alter Saldo; Alter Kontostand; Anfangssaldo; Ancien solde;
    Solde précédent; Solde initial; Beginsaldo; Vorig saldo; Saldo anterior; Saldo inicial; Saldo iniziale;
    Balance forward; Start balance; Balance at start; Saldovortrag; Startsaldo; Kontostand alt; Saldo alt;
    Solde d'ouverture; Ancien solde au; Solde antérieur; Solde au début; Oud saldo; Openingssaldo; Saldo de
    apertura; Saldo al inicio; Kontostand am; Kontostand per; Solde créditeur au; Solde débiteur au; Solde au;
    Saldo al; Saldo a fecha; Saldo per; Saldo op; Balance on; Balance at; Balance as of

closing balance; new balance; ending balance; final balance
    Closing balance; New balance; Your new balance; Ending balance; Balance carried forward; Current balance;
    Total amount due; Neuer Saldo; Neuer Kontostand; Endsaldo; Nouveau solde; Solde final; Eindsaldo; Nieuw
    saldo; Saldo final; Saldo actual; Saldo finale; Balance at end; End balance; Available balance;
    Schlusssaldo; Kontostand neu; Saldo neu; Kontostand am; Solde de clôture; Nouveau solde au; Solde en fin;
    Solde à la fin; Slotsaldo; Saldo de cierre; Saldo al final; Nuevo saldo; Kontostand per; Solde créditeur
    au; Solde débiteur au; Solde au; Saldo al; Saldo a fecha; Saldo per; Saldo op; Balance on; Balance at;
    Balance as of

account holder; account owner; account name
    Account holder; Account owner; Account name; Kontoinhaber; Titulaire; Titulaire du compte; Titular;
    Rekeninghouder; Intestatario; Name; Customer name; Customer; Kunde; Inhaber; Auszug für; Client;
    Tenaamstelling; Ten name van; Titular de la cuenta; Member; Member name; Kontoinhaberin; Kontoinhaber/in;
    Titulaire(s)

bank account; bank account number; iban; kontonummer
    IBAN; IBAN-Nr.; Account No.; Kontonummer; Konto-Nr.; Kontonr.; N° de compte; Rekeningnummer; Número de
    cuenta; Account number; Account #; Account ending in; Konto; N° du compte; Numéro de compte; Compte n°;
    Compte; Rekening; Rekeningnr.; Nº de cuenta; Nº cuenta; Cuenta; Card number; Kartennummer

payment method; method of payment; paid by
    Payment method; Payment type; Paid by; Zahlungsart; Zahlungsform; Zahlungsweise; Mode de paiement; Mode de
    règlement; Modes de règlement; Betaalwijze; Forma de pago; Modalità di pagamento; Tender; Paid with;
    Bezahlt mit; Zahlungsmittel; Zahlart; Moyen de paiement; Payé par; Betaald met; Betaalmethode; Método de
    pago; Modo de pago

payment terms; terms; terms of payment
    Payment terms; Terms; Zahlungsbedingungen; Zahlungsbedingung; Conditions de paiement; Conditions de
    règlement; Betalingsvoorwaarden; Condiciones de pago; Condizioni di pagamento

discount; total discount
    Discount; Total discount; Rabatt; Nachlass; Remise; Korting; Descuento; Sconto

shipping; shipping cost; shipping costs; freight; delivery charge
    Shipping; Shipping & handling; Freight; Delivery charge; Versandkosten; Versand; Frais de port; Port;
    Verzendkosten; Gastos de envío; Spese di spedizione

statement period; period start; period end; billing period
    Statement period; Billing period; Period; Zeitraum; Abrechnungszeitraum; Période; Periode; Periodo;
    Statement from; Statement dates; For the period; Auszugszeitraum; Berichtszeitraum; Période du; Relevé du;
    Période du relevé; Periode van; Período; Periodo del; Período de liquidación

period start; from
    From; From date; Start date; Von; Vom; Du; Desde; Desde el; Van; Vanaf; Dal

period end; statement date
    Statement date; Statement closing date; Closing date; Auszugsdatum; Auszug vom; Erstellt am; Date
    d'arrêté; Arrêté au; Date du relevé; Afschriftdatum; Datum afschrift; Fecha de extracto; Fecha del
    extracto; To; To date; Until; Through; End date; Bis; Au; Hasta; Hasta el; Tot; T/m; Tot en met; Al
"""


@cache
def _names() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entry in _ROWS.strip().split("\n\n"):
        keys, _, names = entry.partition("\n")
        row = tuple(dict.fromkeys(fold(name) for name in names.split(";")))
        for key in keys.split(";"):
            found[fold(key)] = tuple(dict.fromkeys((*found.get(fold(key), ()), *row)))
    return found


def same_names(name: str) -> tuple[str, ...]:
    """Folded printed names that mean the same as a folded name, the surest first."""
    return _names().get(name, ())


@cache
def _rows_of() -> dict[str, tuple[tuple[str, ...], ...]]:
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for entry in _ROWS.strip().split("\n\n"):
        _, _, names = entry.partition("\n")
        row = tuple(dict.fromkeys(fold(name) for name in names.split(";")))
        for name in row:
            found[name] = (*found.get(name, ()), row)
    return found


def names_beside(name: str) -> tuple[str, ...]:
    """Folded printed names of the one row that a folded printed name stands in; none where it stands in several."""
    rows = _rows_of().get(name, ())
    return rows[0] if len(rows) == 1 else ()
