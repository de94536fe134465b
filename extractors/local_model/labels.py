"""Where the printed names of fields stand on the pages: the longest name wins, and each keeps its surroundings."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from extractors.local_model.vocabulary import CONCEPTS, TURNING_WORDS, word_set
from extractors.local_model.wanted import Field
from extractors.pages.lines import Line, Segment
from schemas.folding import Folded, fold, folded, words

_INSIDE_WORD = 5  # letters of a name that may end a compound: HandelsRECHNUNGNR
_MISREAD, _MISREAD_SURE = 8, 0.88  # only long, sure names are recognised with a wrong letter
_ALONE = 3  # names this short must be all that the label says
_GLUED = re.compile(r"[-/_]?\d")  # "PO-7781" is a number, not the label of one
_INCLUDED = re.compile(
    r"(?i)\b(?:incl\w*|inkl\w*|inclucive|with|mit|avec|ttc|con|met)\.?\s*(?:of\s|de\s|la\s|der\s)?(?:\d+\s?%\s?)?"
    r"(?:gst|vat|tax(?:es)?|tva|mwst|ust|btw|iva|sst)?\b\.?(?:@?\s?\d+\s?%)?"
)
_EXCLUDED = re.compile(
    r"(?i)\b(?:excl\w*|exkl\w*|ex|exc|ohne|hors|sin|zzgl|before)\.?\s*(?:gst|vat|tax|tva|mwst|ust|btw|iva)\b\.?"
)
_BRACKETED = re.compile(r"(?<=\w)\s*\([^)]*\)?")
_FILLERS = re.compile(
    r"(?i)\b(?:zzgl|zuzügl(?:ich)?|zuz|abzgl|davon|enth(?:alten|ält)?|darin|plus|add|más|dont|waarvan)\b\.?"
)
_WITHOUT = frozenset({"without", "before", "excluding", "net"})
_TAX_TURNS = word_set(
    "excl excluding exclusive ohne hors ht net netto before excluido excluido gst tax vat tva btw iva ust mwst sst"
)


@dataclass(frozen=True)
class Label:
    """A field's printed name at a place.

    Attributes:
        key: which field.
        line: where it stands.
        at: index of its segment in the line.
        start: index of its first character in the segment's text.
        end: index after its last character.
        sure: how surely this name means the field, 0 to 1, its surroundings counted.
    """

    key: str
    line: Line
    at: int
    start: int
    end: int
    sure: float

    @property
    def segment(self) -> Segment:
        """The segment it stands in."""
        return self.line.segments[self.at]


@dataclass(frozen=True)
class Names:
    """The printed names of several fields, ready to be looked up.

    Attributes:
        fields: by key.
        known: for each folded name, the fields it may mean and how surely.
        near: names with one letter replaced by `?`, for labels that the recogniser misread.
        lengths: of the names, longest first.
    """

    fields: Mapping[str, Field]
    known: Mapping[str, tuple[tuple[str, float], ...]]
    near: Mapping[str, str]
    lengths: tuple[int, ...]


def names_of(fields: Mapping[str, Field]) -> Names:
    """The names of fields under their keys."""
    known: dict[str, list[tuple[str, float]]] = {}
    for key, field in fields.items():
        for name, sure in field.names:
            known.setdefault(name, []).append((key, sure))
    lengths = tuple(sorted({len(name) for name in known}, reverse=True))
    near = {
        f"{name[:i]}?{name[i + 1 :]}": name
        for name, entries in known.items()
        if len(name) >= _MISREAD and max(sure for _, sure in entries) >= _MISREAD_SURE
        for i in range(len(name))
    }
    return Names(fields, {name: tuple(entries) for name, entries in known.items()}, near, lengths)


def labels_in(lines: Iterable[Line], names: Names) -> list[Label]:
    """Every place where a field's name is printed, in reading order."""
    found: list[Label] = []
    for line in lines:
        for at, segment in enumerate(line.segments):
            spans = _spans(folded(segment.text), names)
            for place, (start, end, name, factor) in enumerate(spans):
                left = spans[place - 1][1] if place else 0
                right = spans[place + 1][0] if place + 1 < len(spans) else len(segment.text)
                around = _surroundings(segment.text, start, end, left, right)
                for key, sure in names.known[name]:
                    rated = sure * factor * _fit(names.fields[key], name, around)
                    found.append(Label(key, line, at, start, end, rated))
    return found


