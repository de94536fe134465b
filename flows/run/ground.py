"""Looks for the values of records whose pages had no words when they were read: the pages are read by OCR now.

Nothing is asked of a model. Each document is written in one transaction: killed, the next call goes on behind it.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from extractors.answers.grounding import OF_EVIDENCE, issues_of, share_grounded
from extractors.answers.regrounding import Kept, grounded_anew
from extractors.answers.witness import compared
from extractors.aside import aside
from extractors.documents import Document, Evidence, PageImage, PageWords
from extractors.einvoice import EInvoice
from extractors.errors import BadConfiguration, DocumentError, SourceUnavailable
from extractors.pages.rendering import render_pages
from extractors.pages.workers import Workers
from extractors.vocabulary import EvidenceState, WordsFrom
from flows.report.page_images import opened_again
from flows.run.ocr import ReadWords, words_reader
from flows.settings import Settings, limits_of
from flows.store.regrounding import KeptRecord, Regrounded, Uncheckable, count_uncheckable, put_evidence, uncheckable
from flows.store.store import Store

Look = Callable[[str, Uncheckable], Awaitable[tuple[Document, dict[int, PageWords]]]]
"""Fetches a document from one of its uris, and tells the words of each page that its records were read from."""

_BATCH, _DRAWN = 16, 4
"""Documents worked on side by side, and pages of one that are drawn together."""


@dataclass
class Grounded:
    """What was done.

    Attributes:
        documents: that were looked at to their end.
        pages: of them, by where their words are from.
        values: of them, by what became of looking for them.
        unread: uri, or the extraction's id where no object shows its bytes any more, and why it could not be read.
    """

    documents: int = 0
    pages: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    unread: list[tuple[str, str]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0, or 3 where some could not be read."""
        return 3 if self.unread else 0

    def as_json(self) -> dict[str, Any]:
        """The counts as `--json` prints them."""
        return {
            "documents": {"grounded": self.documents, "unread": len(self.unread)},
            "pages": {str(source): self.pages[source] for source in WordsFrom},
            "values": {str(state): self.values[state] for state in EvidenceState},
        }


async def ground_stored(
    schema_name: str | None,
    settings: Settings,
    notice: Callable[[str], None],
    progressed: Callable[[int, int], None],
) -> Grounded:
    """Reads the pages of every record with values that could not be looked for, and looks for them.

    Args:
        schema_name: of the records; None: of all.
        settings: store, limits and passwords.
        notice: hears which pages could not be read, and why.
        progressed: hears how many documents of how many are done.

    Raises:
        BadConfiguration: the built-in model is not installed.
        StoreUnavailable: there is no store, or it cannot be written.
    """
    done = Grounded()
    async with AsyncExitStack() as stack:
        store = stack.enter_context(Store.open(settings.store))
        store.patience, store.notice = settings.give_up_after, notice
        read = await words_reader(stack, store, settings, notice, lambda: None)
        workers = await stack.enter_async_context(Workers(1, settings.document_memory))
        total = await store.run(store.transact, count_uncheckable, schema_name)
        look = partial(_words, workers=workers, read=read, settings=settings)
        last = 0
        while batch := await store.run(store.transact, uncheckable, schema_name, last, _BATCH):
            last = batch[-1].id
            try:
                async with asyncio.TaskGroup() as group:
                    for each in batch:
                        group.create_task(_document(each, store, look, done)).add_done_callback(
                            lambda _: progressed(done.documents + len(done.unread), total)
                        )
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None
    return done


async def _document(found: Uncheckable, store: Store, look: Look, done: Grounded) -> None:
    seen, why = None, "no object shows its bytes any more"
    for uri in found.uris:
        try:
            seen = await look(uri, found)
            break
        except (DocumentError, BadConfiguration, SourceUnavailable) as error:
            why = str(error)
    if seen is None:
        done.unread.append((found.uris[0] if found.uris else str(found.id), why))
        return
    document, words = seen
    kept = [Kept(record.data, record.evidence, record.pages) for record in found.records]
    size = sum(len(json.dumps(record.data)) for record in kept)
    evidence = await aside(size, grounded_anew, kept, words, found.leaves)
    anew = [
        _regrounded(record, told, _agreed(record, found, document))
        for record, told in zip(found.records, evidence, strict=True)
    ]
    sources = {page: each.source for page, each in words.items()}
    if not await store.run(store.transact, put_evidence, found, anew, sources):
        return  # its document was read again meanwhile
    done.documents += 1
    done.pages.update(source for source in sources.values() if source is not None)
    done.values.update(item.state for told in evidence for item in told)
    if None in sources.values():
        pages = ", ".join(str(page) for page, source in sources.items() if source is None)
        done.unread.append((uri, f"page {pages} could not be read by OCR"))


def _regrounded(record: KeptRecord, told: tuple[Evidence, ...], agreed: frozenset[str]) -> Regrounded:
    kept = (issue for issue in record.issues if issue.kind not in OF_EVIDENCE)
    issues = issues_of([item for item in told if item.path not in agreed])
    return Regrounded(record.id, told, share_grounded(told), (*kept, *issues))


def _agreed(record: KeptRecord, found: Uncheckable, document: Document) -> frozenset[str]:
    """Values that the document's own data says too, if it is an e-invoice."""
    if not isinstance(document.einvoice, EInvoice):
        return frozenset()
    alone = len(found.records) == 1 and len(record.pages) == document.page_count
    return compared(record.data, found.leaves, document.einvoice, alone=alone).agreed


async def _words(
    uri: str, found: Uncheckable, *, workers: Workers, read: ReadWords, settings: Settings
) -> tuple[Document, dict[int, PageWords]]:
    """The document, and the words of its records' pages: of the text layer where it says all, else by OCR."""
    numbers = sorted({page for record in found.records for page in record.pages})
    limits = limits_of(settings)
    words: dict[int, PageWords] = {}
    async with opened_again(workers, settings, uri=uri, sha256=found.sha256) as document:
        for first in range(0, len(numbers), _DRAWN):
            some = tuple(numbers[first : first + _DRAWN])
            drawn = await workers.run(render_pages, document, some, limits, seconds=limits.seconds)
            for page in drawn:
                words[page.page] = (
                    await _words_of(uri, page, read) if isinstance(page, PageImage) else PageWords((), whole=False)
                )
    return document, words


async def _words_of(uri: str, page: PageImage, read: ReadWords) -> PageWords:
    said = PageWords(page.words, page.text_layer.whole)
    return said if page.blank or said.source else await read(uri, page)
