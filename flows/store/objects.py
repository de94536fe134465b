"""Objects as listed: noted, and what is known of each. Each function is one transaction's work."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, bindparam, case, cast, exists, null, or_, select

from extractors.documents import ObjectRef
from extractors.vocabulary import FINAL, WITH_RECORDS
from flows.store.dialects import insert
from flows.store.keys import Key
from flows.store.splits import all_current, split_schemas
from flows.store.tables import UNREAD, documents, extractions, former_contents, recipes
from flows.store.types import clean_text
from flows.store.worth import stands

_BATCH = 500


@dataclass(frozen=True)
class Known:
    """What the ledger says of an object, under one schema and recipe.

    Attributes:
        etag: of the object when it was last listed or read.
        sha256: of the bytes it shows; None when they are not known (any more).
        status: of the extraction; None when there is none, or another recipe's is current which is worth no more:
            then a claim makes this one the only one again.
        kind: why it is not complete.
        held_by: the lease under which somebody works on it, or did.
        stand_in: another endpoint than the first answered some of it.
        versions: Octavo's, of which it is.
        gone: a whole listing of its source did not show it any more.
    """

    etag: str
    sha256: str | None
    status: str | None
    kind: str | None
    held_by: str | None = None
    gone: bool = False
    stand_in: bool | None = field(default=None, compare=False)
    versions: Mapping[str, str] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Before:
    """What became of an object under a schema before, when it is not done under today's recipe.

    Attributes:
        done: its bytes have an outcome under another recipe; otherwise other bytes of it had one.
        parts: that recipe's, when they were noted.
        asking: the half of that recipe which decides the question.
    """

    done: bool
    parts: dict[str, Any] | None
    asking: str | None = None


def batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    """The items in lists that a statement's parameters can hold."""
    left = iter(items)
    while batch := list(islice(left, _BATCH)):
        yield batch


def note_objects(connection: Connection, refs: Sequence[ObjectRef]) -> None:
    """Notes objects as listed; one whose etag changed shows unknown bytes until it is read again."""
    now = datetime.now(UTC)
    # The names differ from the columns': an INSERT keeps those for itself.
    seen = [{"listed_uri": ref.uri, "listed_etag": ref.etag} for ref in refs]
    changed = and_(
        documents.c.uri == bindparam("listed_uri", type_=documents.c.uri.type),
        documents.c.etag != bindparam("listed_etag", type_=documents.c.etag.type),
        documents.c.sha256.is_not(None),
    )
    connection.execute(remember(connection, changed), seen)
    upsert = insert(connection, documents)
    new, same = upsert.excluded, documents.c.etag == upsert.excluded.etag
    known = ("sha256", "media_type", "page_count", "gone_at")
    kept = {name: case((same, documents.c[name]), else_=null()) for name in known}
    changes = {"bytes": new.bytes, "etag": new.etag, "seen_at": new.seen_at, **kept}
    connection.execute(
        upsert.on_conflict_do_update(index_elements=["uri"], set_=changes),
        [{"uri": ref.uri, "bytes": ref.size, "etag": ref.etag, "seen_at": now} for ref in refs],
    )


def known(connection: Connection, uris: Sequence[str], key: Key) -> dict[str, Known]:
    """What is known of each uri that was ever noted."""
    stored = {clean_text(uri): uri for uri in uris}
    rows = connection.execute(_known(), {"uris": list(stored), "asked": key.schema_name, "how": key.recipe}).all()
    return {stored[row[0]]: _told(connection, row, key) for row in rows}


def _told(connection: Connection, row: Any, key: Key) -> Known:
    # Not by name: there are as many rows as objects in a bucket.
    _, etag, sha256, gone_at, status, kind, held_by, stand_in, versions, plain, *_ = row
    if sha256 is not None and sha256.startswith(UNREAD):
        sha256 = None
    # Beside or below another recipe's outcome, which may be worth more.
    if status is not None and not plain and not stands(connection, row, split_schemas(key.schema_name)):
        return Known(etag, sha256, None, None, gone=gone_at is not None)
    told = None if versions is None else _versions(versions)
    return Known(etag, sha256, status, kind, held_by, gone_at is not None, stand_in, told)


@lru_cache(maxsize=64)
def _versions(text: str) -> Mapping[str, str]:
    """Octavo's versions of an outcome: the same few for all of a store."""
    found: dict[str, str] = json.loads(text)
    return found


@cache
def _known() -> Select[Any]:
    """Made once: putting this statement together costs more than running it for one document."""
    rival = extractions.alias()
    rivalled = exists().where(
        rival.c.sha256 == extractions.c.sha256,
        rival.c.schema_name == extractions.c.schema_name,
        rival.c.id != extractions.c.id,
        rival.c.superseded_by.is_(None),
        rival.c.status.in_(FINAL),
    )
    under_recipe = and_(
        extractions.c.sha256 == documents.c.sha256,
        extractions.c.schema_name == bindparam("asked"),
        extractions.c.recipe == bindparam("how"),
    )
    plain = and_(
        extractions.c.superseded_by.is_(None),
        # Beside a record, another recipe's failure may be current: the claim that follows ends it.
        or_(extractions.c.status.not_in(WITH_RECORDS), ~rivalled),
        all_current(extractions),
    )
    told = (extractions.c[name] for name in ("status", "kind", "held_by", "stand_in"))
    return (
        select(documents.c.uri, documents.c.etag, documents.c.sha256, documents.c.gone_at)
        .add_columns(*told, cast(extractions.c.versions, Text).label("versions"), plain.label("plain"))
        .add_columns(*(extractions.c[name] for name in ("id", "schema_name", "recipe")))
        .select_from(documents.outerjoin(extractions, under_recipe))
        .where(documents.c.uri.in_(bindparam("uris", expanding=True)))
    )


def before(connection: Connection, uris: Sequence[str], schema_name: str) -> dict[str, Before]:
    """What became of each uri under whatever recipe came last; those that were never read are left out."""
    stored = {clean_text(uri): uri for uri in uris}
    shows = documents.join(
        extractions, and_(extractions.c.sha256 == documents.c.sha256, extractions.c.schema_name == schema_name)
    ).outerjoin(recipes, recipes.c.recipe == extractions.c.recipe)
    # Sorted and chosen here: SQLite would go through all extractions of a status instead of those of the uris.
    rows = connection.execute(
        select(
            documents.c.uri,
            extractions.c.id,
            extractions.c.status,
            extractions.c.superseded_by,
            extractions.c.asking,
            recipes.c.parts,
        )
        .select_from(shows)
        .where(documents.c.uri.in_(list(stored)))
    ).all()
    # The last row of a uri stays: its current extraction, or the latest of several.
    done = sorted((row for row in rows if row.status in FINAL), key=lambda row: (row.superseded_by is None, row.id))
    showed = connection.scalars(
        select(documents.c.uri)
        .join(former_contents, former_contents.c.document_id == documents.c.id)
        .join(extractions, extractions.c.sha256 == former_contents.c.sha256)
        .where(documents.c.uri.in_(list(stored)), extractions.c.schema_name == schema_name)
    )
    found = {stored[uri]: Before(done=False, parts=None) for uri in showed}
    return found | {stored[row.uri]: Before(done=True, parts=row.parts, asking=row.asking) for row in done}


def remember(connection: Connection, which: ColumnElement[bool]) -> Any:
    """The statement that notes the bytes which some documents show now as their former ones."""
    shown = select(documents.c.id, documents.c.sha256).where(which)
    return insert(connection, former_contents).from_select(["document_id", "sha256"], shown).on_conflict_do_nothing()