def is_label(segment: Segment, names: Names) -> bool:
    """Whether a segment is mainly some field's name, and so no value of another."""
    text = segment.text.strip()
    if text.endswith(":"):
        return True
    if 2 * sum(character.isdigit() for character in text) > len(fold(text)):
        return False  # "01-02-2024 t/m 29-02-2024"
    spans = [span for span in _spans(folded(text), names) if len(span[2]) > _ALONE or not _GLUED.match(text, span[1])]
    covered = sum(len(name) for _, _, name, _ in spans)
    return bool(spans) and covered >= 0.7 * len(fold(re.sub(r"\b\d[\d.,]*\b|%", " ", text)))


def without_inclusions(text: str) -> str:
    """The text with blanks for `incl. VAT`, `(ex GST)` and the like, which name no column of their own."""
    for aside in (_INCLUDED, _EXCLUDED, _BRACKETED):
        text = aside.sub(lambda match: " " * len(match[0]), text)
    return text


def _spans(text: Folded, names: Names) -> list[tuple[int, int, str, float]]:
    """Names found in a text as (start, end) in the original, longest first choice, none over another."""
    taken: list[tuple[int, int, str, float]] = []
    for length in names.lengths:
        for start in range(len(text.text) - length + 1):
            name = text.text[start : start + length]
            if name in names.known and _whole(text, start, start + length):
                factor = 1.0 if start in text.starts else 0.75
                if all(start + length <= s or start >= e for s, e, _, _ in taken):
                    taken.append((start, start + length, name, factor))
    if not taken:
        taken = _misread(text, names)
    places = text.places
    return [(places[s], places[e - 1] + 1, name, factor) for s, e, name, factor in sorted(taken)]


def _misread(text: Folded, names: Names) -> list[tuple[int, int, str, float]]:
    """The longest name that stands in a text but for one letter: `brevious balance`."""
    for length in (length for length in names.lengths if length >= _MISREAD):
        for start in sorted(text.starts):
            if start + length not in text.starts:
                continue
            said = text.text[start : start + length]
            for i in range(length):
                name = names.near.get(f"{said[:i]}?{said[i + 1 :]}")
                if name is not None:
                    return [(start, start + length, name, 0.9)]
    return []


def _whole(text: Folded, start: int, end: int) -> bool:
    ends = end in text.starts or (text.text[end : end + 1] in {"s", "n", "e"} and end + 1 in text.starts)
    return ends and (start in text.starts or end - start >= _INSIDE_WORD)


@dataclass(frozen=True)
class _Around:
    """The words beside a name in the same label, whether it opens its segment, whether digits touch it."""

    beside: str
    words: frozenset[str]
    opens: bool
    glued: bool


def _surroundings(text: str, start: int, end: int, left: int, right: int) -> _Around:
    before = _FILLERS.sub(" ", re.split(r"[:;|,]|\s[-–]\s", text[left:start])[-1])
    after = re.split(r"[:\d$€£|]|\s[-–]\s", _INCLUDED.sub(" ", text[end:right]), maxsplit=1)[0]
    plain = re.sub(r"\([^)]*\)?", " ", f"{before} {after}")
    return _Around(
        beside=fold(plain),
        words=frozenset(words(f"{before} {after}")),
        opens=not re.sub(r"[\d%]", "", fold(before)),
        glued=_GLUED.match(text, end) is not None,
    )


def _fit(field: Field, name: str, around: _Around) -> float:
    """How well a name fills its label, 0 to 1: `Total` alone says more than `Total` among other words."""
    letters = len(re.sub(r"[\d%]", "", around.beside))
    coverage = len(name) / (len(name) + letters)
    if len(name) <= _ALONE and (letters > 2 or not around.opens or around.glued):  # noqa: PLR2004 - an OCR crumb is no word
        return 0.2
    excused = field.words | set(_parts(name)) | {other for word in field.words for other in CONCEPTS.get(word, ())}
    if field.about & _WITHOUT:
        excused |= _TAX_TURNS
    turned = around.words & TURNING_WORDS - excused
    return (0.4 + 0.6 * coverage) * (0.4 if turned else 1.0)


def _parts(name: str) -> list[str]:
    """Turning words that a name itself contains, so that `ordernumber` is not turned by `order`."""
    return [word for word in TURNING_WORDS if word in name]
