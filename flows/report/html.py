"""`octavo report OUT.html`: what the store holds, as one page of HTML that needs nothing beside it."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from extractors.documents import PageFailure, PageImage
from extractors.errors import CannotRun, DestinationUnavailable, DocumentError, advice_for
from extractors.pages.previews import preview_pages
from extractors.pages.workers import Workers
from flows.report.findings import shortened
from flows.report.layout import Sheet, pages_to_draw, sheet
from flows.report.page_images import draw_pages
from flows.settings import Settings
from flows.store.costs import costs
from flows.store.counts import STATES, StoredRecord, counts_by_schema, declared_schema, newest_records
from flows.store.queries import Quarantined, quarantined, without_record
from flows.store.shape import declared_paths
from flows.store.store import Store

_MOST_TROUBLES = 200
_MOST_PICTURE_BYTES = 16_000_000
"""Of all JPEGs together; a browser on a laptop still opens that at once."""

_AT_ONCE = 4
"""Documents fetched side by side; they are drawn one after another."""


@dataclass(frozen=True)
class _Trouble:
    entry: Quarantined
    uri: str
    pages: str
    cause: str
    advice: str


def write_report(out: Path, settings: Settings, limit: int) -> str:
    """Writes the report; returns a line that says how large it is.

    Args:
        out: the HTML file; one that is there is replaced.
        settings: the store; limits and passwords for the pages.
        limit: records shown with their pages at most, the newest.

    Raises:
        DestinationUnavailable: the file cannot be written.
        StoreUnavailable: there is no store, or it cannot be read.
    """
    with Store.open(settings.store, read_only=True) as store:
        counts, troubles, newest = counts_by_schema(store), quarantined(store), newest_records(store, limit)
        with store.reading() as connection:
            paid = costs(connection, "schema", limit=len(counts) + 1)
        empty = without_record(store)
        unpriced = {each.group for each in paid if each.booked.cost_usd is None}
        declared = {name: declared_schema(store, name) for name in counts}
        shown_url = store.shown_url
    orders = {name: declared_paths(found) if found else [] for name, found in declared.items()}
    sheets = asyncio.run(_sheets(newest, orders, settings)) if newest else []
    pictures = sum(len(picture.source) > 0 for each in sheets for picture in each.pictures)
    environment = Environment(
        loader=PackageLoader("flows.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    html = environment.get_template("report.html.j2").render(
        store=shown_url,
        made_at=datetime.now(UTC),
        states=STATES,
        counts=counts,
        totals={state: sum(each.states[state] for each in counts.values()) for state in STATES},
        records=sum(each.records for each in counts.values()),
        unpriced=unpriced,
        cost_usd=sum(each.cost_usd for each in counts.values()),
        tokens=sum(each.input_tokens + each.output_tokens for each in counts.values()),
        troubles=[_trouble(entry) for entry in troubles[:_MOST_TROUBLES]],
        trouble_count=len(troubles),
        empty=[(shortened(uri), schema, issue) for uri, schema, issue in empty[:_MOST_TROUBLES]],
        empty_count=len(empty),
        sheets=sheets,
    )
    _write(out, html)
    return f"{out}: {len(sheets)} of the newest records, {pictures} pages, {len(html.encode()) / 1e6:.1f} MB"


def _trouble(entry: Quarantined) -> _Trouble:
    return _Trouble(
        entry,
        uri=shortened(entry.uris[0]) if entry.uris else "(no object shows these bytes any more)",
        pages=shortened(", ".join(str(page) for page in entry.failed_pages)),
        cause=shortened(entry.cause or ""),
        advice=advice_for(entry.kind).replace("retry ID", f"retry {entry.id}").replace("show ID", f"show {entry.id}"),
    )


async def _sheets(newest: Sequence[StoredRecord], orders: dict[str, list[str]], settings: Settings) -> list[Sheet]:
    """The records with their pages, as far as the documents can be read and the pictures' bytes allow."""
    left, sheets = _MOST_PICTURE_BYTES, []
    async with Workers(1, settings.document_memory) as workers:
        for start in range(0, len(newest), _AT_ONCE):
            some = newest[start : start + _AT_ONCE]
            if left <= 0:
                full = "not drawn: this file holds as many pages as it may"
                sheets += [sheet(record, [], full, orders[record.schema_name]) for record in some]
                continue
            drawn = await asyncio.gather(*(_draw(workers, settings, record) for record in some))
            for record, (pages, note) in zip(some, drawn, strict=True):
                left -= sum(len(page.jpeg) for page in pages if isinstance(page, PageImage))
                sheets.append(sheet(record, pages, note, orders[record.schema_name]))
    return sheets


async def _draw(
    workers: Workers, settings: Settings, record: StoredRecord
) -> tuple[list[PageImage | PageFailure], str]:
    """The record's pages from the first of its objects that still shows its bytes; or none, and why."""
    pages, why = pages_to_draw(record), "no object shows its bytes any more"
    if not pages:
        return [], "it stands on no page"
    for uri in record.uris:
        try:
            return await draw_pages(
                workers, settings, uri=uri, sha256=record.sha256, pages=pages, draw=preview_pages
            ), ""
        except (DocumentError, CannotRun) as error:
            why = str(error)
    return [], f"the document could not be read: {shortened(why)}"


def _write(out: Path, html: str) -> None:
    """Puts the file in place as a whole: who has the old one open never sees half of the new."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".octavo-report-", dir=out.parent) as beside:
            made = Path(beside) / "report.html"
            made.write_text(html, encoding="utf-8", errors="backslashreplace")
            made.replace(out)
    except OSError as error:
        raise DestinationUnavailable(f"{out} cannot be written: {error.strerror}") from None
