"""An e-invoice's own data, attached to its PDF as XML. Runs in a worker; XML is as untrusted as the PDF.

The package `factur-x` (extra `einvoice`) knows where each field stands in both syntaxes of the European norm,
UN/CEFACT and UBL. ZUGFeRD 1 says the same under older names, which are renamed first.
"""

import importlib.util
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from extractors.einvoice import EInvoice, EInvoiceLine, UnreadEInvoice

_FILES = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"})
_MOST_BYTES, _MOST_ELEMENTS, _MOST_LINES = 10_000_000, 50_000, 1_000
"""Of the XML. A line takes the reader 0.7 ms."""

_MOST_ATTACHMENTS, _MOST_READ = 1_000, 2
"""Attachments of a file that may be an e-invoice; of those that are called so, how many are read."""

_LONGEST, _DIGITS = 500, 20
"""Characters of a text, and digits before or behind the point of a number."""

_ZUGFERD_1 = "CrossIndustryDocument"
_NAMES = {
    _ZUGFERD_1: "CrossIndustryInvoice",
    "SpecifiedExchangedDocumentContext": "ExchangedDocumentContext",
    "HeaderExchangedDocument": "ExchangedDocument",
    "SpecifiedSupplyChainTradeTransaction": "SupplyChainTradeTransaction",
    "ApplicableSupplyChainTradeAgreement": "ApplicableHeaderTradeAgreement",
    "ApplicableSupplyChainTradeDelivery": "ApplicableHeaderTradeDelivery",
    "ApplicableSupplyChainTradeSettlement": "ApplicableHeaderTradeSettlement",
    "SpecifiedSupplyChainTradeAgreement": "SpecifiedLineTradeAgreement",
    "SpecifiedSupplyChainTradeDelivery": "SpecifiedLineTradeDelivery",
    "SpecifiedSupplyChainTradeSettlement": "SpecifiedLineTradeSettlement",
    "ApplicablePercent": "RateApplicablePercent",
}
"""What ZUGFeRD 1 called what has another name since."""

_CURRENCIES = tuple(f"{{*}}{kind}CurrencyCode" for kind in ("Invoice", "Tax", "Document"))
_CURRENCY = re.compile(r"[A-Z]{3}")
_SUMMATION = "SpecifiedTradeSettlementMonetarySummation"
_LINES = ("{*}SupplyChainTradeTransaction/{*}IncludedSupplyChainTradeLineItem", "{*}InvoiceLine", "{*}CreditNoteLine")


class _Unreadable(Exception):
    """The XML is no e-invoice, or not one to be read."""


def can_be_read() -> bool:
    """Whether the extra `einvoice` is installed."""
    return importlib.util.find_spec("facturx") is not None


def attached_einvoice(pdf: Any) -> EInvoice | UnreadEInvoice | None:
    """The data of the e-invoice that an open PDF is; None where it is none, or the extra is not installed.

    Never raises: a PDF with data that cannot be read is a document all the same.
    """
    try:
        found = list(_attached(pdf))
    except Exception as error:  # noqa: BLE001 - MuPDF raises what it likes over broken bytes: it is told
        return UnreadEInvoice("the attachments", _told(error))
    if not found or not can_be_read():
        return None
    read = [_read(name, stream) for name, stream in found[:_MOST_READ]]
    return next((each for each in read if isinstance(each, EInvoice)), read[0])


def _attached(pdf: Any) -> Iterator[tuple[str, Any]]:
    """Name and stream of each attachment that is called as e-invoices call theirs."""
    from pymupdf import mupdf

    if pdf.embfile_count() > _MOST_ATTACHMENTS:
        return  # looking them up takes longer than linear time
    named = mupdf.pdf_new_name
    tree = mupdf.pdf_load_name_tree(mupdf.pdf_document_from_fz_document(pdf), named("EmbeddedFiles"))
    for number in range(min(mupdf.pdf_dict_len(tree), _MOST_ATTACHMENTS)):
        file = mupdf.pdf_dict_get_val(tree, number)
        names = [mupdf.pdf_to_name(mupdf.pdf_dict_get_key(tree, number))]
        names += [mupdf.pdf_to_text_string(mupdf.pdf_dict_get(file, named(key))) for key in ("UF", "F")]
        stream = mupdf.pdf_dict_getl(file, named("EF"), named("F"))
        name = next((name for name in names if name.casefold() in _FILES), None)
        if name is not None:
            yield name, stream


def _read(name: str, stream: Any) -> EInvoice | UnreadEInvoice:
    from pymupdf import mupdf

    try:
        # MuPDF stops at 100 MB, whatever the limit: a small file that unpacks to more ends there.
        buffer, cut = mupdf.fz_read_best(mupdf.pdf_open_stream(stream), 1 << 16, _MOST_BYTES)
        return read_einvoice(name, b"" if cut else buffer.fz_buffer_extract(), cut=bool(cut))
    except _Unreadable as error:
        return UnreadEInvoice(name, str(error))
    except Exception as error:  # noqa: BLE001 - MuPDF, libxml2 and factur-x raise what they like over broken bytes
        return UnreadEInvoice(name, _told(error))


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def read_einvoice(name: str, xml: bytes, *, cut: bool = False) -> EInvoice:
    """An e-invoice's data.

    Args:
        name: of the attachment.
        xml: its bytes.
        cut: they are not all of them.

    Raises:
        Exception: it cannot be read; whatever the parsers raise.
    """
    import facturx

    if cut or len(xml) > _MOST_BYTES:
        raise _Unreadable(f"more than {_MOST_BYTES:,} bytes")
    root, lines_told = _root(xml)
    if root.tag.endswith(_ZUGFERD_1):
        _rename(root)
    told = facturx.parse_ubl_cii_xml(root, level="extended", check_xsd=False)
    if not told.get("BT-1"):
        raise _Unreadable("it has no invoice number: no invoice")
    return _einvoice(name, told, lines_told=lines_told)


