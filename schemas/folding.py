"""Text made comparable: no case, accents, spaces or punctuation, each character with its place in the original."""

import unicodedata
from dataclasses import dataclass
from itertools import pairwise

_SPELLED = {"#": "no", "№": "no", "°": "o", "ß": "ss", "×": "x", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l"}


@dataclass(frozen=True)
class Folded:
    """A text reduced to `a-z0-9%`.

    Attributes:
        text: the reduced text.
        places: for each of its characters, the index in the original.
        starts: indexes at which a word begins; `len(text)` is one, so a word ends where another starts.
    """

    text: str
    places: tuple[int, ...]
    starts: frozenset[int]


def without_accents(text: str) -> str:
    """Every character as its letters and digits, in any script, without its marks: `ﬁancé` is `fiance`."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def fold(text: str) -> str:
    """The reduced text alone: `Invoice No.` -> `invoiceno`, `N° TVA` -> `notva`."""
    return folded(text).text


def folded(text: str) -> Folded:
    """Reduces a text and remembers places and word starts."""
    letters: list[str] = []
    places: list[int] = []
    starts = set()
    before = ""
    for place, character in enumerate(text):
        reduced = _reduced(character)
        if reduced and _begins_word(before, character):
            starts.add(len(letters))
        letters.extend(reduced)
        places.extend([place] * len(reduced))
        before = character
    starts.add(len(letters))
    return Folded("".join(letters), tuple(places), frozenset(starts))


def words(text: str) -> list[str]:
    """Folded words of a text or of a field's name: `totalAmount_due` -> `total`, `amount`, `due`."""
    whole = folded(text)
    bounds = sorted(whole.starts)
    return [whole.text[start:end] for start, end in pairwise(bounds)]


def _reduced(character: str) -> str:
    if character in _SPELLED:
        return _SPELLED[character]
    kept = (c for c in unicodedata.normalize("NFKD", character).lower() if c.isascii() and (c.isalnum() or c == "%"))
    return "".join(kept)


def _begins_word(before: str, character: str) -> bool:
    if not before or not before.isalnum():
        return True
    return (before.islower() and character.isupper()) or before.isdigit() != character.isdigit()
