"""A stored document's pages drawn again: for `octavo quarantine show ID --images DIR`, and for the report."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from extractors.documents import Document, ObjectRef, PageFailure, PageImage
from extractors.errors import BadConfiguration, DestinationUnavailable, DocumentError
from extractors.pages import opening
from extractors.pages.limits import Limits
from extractors.pages.rendering import render_pages
from extractors.pages.workers import Workers
from flows.settings import Settings, limits_of, passwords_of
from flows.storage.s3 import spool_async
from flows.storage.spools import spool_folder
from flows.store.queries import QuarantineDetails

Drawn = list[PageImage | PageFailure]
"""An image for each page, or why it cannot be drawn."""


def page_images(details: QuarantineDetails, folder: Path, settings: Settings) -> list[str]:
    """Draws a document's failed pages, or all when none failed by itself, into a folder.

    Args:
        details: of the quarantined document.
        folder: made when it is missing; files are named `ID-page-N.jpg`.
        settings: limits and passwords.

    Returns:
        A line for each page: the file, or why it could not be drawn.

    Raises:
        BadConfiguration: its bytes are nowhere any more, have changed, or cannot be opened at all.
        DestinationUnavailable: the folder cannot be written.
        SourceUnavailable: the bytes cannot be read now.
    """
    if not details.uris:
        raise BadConfiguration(f"no object shows the bytes of {details.id} any more")
    try:
        drawn = asyncio.run(_drawn(details, settings))
    except DocumentError as error:
        raise BadConfiguration(f"{details.id} cannot be drawn: {error}") from None
    lines = []
    for page in drawn:
        if isinstance(page, PageFailure):
            lines.append(f"page {page.page}: {page.cause}")
            continue
        lines.append(_written(folder / f"{details.id}-page-{page.page}.jpg", page.jpeg, blank=page.blank))
    return lines


async def _drawn(details: QuarantineDetails, settings: Settings) -> Drawn:
    async with Workers(1, settings.document_memory) as workers:
        return await draw_pages(
            workers,
            settings,
            uri=details.uris[0],
            sha256=details.sha256,
            pages=details.failed_pages,
            draw=partial(render_pages, whole=True),
        )


async def draw_pages(
    workers: Workers,
    settings: Settings,
    *,
    uri: str,
    sha256: str,
    pages: tuple[int, ...],
    draw: Callable[[Document, tuple[int, ...], Limits], Drawn],
) -> Drawn:
    """Fetches an object, makes sure that its bytes are those that were read, and draws pages of it.

    Args:
        workers: processes for it.
        settings: limits and passwords.
        uri: of the object.
        sha256: of the bytes that were read.
        pages: numbers from 1, in order; none for all.
        draw: runs in a worker, like `rendering.render_pages`.

    Raises:
        BadConfiguration: the object has other bytes now.
        DocumentError: it is gone, or cannot be opened.
        SourceUnavailable: it cannot be read now.
    """
    limits = limits_of(settings)
    async with opened_again(workers, settings, uri=uri, sha256=sha256) as document:
        wanted = pages or tuple(range(1, document.page_count + 1))
        return await workers.run(draw, document, wanted, limits, seconds=limits.seconds)


@asynccontextmanager
async def opened_again(workers: Workers, settings: Settings, *, uri: str, sha256: str) -> AsyncIterator[Document]:
    """Fetches an object, makes sure that its bytes are those that were read, and opens it. Raises as `draw_pages`."""
    limits, passwords = limits_of(settings), passwords_of(settings)
    with spool_folder() as spool:
        fetched = await spool_async(ObjectRef(uri, 0, ""), spool, limits.max_bytes)
        if fetched.sha256 != sha256:
            raise BadConfiguration(f"{uri} has other bytes now: extract it again")
        yield await workers.run(opening.open_document, fetched, limits, passwords, seconds=limits.seconds)


def _written(path: Path, jpeg: bytes, *, blank: bool) -> str:
    if blank:
        return f"{path.stem}: blank, nothing was sent"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
    except OSError as error:
        raise DestinationUnavailable(f"{path} cannot be written: {error.strerror}") from None
    return str(path)
