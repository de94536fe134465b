"""Records that are kept -> their evidence anew, when more words of their pages are known. Pure."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractors.answers.grounding import ground
from extractors.documents import Evidence, PageWords
from schemas.leaves import Leaves


@dataclass(frozen=True)
class Kept:
    """A record as it is stored.

    Attributes:
        data: its values.
        evidence: what was told of them: a leaf without an entry was not read from the page.
        pages: that it was read from.
    """

    data: Mapping[str, Any]
    evidence: tuple[Evidence, ...]
    pages: tuple[int, ...]


def grounded_anew(kept: Sequence[Kept], words: Mapping[int, PageWords], leaves: Leaves) -> list[tuple[Evidence, ...]]:
    """The evidence of a document's records, in their order.

    Those that were read from the same pages are placed together, so that no two take one place.

    Args:
        kept: the records.
        words: of every page that they were read from.
        leaves: what the schema says of their values.
    """
    together: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, record in enumerate(kept):
        together[record.pages].append(number)
    found: dict[int, tuple[Evidence, ...]] = {}
    for pages, numbers in together.items():
        value = {"records": [_read(kept[n].data, {item.path for item in kept[n].evidence}) for n in numbers]}
        told = {item.path: item for item in ground(value, {page: words[page] for page in pages}, leaves, many=True)}
        for place, number in enumerate(numbers):
            found[number] = tuple(
                replace(told.get(f"records.{place}.{item.path}", item), path=item.path)
                for item in kept[number].evidence
            )
    return [found[number] for number in range(len(kept))]


def _read(value: Any, paths: Collection[str], path: str = "") -> Any:
    """The value with those leaves alone that were read from the page: null in the place of the others."""
    if isinstance(value, Mapping):
        return {name: _read(child, paths, f"{path}.{name}" if path else str(name)) for name, child in value.items()}
    if isinstance(value, list):
        return [
            _read(child, paths, f"{path}.{number}" if path else str(number)) for number, child in enumerate(value)
        ]
    return value if path in paths else None
