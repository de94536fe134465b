"""`--rerun`: which outcomes are worked on once more."""

from enum import StrEnum

from extractors.errors import Kind
from extractors.vocabulary import FINAL, NOT_COMPLETE


class Rerun(StrEnum):
    """Which documents a run takes."""

    CHANGED = "changed"
    """What is new or changed."""
    FAILED = "failed"
    """What is partial or quarantined too, unless all of it was answered and only values were refused."""
    ALL = "all"
    """Everything; stored replies are used again."""


DONE_AGAIN = {
    Rerun.CHANGED: frozenset[str](),
    Rerun.FAILED: frozenset[str](NOT_COMPLETE),
    Rerun.ALL: frozenset[str](FINAL),
}
"""The outcomes that are worked on once more."""


LEFT_ALONE = {
    Rerun.CHANGED: frozenset[str](),
    Rerun.FAILED: frozenset[str]({Kind.REFUSED_VALUE, Kind.INVALID_RECORD}),
    Rerun.ALL: frozenset[str](),
}
"""Kinds that are not worked on all the same: the model was asked twice, and what it said is kept."""


def is_done(status: str | None, kind: str | None, rerun: Rerun) -> bool:
    """Whether an extraction of this status and kind is left as it is."""
    return status in FINAL and (status not in DONE_AGAIN[rerun] or kind in LEFT_ALONE[rerun])
