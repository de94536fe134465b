"""The closed vocabularies: each word once in the code, and once in the docs."""

from enum import StrEnum
from pathlib import Path

import pytest

from extractors.errors import Kind, OctavoError
from extractors.vocabulary import DocumentStatus, EvidenceState, IssueKind, PageStatus

STORE = (Path(__file__).resolve().parents[2] / "docs" / "store.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [DocumentStatus, PageStatus, IssueKind, EvidenceState, Kind])
def test_every_word_is_documented(words: type[StrEnum]) -> None:
    """Whoever queries the tables finds each status and kind in docs/store.md."""
    assert [word for word in words if f"`{word}`" not in STORE] == []


def test_every_error_has_a_kind_of_its_own() -> None:
    """The tree and the enum hold the same kinds, but for a defect, and for blank pages alone, which are no error."""
    found: list[type[OctavoError]] = [OctavoError]
    for each in found:
        found += each.__subclasses__()
    assert {each.kind for each in found} == set(Kind) - {Kind.DEFECT, Kind.ALL_BLANK}
