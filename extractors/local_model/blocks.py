"""Blocks of lines set under each other, as addresses are; what in them is a name and what an address."""

import re
from dataclasses import dataclass
from itertools import pairwise

from extractors.local_model.vocabulary import COUNTRIES, TITLE_WORDS, word_set
from extractors.pages.lines import Line, ReadPage, Segment, shared
from schemas.folding import fold, words

_MOST_LINES = 9
_MOST_ADDRESS = 6
_CLOSE = 1.3  # times the step between the lines above
_REGION = re.compile(r"^(?:[^\W\d]+[. ,]*){1,4}$")
SALUTATIONS = word_set("herr herrn frau firma mr mrs ms m mme monsieur madame dhr mevr sr sra sig an to a")
_HEADING = re.compile(
    r"(?i)^(?:[\w-]*adres\w*|[\w-]*anschrift|(?:billing|shipping|delivery|invoice|mailing|postal|remit\w*) address)\b"
    r"|^(?:invoice|facture|avoir|rechnung|factuur|factura|fattura|order|your order|receipt)\b.*\d"
)
_POSTAL = re.compile(
    r"\b(?:[A-Z]{1,2}-)?\d{4,6}\s+[^\W\d]{2,}|\b\d{4}\s?[A-Z]{2}\b|\b[A-Z]{2},?\s+\d{2} ?\d{3}(?:-\d{4})?\b"
    r"|\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b|\b[A-Z]\d[\dW] ?(?=\d*[A-Z])[A-Z\d]{4}\b"
    r"|\b(?:SINGAPORE|Singapore)\s+\d{6}\b"
)
_NO_ADDRESS = re.compile(
    r"(?i)@|www\.|https?:|^\(.*\)$|^(?!(?:no|lot|unit|addr?|address|adres\w*|anschrift)\b)[^\W\d][^:,\d]{1,20}:"
    r"|\b(?:tel|fax|h/?p|phone|telefon|e-?mail|mobile|gln|gst|vat|ust|siret|tva|btw|kvk|iban|bic|reg|co\.? ?no|nummer"
    r"|id|account|steuernummer|hrb|invoice|date)\b\.?\s*(?:[.:#\d(]|no\b)"
    r"|\d{9,}|^\+\d|^\(?\d[\d ()/-]{6,}$|\b\d{2,4}-\d{3,4} ?\d{3,5}\b|^\W*\(?[\d-]+-[A-Z]\)?$"
)


