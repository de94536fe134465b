"""Account and VAT numbers: their forms by country and their check digits. What is wrong with one, in words."""

import re
from itertools import pairwise

from schemas.checks import NotChecked

# Length of an IBAN by country (the SWIFT registry).
_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24,
    "XK": 20,
}  # fmt: skip
# What follows the country's letters in a VAT number of the EU and Northern Ireland.
_VAT = {
    "AT": r"U\d{8}", "BE": r"[01]?\d{9}", "BG": r"\d{9,10}", "CY": r"\d{8}[A-Z]", "CZ": r"\d{8,10}", "DE": r"\d{9}",
    "DK": r"\d{8}", "EE": r"\d{9}", "EL": r"\d{9}", "ES": r"[A-Z0-9]\d{7}[A-Z0-9]", "FI": r"\d{8}",
    "FR": r"[A-Z0-9]{2}\d{9}", "GR": r"\d{9}", "HR": r"\d{11}", "HU": r"\d{8}", "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}", "LT": r"\d{9}|\d{12}", "LU": r"\d{8}", "LV": r"\d{11}", "MT": r"\d{8}", "NL": r"\d{9}B\d{2}",
    "PL": r"\d{10}", "PT": r"\d{9}", "RO": r"\d{2,10}", "SE": r"\d{12}", "SI": r"\d{8}", "SK": r"\d{10}",
    "XI": r"\d{9}|\d{12}",
}  # fmt: skip
_LONGEST, _SHORTEST_RUN = 64, 4
_MARKS = re.compile(r"[\s.\-/·]")
_VAT_LIKE = re.compile(r"[A-Z]{2}[A-Z0-9+*]{0,2}\d[A-Z0-9]{5,11}")
_IBAN_LIKE = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")


def wrong_iban(printed: str) -> str | None:
    """What is wrong with an IBAN, or None.

    Raises:
        NotChecked: no IBAN is meant (a local account number), or a made-up example.
    """
    text = _compact(printed).removeprefix("IBAN")
    if _is_vat(text):
        return f"{printed} has the form of a VAT number"
    if not re.match(r"[A-Z]{2}\d{2}", text):
        raise NotChecked(f"{printed} is an account number of another form")
    country = text[:2]
    if country not in _LENGTHS:
        raise NotChecked(f"{country} is not in the table of IBAN countries")
    long_enough = len(text) == _LENGTHS[country]
    if long_enough and text.isascii() and text.isalnum() and _mod_97(text) == 1:
        return None
    if _made_up(text):
        raise NotChecked(f"{printed} is a made-up example")
    if not long_enough:
        return f"{printed} has {len(text)} characters, an IBAN of {country} has {_LENGTHS[country]}"
    return f"the check digits of {printed} do not fit"


def wrong_vat_number(printed: str) -> str | None:
    """What is wrong with the VAT number of an EU country, or None.

    Raises:
        NotChecked: no such number is meant (a local tax number, another country), or a made-up example.
    """
    text = _compact(printed)
    if _IBAN_LIKE.fullmatch(text) and len(text) == _LENGTHS.get(text[:2]) and _mod_97(text) == 1:
        return f"{printed} is an IBAN"
    country, rest = text[:2], text[2:]
    form = _VAT.get(country)
    if form is None or not _VAT_LIKE.fullmatch(text) or (not re.search("[A-Z]", form) and not rest.isdigit()):
        raise NotChecked(f"{printed} is no VAT number of the EU")
    if re.fullmatch(form, rest) and _digits_fit(country, rest):
        return None
    if _made_up(text):
        raise NotChecked(f"{printed} is a made-up example")
    if not re.fullmatch(form, rest):
        return f"{printed} does not have the form of a VAT number of {country}"
    return f"the check digit of {printed} does not fit"


def _compact(printed: str) -> str:
    return _MARKS.sub("", printed[:_LONGEST]).upper()


def _is_vat(text: str) -> bool:
    """Whether a text is a VAT number and too short for an IBAN of its country."""
    form = _VAT.get(text[:2])
    return form is not None and re.fullmatch(form, text[2:]) is not None and len(text) != _LENGTHS.get(text[:2])


def _mod_97(iban: str) -> int:
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97


def _made_up(text: str) -> bool:
    """Whether most of its digits count up or down, or repeat one digit but 0, as those of examples do."""
    digits = [int(character) for character in text if character in "0123456789"]
    steps = [(second - first) % 10 for first, second in pairwise(digits)]
    in_runs, at = 0, 0
    while at < len(steps):
        end = at
        while end < len(steps) and steps[end] == steps[at]:
            end += 1
        length = end - at + 1
        counts = steps[at] in {1, 9} or (steps[at] == 0 and digits[at] != 0)
        if counts and length >= _SHORTEST_RUN:
            in_runs += length
        at = end
    return in_runs * 2 > len(digits)


def _digits_fit(country: str, rest: str) -> bool:  # noqa: C901, PLR0911, PLR0912 - one for each country's rule
    """Whether the check digits fit; true for countries whose rule is not written here."""
    digits = [int(character) for character in rest if character in "0123456789"]
    number = int("".join(map(str, digits)) or 0)
    match country:
        case "AT":
            doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1:7:2])
            return (96 - doubled - sum(digits[0:7:2])) % 10 == digits[7]
        case "BE":
            return 97 - number // 100 % 97 == number % 100
        case "DE" | "HR":
            product = 10
            for digit in digits[:-1]:
                product = 2 * ((digit + product) % 10 or 10) % 11
            return (11 - product) % 10 == digits[-1]
        case "DK":
            return _weighed(digits, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
        case "FI":
            return _weighed(digits, (7, 9, 10, 5, 8, 4, 2, 1)) % 11 == 0
        case "FR":
            return not rest.isdigit() or (12 + 3 * (number % 10**9 % 97)) % 97 == number // 10**9
        case "IT":
            return _luhn(digits)
        case "SE":
            return _luhn(digits[:10])
        case "LU":
            return number // 100 % 89 == number % 100
        case "NL":
            by_mod_97 = int("".join(str(int(character, 36)) for character in f"NL{rest}")) % 97 == 1
            return by_mod_97 or _weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0
        case "PL":
            return _weighed(digits, (6, 5, 7, 2, 3, 4, 5, 6, 7, -1)) % 11 == 0
        case "PT":
            return -_weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2)) % 11 % 10 == digits[8]
    return True


def _weighed(digits: list[int], weights: tuple[int, ...]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def _luhn(digits: list[int]) -> bool:
    return sum(sum(divmod(2 * digit, 10)) if at % 2 else digit for at, digit in enumerate(reversed(digits))) % 10 == 0
