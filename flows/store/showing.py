"""Which bytes an object shows. Part of a transaction's work."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, select

from extractors.documents import ObjectRef
from flows.store.dialects import upsert
from flows.store.gone import bring_back
from flows.store.objects import remember
from flows.store.tables import documents, former_contents

_SHOWS = documents.c.sha256 == bindparam("content")
_TWIN = (
    select(documents.c.media_type, documents.c.page_count).where(_SHOWS, documents.c.media_type.is_not(None)).limit(1)
)
_OBJECT = select(
    documents, exists().where(former_contents.c.document_id == documents.c.id).label("had_others")
).where(documents.c.uri == bindparam("named", type_=documents.c.uri.type))


@dataclass(frozen=True)
class Shown:
    """An object's row, and whether it showed other bytes before."""

    document_id: int
    had_others: bool


def shows(connection: Connection, ref: ObjectRef, digest: str, size: int) -> Shown:
    """Makes the object's row show these bytes, and what is known of them show in the views."""
    row = connection.execute(_OBJECT, {"named": ref.uri}).one_or_none()
    if row is not None and (row.sha256, row.etag, row.gone_at) == (digest, ref.etag, None):
        return Shown(row.id, row.had_others)
    replaces = row is not None and row.sha256 not in {None, digest}
    if replaces:
        connection.execute(
            remember(
                connection,
                and_(documents.c.uri == ref.uri, documents.c.sha256.is_not(None), documents.c.sha256 != digest),
            )
        )
    values = {
        "uri": ref.uri, "sha256": digest, "bytes": size, "etag": ref.etag, "seen_at": datetime.now(UTC),
        "gone_at": None, **_media_of(connection, digest),
    }  # fmt: skip
    shown = upsert(documents, tuple(values), ("uri",), replaces=True, returning="id")
    document_id: int = connection.execute(shown, values).scalar_one()
    had_others = replaces or (row is not None and row.had_others)
    if had_others:
        again = and_(former_contents.c.document_id == document_id, former_contents.c.sha256 == digest)
        connection.execute(delete(former_contents).where(again))
    bring_back(connection, document_id, digest, had_others=had_others)
    return Shown(document_id, had_others)


def _media_of(connection: Connection, digest: str) -> dict[str, Any]:
    """What is known of some bytes from another document that shows them."""
    twin = connection.execute(_TWIN, {"content": digest}).first()
    return {"media_type": twin.media_type if twin else None, "page_count": twin.page_count if twin else None}
