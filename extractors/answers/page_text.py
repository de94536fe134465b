"""A page's words, indexed for looking things up: letters without what stands between them, lines, neighbours. Pure.

Spelling, case, accents and line breaks do not matter; what stands beside, before and under a word does.
"""

import re
import statistics
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate

from extractors.documents import Box, PageWords, Word
from schemas.amounts import plain_characters
from schemas.folding import without_accents

TOKEN = re.compile(r"[^\W_]+")
_SPELLED = dict.fromkeys(map(ord, "\u00ad™℠"), "") | str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"}
)
"""Signs that are not read, and letters that many write as others."""
CLOSE = 1.2
"""Letters' widths between two words of one cell at most; cells are farther apart."""


@dataclass(frozen=True)
class Place:
    """Words on one page, by their positions; mostly a run.

    Attributes:
        page: its number.
        words: positions in the page's words.
        mark: the sign that a number is printed with: "" for none, "-", "?" for a dash beside it, "debit" or "credit";
            None of what is no number.
        distance: how far OCR's letters are from the value's.
    """

    page: int
    words: tuple[int, ...]
    mark: str | None = None
    distance: float = 0.0

    @property
    def first(self) -> int:
        """The first word's position."""
        return self.words[0]

    @property
    def words_at(self) -> tuple[int, tuple[int, ...]]:
        """Its page and words: two places with the same are one."""
        return self.page, self.words


@dataclass
class PageText:
    """One page's words, indexed.

    Attributes:
        page: its number.
        words: what a reader sees, in reading order.
        by_ocr: read from the picture.
        printed: the words' texts, a line each.
        tokens: letters and digits that stand together, folded.
        owners: the word of each token.
        offsets: where each token begins in `letters`, and its end at last.
        letters: all tokens without anything between them.
    """

    page: int
    words: Sequence[Word]
    by_ocr: bool
    printed: str
    tokens: list[str]
    owners: list[int]
    offsets: list[int]
    letters: str
    _cells: dict[int, list[int]] = field(default_factory=dict, repr=False)

    @cached_property
    def plain(self) -> str:
        """`printed` with plain digits and spaces."""
        return plain_characters(self.printed)

    @cached_property
    def starts(self) -> list[int]:
        """Where each word begins in `printed`, and its end at last."""
        return list(accumulate((len(word.text) + 1 for word in self.words), initial=0))

    @cached_property
    def height(self) -> float:
        """Of the page's words, the usual: one line."""
        return statistics.median_low([word.box[3] - word.box[1] for word in self.words]) or 0.01

    @cached_property
    def lines(self) -> list[int]:
        """Of each word, its line's number from the top."""
        found = [0] * len(self.words)
        for line, numbers in enumerate(in_lines(self.words)):
            for number in numbers:
                found[number] = line
        return found

    @cached_property
    def of_line(self) -> dict[int, list[int]]:
        """Line number -> its words, from left to right."""
        found: dict[int, list[int]] = defaultdict(list)
        for number, line in enumerate(self.lines):
            found[line].append(number)
        for numbers in found.values():
            numbers.sort(key=lambda number: self.words[number].box[0])
        return found

    def cell_of(self, number: int) -> list[int]:
        """The words of a word's line that stand together with it, from left to right."""
        if number not in self._cells:
            cell: list[int] = []
            for each in self.of_line[self.lines[number]]:
                if not cell or self.gap(cell[-1], each) > CLOSE:
                    cell = []
                cell.append(each)
                self._cells[each] = cell
        return self._cells[number]

    @cached_property
    def as_seen(self) -> tuple["PageText", list[int]]:
        """The page with its words line by line, as a reader goes through them, and the position of each here."""
        order: list[int] = []
        for _, line in sorted(self.of_line.items()):
            order += line[::-1] if any(map(self.is_from_right, line)) else line
        return indexed(self.page, PageWords([self.words[number] for number in order], by_ocr=self.by_ocr)), order

    def is_from_right(self, number: int) -> bool:
        """Whether a word is of a script that is written from right to left."""
        text = self.words[number].text
        return not text.isascii() and any(unicodedata.bidirectional(character) in {"R", "AL"} for character in text)

    @cached_property
    def at(self) -> dict[str, list[int]]:
        """Token -> where it stands."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, token in enumerate(self.tokens):
            found[token].append(number)
        return dict(found)

    @cached_property
    def first_tokens(self) -> list[int]:
        """Of each word, the position of its first token."""
        firsts = [len(self.tokens)] * (len(self.words) + 1)
        for token in range(len(self.owners) - 1, -1, -1):
            firsts[self.owners[token]] = token
        return firsts

    def gap(self, before: int, after: int) -> float:
        """How far a word stands behind another on its line, in letters' widths; far when on another line."""
        one, other = self.words[before], self.words[after]
        if abs(one.box[1] + one.box[3] - other.box[1] - other.box[3]) > one.box[3] - one.box[1]:
            return 99.0
        letters = len(one.text) + len(other.text)
        width = (one.box[2] - one.box[0] + other.box[2] - other.box[0]) / letters if letters else 0.0
        return (other.box[0] - one.box[2]) / width if width > 0 else 99.0

    def is_close(self, first: int, last: int) -> bool:
        """Whether words stand together as those of one cell do, or as the letters of one that is set wide."""
        letters = all(len(word.text) == 1 for word in self.words[first : last + 1])
        most = 3 * CLOSE if letters and last - first > 1 else CLOSE
        return all(-CLOSE < self.gap(number, number + 1) <= most for number in range(first, last))

    def run(self, first: int, last: int) -> Place:
        """The words from one to another."""
        return Place(self.page, tuple(range(first, last + 1)))

    def text_of(self, place: Place) -> str:
        """What stands there."""
        return " ".join([self.words[number].text for number in place.words])

    def edges_of(self, place: Place) -> tuple[float, float]:
        """Where its words begin, and where they end, as fractions of the page's width."""
        left, _, right, _ = self.words[place.first].box
        for number in place.words[1:]:
            box = self.words[number].box
            left, right = min(left, box[0]), max(right, box[2])
        return left, right

    def box_of(self, place: Place) -> Box:
        """Around its words."""
        boxes = [self.words[number].box for number in place.words]
        if len(boxes) == 1:
            left, top, right, bottom = boxes[0]
            return round(left, 5), round(top, 5), round(right, 5), round(bottom, 5)
        return (
            round(min(box[0] for box in boxes), 5),
            round(min(box[1] for box in boxes), 5),
            round(max(box[2] for box in boxes), 5),
            round(max(box[3] for box in boxes), 5),
        )


