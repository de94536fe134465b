"""The source of a run, which may be away for a while: it is asked again for as long as an endpoint would be."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from extractors.documents import ObjectRef, Spooled
from extractors.errors import SourceAway, SourceDown
from flows.storage.s3 import spool_async

_FIRST_WAIT, _LONGEST_WAIT = 0.2, 2.0
"""Seconds between two attempts; boto3 has tried some times in each."""

_FEW = 2
"""Objects that may be in trouble beside a source that is well; more of them are the source's."""


@dataclass
class Source:
    """What all documents of a run know of where they lie.

    Attributes:
        patience: seconds for which an object or a listing is asked for again.
        notice: hears, once an outage, that it is waited for.
        stopped: whether the run ends.
        answered_at: when an object was last read (monotonic).
    """

    patience: float
    notice: Callable[[str], None]
    stopped: Callable[[], bool] = lambda: False
    answered_at: float = 0.0
    _told: bool = False
    _in_vain: set[str] = field(default_factory=set)

    async def spool(self, ref: ObjectRef, folder: Path, max_bytes: int) -> Spooled:
        """`spool_async`, again and again while the source is away.

        Raises:
            TooLarge: more than `max_bytes`.
            ObjectGone: it was deleted meanwhile.
            SourceDown: it was away for as long as the run has patience.
            SourceUnavailable: this object cannot be read, and others can; or the run ends.
        """
        began, wait = time.monotonic(), _FIRST_WAIT
        try:
            while True:
                try:
                    spooled = await spool_async(ref, folder, max_bytes)
                except SourceAway as error:
                    self._in_vain.add(ref.uri)
                    self._endure(error, began)
                    await asyncio.sleep(_spread(wait))
                    wait = min(_LONGEST_WAIT, wait * 2)
                else:
                    self.answered_at, self._told = time.monotonic(), False
                    return spooled
        finally:
            self._in_vain.discard(ref.uri)

    def again(self, error: SourceAway, since: float) -> None:
        """For a listing, in its thread: waits before a page is asked for again.

        Raises:
            SourceDown: it was away for as long as the run has patience.
            SourceAway: the run ends.
        """
        self._endure(error, since)
        time.sleep(_spread(_LONGEST_WAIT))

    def _endure(self, error: SourceAway, began: float) -> None:
        """Hears of an attempt in vain; returns while there is patience."""
        if self.stopped():
            raise error
        silent = time.monotonic() - began
        if silent >= self.patience:
            if self.answered_at > began and len(self._in_vain) <= _FEW:
                raise error
            raise SourceDown(f"{error}; not for {silent:.0f} s")
        if not self._told:
            self._told = True
            self.notice(f"{error}; trying for {self.patience - silent:.0f} s more")


def _spread(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
