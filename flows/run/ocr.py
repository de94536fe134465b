"""Words of scans for a run: from the store where the picture was read before, else by OCR in processes of its own."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from extractors.documents import PageImage, PageWords, Picture
from extractors.errors import DocumentError, Interrupted, Paused
from extractors.pages.ocr_words import MEMORY, on_page, read_words, reader_name
from extractors.pages.workers import Workers
from flows.settings import Settings
from flows.store.page_words import get_words, note_picture, put_words
from flows.store.store import Store

ReadWords = Callable[[str, PageImage], Awaitable[PageWords]]
"""Takes the uri of a page's document, and the page."""


async def words_reader(
    stack: AsyncExitStack,
    store: Store,
    settings: Settings,
    notice: Callable[[str], None],
    stopped: Callable[[], Paused | None],
) -> ReadWords:
    """What reads the words of pages; its processes begin with the first page, and end with the stack.

    A page on which OCR crashes or hangs keeps the words of its text layer, mostly none, and that is told.

    Args:
        stack: of the run.
        store: keeps what was read, by picture.
        settings: the seconds that a page may take.
        notice: hears which pages could not be read, and why.
        stopped: why the run stops, once it does: interrupted, it reads no further page, and the document is pending.

    Raises:
        BadConfiguration: the built-in model is not installed.
    """
    reader = reader_name()
    # The half of the cores: the others draw and send.
    count = max(1, (os.cpu_count() or 1) // 2)
    workers = await stack.enter_async_context(Workers(count, MEMORY, "OCR reader"))
    places = asyncio.Semaphore(count)

    async def read(uri: str, page: PageImage) -> PageWords:
        try:
            found = [(picture, await read_one(uri, picture)) for picture in page.pictures]
        except (DocumentError, RuntimeError) as error:
            # The worker's own end, or a defect in what it runs: the page is as if it could not be checked.
            told = str(error).strip().rpartition("\n")[2]
            notice(f"{uri}: page {page.page} could not be read by OCR: {told}")
            return PageWords(page.words, whole=False)
        return on_page(found)

    async def read_one(uri: str, picture: Picture) -> PageWords:
        # Before it is read, so that a purge finds its words whatever comes between.
        await store.run(store.transact, note_picture, uri, picture.sha256)
        kept = await store.run(_kept, store, picture.sha256, reader)
        if kept is not None:
            return kept
        async with places:
            reason = stopped()
            if isinstance(reason, Interrupted):
                raise Interrupted(str(reason))
            found = await workers.run(read_words, picture.jpeg, seconds=settings.document_seconds)
        await store.run(store.transact, put_words, picture.sha256, reader, found)
        return found

    return read


def _kept(store: Store, picture: str, reader: str) -> PageWords | None:
    with store.reading() as connection:
        return get_words(connection, picture, reader)
