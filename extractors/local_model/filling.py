"""Pages as read and a JSON schema -> the object that the schema asks for; what is not found is null."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from extractors.local_model.by_page import asked_by_page, begin_field, kind_field, kinds_and_beginnings
from extractors.local_model.candidates import Candidate, candidates
from extractors.local_model.evidence import Evidence, all_lines, evidence_of
from extractors.local_model.fallbacks import by_sums, fallback
from extractors.local_model.labels import labels_in, names_of
from extractors.local_model.parties import Party, parties
from extractors.local_model.readings import answer, reading
from extractors.local_model.tables import Table, table_of
from extractors.local_model.vocabulary import FIRST_OF_SEVERAL, ISSUER_WORDS, RECIPIENT_WORDS, word_set
from extractors.local_model.wanted import Field, Group, Rows, leaves, nested, wanted
from extractors.pages.lines import ReadPage, renumbered
from schemas.folding import fold, words

_LEAST, _LEAST_TEXT = 0.38, 0.55
_NEARLY, _TIE = 0.12, 0.08
_ROUNDING = Decimal("0.99")
_IN_TABLE = 0.35  # a value among a table's rows is seldom the document's own
_ADDRESSEE = word_set("ihre ihr your votre client customer kunde kunden klant cliente buyer")


def fill(schema: dict[str, Any], pages: Sequence[ReadPage], numbers: Sequence[int] = ()) -> dict[str, Any]:
    """Fills a schema from the pages of one document, or says of each page what it is.

    Args:
        schema: portable JSON schema (`schemas.portable`).
        pages: as read, in order.
        numbers: of the pages, as labelled; else they are counted from 1.

    Raises:
        UnusableSchema: the schema is none that can be filled.
    """
    group = _wanted(json.dumps(schema))
    by_page = asked_by_page(group)
    if by_page is not None:
        return {by_page.name: _by_page(by_page.item, pages, numbers or range(1, len(pages) + 1))}
    document = renumbered(pages)
    only = next(iter(group.children.values()), None)
    if len(group.children) == 1 and isinstance(only, Rows) and only.name == "records" and not only.single:
        record = _filled(only.item, document)
        return {"records": [record] if _says_anything(record) else []}
    return _filled(group, document)


def _by_page(item: Group, pages: Sequence[ReadPage], numbers: Sequence[int]) -> list[dict[str, Any]]:
    kind, begins = kind_field(item), begin_field(item)
    found = kinds_and_beginnings(kind, pages) if kind else []
    entries = []
    for page, number, (chosen, first) in zip(pages, numbers, found, strict=True):
        said = {"page": number, kind.name if kind else "": chosen, begins.name if begins else "": first}
        others = {name: child for name, child in item.children.items() if name not in said}
        filled = _filled(Group("", others), renumbered([page])) if others else {}
        entries.append({name: said.get(name, filled.get(name)) for name in item.children})
    return entries


@lru_cache(maxsize=32)
def _wanted(schema: str) -> Group:
    return wanted(json.loads(schema))


def _says_anything(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_says_anything(child) for child in value.values())
    return value is not None and value != []


@dataclass(frozen=True)
class _Found:
    """What the pages hold for one object: its tables, its parties, the candidates of its fields."""

    tables: Mapping[str, Table]
    parties: Mapping[str, Party]
    candidates: Mapping[str, list[Candidate]]
    lists: Mapping[str, list[Any]]


def _filled(group: Group, pages: Sequence[ReadPage]) -> dict[str, Any]:
    evidence = evidence_of(pages)
    fields = leaves(group)
    tables = {
        name: table_of(child, pages, evidence)
        for name, child in group.children.items()
        if isinstance(child, Rows) and not child.single
    }
    region = frozenset().union(*(table.region for table in tables.values()))
    known = parties(pages, _party_labels(group)) if any(field.role for field in fields.values()) else {}
    found = _candidates(fields, pages, evidence, region)
    values: dict[str, Any] = {}
    for key, field in fields.items():
        chosen = _chosen(field, _of_party(field, found.get(key, []), known))
        values[key] = _value(field, chosen, known)
    taken = {(c.page, c.line, c.found.text) for key in fields if (c := _chosen(fields[key], found.get(key, [])))}
    for key, field in fields.items():
        if values[key] is None:
            read = fallback(field, fields, pages, evidence=evidence, region=region, taken=taken)
            values[key] = answer(field, read) if read else None
    made = nested(group, values | by_sums(fields, values, pages, evidence))
    for name, child in group.children.items():
        if isinstance(child, Rows):
            made[name] = list(tables[name].rows) if not child.single else _listed(child, pages, evidence)
    return made


def _candidates(
    fields: Mapping[str, Field], pages: Sequence[ReadPage], evidence: Evidence, region: frozenset[tuple[int, int]]
) -> dict[str, list[Candidate]]:
    names = names_of(fields)
    found: dict[str, list[Candidate]] = {}
    for label in labels_in(all_lines(pages), names):
        inside = (label.line.page, label.line.number) in region
        for one in candidates(fields[label.key], label, pages, names, evidence):
            factor = _IN_TABLE if inside or (one.page, one.line) in region else 1.0
            found.setdefault(label.key, []).append(
                Candidate(one.key, one.found, one.score * factor, one.label, one.page, one.line, one.segment)
            )
    return found


def _chosen(field: Field, found: Sequence[Candidate]) -> Candidate | None:
    """The best candidate; amounts sum up towards the end, everything else is named first where it counts."""
    least = _LEAST_TEXT if field.kind in {"text", "enum"} else _LEAST
    good = [one for one in found if one.score >= least]
    if not good:
        return None
    best = max(one.score for one in good)
    if field.is_grand_total:
        rivals = [one for one in good if one.score >= best - _NEARLY]
        most = max(abs(one.found.value) for one in rivals)
        # Totals before and after cash rounding are nearly alike: the later one is what was paid.
        rivals = [one for one in rivals if abs(one.found.value) >= most * _ROUNDING]
        return max(rivals, key=lambda one: (one.page, one.line, one.score))
    if field.kind == "amount":
        rivals = [one for one in good if one.score >= best - _TIE]
        first = -1 if field.words & FIRST_OF_SEVERAL else 1
        return max(rivals, key=lambda one: (first * one.page, first * one.line, one.score))
    return max(good, key=lambda one: (round(one.score, 2), -one.page, -one.line))


def _of_party(field: Field, found: Sequence[Candidate], known: Mapping[str, Party]) -> list[Candidate]:
    """Candidates that may belong to the party that a field speaks of."""
    if not field.role:
        return list(found)
    if field.role == "recipient" and field.words & RECIPIENT_WORDS:
        return list(found)  # its own labels name the party: "Account holder", "Kundennr."
    other = known.get("recipient")
    kept = []
    for one in found:
        label = one.label
        inside = other is not None and other.holds(one.page, label.line.number, label.segment)
        addressee = inside or bool(set(words(label.segment.text)) & _ADDRESSEE)
        if addressee == (field.role == "recipient"):
            kept.append(one)
    return kept


def _value(field: Field, chosen: Candidate | None, known: Mapping[str, Party]) -> Any:
    party = known.get(field.role)
    rest = field.words - ISSUER_WORDS - RECIPIENT_WORDS
    if field.kind == "text" and party and (not chosen or chosen.score < 0.88):  # noqa: PLR2004 - a label that leaves no doubt
        if rest <= {"name", "full", "legal", "account"}:
            return party.name or None
        if "address" in rest:
            return party.address or None
    return answer(field, chosen.found) if chosen else None


def _party_labels(group: Group) -> dict[str, tuple[str, ...]]:
    labels: dict[str, tuple[str, ...]] = {}
    for child in group.children.values():
        if isinstance(child, Group) and child.role:
            labels[child.role] = (*labels.get(child.role, ()), *child.labels)
    return labels


def _listed(rows: Rows, pages: Sequence[ReadPage], evidence: Evidence) -> list[Any]:
    """A list of single values: what follows its label, parted at commas or one a line."""
    field = next(iter(rows.item.children.values()))
    assert isinstance(field, Field)  # noqa: S101 - `wanted` builds it so
    found = _chosen(field, _candidates({"": field}, pages, evidence, frozenset()).get("", []))
    if found is None:
        return []
    texts = re.split(r"\s*[;,•|]\s*", found.found.text) if field.kind in {"text", "enum"} else [found.found.text]
    read = [reading(field, text, evidence) for text in texts if fold(text)]
    return [answer(field, one) for one in read if one is not None]
