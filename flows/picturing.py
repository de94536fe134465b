"""`octavo quarantine show ID --images DIR`: the pages of a document as the model saw them."""

import asyncio
import tempfile
from pathlib import Path

from extractors import opening
from extractors.documents import ObjectRef, PageFailure
from extractors.errors import BadConfiguration, DestinationUnavailable, DocumentError
from extractors.rendering import render_pages
from extractors.workers import Workers
from flows.gate import limits_of, passwords_of
from flows.objects import spool_async
from flows.querying import QuarantineDetails
from flows.settings import settings


def page_images(details: QuarantineDetails, folder: Path) -> list[str]:
    """Draws a document's failed pages, or all when none failed by itself, into a folder.

    Args:
        details: of the quarantined document.
        folder: made when it is missing; files are named `ID-page-N.jpg`.

    Returns:
        A line for each page: the file, or why it could not be drawn.

    Raises:
        BadConfiguration: its bytes are nowhere any more, have changed, or cannot be opened at all.
        DestinationUnavailable: the folder cannot be written.
        SourceUnavailable: the bytes cannot be read now.
    """
    if not details.uris:
        raise BadConfiguration(f"no object shows the bytes of {details.id} any more")
    return asyncio.run(_drawn(details, folder))


async def _drawn(details: QuarantineDetails, folder: Path) -> list[str]:
    limits, passwords = limits_of(settings()), passwords_of(settings())
    with tempfile.TemporaryDirectory(prefix="octavo-") as spool:
        async with Workers(1, limits.memory_bytes) as workers:
            try:
                fetched = await spool_async(ObjectRef(details.uris[0], 0, ""), Path(spool), limits.max_bytes)
                if fetched.sha256 != details.sha256:
                    raise BadConfiguration(f"{details.uris[0]} has other bytes now: extract it again")
                document = await workers.run(
                    opening.open_document, fetched, limits, passwords, seconds=limits.seconds
                )
                wanted = details.failed_pages or tuple(range(1, document.page_count + 1))
                drawn = await workers.run(render_pages, document, wanted, limits, seconds=limits.seconds)
            except DocumentError as error:
                raise BadConfiguration(f"{details.id} cannot be drawn: {error}") from None
    lines = []
    for page in drawn:
        if isinstance(page, PageFailure):
            lines.append(f"page {page.page}: {page.cause}")
            continue
        lines.append(_written(folder / f"{details.id}-page-{page.page}.jpg", page.jpeg, blank=page.blank))
    return lines


def _written(path: Path, jpeg: bytes, *, blank: bool) -> str:
    if blank:
        return f"{path.stem}: blank, nothing was sent"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
    except OSError as error:
        raise DestinationUnavailable(f"{path} cannot be written: {error.strerror}") from None
    return str(path)
