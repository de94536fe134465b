"""`--rerun`: which outcomes are worked on once more."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from extractors.errors import Kind
from extractors.vocabulary import FINAL, NOT_COMPLETE, Stored


class Rerun(StrEnum):
    """Which documents a run takes."""

    CHANGED = "changed"
    """What is new or changed."""
    FAILED = "failed"
    """What is partial or quarantined too, unless all of it was answered and only values were refused."""
    WEAKER = "weaker"
    """What another endpoint than the first answered: the first one is asked."""
    OUTDATED = "outdated"
    """What another version of Octavo made."""
    ALL = "all"
    """Everything; stored replies are used again."""


LEFT_ALONE = frozenset[str]({Kind.REFUSED_VALUE, Kind.INVALID_RECORD})
"""Kinds that are no failure to `--rerun failed`: the model was asked twice, and what it said is kept."""

_STORED = {Rerun.FAILED: Stored.GOOD, Rerun.WEAKER: Stored.FIRST}


class Reached(Protocol):
    """What an extraction came to."""

    @property
    def status(self) -> str | None:
        """As the tables have it."""

    @property
    def kind(self) -> str | None:
        """Why it is not complete."""

    @property
    def stand_in(self) -> bool | None:
        """Whether another endpoint than the first answered some of it."""

    @property
    def versions(self) -> Mapping[str, str] | None:
        """Octavo's, of which it is."""


def is_done(reached: Reached, rerun: Rerun, versions: Mapping[str, str]) -> bool:
    """Whether an extraction is left as it is; `versions` are today's."""
    if reached.status not in FINAL:
        return False
    taken = {
        Rerun.CHANGED: False,
        Rerun.FAILED: reached.status in NOT_COMPLETE and reached.kind not in LEFT_ALONE,
        Rerun.WEAKER: bool(reached.stand_in),
        Rerun.OUTDATED: reached.versions != versions,
        Rerun.ALL: True,
    }
    return not taken[rerun]


def stored_of(rerun: Rerun, *, fresh: bool) -> Stored:
    """Which stored replies count."""
    return Stored.NONE if fresh else _STORED.get(rerun, Stored.ALL)
