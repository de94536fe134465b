"""A stretch of text read as a value of a field's kind, with how much it looks like one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from extractors.local_model.amounts import Amount, currency_code
from extractors.local_model.evidence import Evidence
from extractors.local_model.vocabulary import LAST_OF_RANGE, NO, YES
from extractors.local_model.wanted import Field
from schemas.folding import fold, words

PATTERNS = {
    "iban": re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}(?: ?\d{1,3})?(?![A-Za-z0-9])"),
    "bic": re.compile(r"(?<![A-Z0-9])[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![A-Za-z0-9])"),
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "phone": re.compile(
        r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,5}(?:[ ./-]{1,3}\d{2,8}){1,5}(?!\w)"
    ),
    "website": re.compile(
        r"(?:https?://|www\.)[\w./~-]+|(?<![\w@.])[\w-]+\.(?:com|net|org|de|fr|nl|es|it|co\.uk|eu|io)(?![\w@])"
    ),
}
_IDENTIFIER = re.compile(r"[#:.\s°º№(=-]*((?:[A-Z]{1,4}[ -](?=\d))?[A-Za-z0-9][\w./*-]*(?:/\s?\w+)?)")
_DIGIT_GROUPS = re.compile(r"(?:\s(?:\d{1,4}|\d{2,4}[A-Z]\d{2}))+(?!\w)")
_SORT_CODE_AND_ACCOUNT = re.compile(r"\d{2}-\d{2}-\d{2}\s\d{6,10}(?!\w)")  # as British accounts are printed
_FEW = 4  # letters beside a bare number that is still an amount: a unit, a code
_SIGNED = frozenset({"amount", "quantity", "integer"})
_NEAR = 14  # letters between a label and its amount; what is further on belongs to other words
_LEADING = re.compile(r"^[\s:;.,=#°º*)|\]–-]+")
_LEADING_BUT_MINUS = re.compile(r"^[\s:;.,=#°º*)|\]]+")
_NUMBERED = re.compile(r"(?i)^(?:n[°ºo]|nr|num(?:ber|mer|ero|éro|ero)?)\b[\s.:°º]*(?=\S*\d)")


@dataclass(frozen=True)
class Reading:
    """A value, the text it was printed as, and how much that text looks like such a value, 0 to 1."""

    value: Any
    text: str
    looks: float


def reading(field: Field, text: str, evidence: Evidence) -> Reading | None:
    """What a text that should hold a field's value says; None when it holds no such value."""
    text = (_LEADING_BUT_MINUS if field.kind in _SIGNED else _LEADING).sub("", text).strip()
    if not text:
        return None
    if field.kind in PATTERNS:
        return _patterned(field.kind, text)
    return _READERS[field.kind](field, text, evidence)


def _amount(field: Field, text: str, evidence: Evidence) -> Reading | None:
    percent_wanted = field.kind == "rate"
    found = [one for one in evidence.amounts(text) if one.percent == percent_wanted or percent_wanted]
    found = [one for one in found if len(fold(text[: one.start])) <= _NEAR]
    if field.kind == "amount":
        # A bare number among words counts something; money has cents or a sign.
        found = [one for one in found if one.cents or one.sign or len(_letters(text)) <= _FEW]
    found = [one for one in found if len(str(abs(one.value)).split(".", maxsplit=1)[0]) <= 10]  # noqa: PLR2004 - more digits are an identifier
    if not found:
        return None
    best = max(found, key=lambda one: _likeness(field, one, text))
    return Reading(best.value, text[best.start : best.end].strip(), _likeness(field, best, text))


def _letters(text: str) -> str:
    return re.sub(r"[\d%]", "", fold(text))


def _likeness(field: Field, one: Amount, text: str) -> float:
    if field.kind == "rate":
        return 1.0 if one.percent else 0.6
    if field.kind == "quantity":
        return 0.9 - 0.3 * (one.start > 0) - 0.2 * bool(one.sign)
    rest = len(fold(text[: one.start] + text[one.end :]))
    return (1.0 if one.cents or one.sign else 0.55) - min(0.3, rest * 0.02) + one.start * 1e-4


def _integer(_field: Field, text: str, evidence: Evidence) -> Reading | None:
    found = [one for one in evidence.amounts(text) if one.value == one.value.to_integral_value() and not one.percent]
    if not found:
        return None
    return Reading(int(found[0].value), text[found[0].start : found[0].end].strip(), 0.9 if len(found) == 1 else 0.6)


def _date(field: Field, text: str, evidence: Evidence) -> Reading | None:
    found = evidence.dates(text)
    if not found:
        return None
    last = bool((field.words | (field.about if field.words <= {"date"} else frozenset())) & LAST_OF_RANGE)
    one = found[-1] if last else found[0]
    return Reading(one.value, text[one.start : one.end].strip(), 1.0 if one.sure else 0.5)


