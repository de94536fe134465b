"""Where OCR read a text, taking some letters for others: by a weighted edit distance. Pure.

A letter taken for one that looks like it (0/O, 1/l, 5/S) costs half an edit, another letter, a lost or an added one
costs one. Words may differ by an eighth of their letters; of what holds digits only lookalikes may differ, and a
digit is never another digit: an amount or a number that is nearly right is wrong.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from extractors.answers.page_text import TOKEN, PageText, Place, folded
from schemas.amounts import read

_ALIKE = ("0oqd", "1li", "5s", "8b", "2z", "6g", "9g", "4a", "uv", "ce", "rnm", "hn", "ft")
_PAIRS = frozenset((one, other) for group in _ALIKE for one in group for other in group if one != other)
_LOOKALIKE, _OTHER, _DIGIT = 0.5, 1.0, 4.0
"""What a lookalike costs, another letter, and a digit that is lost, added or another."""
_SHARE, _MOST = 8, 12.0
"""Of so many letters of words one may differ; and so many edits at most."""
_SEED, _STARTS, _LONGEST = 3, 6, 160
_OF_A_CODE = 0.9
"""Of a number or code one letter may be a lookalike, and none another."""


def lookalike_places(value: str, text: PageText) -> list[Place]:
    """The places where OCR may have read the value, the nearest ones, each with its distance."""
    tokens = TOKEN.findall(folded(value))
    needle = "".join(tokens)
    if not _SEED < len(needle) <= _LONGEST:
        return []
    numbered = any(map(str.isdecimal, needle))
    if numbered and read(value, units=True).values:
        return []
    coded = numbered and len(value.split()) == 1
    most = _OF_A_CODE if coded else min(_MOST, len(needle) / _SHARE)
    found: dict[tuple[int, ...], Place] = {}
    for start in _starts(tokens, text):
        distance, first, last = _compared(needle, text.letters, start, most)
        if distance > most or last <= first:
            continue
        words = _words(first, last, text)
        if words not in found or found[words].distance > distance:
            found[words] = replace(Place(text.page, words), distance=distance)
    nearest = min((place.distance for place in found.values()), default=0.0)
    return [place for place in found.values() if place.distance == nearest]


def _starts(tokens: list[str], text: PageText) -> Iterator[int]:
    """Where in the page's letters the value may begin, by the pieces of its words that stand there."""
    seen: set[int] = set()
    offset = 0
    for token in tokens:
        for at in range(0, max(1, len(token) - _SEED + 1), _SEED):
            seed = token[at : at + _SEED]
            place = text.letters.find(seed) if len(seed) == _SEED else -1
            count = 0
            while place >= 0 and count < _STARTS:
                start = max(0, place - offset - at)
                if not any(abs(start - other) <= 1 for other in seen):
                    seen.add(start)
                    yield start
                place = text.letters.find(seed, place + 1)
                count += 1
        offset += len(token)


def _compared(needle: str, letters: str, start: int, most: float) -> tuple[float, int, int]:
    """The least distance to a stretch of letters that begins about there, and where that begins and ends."""
    slack = int(most) + 1
    begin, end = max(0, start - slack), min(len(letters), start + len(needle) + slack)
    window = letters[begin:end]
    # A row for each letter of the value: (distance, where the stretch begins); it may begin anywhere.
    added = [_DIGIT if shown.isdecimal() else _OTHER for shown in window]
    row = [(0.0, at) for at in range(len(window) + 1)]
    for letter in needle:
        lost = _DIGIT if letter.isdecimal() else _OTHER
        nxt = [(row[0][0] + lost, row[0][1])]
        for at, shown in enumerate(window):
            same = row[at][0] + _cost(letter, shown)
            options = (
                (same, row[at][1]),
                (row[at + 1][0] + lost, row[at + 1][1]),
                (nxt[at][0] + added[at], nxt[at][1]),
            )
            nxt.append(min(options))
        row = nxt
    last = min(range(len(row)), key=lambda at: row[at][0])
    return row[last][0], begin + row[last][1], begin + last


def _cost(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if one.isdecimal() and other.isdecimal():
        return _DIGIT
    return _LOOKALIKE if (one, other) in _PAIRS else _OTHER


def _words(first: int, last: int, text: PageText) -> tuple[int, ...]:
    """The words that a stretch of letters lies in, without those of which it has but a letter."""
    tokens = range(bisect_right(text.offsets, first) - 1, bisect_right(text.offsets, last - 1))
    kept = [token for token in tokens if _share(token, first, last, text) > 1 / _SEED]
    return tuple(dict.fromkeys(text.owners[token] for token in kept or tokens))


def _share(token: int, first: int, last: int, text: PageText) -> float:
    """How much of a token lies in a stretch of letters."""
    begin, end = text.offsets[token], text.offsets[token + 1]
    return (min(last, end) - max(first, begin)) / (end - begin)
