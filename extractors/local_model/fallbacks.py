"""Values that stand on a page without a label of their own, where only one reading makes sense."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from extractors.local_model.evidence import Evidence, all_lines
from extractors.local_model.readings import PATTERNS, Reading, answer
from extractors.local_model.vocabulary import (
    DUE_WORDS,
    FIRST_OF_RANGE,
    LAST_OF_RANGE,
    SPECIFIC_DATES,
    TAX_WORDS,
    word_set,
)
from extractors.local_model.wanted import Field
from extractors.pages.lines import Line, ReadPage
from schemas.folding import fold, words
from schemas.sums import HIGHEST_RATE

Region = frozenset[tuple[int, int]]
Taken = set[tuple[int, int, str]]
_CARD = re.compile(r"(?<![\w-])(?:[\dXx*]{4}[ -]){3}\d{4}(?![\w-])")
_JOINT = 6  # letters between the days of a range: "-", "bis", "t/m", " to "
_NET, _PAID, _PLAIN = word_set("subtotal net"), word_set("paid prepaid deposit"), word_set("total amount balance sum")
_NAME_WORDS = 6  # of a bank, at most
_BANK = re.compile(
    r"(?i)\b(?:\w*bank\w*|banque|banco|banca|sparkasse\w*"
    r"|raiffeisen\w*|credit union|building society|caisse|caja|cassa|crédit)\b"
)


def fallback(
    field: Field,
    fields: Mapping[str, Field],
    pages: Sequence[ReadPage],
    *,
    evidence: Evidence,
    region: Region,
    taken: Taken,
) -> Reading | None:
    """A value that no label names, or None.

    Args:
        field: what is looked for.
        fields: all fields of the object: only the first date is the document's own.
        pages: of the document.
        evidence: its habits.
        region: lines of tables, as (page, line number).
        taken: values that labels give to other fields, as (page, line number, text).
    """
    if field.kind == "currency" and evidence.currency:
        return Reading(evidence.currency, evidence.currency, 0.5)
    if field.kind in PATTERNS and field.role != "recipient":
        # Bare digits may be anything, so no telephone numbers.
        texts = (segment.text for line in all_lines(pages) for segment in line.segments)
        found = _first(texts, PATTERNS[field.kind]) if field.kind not in {"phone", "bic"} else None
        return replace(found, value=found.value.replace(" ", "")) if found and field.kind == "iban" else found
    if field.kind == "date":
        own = _own_date(field, fields)
        return _first_date(pages, evidence, region, taken) if own else _of_range(field, pages, evidence, region)
    if field.is_grand_total:
        return _largest_due(pages, evidence, region)
    return _unlabelled_text(field, pages)


def _unlabelled_text(field: Field, pages: Sequence[ReadPage]) -> Reading | None:
    if field.kind == "identifier" and field.words & {"account", "card"}:
        return _first((line.text for line in all_lines(pages)), _CARD)
    if field.kind == "enum":
        return _only_option(field, pages)
    if field.kind == "text":
        return _bank(pages) if "bank" in field.words else _example(field, pages)
    return None


def _first(texts: Iterable[str], pattern: re.Pattern[str]) -> Reading | None:
    """The first text of a shape that says what it is."""
    match = next(filter(None, map(pattern.search, texts)), None)
    return Reading(match[0], match[0], 0.5) if match else None


def _own_date(field: Field, fields: Mapping[str, Field]) -> bool:
    if field.words & SPECIFIC_DATES:
        return False
    own = [other for other in fields.values() if other.kind == "date" and not other.words & SPECIFIC_DATES]
    return bool(own) and own[0] is field


def _first_date(pages: Sequence[ReadPage], evidence: Evidence, region: Region, taken: Taken) -> Reading | None:
    """The first full date outside tables that no other field's label claims; bare digits only as the last resort."""
    unsure: Reading | None = None
    for line in all_lines(pages):
        if (line.page, line.number) in region:
            continue
        for segment in line.segments:
            for one in evidence.dates(segment.text):
                printed = segment.text[one.start : one.end].strip()
                if (line.page, line.number, printed) in taken:
                    continue
                if one.sure:
                    return Reading(one.value, printed, 0.5)
                unsure = unsure or Reading(one.value, printed, 0.3)
    return unsure