def _currency(_field: Field, text: str, _evidence: Evidence) -> Reading | None:
    code = currency_code(text)
    if code is None or len(fold(text)) > 15:  # noqa: PLR2004 - a code or a name, not a sentence
        return None
    return Reading(code, text, 1.0)


def _identifier(field: Field, text: str, evidence: Evidence) -> Reading | None:
    account = PATTERNS["iban"].match(text)
    if account:
        return Reading(account[0].replace(" ", ""), account[0], 1.0)
    text = _NUMBERED.sub("", text)
    match = _IDENTIFIER.match(text)
    if match is None or not re.search(r"\d", match[1]) or re.match(r"[.,]\d|\s?%", text[match.end(1) :]):
        return None
    found = match[1].rstrip(".-/*,")
    # "24-11-07" after a number's label is more likely a number than a day; "24.11.2007" is a day.
    day = any(one.start == match.start(1) and one.sure for one in evidence.dates(text))
    if day and not re.fullmatch(r"\d{2}(?:-\d{2}){2}", found):
        return None
    account = _SORT_CODE_AND_ACCOUNT.match(text, match.start(1))
    if account:
        return Reading(account[0], account[0], 1.0)
    groups = _DIGIT_GROUPS.match(text, match.end(1))
    if groups and evidence.without_dates(groups[0]) == groups[0] and re.fullmatch(r"[A-Z]{0,4}[ -]?\d{1,12}", found):
        found += groups[0].rstrip()
    money = any(one.cents and one.end - one.start == len(found) for one in evidence.amounts(found))
    alike = 0.15 * (_shape(found) in {_shape(example) for example in field.examples})
    more = len(re.findall(r"[^\W\d_]{2,}", text[match.end(1) :]))
    looks = (0.3 if money else 0.85 if len(found) > 1 else 0.4) + alike - 0.15 * min(3, more)
    return Reading(found, found, max(0.0, looks))


def _text(_field: Field, text: str, _evidence: Evidence) -> Reading | None:
    cleaned = re.sub(r"\s+", " ", text).strip(" .,;:|-_")
    letters = len(re.sub(r"[\d%]", "", fold(cleaned)))
    if letters < 2:  # noqa: PLR2004 - one letter is no text
        return None if len(cleaned) < 3 else Reading(cleaned, cleaned, 0.2)  # noqa: PLR2004 - bare digits, perhaps
    return Reading(cleaned, cleaned, 1.0 if len(cleaned) < 80 else 0.5)  # noqa: PLR2004 - a sentence is rarely a value


def _enum(field: Field, text: str, _evidence: Evidence) -> Reading | None:
    said = fold(text)
    found = [option for option in field.options if fold(str(option)) and fold(str(option)) in said]
    return Reading(max(found, key=lambda option: len(str(option))), text, 1.0) if found else None


def _boolean(_field: Field, text: str, _evidence: Evidence) -> Reading | None:
    first = (words(text) or [text.strip()])[0]
    if first in YES or text.strip() in {"☑", "☒", "✓", "✔", "[x]", "[X]"}:
        return Reading(True, text, 1.0)  # noqa: FBT003 - the value that was read
    return Reading(False, text, 1.0) if first in NO else None  # noqa: FBT003


def _patterned(kind: str, text: str) -> Reading | None:
    for match in PATTERNS[kind].finditer(text):
        if kind != "phone" or 6 <= len(re.sub(r"\D", "", match[0])) <= 15:  # noqa: PLR2004 - ITU E.164
            found = match[0].replace(" ", "") if kind in {"iban", "bic"} else match[0].strip()
            return Reading(found, match[0], 1.0)
    return None


def _shape(text: str) -> str:
    return re.sub(r"\d+", "9", re.sub(r"[A-Za-z]+", "A", re.sub(r"[\s.]", "", text)))


_READERS: dict[str, Callable[[Field, str, Evidence], Reading | None]] = {
    "amount": _amount,
    "quantity": _amount,
    "rate": _amount,
    "integer": _integer,
    "date": _date,
    "currency": _currency,
    "identifier": _identifier,
    "text": _text,
    "enum": _enum,
    "boolean": _boolean,
}


def answer(field: Field, found: Reading) -> Any:
    """A reading in the form that the schema asks for."""
    if field.form == "decimal" or (field.form == "number" and isinstance(found.value, Decimal)):
        return format(found.value, "f") if field.form == "decimal" else float(found.value)
    if field.form == "iso":
        return found.value.isoformat()
    if field.form == "date-time":
        return f"{found.value.isoformat()}T00:00:00"
    if field.kind in {"date", "amount", "rate", "quantity"}:
        return found.text
    return found.value
