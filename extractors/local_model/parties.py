"""Who issued a document and whom it addresses: by a printed role, a legal form, or the place on page one."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from extractors.local_model.blocks import (
    SALUTATIONS,
    Block,
    address_of,
    block_under,
    blocks,
    name_of,
    postal,
    street,
    titled,
)
from extractors.local_model.vocabulary import COMPANY_SUFFIXES, ISSUER_LABELS, RECIPIENT_LABELS
from extractors.pages.lines import Line, ReadPage, Segment
from schemas.folding import fold

_TOP = 0.4  # of the page's height: letterheads end above
_LETTERHEAD = 3  # name, street, town
_LIKELY_WORDS = 8  # a company's name has no more
_SENDER_LINE = re.compile(r"\s+[-–—·•*|]\s+|\s*[·•|]\s*")


def _form(printed: str) -> str:
    """The pattern of a legal form: short ones in their own letters or in capitals, "ag" and "co" are words too."""
    short = sum(map(str.isalpha, printed)) <= 3  # noqa: PLR2004
    spelled = dict.fromkeys((printed, printed.upper())) if short else (printed,)
    loose = (re.sub(r"\\\.|\\ ", lambda m: r"\.?" if "." in m[0] else r"\s?", re.escape(one)) for one in spelled)
    return "|".join(one if short else f"(?i:{one})" for one in loose)


_SUFFIX = re.compile(
    rf"(?<![\w.])(?:{'|'.join(map(_form, sorted(COMPANY_SUFFIXES, key=len, reverse=True)))})(?!\w)\.?"
)
# "Hall Co. (North) Ltd", "Trading House Ltd": a name goes on to its last legal form.
_GOES_ON = re.compile(rf"(?:[ &,]*|\s*(?:\([^\d()]*\)\s*)?(?:[A-Z][^\W\d]+ ){{0,2}})(?:{_SUFFIX.pattern})")
_OWNER = re.compile(r"(?i)(?:inh|inhaber|owner|prop|gf|geschäftsführer|gérant)\b")
_SMALL = 0.9  # likewise, of the sender's line over an address
_LARGER = 1.5  # a heading's height beside that of the line it outdoes


@dataclass(frozen=True)
class Party:
    """A company or person on a document.

    Attributes:
        name: as printed.
        address: postal address in one line, or "".
        page: index of the page it stands on.
        block: the segments that speak of it.
    """

    name: str
    address: str
    page: int
    block: Block

    def holds(self, page: int, number: int, segment: Segment) -> bool:
        """Whether a segment on a page's line speaks of it, by where it stands."""
        return page == self.page and self.block.holds(number, segment)


def parties(pages: Sequence[ReadPage], named: dict[str, tuple[str, ...]]) -> dict[str, Party]:
    """The `issuer` and the `recipient`, as far as they are found.

    Args:
        pages: of one document.
        named: for each role, the labels that the schema declares for it.
    """
    if not pages or not pages[0].lines:
        return {}
    found: dict[str, Party] = {}
    stops = {
        fold(label)
        for label in (*ISSUER_LABELS, *RECIPIENT_LABELS, *named.get("issuer", ()), *named.get("recipient", ()))
    }
    recipient = _announced(pages, (*named.get("recipient", ()), *RECIPIENT_LABELS), stops)
    issuer = _announced(pages, (*named.get("issuer", ()), *ISSUER_LABELS), stops)
    issuer = issuer or _sender_line(pages[0]) or _company(pages[0], recipient) or _topmost(pages[0], recipient)
    if issuer:
        found["issuer"] = issuer
    recipient = recipient or _address_window(pages[0], issuer)
    if recipient:
        found["recipient"] = recipient
    return found


