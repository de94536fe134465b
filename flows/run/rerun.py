"""`--rerun`: which outcomes are worked on once more."""

from enum import StrEnum

from extractors.vocabulary import FINAL, NOT_COMPLETE


class Rerun(StrEnum):
    """Which documents a run takes."""

    CHANGED = "changed"
    """What is new or changed."""
    FAILED = "failed"
    """What is partial or quarantined too."""
    ALL = "all"
    """Everything; stored replies are used again."""


DONE_AGAIN = {
    Rerun.CHANGED: frozenset[str](),
    Rerun.FAILED: frozenset[str](NOT_COMPLETE),
    Rerun.ALL: frozenset[str](FINAL),
}
"""The outcomes that are worked on once more."""


def is_done(status: str | None, rerun: Rerun) -> bool:
    """Whether an extraction of this status is left as it is."""
    return status in FINAL and status not in DONE_AGAIN[rerun]
