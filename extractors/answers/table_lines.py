"""A page's words as lines: where cells begin and end, and whether a line adds others up. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from extractors.answers.page_text import in_lines
from extractors.documents import Box, Word
from schemas.currencies import CODES
from schemas.folding import fold

_GAP = 1.3
"""Letters' widths between two cells of a line; two words of one are closer."""
_ROUNDING = 1e-4
"""By how much less the box of a value differs from its words'."""
_SUMS_NAMED = """
    total totals subtotal sum summe summen gesamt übertrag uebertrag vortrag saldovortrag saldo anfangssaldo endsaldo
    brought carried reporter solde totaal tussentotaal subtotaal suma sumas totale totali subtotale riporto
"""
_SUMS = frozenset(map(fold, _SUMS_NAMED.split()))
"""Words of lines that add others up, or carry a sum on, folded."""
_SUMS_ENDING = tuple(map(fold, ("summe", "betrag", "kontostand")))
"""How such words end where they are compounds: "Zwischensumme", "Gesamtbetrag"."""
_AMBIGUOUS_NAMED = """
    balance forward opening closing report transport vat tax mwst ust tva btw iva net netto brutto gross due amount
"""
_AMBIGUOUS = frozenset(map(fold, _AMBIGUOUS_NAMED.split()))
"""Words of such lines that goods may be named with: "Transport to York", "Net curtain"."""
_CURRENCIES = frozenset(map(fold, CODES))


@dataclass(frozen=True)
class Line:
    """Words at one height of a page, from left to right."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """Their letters and digits, folded: what two copies of a line share."""
        return "".join([_folded(word.text) for word in self.words])

    @property
    def top(self) -> float:
        """Where its first word begins, from above."""
        return self.words[0].box[1]

    def ends_a_cell(self, at: int, *, behind: bool) -> bool:
        """Whether a cell begins at a word, or ends behind it: in running text the next word is a blank away."""
        word = self.words[at]
        beside = at + 1 if behind else at - 1
        if not 0 <= beside < len(self.words) or not any(map(str.isalnum, self.words[beside].text)):
            return True
        other = self.words[beside]
        gap = other.box[0] - word.box[2] if behind else word.box[0] - other.box[2]
        return gap > _GAP * (word.box[2] - word.box[0]) / len(word.text)

    @property
    def numbers(self) -> list[str]:
        """Those of its words that show one."""
        return [word.text for word in self.words if any(map(str.isdecimal, word.text))]

    @property
    def names_a_sum(self) -> bool:
        """Whether a word says that it adds up others, or carries a sum on."""
        return any(map(_is_a_sum, self._names))

    @property
    def may_name_a_sum(self) -> bool:
        """Whether a word says so that also names goods."""
        return not _AMBIGUOUS.isdisjoint(self._names)

    @property
    def names_only_a_sum(self) -> bool:
        """Whether all of its words say so; numbers and currencies aside."""
        names = [name for name in self._names if name not in _CURRENCIES]
        return bool(names) and all(name in _AMBIGUOUS or _is_a_sum(name) for name in names)

    @property
    def _names(self) -> list[str]:
        return [_folded(word.text) for word in self.words if any(map(str.isalpha, word.text))]


@dataclass(frozen=True)
class Lined:
    """A page, line by line.

    Attributes:
        lines: from top to bottom.
        tops: of each word its top, its line's position, its left and its right edge; ordered.
    """

    lines: Sequence[Line]
    tops: Sequence[tuple[float, int, float, float]]

    def line_at(self, box: Box) -> int | None:
        """The position of the line on which a value with this box begins."""
        left, top, right, _ = box
        found: list[int] = []
        for above, at, begin, end in islice(self.tops, bisect_left(self.tops, (top - 2 * _ROUNDING,)), None):
            if above - top >= _ROUNDING:
                break
            if top - above < _ROUNDING and begin >= left - _ROUNDING and end <= right + _ROUNDING:
                found.append(at)
        return min(found, default=None)


def lined(words: Sequence[Word]) -> Lined:
    """A page's words, line by line."""
    lines = [Line(tuple(sorted([words[number] for number in line], key=_left))) for line in in_lines(words)]
    tops = [(word.box[1], at, word.box[0], word.box[2]) for at, line in enumerate(lines) for word in line.words]
    return Lined(lines, sorted(tops))


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    return fold(text)


def _left(word: Word) -> float:
    return word.box[0]


def _is_a_sum(name: str) -> bool:
    return name in _SUMS or name.endswith(_SUMS_ENDING)
