"""The one table of currencies: ISO 4217 codes, their decimals, and the signs and names that documents print."""

import re

_IN_USE = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT
    LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR
    NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
    STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD
    XCG XOF XPF YER ZAR ZMW ZWG
"""
_RETIRED = "DEM FRF ITL ATS BEF NLG ESP HRK LTL LVL EEK SKK SIT"

CODES = frozenset(f"{_IN_USE} {_RETIRED}".split())
"""Codes in use, and retired ones that documents still show."""

SIGNS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",), "£": ("GBP", "EGP", "GIP"), "₹": ("INR",), "₩": ("KRW",), "₪": ("ILS",), "₫": ("VND",),
    "₴": ("UAH",), "₺": ("TRY",), "₽": ("RUB",), "₱": ("PHP",), "฿": ("THB",), "₦": ("NGN",), "₸": ("KZT",),
    "₾": ("GEL",), "₼": ("AZN",), "₵": ("GHS",), "₲": ("PYG",), "₡": ("CRC",), "₭": ("LAK",), "₮": ("MNT",),
    "₨": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"), "¥": ("JPY", "CNY"), "円": ("JPY",), "元": ("CNY", "TWD"),
    "원": ("KRW",), "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD"),
    "US$": ("USD",), "CA$": ("CAD",), "C$": ("CAD",), "A$": ("AUD",), "AU$": ("AUD",), "NZ$": ("NZD",),
    "S$": ("SGD",), "HK$": ("HKD",), "NT$": ("TWD",), "R$": ("BRL",), "MX$": ("MXN",),
    "zł": ("PLN",), "Kč": ("CZK",), "Ft": ("HUF",), "лв": ("BGN",), "руб": ("RUB",), "р": ("RUB",), "грн": ("UAH",),
    "lei": ("RON", "MDL"), "RM": ("MYR",), "Rp": ("IDR",), "Rs": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"),
    "kr": ("SEK", "NOK", "DKK", "ISK"), "Fr": ("CHF", "FRF", "BEF"), "SFr": ("CHF",), "TL": ("TRY",),
    "KD": ("KWD",), "BD": ("BHD",), "DT": ("TND",), "DM": ("DEM",), "Dhs": ("AED",),
    "Euro": ("EUR",), "Euros": ("EUR",), "EUROS": ("EUR",), "euro": ("EUR",), "euros": ("EUR",), "EURO": ("EUR",),
}  # fmt: skip
"""What documents print beside an amount -> the currencies it may mean, the likeliest first. A dot may follow."""

DOTTED = frozenset({"Rs", "Rp", "Fr", "SFr", "kr", "Kr", "руб", "р", "грн", "лв", "Dhs", "S/"})
"""Signs that are written with a dot, so that one between them and a number is theirs."""

_WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ITL ESP BEF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"


def decimals(code: str) -> int:
    """Decimals of a currency's minor unit by ISO 4217: 2 for most, 0 for yen and won, 3 for dinars."""
    return 0 if code in _WITHOUT_DECIMALS else 3 if code in _THREE_DECIMALS else 2


def currencies_of(text: str) -> tuple[str, ...]:
    """The codes that a printed sign, name or code may mean, likeliest first; empty for what names none."""
    sign = text.strip()
    plain = sign.removesuffix(".")
    if plain in CODES:
        return (plain,)
    known = SIGNS.get(sign) or SIGNS.get(plain)
    return known or ((plain.upper(),) if plain.upper() in CODES else ())


_COUNTRIES = {
    "USD": "usa|u.s.a.|united states|united states of america|ecuador|puerto rico", "CAD": "canada",
    "AUD": "australia", "NZD": "new zealand", "SGD": "singapore", "HKD": "hong kong", "MXN": "mexico|méxico",
    "COP": "colombia", "CLP": "chile", "ARS": "argentina", "TWD": "taiwan", "JPY": "japan|日本", "CNY": "china|中国",
    "SEK": "sweden|sverige", "NOK": "norway|norge|noreg", "DKK": "denmark|danmark", "ISK": "iceland|ísland",
    "INR": "india", "PKR": "pakistan", "LKR": "sri lanka", "NPR": "nepal", "MUR": "mauritius",
    "CHF": "switzerland|schweiz|suisse|svizzera",
}  # fmt: skip
"""Countries whose sign of money others use too, as their addresses end: in their own languages and in English."""

_COUNTRY = re.compile(
    r"(?<!\w)(?:"
    + "|".join(rf"(?P<{code}>{names.replace('.', '[.]')})" for code, names in _COUNTRIES.items())
    + r")(?!\w)"
)


def currencies_of_countries(text: str) -> frozenset[str]:
    """The currencies of the countries that a running text names."""
    return frozenset(match.lastgroup or "" for match in _COUNTRY.finditer(text.casefold()))
