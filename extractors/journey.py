"""What every document of a run shares on its way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from extractors.asking import planning
from extractors.documents import PageImage, PageWords, Reply, VisionRequest
from extractors.pages.limits import Limits
from extractors.pages.workers import Workers
from extractors.vision.metering import Meter
from extractors.vocabulary import Ground, Stored


class Asks(Protocol):
    """What the pipeline needs of the vision client."""

    async def ask(self, request: VisionRequest, meter: Meter, stored: Stored = Stored.ALL) -> Reply:
        """Sends one question, or finds its stored reply."""

    def judge(self, reply: Reply, *, valid: bool) -> None:
        """Hears whether an answer was of the schema's structure: bad values are the document's."""

    @property
    def most_pictures(self) -> int:
        """That every endpoint takes in one request."""

    @property
    def most_bytes(self) -> int:
        """Bytes of images that every endpoint takes in one request."""


@dataclass(frozen=True)
class Journey:
    """What every document of a run shares.

    Attributes:
        plan: how to ask.
        split: how to ask for each of the schemas that the documents inside a file may have; none: a file is one
            document (`extractors.bundles`).
        look_tokens: of such files, what the small pictures of 1, 2, ... pages may take in one look; none: any.
        vision: the client.
        workers: processes that open and draw.
        limits: what a document may be.
        drawn: bounds the windows that are drawn and not yet answered, over all documents.
        stored: which stored replies count.
        passwords: tried on locked PDFs; never shown.
        work: the ledger's name for the document.
        failed_before: the document's pages that an earlier run under the same recipe could not read.
        ground: whether values are looked for on their pages.
        read_words: reads a page's words from its picture; None: only the text layer's are known.
        whole_pages: pages are sent with their margins and in one piece, as a former version did, so that what was
            paid for then counts.
    """

    plan: planning.Plan
    vision: Asks
    workers: Workers
    limits: Limits
    drawn: asyncio.Semaphore
    stored: Stored = Stored.ALL
    passwords: tuple[str, ...] = field(default=(), repr=False)
    failed_before: frozenset[int] = frozenset()
    split: tuple[planning.Plan, ...] = ()
    look_tokens: tuple[int, ...] = ()
    work: int | None = None
    ground: Ground = Ground.TEXT
    read_words: Callable[[PageImage], Awaitable[PageWords]] | None = None
    whole_pages: bool = False
