"""Value -> the page and box where it stands, or visibly not found, or not to be told. Pure.

A value is looked for by what it means, not only by its spelling: 1234.56 is found as "1.234,56 €",
2024-03-31 as "31. März 2024", EUR as "€", a name over a line break or inside split words. Where values
stand in several places, the record is placed as one (`placing`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from extractors.answers.days import Days, order_of, years_of
from extractors.answers.doubts import doubts
from extractors.answers.labels import SURE, Labels
from extractors.answers.lookalikes import lookalike_places
from extractors.answers.numbers import Numbers, sign_places
from extractors.answers.page_text import PageText, Place, indexed
from extractors.answers.placing import Sought, Spot, placed
from extractors.answers.signs import is_negative, signed_elsewhere, wrong_signs
from extractors.answers.texts import laid_out_places, seen_at, text_places
from extractors.documents import Evidence, Issue, PageWords
from extractors.vocabulary import EvidenceState, IssueKind
from schemas.amounts import LONGEST, read
from schemas.currencies import CODES
from schemas.dates import read_date
from schemas.leaves import Leaf, LeafKind, Leaves

_SMALL = re.compile(r"\W*\d{1,2}\W*")
_PAGE = 10_000
"""Lines between one page and the next: farther than any row."""
_MOST_PLACES, _TOLD, _CODE = 400, 100, 3
OF_EVIDENCE = (IssueKind.NOT_ON_PAGE, IssueKind.MISPLACED)
"""What is told of a value by looking for it."""
_NOWHERE = "it stands nowhere on the pages"
_OTHER_SIGN, _OTHER_SPELLING = 0.2, 0.3
_OF_A_LIST = re.compile(r"^(?:.*\.)?\d+(?=\.|$)")
_COUNTRY = re.compile(r"[A-Z]{2}")
_NO_LEAVES = Leaves()


def ground(
    value: Mapping[str, Any], pages: Mapping[int, PageWords], leaves: Leaves = _NO_LEAVES, *, many: bool = False
) -> tuple[Evidence, ...]:
    """Looks for every leaf that is not null.

    Args:
        value: one window's answer.
        pages: page number -> the words that a reader sees there.
        leaves: the single values that were asked for, by their paths without list positions.
        many: the value is `{"records": [...]}`, each of them as asked for.

    Returns:
        One entry a leaf, in the value's order; without page and box where nothing was found.
    """
    found = list(_leaves(value))
    whole = all(seen.whole and seen.words for seen in pages.values())
    texts = [indexed(page, seen) for page, seen in pages.items() if seen.words]
    if not texts:
        return tuple(Evidence(path, EvidenceState.NOT_CHECKABLE) for path, _ in found)
    window = _Window(texts, leaves, found, many=many)
    sought = [window.sought(path, leaf) for path, leaf in found]
    chosen = placed(sought, window.label)
    unsupported = window.unsupported(sought, chosen)
    values = dict(found)
    refused = wrong_signs(sought, chosen, values, leaves, {text.page: text for text in texts})
    unlike = [each for each in sought if each.path in refused]
    chosen |= (rightly := signed_elsewhere(unlike, chosen, values))
    doubted = window.doubts(sought, chosen)
    evidence = []
    for path, leaf in found:
        spot = chosen.get(path)
        if path in unsupported or (spot is None and not (whole and window.is_checkable(path, leaf))):
            evidence.append(Evidence(path, EvidenceState.NOT_CHECKABLE))
        elif spot is None or path in refused - rightly.keys():
            evidence.append(Evidence(path, EvidenceState.NOT_FOUND))
        else:
            evidence.append(window.evidence(path, spot.place, doubted.get(path)))
    return tuple(evidence)


def share_grounded(evidence: Sequence[Evidence]) -> float | None:
    """Found / (found + not found); None where nothing could be checked."""
    states = Counter(item.state for item in evidence)
    checked = states[EvidenceState.FOUND] + states[EvidenceState.NOT_FOUND]
    return round(states[EvidenceState.FOUND] / checked, 4) if checked else None


def issues_of(evidence: Sequence[Evidence]) -> tuple[Issue, ...]:
    """An issue for each value that stands nowhere on its pages, or where another should stand."""
    told = [
        Issue(IssueKind.NOT_ON_PAGE, item.path, _NOWHERE)
        for item in evidence
        if item.state == EvidenceState.NOT_FOUND
    ]
    told += [Issue(IssueKind.MISPLACED, item.path, item.doubt) for item in evidence if item.doubt is not None]
    if len(told) <= _TOLD:
        return tuple(told)
    more = f"{len(told) - _TOLD} more values stand nowhere on the pages, or where others should"
    return (*told[:_TOLD], Issue(told[_TOLD].kind, "", more))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaves(child, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _leaves(child, f"{path}.{number}" if path else str(number))
    elif value is not None:
        yield path, value


class _Window:
    """The pages of one window, ready to be looked at."""

    def __init__(
        self, texts: Sequence[PageText], leaves: Leaves, wanted: Sequence[tuple[str, Any]], *, many: bool
    ) -> None:
        self._texts, self._leaves, self._wanted, self._many = texts, leaves, wanted, many
        self._by_page = {text.page: (order, text) for order, text in enumerate(texts)}
        self._numbers = {text.page: Numbers(text) for text in texts}
        self._labels = {text.page: Labels(text, leaves) for text in texts}
        self._days: dict[int, Days] = {}
        self._spots: dict[tuple[object, ...], tuple[Spot, ...]] = {}

    def leaf(self, path: str) -> Leaf | None:
        """What the schema says of a leaf."""
        return self._leaves.by_path.get(self._field(path))

    def is_checkable(self, path: str, leaf: Any) -> bool:
        """Whether not being printed says anything of a value: nothing of a judgement."""
        known = self.leaf(path)
        kind = known.kind if known else None
        if isinstance(leaf, bool) or kind in {LeafKind.JUDGEMENT, LeafKind.CHOICE}:
            return False
        return not (isinstance(leaf, str) and _COUNTRY.fullmatch(leaf))

    def sought(self, path: str, leaf: Any) -> Sought:
        """A leaf with every place where it stands."""
        known, (group, row) = self.leaf(path), self._group(path)
        key = (type(leaf).__name__, leaf, known and (known.kind, known.rate), row)
        if key not in self._spots:
            places = [place for text in self._texts for place in self._places_on(leaf, known, text, in_a_row=row)]
            places = places or [place for text in self._texts for place in self._laid_out(leaf, text)]
            self._spots[key] = tuple(
                [self._spot(each, order, leaf) for order, each in enumerate(places[:_MOST_PLACES])]
            )
        late = not row and known is not None and known.kind == LeafKind.NUMBER
        return Sought(path, self._field(path), group, row, self._spots[key], late)

    def doubts(self, sought: Sequence[Sought], chosen: Mapping[str, Spot]) -> dict[str, str]:
        """What speaks against the places of values."""
        return doubts(sought, chosen, self._labels, self._leaves) if self._leaves.by_path else {}

    def label(self, field: str, place: Place) -> float:
        """How unlike a field's place a place is, by its label."""
        return self._labels[place.page].cost(field, place) if self._leaves.by_path else 0.0

    def unsupported(self, sought: Sequence[Sought], chosen: Mapping[str, Spot]) -> frozenset[str]:
        """Small numbers that stand neither beside their label nor in their row: they may be anything."""
        if not self._leaves.by_path:
            return frozenset()
        small = {path for path, spot in chosen.items() if self._is_small(spot.place)}
        rows: dict[str, list[int]] = {}
        for value in sought:
            if value.row and value.path in chosen and value.path not in small:
                rows.setdefault(value.group, []).append(chosen[value.path].line)
        return frozenset(
            value.path
            for value in sought
            if value.path in small
            and self.label(value.field, chosen[value.path].place) > SURE
            and not any(abs(line - chosen[value.path].line) <= 1 for line in rows.get(value.group, ()))
        )

    def _is_small(self, place: Place) -> bool:
        """Whether a place shows a number of one digit or two and nothing else: many do so by chance."""
        words = self._by_page[place.page][1].words
        return len(place.words) == 1 and _SMALL.fullmatch(words[place.first].text) is not None

    def evidence(self, path: str, place: Place, doubt: str | None) -> Evidence:
        """A leaf that stands at a place."""
        text = self._by_page[place.page][1]
        distance = place.distance if text.by_ocr else None
        box, said = text.box_of(place), text.text_of(place)
        return Evidence(path, EvidenceState.FOUND, place.page, box, said, distance, doubt)

    def _field(self, path: str) -> str:
        steps = [step for step in path.split(".") if not step.isdecimal()]
        return ".".join(steps[1:] if self._many else steps)

    def _group(self, path: str) -> tuple[str, bool]:
        """The object that a leaf belongs to, and whether it is one of a list."""
        record = ".".join(path.split(".")[:2]) if self._many else ""
        inside = path[len(record) :].removeprefix(".")
        row = _OF_A_LIST.match(inside)
        if row:
            return f"{record}.{row[0]}" if record else row[0], True
        return path.rpartition(".")[0], False

    def _spot(self, place: Place, order: int, leaf: Any) -> Spot:
        page, text = self._by_page[place.page]
        alone = place.distance
        if place.mark is None:
            day = _day_of(leaf) if isinstance(leaf, str) else None
            said = str(leaf) if day is None else f"{day.year % 100:02}"
            alone += 0.0 if said in text.text_of(place) else _OTHER_SPELLING
        elif place.mark in {"", "-"} and is_negative(leaf) is (place.mark == ""):
            alone += _OTHER_SIGN
        return Spot(place, page * _PAGE + text.lines[place.first], *text.edges_of(place), order, alone)

    def _places_on(self, leaf: Any, known: Leaf | None, text: PageText, *, in_a_row: bool) -> list[Place]:
        kind = known.kind if known else None
        if isinstance(leaf, bool) or kind == LeafKind.JUDGEMENT:
            return []
        numbers, share = self._numbers[text.page], known is not None and known.rate
        if isinstance(leaf, int | float):
            return numbers.places(abs(Decimal(repr(leaf))), share=share) if abs(leaf) < float("inf") else []
        said = str(leaf)
        day = _day_of(said)
        if day is not None:
            return self._days_of(text).places(day, without_year=in_a_row) or [
                place for place in text_places(said, text) if _is_date_alone(said, place)
            ]
        value = _number_of(said, kind)
        if value is not None:
            return numbers.places(abs(value), share=share)
        places = text_places(said, text)
        if not places and said in CODES and kind in {None, LeafKind.CURRENCY, LeafKind.TEXT}:
            places = sign_places(said, text)
        if not places and _COUNTRY.fullmatch(said):
            places = _prefixed(said, text)
        return places

    def _laid_out(self, leaf: Any, text: PageText) -> list[Place]:
        """Where a page shows a text or a day in another order of words than the file has."""
        if not isinstance(leaf, str) or len(leaf) <= _CODE:
            return []
        day = _day_of(leaf)
        if day is not None:
            seen, order = text.as_seen
            return [seen_at(place, order) for place in self._days_of(seen).places(day)]
        places = laid_out_places(leaf, text) if any(map(str.isalpha, leaf)) else []
        if not places and text.by_ocr and _number_of(leaf, None) is None:
            places = lookalike_places(leaf, text)
        return places

    def _days_of(self, text: PageText) -> Days:
        if id(text) not in self._days:
            self._days[id(text)] = Days(text, self._years_wanted, self._order, self._years)
        return self._days[id(text)]

    @cached_property
    def _order(self) -> str | None:
        return order_of(self._texts)

    @cached_property
    def _years(self) -> frozenset[int]:
        return years_of(self._texts)

    @cached_property
    def _years_wanted(self) -> frozenset[int]:
        return frozenset(day.year for _, leaf in self._wanted if isinstance(leaf, str) and (day := _day_of(leaf)))


def _is_date_alone(said: str, place: Place) -> bool:
    """Whether digits are not those of two dates side by side."""
    return len(place.words) <= len(said.split()) or any(map(str.isalpha, said))


def _prefixed(country: str, text: PageText) -> list[Place]:
    """Where a country's code begins a tax number or an account's."""
    return [
        text.run(number, number)
        for number, word in enumerate(text.words)
        if word.text.startswith(country) and word.text[2:4].isdecimal()
    ]


def _number_of(said: str, kind: LeafKind | None) -> Decimal | None:
    """The number that a text is: of an amount any form, of a text only one with decimals or a sign.

    A leading zero belongs to an identifier: "00012" is looked for as text, and so are digits alone.
    """
    if len(said) > LONGEST:
        return None
    values = read(said, units=True).values
    if len(values) != 1:
        return None
    if kind == LeafKind.NUMBER:
        return values[0]
    plain = f"{values[0]:f}" == said
    return values[0] if plain and (kind is None or not said.isdecimal()) else None


@lru_cache(maxsize=4096)
def _day_of(said: str) -> date | None:
    if not any(map(str.isdecimal, said)):
        return None
    try:
        return read_date(said)
    except ValueError:
        return None