def _root(xml: bytes) -> tuple[Any, bool]:
    """The root of the parsed XML, and whether it has its lines: too many are left out."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(xml, parser)
    if root.getroottree().docinfo.doctype:
        raise _Unreadable("it declares a document type, which no e-invoice does")
    lines = [line for path in _LINES for line in root.iterfind(path)]
    lines += root.iterfind("{*}SpecifiedSupplyChainTradeTransaction/{*}IncludedSupplyChainTradeLineItem")
    if len(lines) > _MOST_LINES:
        for line in lines:
            line.getparent().remove(line)
    if sum(1 for _ in root.iter()) > _MOST_ELEMENTS:
        raise _Unreadable(f"more than {_MOST_ELEMENTS:,} elements")
    # The reader puts currencies into its paths as they are.
    for element in root.iter(*_CURRENCIES):
        if not _CURRENCY.fullmatch((element.text or "").strip()):
            raise _Unreadable("a currency is no code of three letters")
    return root, len(lines) <= _MOST_LINES


def _rename(root: Any) -> None:
    """Gives what ZUGFeRD 1 says the names of today."""
    import facturx
    from lxml import etree

    spaces = facturx.get_xml_namespaces("factur-x")
    today = {"CrossIndustryDocument": "rsm", "ReusableAggregateBusinessInformationEntity": "ram",
             "UnqualifiedDataType": "udt", "QualifiedDataType": "qdt"}  # fmt: skip
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        kinds = (name.namespace or "").split(":")
        space = next((spaces[short] for kind, short in today.items() if kind in kinds), name.namespace)
        now = _NAMES.get(name.localname, name.localname)
        if name.localname == _SUMMATION:
            of_line = element.getparent().tag.endswith("SpecifiedLineTradeSettlement")
            now = f"SpecifiedTradeSettlement{'Line' if of_line else 'Header'}MonetarySummation"
        if now == "ID" and element.getparent().tag.endswith("ReferencedDocument"):
            now = "IssuerAssignedID"
        element.tag = f"{{{space}}}{now}"


def _einvoice(name: str, told: Mapping[str, Any], *, lines_told: bool) -> EInvoice:
    """The fields by their numbers in EN 16931 (BT-1 is the invoice number)."""
    import facturx

    seller, buyer = told.get("BG-4") or {}, told.get("BG-7") or {}
    return EInvoice(
        file=name,
        credit_note=bool(told.get("BT-3")) and facturx.is_credit_note(told),
        number=_text(told.get("BT-1")),
        issue_date=_day(told.get("BT-2")),
        due_date=_day(told.get("BT-9")),
        delivery_date=_day(told.get("BT-72")),
        order_reference=_text(told.get("BT-13")),
        currency=_text(told.get("BT-5")),
        seller_names=_texts(seller.get("name"), seller.get("biz_name")),
        seller_tax_ids=_texts(seller.get("vat_identifier"), seller.get("tax_identifier")),
        buyer_names=_texts(buyer.get("name"), buyer.get("biz_name")),
        buyer_tax_ids=_texts(buyer.get("vat_identifier"), buyer.get("tax_identifier")),
        ibans=_texts(told.get("BT-84")),
        line_total=_number(told.get("BT-106")),
        allowances=_number(told.get("BT-107")),
        charges=_number(told.get("BT-108")),
        tax_basis=_number(told.get("BT-109")),
        tax=_number(told.get("BT-110")),
        total=_number(told.get("BT-112")),
        prepaid=_number(told.get("BT-113")),
        rounding=_number(told.get("BT-114")),
        due=_number(told.get("BT-115")),
        lines=tuple(map(_line, told.get("BG-25") or ())) if lines_told else (),
    )


def _line(told: Mapping[str, Any]) -> EInvoiceLine:
    net, gross, per = (_number(told.get(field)) for field in ("BT-146", "BT-148", "BT-149"))
    prices = [price for price in (net, gross) if price is not None]
    prices += [price / per for price in prices] if per else []
    name, more = _text(told.get("BT-153")), _text(told.get("BT-154"))
    return EInvoiceLine(
        description=_texts(name, more, f"{name} {more}" if name and more else None),
        quantity=_number(told.get("BT-129")),
        unit_price=tuple(dict.fromkeys(prices)),
        tax_rate=_number(told.get("BT-152")),
        amount=_number(told.get("BT-131")),
    )


def _texts(*told: Any) -> tuple[str, ...]:
    """All that is said, once."""
    said = [each for value in told for each in (value if isinstance(value, list) else [value])]
    return tuple(dict.fromkeys(text for each in said if (text := _text(each))))


def _text(told: Any) -> str | None:
    """What is said once."""
    if not isinstance(told, str):
        return None
    return " ".join(told[:_LONGEST].split()) or None


def _day(told: Any) -> date | None:
    return told if isinstance(told, date) else None


def _number(told: Any) -> Decimal | None:
    text = _text(told)
    try:
        number = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() and abs(number.adjusted()) < _DIGITS else None
