"""Which field's label stands beside, above or at the head of a place. Pure."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property

from extractors.answers.page_text import PageText, Place
from schemas.leaves import HEAD, Leaves

_MOST_WORDS = 6
_OWN_BESIDE, _OWN_ABOVE, _OWN_HEAD, _NONE = 0.0, 0.3, 0.5, 1.2
_OTHER_HEAD, _OTHER_ABOVE, _OTHER_BESIDE = 1.4, 1.5, 2.0
_BEHIND_A_NUMBER = 0.6
SURE = _OWN_HEAD
"""Of a field's own label, however far."""
_TWO_LINES, _NEXT_WORDS, _COUNT = 2, 3, 2
_CELL = 1.5
"""Letters' widths between two words of a label at most."""
_MEANS_MANY = 4
"""Fields that a label may be of; one of more says little."""


@dataclass(frozen=True)
class _Label:
    fields: frozenset[str]
    line: int
    x0: float
    x1: float
    last: int


_Near = tuple[_Label | None, bool, _Label | None, bool]
"""The label beside a place, whether a number stands between, the one above, and whether that is far."""


@dataclass
class Labels:
    """The labels that one page prints."""

    text: PageText
    leaves: Leaves
    _near: dict[tuple[int, ...], _Near] = field(default_factory=dict)

    def cost(self, name: str, place: Place) -> float:
        """How unlike a field's place a place is, by its label: 0 beside the field's own, 2 beside another's."""
        near = self._near.get(place.words)
        if near is None:
            near = self._near[place.words] = self._found(place)
        beside, between, head, far = near
        if beside is not None and name in beside.fields:
            return _OWN_BESIDE + (_BEHIND_A_NUMBER if between else 0.0)
        if head is not None and name in head.fields:
            return _OWN_HEAD if far else _OWN_ABOVE
        if beside is not None and not between:
            return _OTHER_BESIDE
        if head is not None:
            return _OTHER_HEAD if far else _OTHER_ABOVE
        return _NONE

    def elsewhere(self, name: str, place: Place, *, below: bool) -> str | None:
        """The field's own label, where another's stands beside a place and its own beside another value.

        Args:
            name: the field.
            place: where its value was found.
            below: whether a value may stand under its label, too.
        """
        if self.cost(name, place) < _OTHER_ABOVE and not self._is_beside_another(name, place):
            return None
        text = self.text
        for label in self._all:
            if name not in label.fields or len(label.fields) > _MEANS_MANY:
                continue
            beside = [n for n in text.of_line[label.line] if text.words[n].box[0] >= label.x1 - 0.005][:_NEXT_WORDS]
            groups = [beside, *([self._under(label)] if below else [])]
            for words in groups:
                if not set(words) & set(place.words) and any(map(self._is_value, words)):
                    return text.words[label.last].text
        return None

    def _is_beside_another(self, name: str, place: Place) -> bool:
        """Whether another field's label is right beside a place, and its own is but far above, as a table's head."""
        beside, between, _, far = self._near[place.words]
        return beside is not None and not between and far and name not in beside.fields

    def _under(self, label: _Label) -> list[int]:
        """The words on the next line that has any under a label."""
        words = self.text.words
        for line in range(label.line + 1, label.line + 1 + _TWO_LINES):
            under = [
                n
                for n in self.text.of_line.get(line, ())
                if words[n].box[0] < label.x1 and label.x0 < words[n].box[2]
            ]
            if under:
                return under
        return []

    def _is_value(self, number: int) -> bool:
        """Whether a word shows a number, a date or a code rather than a count."""
        return sum(map(str.isdecimal, self.text.words[number].text)) > _COUNT

    def _found(self, place: Place) -> _Near:
        line = self.text.lines[place.first]
        x0, x1 = self.text.edges_of(place)
        beside, between = self._beside(line, x0, place.first)
        head = self._head(line, x0, x1)
        return beside, between, head, head is not None and line - head.line > _TWO_LINES

    def _beside(self, line: int, x0: float, first: int) -> tuple[_Label | None, bool]:
        """The label to the left on the same line, and whether a number stands between.

        Of "Net total (excl. VAT)" every label counts that no number parts from the place.
        """
        here = [label for label in self._by_line.get(line, ()) if label.x1 <= x0 + 0.005 and label.last != first]
        if not here:
            return None, False
        words = [self.text.words[number] for number in self.text.of_line[line]]
        # A rate parts nothing: "VAT 19 % 345.54".
        numbers = [
            word.box[0]
            for word, behind in zip(words, [*(each.text for each in words[1:]), ""], strict=True)
            if word.box[2] <= x0 + 0.005
            and any(map(str.isdecimal, word.text))
            and "%" not in word.text
            and behind[:1] != "%"
        ]
        parted = max(numbers, default=-1.0)
        near = [label for label in here if label.x1 > parted]
        if not near:
            return max(here, key=lambda each: each.x1), True
        label = max(near, key=lambda each: each.x1)
        return replace(label, fields=frozenset().union(*(each.fields for each in near))), False

    def _head(self, line: int, x0: float, x1: float) -> _Label | None:
        """The nearest label above that shares its width."""
        above = [label for label in self._all if label.line < line and label.x0 < x1 and x0 < label.x1]
        return max(above, key=lambda label: label.line, default=None)

    @cached_property
    def _by_line(self) -> dict[int, list[_Label]]:
        found: dict[int, list[_Label]] = defaultdict(list)
        for label in self._all:
            found[label.line].append(label)
        return found

    @cached_property
    def _all(self) -> list[_Label]:
        """Every label, the longest that begins at a word."""
        text, names = self.text, self.leaves.by_label
        offsets, owners, lines = text.offsets, text.owners, text.lines
        heads = self.leaves.heads
        found, at, count = [], 0, len(text.tokens)
        while at < count:
            step = 1
            if text.tokens[at][:HEAD] in heads:
                for end in range(self._end_of_cell(at), at, -1):
                    fields = names.get(text.letters[offsets[at] : offsets[end]])
                    if fields is not None:
                        first, last = text.words[owners[at]].box, text.words[owners[end - 1]].box
                        found.append(_Label(fields, lines[owners[at]], first[0], last[2], owners[end - 1]))
                        step = end - at
                        break
            at += step
        return found

    def _end_of_cell(self, at: int) -> int:
        """Behind the last token that a label may have which begins at one: heads of two columns are two labels."""
        text, end = self.text, at + 1
        while end < min(at + _MOST_WORDS, len(text.tokens)):
            before, owner = text.owners[end - 1], text.owners[end]
            if owner != before and (text.lines[owner] != text.lines[before] or text.gap(before, owner) > _CELL):
                break
            end += 1
        return end
