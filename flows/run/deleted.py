"""`--deleted`: what becomes of the records of objects that their source does not show any more."""

from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING

from flows.store.gone import note_gone
from flows.store.types import clean_text

if TYPE_CHECKING:
    from flows.run.document import Run


class Deleted(StrEnum):
    """What becomes of the records of deleted objects."""

    KEEP = "keep"
    """They stay in the views."""
    RETIRE = "retire"
    """They leave the views and exports, until their bytes come back."""


class Listing:
    """What a run's sources showed, as hashes: some 60 bytes an object.

    Attributes:
        whole: prefixes of which all was listed.
    """

    def __init__(self) -> None:
        self.whole: list[str] = []
        self._began = datetime.now(UTC)
        self._seen: set[int] = set()

    def add(self, uri: str) -> None:
        """Something was listed."""
        self._seen.add(_hash(clean_text(uri)))

    def showed(self, uri: str) -> bool:
        """Whether something was listed, or is in a folder that was passed over as a whole."""
        if uri.startswith("file://") and "/" in (above := uri.rpartition("/")[0]).removeprefix("file://"):
            return _hash(uri) in self._seen or self.showed(above)
        return _hash(uri) in self._seen

    async def conclude(self, run: "Run", deleted: Deleted) -> None:
        """Notes in the store what is gone, and tells it.

        Raises:
            StoreUnavailable: it cannot be written.
        """
        count, retire = 0, deleted == Deleted.RETIRE
        for prefix in dict.fromkeys(self.whole):
            count += await run.store.run(
                run.store.transact, note_gone, prefix, self.showed, since=self._began, retire=retire
            )
        if count:
            became = "left the views" if retire else "stay (--deleted retire takes them out of the views)"
            run.watch.notice(f"{count} documents are gone from the source: their records {became}")


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="surrogateescape"), digest_size=8).digest())