def in_lines(words: Sequence[Word]) -> list[list[int]]:
    """Positions of a page's words, line by line from the top: a table's cells are often apart in reading order."""
    found: list[list[int]] = []
    line: list[int] = []
    # Sums of top and bottom: twice the distance of the middles.
    edges = [(box[1] + box[3], number, box[3] - box[1]) for number, (_, box) in enumerate(words)]
    before = 0.0
    for middle, number, height in sorted(edges):
        if not line or middle - before > height:
            found.append(line := [])
        line.append(number)
        before = middle
    return found


def indexed(page: int, seen: PageWords) -> PageText:
    """A page's words, ready to be looked up."""
    tokens: list[str] = []
    owners: list[int] = []
    texts = [word.text for word in seen.words]
    printed = "\n".join(texts)
    if printed.count("\n") >= len(texts):
        printed = "\n".join([text.replace("\n", " ") for text in texts])
    for number, text in enumerate(folded(printed).split("\n")):
        if text.isalnum():
            tokens.append(text)
            owners.append(number)
        else:
            found = TOKEN.findall(text)
            tokens += found
            owners += [number] * len(found)
    offsets = list(accumulate(map(len, tokens), initial=0))
    return PageText(page, seen.words, seen.by_ocr, printed, tokens, owners, offsets, "".join(tokens))


def folded(text: str) -> str:
    """Case and accents do not matter: "MÜNCHEN" is "munchen", and ß is ss."""
    if text.isascii():
        return text.lower()
    return _folded(text)


@lru_cache(maxsize=256)
def _folded(text: str) -> str:
    return without_accents(text.casefold().replace("°", "o ").replace("×", "x").translate(_SPELLED))
