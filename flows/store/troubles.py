"""Which documents a run left partial or in quarantine: told by whoever handed its documents out."""

from dataclasses import dataclass

from sqlalchemy import select

from extractors.vocabulary import NOT_COMPLETE, PageStatus
from flows.store.call_tables import attempts
from flows.store.store import Store
from flows.store.tables import documents, extractions, pages


@dataclass(frozen=True)
class Trouble:
    """A document that is not complete; `pages` are those that failed, as "1, 4"."""

    uri: str
    status: str
    kind: str | None
    cause: str | None
    pages: str


def troubles_of(store: Store, run_id: str, most: int) -> list[Trouble]:
    """Those of one run, by their uris; no more than `most`."""
    ended = (
        select(documents.c.uri, extractions.c.id, attempts.c.status, attempts.c.kind, attempts.c.cause)
        .join(extractions, extractions.c.id == attempts.c.extraction_id)
        .join(documents, documents.c.sha256 == extractions.c.sha256)
        .where(attempts.c.run_id == run_id, attempts.c.status.in_(NOT_COMPLETE))
        .order_by(documents.c.uri)
        .limit(most)
    )
    with store.reading() as connection:
        found = connection.execute(ended).all()
        failed: dict[int, list[str]] = {}
        asked = select(pages.c.extraction_id, pages.c.page).where(
            pages.c.extraction_id.in_([row.id for row in found]), pages.c.status == PageStatus.FAILED
        )
        for row in connection.execute(asked.order_by(pages.c.page)):
            failed.setdefault(row.extraction_id, []).append(str(row.page))
    return [Trouble(row.uri, row.status, row.kind, row.cause, ", ".join(failed.get(row.id, ()))) for row in found]
