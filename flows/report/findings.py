"""What the report says of looking for a record's values on its pages. Pure."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from extractors.vocabulary import EvidenceState
from flows.store.counts import StoredRecord

_LONGEST, _MOST_NAMED = 300, 20
"""Characters shown of one value, and pages named in one line."""


def pages_with_values(record: StoredRecord) -> Counter[int]:
    """Its pages, each with how many values were found there."""
    return Counter(item["page"] for item in record.evidence if item["page"] is not None)


def state_of(found: Mapping[str, Any] | None) -> EvidenceState:
    """What became of looking for a value, by its evidence; of one without, nothing can be told."""
    return EvidenceState(found["state"]) if found else EvidenceState.NOT_CHECKABLE


def told_of(path: str, value: Any, found: Mapping[str, Any] | None, record: StoredRecord) -> str:
    """Where a value was found; or why it was not, or could not be."""
    state = state_of(found)
    if found and state == EvidenceState.FOUND:
        read = f", which OCR read as {shortened(found['text'])!r}" if found["distance"] else ""
        return f"{path}: found on page {found['page']}{read}"
    if state == EvidenceState.NOT_FOUND:
        return f"{path}: stands nowhere on the pages"
    why = "a judgement, or a number too small to be told from others"
    if not record.evidence:
        why = "values were not looked for (--ground off)"
    elif not found:
        why = "it was not read from the page, but made of other values"
    elif isinstance(value, bool):
        why = "a judgement, which no page prints"
    elif record.wordless:
        why = f"{_pages(record.wordless)} no words to look in"
    return f"{path}: not checkable: {why}"


def _pages(numbers: Sequence[int]) -> str:
    told = ", ".join(map(str, numbers[:_MOST_NAMED])) + (" ..." if len(numbers) > _MOST_NAMED else "")
    return f"page {told} has" if len(numbers) == 1 else f"pages {told} have"


def share_told(record: StoredRecord) -> str:
    """How many of a record's values were found, of those that could be checked."""
    states = Counter(item["state"] for item in record.evidence)
    found, missing = states[EvidenceState.FOUND], states[EvidenceState.NOT_FOUND]
    if record.grounded is None:
        return "not checked"
    more = states[EvidenceState.NOT_CHECKABLE]
    return f"{100 * record.grounded:.0f} % grounded: {found} of {found + missing} found" + (
        f", {more} not checkable" if more else ""
    )


def notes_of(record: StoredRecord, drawn: Collection[int]) -> Iterator[str]:
    """What is to be said beside a record's pages, some of which are drawn."""
    with_values = set(pages_with_values(record))
    undrawn = len(with_values - set(drawn))
    if drawn and undrawn:
        yield f"{undrawn} more pages hold values" if undrawn > 1 else "one more page holds values"
    if record.wordless:
        which = "it" if len(record.wordless) == 1 else "them"
        how = f"`octavo ground {record.schema_name}` reads {which} by OCR"
        yield f"{_pages(record.wordless)} no words, or not all, in which values could be looked for: {how}"
    elif drawn and not with_values and record.grounded is not None:
        yield "none of the values was found"


def shortened(text: object) -> str:
    """One line of at most 300 characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