def _of_range(field: Field, pages: Sequence[ReadPage], evidence: Evidence, region: Region) -> Reading | None:
    """An end of the first printed range of days outside tables, when the field speaks of a beginning or an end."""
    last = bool(field.words & LAST_OF_RANGE)
    if not last and not field.words & FIRST_OF_RANGE:
        return None
    for line in all_lines(pages):
        if (line.page, line.number) in region:
            continue
        for segment in line.segments:
            found = evidence.dates(segment.text)
            if len(found) == 2 and found[1].start - found[0].end <= _JOINT and found[0].value <= found[1].value:  # noqa: PLR2004 - a range
                one = found[1] if last else found[0]
                return Reading(one.value, segment.text[one.start : one.end].strip(), 0.5)
    return None


def _largest_due(pages: Sequence[ReadPage], evidence: Evidence, region: Region) -> Reading | None:
    """The largest amount on a line that speaks of a total or of what is due."""
    best: Reading | None = None
    for line in all_lines(pages):
        if (line.page, line.number) in region or not _speaks_of_due(line):
            continue
        for one in evidence.amounts(line.text):
            if one.cents and not one.percent and (best is None or abs(one.value) > abs(best.value)):
                best = Reading(one.value, line.text[one.start : one.end].strip(), 0.5)
    return best


def by_sums(
    fields: Mapping[str, Field], values: Mapping[str, Any], pages: Sequence[ReadPage], evidence: Evidence
) -> dict[str, Any]:
    """Answers that others lead to: the printed tax between net and total; a total that is due, nothing being paid."""
    wanted = {key: field for key, field in fields.items() if field.kind == "amount" and field.form != "printed"}
    said = {key: Decimal(str(values[key])) for key in wanted if values[key] is not None}
    total = next((value for key, value in said.items() if fields[key].is_grand_total), None)
    net = next((value for key, value in said.items() if fields[key].words & _NET), None)
    if not total:
        return {}
    paid = any(value for key, value in said.items() if fields[key].words & _PAID)
    taxes = _taxes(total, net, all_lines(pages), evidence)
    led = {}
    for key, field in wanted.items():
        if taxes and field.words - _PLAIN and field.words <= TAX_WORDS | _PLAIN and said.get(key) not in taxes:
            led[key] = answer(field, Reading(taxes[-1], "", 0.5))
        if field.words - _PLAIN == {"due"} and key not in said and not paid:
            led[key] = answer(field, Reading(total, "", 0.5))
    return led


def _taxes(total: Decimal, net: Decimal | None, lines: Sequence[Line], evidence: Evidence) -> list[Decimal]:
    """Printed amounts that lead from the sum without tax to the total; without that sum, from any amount above."""
    nets = {net} if net is not None else set()
    found = []
    for line in lines:
        taxed = any(word in TAX_WORDS or word.endswith("steuer") for word in words(line.text))
        for one in (one for segment in line.segments for one in evidence.amounts(segment.text) if one.cents):
            before = total - one.value
            if before and before in nets and (net is not None or taxed) and 0 < one.value / before <= HIGHEST_RATE:
                found.append(one.value)
            if net is None:
                nets.add(one.value)
    return found


def _speaks_of_due(line: Line) -> bool:
    text = fold(line.text)
    return len(line.text.split()) <= 12 and any(word in text for word in DUE_WORDS)  # noqa: PLR2004 - a sum, not a sentence


def _only_option(field: Field, pages: Sequence[ReadPage]) -> Reading | None:
    """The one option of an enum that is printed at all."""
    text = " ".join(line.text for line in all_lines(pages))
    printed = [option for option in field.options if re.search(rf"(?i)(?<!\w){re.escape(str(option))}(?!\w)", text)]
    return Reading(printed[0], str(printed[0]), 0.5) if len(printed) == 1 else None


def _bank(pages: Sequence[ReadPage]) -> Reading | None:
    """The first short line that is a bank's name."""
    for line in all_lines(pages[:1]):
        for segment in line.segments:
            if (
                _BANK.search(segment.text)
                and len(segment.text.split()) <= _NAME_WORDS
                and not re.search(r"[\d:?]", segment.text)
            ):
                return Reading(segment.text, segment.text, 0.5)
    return None


def _example(field: Field, pages: Sequence[ReadPage]) -> Reading | None:
    """An example of the field that is printed at the beginning of a line, as `VISA ****1234` is."""
    for line in all_lines(pages):
        for segment in line.segments[:1]:
            for example in field.examples:
                rest = segment.text[len(example) :]
                if segment.text.lower().startswith(example.lower()) and not re.match(r"\s*[^\W\d_]", rest):
                    return Reading(segment.text[: len(example)], segment.text[: len(example)], 0.5)
    return None
