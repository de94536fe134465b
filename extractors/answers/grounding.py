"""Value -> the page and box where it stands, or visibly ungrounded. Pure.

A value is looked for by what it means, not only by its spelling: 1234.56 is found as "1.234,56 €",
2024-03-31 as "31. März 2024", EUR as "€", a name over a line break or inside split words. Where a
value stands in several places, the one nearest to the rest of its row is taken, and two rows never
share a place while another is free.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from extractors.answers import printed
from extractors.answers.printed import PageText, Place
from extractors.documents import Evidence, PageWords
from extractors.vocabulary import EvidenceState
from schemas.amounts import read
from schemas.currencies import CODES
from schemas.dates import read_date


def ground(value: Mapping[str, Any], pages: Mapping[int, PageWords]) -> tuple[Evidence, ...]:
    """Looks for every leaf that is not null.

    Args:
        value: one window's answer.
        pages: page number -> the words that a reader sees there.

    Returns:
        One entry a leaf, in the value's order; without page and box where nothing was found.
    """
    texts = [printed.indexed(page, seen.words) for page, seen in pages.items() if seen.words]
    whole = all(seen.whole and seen.words for seen in pages.values())
    taken: set[Place] = set()
    found: dict[str, Evidence] = {}
    for group in _groups(value):
        for path, place in _placed(group, texts, taken).items():
            found[path] = _evidence(path, place, texts)
    return tuple(_judged(found[path], leaf, whole=whole) for path, leaf in _leaves(value))


def _judged(found: Evidence, leaf: Any, *, whole: bool) -> Evidence:
    """What is not found cannot be told where words are missing, and of a judgement."""
    if found.state == EvidenceState.FOUND or (whole and not isinstance(leaf, bool)):
        return found
    return Evidence(found.path, EvidenceState.NOT_CHECKABLE)


def share_grounded(evidence: Sequence[Evidence]) -> float | None:
    """Found / (found + not found); None where nothing could be checked."""
    states = Counter(item.state for item in evidence)
    checked = states[EvidenceState.FOUND] + states[EvidenceState.NOT_FOUND]
    return round(states[EvidenceState.FOUND] / checked, 4) if checked else None


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaves(child, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _leaves(child, f"{path}.{number}" if path else str(number))
    elif value is not None:
        yield path, value


def _groups(value: Mapping[str, Any]) -> list[list[tuple[str, Any]]]:
    """Leaves of one object together: a table's row, a party, the record's own fields."""
    groups: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    for path, leaf in _leaves(value):
        groups[path.rpartition(".")[0]].append((path, leaf))
    return list(groups.values())


def _placed(group: list[tuple[str, Any]], texts: list[PageText], taken: set[Place]) -> dict[str, Place | None]:
    """A place for each leaf: the rarest value anchors the row, the others stand nearest to it."""
    choices = {path: [place for text in texts for place in _places(leaf, text)] for path, leaf in group}
    by_page = {text.page: text for text in texts}
    anchor: Place | None = None
    placed: dict[str, Place | None] = {}
    for path, _ in sorted(group, key=lambda item: len(choices[item[0]]) or 1 << 30):
        free = [place for place in choices[path] if place not in taken] or choices[path]
        if not free:
            placed[path] = None
            continue
        best = free[0] if anchor is None else _nearest(free, anchor, by_page)
        anchor = anchor or best
        placed[path] = best
        if "." in path:
            taken.add(best)
    return placed


def _nearest(free: list[Place], anchor: Place, texts: Mapping[int, PageText]) -> Place:
    return min(free, key=lambda place: _distance(place, anchor, texts))


def _distance(place: Place, anchor: Place, texts: Mapping[int, PageText]) -> tuple[int, float, int]:
    """How far from the anchor: pages first, then vertically on the page, then in reading order."""
    here = texts[place.page].words[place.first].box
    there = texts[anchor.page].words[anchor.first].box
    return abs(place.page - anchor.page), round(abs(here[1] - there[1]), 3), abs(place.first - anchor.first)


def _places(leaf: Any, text: PageText) -> list[Place]:
    if isinstance(leaf, bool):
        return []
    if isinstance(leaf, int | float):
        return printed.amount_places(Decimal(repr(leaf)), text)
    said = str(leaf)
    day = _day_of(said)
    if day is not None:
        return printed.date_places(day, text) or printed.text_places(said, text)
    values = read(said, units=True).values
    # A leading zero belongs to an identifier: "00012" is looked for as text.
    if len(values) == 1 and f"{values[0]:f}" == said:
        return printed.amount_places(values[0], text)
    places = printed.text_places(said, text) or _split_places(said, text)
    if not places:
        places = [place for value in values for place in text.number_places.get(abs(value), ())]
    if not places and said in CODES:
        places = printed.sign_places(said, text)
    return places


def _split_places(value: str, text: PageText) -> list[Place]:
    """A value of several parts ("Main Street 1, 12345 Town") whose parts stand apart, each near the first."""
    parts = [part for part in re.split(r"[,;\n]", value) if printed.TOKEN.search(part)]
    found = [printed.text_places(part, text) for part in parts]
    if len(parts) < 2 or not all(found):  # noqa: PLR2004 - fewer is not several
        return []
    first = found[0][0]
    chosen = [_nearest(places, first, {text.page: text}) for places in found]
    return [Place(text.page, tuple(sorted({number for place in chosen for number in place.words})))]


@lru_cache(maxsize=4096)
def _day_of(said: str) -> date | None:
    if not any(map(str.isdecimal, said)):
        return None
    try:
        return read_date(said)
    except ValueError:
        return None


def _evidence(path: str, place: Place | None, texts: Sequence[PageText]) -> Evidence:
    if place is None:
        return Evidence(path, EvidenceState.NOT_FOUND)
    page_words = next(text.words for text in texts if text.page == place.page)
    words = [page_words[number] for number in place.words]
    boxes = [word.box for word in words]
    box = (
        round(min(b[0] for b in boxes), 5),
        round(min(b[1] for b in boxes), 5),
        round(max(b[2] for b in boxes), 5),
        round(max(b[3] for b in boxes), 5),
    )
    return Evidence(path, EvidenceState.FOUND, place.page, box, " ".join(word.text for word in words))