@dataclass(frozen=True)
class Block:
    """Segments under each other, each with the number of its line on the page."""

    parts: tuple[tuple[int, Segment], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """What its lines say."""
        return tuple(segment.text for _, segment in self.parts)

    def holds(self, number: int, segment: Segment) -> bool:
        """Whether a segment on the line of that number stands within the block's width."""
        left, right = min(s.x0 for _, s in self.parts), max(s.x1 for _, s in self.parts)
        return any(number == own for own, _ in self.parts) and segment.x0 < right and segment.x1 > left

    def after(self, other: "Block", name: str) -> "Block | None":
        """What of it follows another block and every line with a name; None when nothing does."""
        said = fold(name)
        start = max(
            (at for at, part in enumerate(self.parts, start=1) if part in other.parts or said in fold(part[1].text)),
            default=0,
        )
        return Block(self.parts[start:]) if start < len(self.parts) else None


def postal(text: str) -> bool:
    """Whether a line holds a postcode and town, or is a country."""
    return _POSTAL.search(text) is not None or fold(text) in COUNTRIES


def block_under(page: ReadPage, line: Line, segment: Segment, stops: set[str], reach: float = 3.0) -> Block | None:
    """What stands under a segment, aligned with it, up to a gap or another heading; None when nothing does.

    Args:
        page: where it stands.
        line: the segment's line.
        segment: the heading.
        stops: folded headings at which the block ends.
        reach: how far down its first line may be, in letter heights.
    """
    parts: list[tuple[int, Segment]] = []
    above, left, right = segment, segment.x0, segment.x1
    for lower in page.lines[line.number + 1 :]:
        gap = lower.middle - above.middle
        if gap > (reach if not parts else 2.2) * max(above.height, lower.height) or len(parts) >= _MOST_LINES:
            break
        runs = lower.runs
        aligned = [s for s in runs if _aligned(s, left, right, segment.height)]
        if not aligned:
            continue
        first = aligned[0]
        if fold(first.text.partition(":")[0]) in stops:
            break
        beside = runs[runs.index(first) + 1 :]
        if beside and beside[0].text.startswith((":", "：")):
            above = first
            continue
        parts.append((lower.number, first))
        above, left, right = first, min(left, first.x0), max(right, first.x1)
    return Block(tuple(parts)) if parts else None


def blocks(page: ReadPage, until: float) -> list[Block]:
    """Left-aligned blocks of the page's upper part, from top to bottom.

    Args:
        page: where to look.
        until: the fraction of the page's height to stop at.
    """
    found: list[list[tuple[int, Segment]]] = []
    for line in page.lines:
        if line.top > until * page.height:
            break
        for segment in line.segments:
            for group in reversed(found):
                _, above = group[-1]
                smaller = min(above.height, segment.height)
                near = (
                    0 < segment.middle - above.middle < 2.5 * smaller
                    and max(above.height, segment.height) < 1.6 * smaller
                )
                if near and abs(segment.x0 - above.x0) < 0.9 * above.height:
                    group.append((line.number, segment))
                    break
            else:
                found.append([(line.number, segment)])
    return [Block(tuple(group)) for group in found if len(group) > 1]


def name_of(block: Block) -> str:
    """The first line that can be a name; "" when none can."""
    for text in block.texts:
        plain = re.sub(r"(?i)^\s*(?:attn|attention|z\.? ?hd\.?|name|firma)\b[:.]?\s*", "", text).strip(" :,")
        letters = sum(c.isalpha() for c in plain)
        if fold(plain) in SALUTATIONS or plain.startswith("(") or _HEADING.search(plain):
            continue
        if letters >= 3 and not _NO_ADDRESS.search(plain) and not _POSTAL.match(plain):  # noqa: PLR2004 - a name has three letters
            return plain
    return ""


def titled(text: str) -> bool:
    """Whether a line is no more than a document's title, numbered perhaps."""
    return re.sub(r"\d", "", fold(text)) in TITLE_WORDS or set(words(text)) <= TITLE_WORDS


def street(text: str, under: Block | None) -> bool:
    """Whether a line is a street's: it has a number, and the next one under it that has one is the town's."""
    following = under.texts if under else ()
    numbered = next((line for line in following if re.search(r"\d", line) or postal(line)), "")
    return re.search(r"\d", text) is not None and postal(numbered)


def address_of(block: Block, name: str) -> str:
    """Street to town in one line, with the region or country that follows; "" without a street or town.

    Args:
        block: the party's lines, with its name or without.
        name: the party's.
    """
    kept: list[str] = []
    town, step = False, 0.0
    for (_, above), (_, segment) in pairwise((block.parts[0], *block.parts)):
        text, before, step = segment.text, step, segment.middle - above.middle
        other = bool(_NO_ADDRESS.search(text)) or titled(text)
        if not kept and (other or text.endswith(name) or text.startswith(name) or not re.search(r"\d|,$", text)):
            continue
        # What follows the town is a region or a country: few words set as close as the lines above, no other line.
        region = postal(text) or (_REGION.match(text) and step < _CLOSE * (before or step))
        if other or (town and not region) or len(kept) >= _MOST_ADDRESS:
            break
        kept.append(text.strip(" ,"))
        town = town or postal(text)
    return ", ".join(kept)


def _aligned(segment: Segment, left: float, right: float, height: float) -> bool:
    if left - 1.5 * height <= segment.x0 <= left + 2.5 * height:
        return True
    return shared(segment, Segment("", left, 0, right, 1)) > 0.6  # noqa: PLR2004 - centred lines