def _announced(pages: Sequence[ReadPage], labels: Iterable[str], stops: set[str]) -> Party | None:
    """The party under or beside a printed role, as `Bill to:`; earlier labels are surer."""
    order = {fold(label): place for place, label in reversed(list(enumerate(labels)))}
    best: tuple[int, Party] | None = None
    for page in pages[:2]:
        for line in page.lines:
            for at, segment in enumerate(line.segments):
                head, colon, rest = segment.text.partition(":")
                place = order.get(fold(head))
                if place is None or (best and place >= best[0]):
                    continue
                if rest.strip() and not _nameish(rest):
                    continue
                under = block_under(page, line, segment, stops)
                party = _beside(line, at, rest, under, colon=bool(colon)) or _party(under, line.page)
                if party:
                    best = (place, party)
    return best[1] if best else None


def _beside(line: Line, at: int, rest: str, under: Block | None, *, colon: bool) -> Party | None:
    """The name after a printed role and its colon; what stands under it speaks of the same party."""
    below = under.parts if under else ()
    if colon and _nameish(rest):
        return Party(rest.strip(), "", line.page, Block(((line.number, line.segments[at]), *below)))
    after = line.segments[at + 1 : at + 2]
    if (
        colon
        and not rest.strip()
        and after
        and _nameish(after[0].text)
        and after[0].x0 - line.segments[at].x1 < 8 * line.height
    ):
        return Party(after[0].text.strip(" :"), "", line.page, Block(((line.number, after[0]),)))
    return None


def _party(block: Block | None, page: int) -> Party | None:
    if block is None:
        return None
    name = name_of(block)
    return Party(name, address_of(block, name), page, block) if name else None


def _sender_line(page: ReadPage) -> Party | None:
    """The small line over a letter's address window: name, street and town, with dashes or dots between."""
    for line in page.lines:
        if line.top > _TOP * page.height:
            break
        following = page.lines[line.number + 1 : line.number + 2]
        for segment in line.segments:
            parts = [part.strip() for part in _SENDER_LINE.split(segment.text) if part.strip()]
            if len(parts) < _LETTERHEAD and any(segment.height < _SMALL * lower.height for lower in following):
                parts = [part.strip() for part in segment.text.split(",")]
            if (
                len(parts) >= _LETTERHEAD
                and postal(segment.text)
                and _nameish(parts[0])
                and not _OWNER.match(parts[0])
                and not re.search(r"\d", parts[0])
                and len(parts[0].split()) < _LIKELY_WORDS
            ):
                return Party(parts[0], ", ".join(parts[1:]), line.page, Block(((line.number, segment),)))
    return None


def _company(page: ReadPage, recipient: Party | None) -> Party | None:
    """The first line with a legal form that is not the recipient's: at the top, else anywhere below."""
    low: Party | None = None
    for line in page.lines:
        for segment in line.runs:
            name = company_name(segment.text)
            if not name or _is(recipient, name, line, segment) or _addressed(page, line, segment):
                continue
            if segment.score < 0.7:  # noqa: PLR2004 - smudges
                continue
            party = _with_address(page, line, segment, name)
            if line.top <= _TOP * page.height:
                return party
            low = low or party
    top = _topmost(page, recipient)
    return top if top and _prominent(page, top) else low


def _addressed(page: ReadPage, line: Line, segment: Segment) -> bool:
    """Whether a salutation stands right above, as over an addressee: `Firma`, `Herrn`, `Mme`."""
    return any(
        fold(upper.text) in SALUTATIONS and abs(upper.x0 - segment.x0) < segment.height
        for above in page.lines[max(0, line.number - 2) : line.number]
        for upper in above.segments
    )


def _is(party: Party | None, name: str, line: Line, segment: Segment) -> bool:
    return party is not None and (fold(name) == fold(party.name) or party.holds(line.page, line.number, segment))


def company_name(text: str) -> str:
    """The company that a line begins with, its legal form included; "" when it has none."""
    match = _SUFFIX.search(text)
    if match is None:
        return ""
    if re.match(r"\s+\w*\d", text[match.end() :]) and match[0].isalpha():
        return ""  # "Fernhollow, AB T9Z 9Z9": a province before its postcode
    end = match.end()
    while (more := _GOES_ON.match(text, end)) is not None:
        end = more.end()
    name = re.sub(r"(?i)^\W*(?:[^:]*:\s*|attn\W+|from\W+|by\W+)?", "", text[:end]).strip(" -,;:")
    long = len(name.split()) > _LIKELY_WORDS
    return "" if long or not _nameish(name) or fold(name) == fold(match[0]) else name


