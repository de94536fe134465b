"""What was read from pages, and what stands beside and below what. Lengths are pixels of the page image."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_BLANK = 0.6  # letter heights: what stands further apart does not read on
_NARROW, _WIDE = frozenset("iljtf.,:;'|!()[]I1 "), frozenset("mwMWGOQ@%&")


@dataclass(frozen=True)
class Segment:
    """A stretch of text without a wide gap: what the text detector boxed.

    Attributes:
        text: as read.
        x0: left edge, in pixels.
        y0: top edge.
        x1: right edge.
        y1: bottom edge.
        score: the recogniser's confidence, 0 to 1.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    score: float = 1.0

    @property
    def height(self) -> float:
        """The height of its letters, about."""
        return self.y1 - self.y0

    @property
    def middle(self) -> float:
        """The height of its middle on the page."""
        return (self.y0 + self.y1) / 2

    def part(self, start: int, end: int) -> "Segment":
        """The characters from `start` to `end`; their edges are estimated from the letters' widths."""
        widths = [_width(character) for character in self.text]
        scale = (self.x1 - self.x0) / (sum(widths) or 1.0)
        left = self.x0 + scale * sum(widths[:start])
        right = self.x0 + scale * sum(widths[:end])
        return Segment(self.text[start:end], left, self.y0, right, self.y1, self.score)

    def words(self) -> "list[Segment]":
        """Its words."""
        found, at = [], 0
        for word in self.text.split():
            start = self.text.index(word, at)
            at = start + len(word)
            found.append(self.part(start, at))
        return found


def joined(segments: Sequence[Segment]) -> Segment:
    """Segments of one line as one, a blank between their texts; the least sure says how sure it is."""
    return Segment(
        " ".join(segment.text for segment in segments),
        segments[0].x0,
        min(segment.y0 for segment in segments),
        segments[-1].x1,
        max(segment.y1 for segment in segments),
        min(segment.score for segment in segments),
    )


@dataclass(frozen=True)
class Line:
    """Segments at one height, from left to right. `page` counts from 0, `number` is the line's on its page."""

    page: int
    number: int
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """Its segments, one blank between them."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def runs(self) -> "tuple[Segment, ...]":
        """Its segments, those joined that stand no more than a blank apart."""
        groups: list[list[Segment]] = []
        for segment in self.segments:
            if groups and segment.x0 - groups[-1][-1].x1 < _BLANK * self.height:
                groups[-1].append(segment)
            else:
                groups.append([segment])
        return tuple(map(joined, groups))

    @property
    def top(self) -> float:
        """The upper edge."""
        return min(segment.y0 for segment in self.segments)

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return max(segment.y1 for segment in self.segments)

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return statistics.fmean(segment.middle for segment in self.segments)

    @property
    def height(self) -> float:
        """The height of its letters."""
        return statistics.median(segment.height for segment in self.segments)


@dataclass(frozen=True)
class ReadPage:
    """A page as read: its size in pixels and its lines from top to bottom."""

    width: int
    height: int
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The plain text, a line each."""
        return "\n".join(line.text for line in self.lines)


def grouped(segments: Iterable[Segment], page: int = 0) -> tuple[Line, ...]:
    """Segments as lines: two stand on one line when their middles differ by less than half the smaller height.

    Two of which one stands under the other are two lines, however close they are.
    """
    groups: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda one: (one.middle, one.x0)):
        for group in reversed(groups[-4:]):
            middle = statistics.fmean(other.middle for other in group)
            smaller = min(segment.height, *(other.height for other in group))
            under = any(shared(segment, other) > 0.5 for other in group)  # noqa: PLR2004 - boxes of one line may touch
            if abs(segment.middle - middle) < smaller * 0.5 and not under:
                group.append(segment)
                break
        else:
            groups.append([segment])
    groups.sort(key=lambda group: statistics.fmean(one.middle for one in group))
    return tuple(
        Line(page, number, tuple(sorted(group, key=lambda one: one.x0))) for number, group in enumerate(groups)
    )


def renumbered(pages: Sequence[ReadPage]) -> tuple[ReadPage, ...]:
    """The same pages, each line knowing its page's place in the document."""
    return tuple(
        ReadPage(page.width, page.height, tuple(Line(at, line.number, line.segments) for line in page.lines))
        for at, page in enumerate(pages)
    )


def shared(one: Segment, other: Segment) -> float:
    """How much of the narrower one's width both cover, 0 to 1."""
    both = min(one.x1, other.x1) - max(one.x0, other.x0)
    return max(0.0, both) / (min(one.x1 - one.x0, other.x1 - other.x0) or 1.0)


def below(page: ReadPage, line: Line, segment: Segment, reach: float = 3.0) -> list[tuple[Line, Segment]]:
    """Segments under another that share its width, from top to bottom.

    Args:
        page: where both stand.
        line: the upper one's line.
        segment: the upper one.
        reach: how far down to look, in letter heights below the segment's lower edge.
    """
    limit = segment.y1 + reach * segment.height
    found = []
    for lower in page.lines[line.number + 1 :]:
        if lower.top > limit:
            break
        found += [(lower, other) for other in lower.segments if shared(segment, other) > 0.2]  # noqa: PLR2004 - touching edges do not count
    return found


def _width(character: str) -> float:
    if character in _NARROW:
        return 0.55
    if character in _WIDE:
        return 1.4
    return 1.15 if character.isupper() else 1.0
