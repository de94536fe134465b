"""The values beside a field's printed names: in the same segment, to the right, or below."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractors.local_model.evidence import Evidence
from extractors.local_model.labels import Label, Names, is_label
from extractors.local_model.readings import Reading, reading
from extractors.local_model.wanted import Field
from extractors.pages.lines import Line, ReadPage, Segment, below
from schemas.folding import fold

_BESIDE, _UNDER, _HEADED, _HEAD = 0.97, 0.8, 0.9, 0.7
_APART = 6  # letter heights between columns rather than between a label and its value
_UNIT_LETTERS = 3  # "EUR", "von", "of": passed over on the way to an amount
_NUMBERS = frozenset({"amount", "rate", "quantity", "integer"})
_FREE = frozenset({"text", "enum"})


@dataclass(frozen=True)
class Candidate:
    """A value that may be a field's.

    Attributes:
        key: the field's.
        found: the value.
        score: how surely it is the field's, 0 to 1.
        label: the printed name that it stands beside.
        page: index of its page.
        line: number of its line.
        segment: where it stands.
    """

    key: str
    found: Reading
    score: float
    label: Label
    page: int
    line: int
    segment: Segment


def candidates(
    field: Field, label: Label, pages: Sequence[ReadPage], names: Names, evidence: Evidence
) -> list[Candidate]:
    """The values that stand where a label's value may stand, nearest first."""
    page = pages[label.line.page]
    found = []
    for line, segment, text, direction in _places(field, label, page, names):
        read = reading(field, text, evidence)
        if read is not None:
            score = label.sure * direction * (0.7 + 0.3 * read.looks)
            found.append(Candidate(label.key, read, score, label, line.page, line.number, segment))
    return found


def _places(field: Field, label: Label, page: ReadPage, names: Names) -> Iterator[tuple[Line, Segment, str, float]]:
    rest = label.segment.text[label.end :]
    # Free text follows its label after a colon only; "Customer service is open" is no customer.
    if rest.strip() and (field.kind not in _FREE or re.match(r"\s*[:=]", rest)):
        yield label.line, label.segment, rest, 1.0
    yield from _to_the_right(field, label, page, names)
    yield from _under(label, page, names)


def _to_the_right(
    field: Field, label: Label, page: ReadPage, names: Names
) -> Iterator[tuple[Line, Segment, str, float]]:
    after = []
    for segment in label.line.segments[label.at + 1 :]:
        if is_label(segment, names) and not (field.kind == "currency" and len(segment.text) == 3):  # noqa: PLR2004 - "EUR"
            break
        after.append(segment)
    run = _number_run(after) if field.kind in _NUMBERS else after[:2]
    if field.kind == "text":
        run = list(replace(label.line, segments=tuple(after)).runs[:1]) if after else []
    for place, segment in enumerate(run):
        gap = max(0.0, segment.x0 - label.segment.x1) / page.width
        weight = 0.1 if field.kind in _NUMBERS else 0.3
        # The sum stands at the end of a row of numbers; of other values the next one is meant.
        order = place - len(run) + 1 if field.kind in _NUMBERS else -place
        # Two heads side by side, each with its own text below: the right one is no value of the left one.
        apart = field.kind in _FREE and segment.x0 - label.segment.x1 > _APART * segment.height
        head = apart and _heads(page, label.line, label.segment) and _heads(page, label.line, segment)
        yield label.line, segment, segment.text, (_BESIDE - weight * gap + 0.05 * order) * (_HEAD if head else 1.0)


def _heads(page: ReadPage, line: Line, segment: Segment) -> bool:
    """Whether something stands right below a segment, flush with it on the left."""
    under = below(page, line, segment, reach=1.2)
    return any(abs(lower.x0 - segment.x0) < 0.5 * segment.height for _, lower in under)


def _number_run(after: Sequence[Segment]) -> list[Segment]:
    """The numbers that follow a label, over units and signs, up to the next words."""
    run: list[Segment] = []
    skipped = 0
    for segment in after:
        letters = len(re.sub(r"[\d%]", "", fold(segment.text)))
        if re.search(r"\d", segment.text) and letters <= 2 * _UNIT_LETTERS:
            run.append(segment)
        elif letters > _UNIT_LETTERS:
            skipped += 1
            if run or skipped > 1:
                break
    return run


def _under(label: Label, page: ReadPage, names: Names) -> Iterator[tuple[Line, Segment, str, float]]:
    segment = label.segment
    whole = len(fold(segment.text[label.start : label.end])) >= 0.7 * len(fold(segment.text))
    upper = segment if whole else segment.part(label.start, label.end)
    headed = any(is_label(other, names) for other in label.line.segments if other is not segment)
    for depth, (line, lower) in enumerate(below(page, label.line, upper)[:3]):
        if is_label(lower, names):
            break
        yield line, lower, lower.text, (_HEADED if headed else _UNDER) - 0.06 * depth