def _topmost(page: ReadPage, recipient: Party | None) -> Party | None:
    """The first line that can be a name, or a much larger one soon after it."""
    plausible: list[tuple[Line, Segment]] = []
    for line in page.lines:
        if line.top > _TOP * page.height:
            break
        plausible += [(line, s) for s in line.runs if _heading(s) and not _is(recipient, s.text, line, s)]
    # A letterhead may have its address beside its name, and a pixel higher.
    plausible = [one for one in plausible if not _in_address(page, *one)] or plausible
    if not plausible:
        return None
    best = plausible[0]
    for line, segment in plausible[1:8]:
        if segment.height > _LARGER * best[1].height:
            best = (line, segment)
    return _with_address(page, best[0], best[1], re.sub(r"\s*\([^)]*\d[^)]*\)\s*$", "", best[1].text).strip())


def _in_address(page: ReadPage, line: Line, segment: Segment) -> bool:
    return postal(segment.text) or street(segment.text, block_under(page, line, segment, set(), reach=2.0))


def _prominent(page: ReadPage, party: Party) -> bool:
    heights = sorted(line.height for line in page.lines)
    line = page.lines[min(number for number, _ in party.block.parts)]
    return line.height >= 1.15 * heights[len(heights) // 2] or line.number <= 1


def _heading(segment: Segment) -> bool:
    said = fold(segment.text)
    digits = sum(c.isdigit() for c in said)
    return (
        segment.score >= 0.75  # noqa: PLR2004 - handwriting and logos read worse
        and len(said) - digits >= 3  # noqa: PLR2004 - a name has three letters
        and digits <= 0.4 * len(said)
        and not titled(segment.text)
        and not re.search(r"[@:]|www\.|(?i:\btel\b|\bfax\b|\bpage\b|\bseite\b)", segment.text)
        and len(segment.text.split()) <= _LIKELY_WORDS
    )


def _with_address(page: ReadPage, line: Line, segment: Segment, name: str) -> Party:
    name = _with_line_above(page, line, segment, name)
    block = block_under(page, line, segment, set(), reach=2.0)
    own = (line.number, segment)
    return Party(
        name, address_of(block, name) if block else "", line.page, Block((own, *(block.parts if block else ())))
    )


def _with_line_above(page: ReadPage, line: Line, segment: Segment, name: str) -> str:
    """A name set in two lines: the legal form stands under the first half, at the same size."""
    if line.number == 0 or not _SUFFIX.search(name) or len(name.split()) > 3:  # noqa: PLR2004 - a second half is short
        return name
    for upper in page.lines[line.number - 1].segments:
        near = 0 <= segment.y0 - upper.y1 < 0.8 * segment.height or abs(segment.y0 - upper.y1) < 0.5 * segment.height
        alike = 0.6 < upper.height / segment.height < 1.7 and min(upper.x1, segment.x1) > max(upper.x0, segment.x0)  # noqa: PLR2004 - the same size
        if (
            near
            and alike
            and _heading(upper)
            and not postal(upper.text)
            and not _SUFFIX.search(upper.text)
            and fold(upper.text) not in fold(name)
        ):
            return f"{upper.text} {name}"
    return name


def _address_window(page: ReadPage, issuer: Party | None) -> Party | None:
    """The first block on the upper half that reads like an address and is not the issuer's."""
    for found in blocks(page, 0.5):
        # The sender's small line stands right above the addressee.
        block = found.after(issuer.block, issuer.name) if issuer else found
        if block is None or (block != found and len(block.parts) < _LETTERHEAD):
            continue
        if any(postal(line) for line in block.texts[1:]):
            party = _party(block, 0)
            if party:
                return party
    return None


def _nameish(text: str) -> bool:
    said = fold(text)
    letters = sum(c.isalpha() for c in said)
    return letters >= 3 and letters > sum(c.isdigit() for c in said)  # noqa: PLR2004 - a name has three letters
