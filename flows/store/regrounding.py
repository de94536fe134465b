"""Records whose values are looked for once more, when the words of their pages are known. One transaction each.

A record whose evidence changes leaves its place to a new one, as when its document is read again: exports take the
one away and bring the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, delete, exists, func, or_, select, update

from extractors.documents import Evidence, Issue
from extractors.vocabulary import WITH_RECORDS, EvidenceState, IssueKind, PageStatus, WordsFrom
from flows.store.evidence import with_states
from flows.store.queries import uris_of
from flows.store.succession import current
from flows.store.tables import extractions, pages, records, schemas
from schemas.leaves import Leaves, leaves_of


@dataclass(frozen=True)
class KeptRecord:
    """A record that counts, with what is told of it."""

    id: int
    data: dict[str, Any]
    evidence: tuple[Evidence, ...]
    issues: tuple[Issue, ...]
    pages: tuple[int, ...]


@dataclass(frozen=True)
class Uncheckable:
    """An extraction with values that could not be looked for, on pages not all of whose words are known.

    Attributes:
        id: of the extraction.
        sha256: of the document's bytes.
        uris: of the objects that show them; those that are gone last.
        records: all of it, in order.
        leaves: what the schema says of their values.
    """

    id: int
    sha256: str
    uris: tuple[str, ...]
    records: tuple[KeptRecord, ...]
    leaves: Leaves


@dataclass(frozen=True)
class Regrounded:
    """A record's new evidence, with what follows from it."""

    id: int
    evidence: tuple[Evidence, ...]
    grounded: float | None
    issues: tuple[Issue, ...]


def count_uncheckable(connection: Connection, schema_name: str | None) -> int:
    """How many extractions there are of which values could not be looked for."""
    return connection.scalar(select(func.count()).select_from(extractions).where(*_uncheckable(schema_name))) or 0


def uncheckable(connection: Connection, schema_name: str | None, after: int, most: int) -> list[Uncheckable]:
    """Some of them by id, from the first above `after`."""
    chosen = (*_uncheckable(schema_name), extractions.c.id > after)
    rows = connection.execute(
        select(extractions.c.id, extractions.c.sha256, extractions.c.schema_name)
        .where(*chosen)
        .order_by(extractions.c.id)
        .limit(most)
    ).all()
    which = extractions.c.id.in_([row.id for row in rows])
    uris = uris_of(connection, which)
    kept: dict[int, list[KeptRecord]] = {row.id: [] for row in rows}
    for record in connection.execute(
        select(records).join(extractions).where(which).order_by(records.c.extraction_id, records.c.ordinal)
    ):
        kept[record.extraction_id].append(_kept(record))
    declared = dict(connection.execute(select(schemas.c.name, schemas.c.json_schema)).tuples().all())
    leaves = {name: leaves_of(declared.get(name) or {}) for name in {row.schema_name for row in rows}}
    return [
        Uncheckable(row.id, row.sha256, tuple(uris[row.id]), tuple(kept[row.id]), leaves[row.schema_name])
        for row in rows
    ]


def put_evidence(
    connection: Connection, found: Uncheckable, anew: Sequence[Regrounded], words: Mapping[int, WordsFrom | None]
) -> bool:
    """Puts records with new evidence in the place of those that had the old one.

    Args:
        connection: of the transaction.
        found: the extraction as it was.
        anew: its records, all of them.
        words: where the words of its pages are from.

    Returns:
        False when its document was read again meanwhile: then nothing is written.
    """
    connection.execute(select(extractions.c.id).where(extractions.c.id == found.id).with_for_update())
    own = records.c.extraction_id == found.id
    there = {row.id: row for row in connection.execute(select(records).where(own))}
    if there.keys() != {each.id for each in anew}:
        return False
    before = {record.id: record for record in found.records}
    for each in anew:
        if (each.evidence, each.issues) == (before[each.id].evidence, before[each.id].issues):
            continue
        row = there[each.id]
        connection.execute(delete(records).where(records.c.id == each.id))
        connection.execute(
            records.insert().values(
                extraction_id=found.id, ordinal=row.ordinal, data=row.data, pages=row.pages,
                issues=list(map(vars, each.issues)), evidence=[item.as_json() for item in each.evidence],
                grounded=each.grounded, created_at=datetime.now(UTC),
            )
        )  # fmt: skip
    for page, source in words.items():
        at = and_(pages.c.extraction_id == found.id, pages.c.page == page)
        connection.execute(update(pages).where(at).values(words=source))
    return True


def _uncheckable(schema_name: str | None) -> tuple[ColumnElement[bool], ...]:
    evidence = cast(records.c.evidence, Text)
    # What an older Octavo wrote has no states: there nothing was found where there was nothing to look in.
    unsaid = and_(evidence.not_like('%"state"%'), evidence.like('%"path"%'))
    told = or_(evidence.like(f'%"{EvidenceState.NOT_CHECKABLE}"%'), unsaid)
    return (
        *current(schema_name),
        extractions.c.status.in_(WITH_RECORDS),
        exists().where(records.c.extraction_id == extractions.c.id, told),
        exists().where(
            pages.c.extraction_id == extractions.c.id, pages.c.status == PageStatus.READ, pages.c.words.is_(None)
        ),
    )


def _kept(row: Any) -> KeptRecord:
    evidence = (
        Evidence(
            each["path"], EvidenceState(each["state"]), each["page"], each["box"] and tuple(each["box"]),
            each["text"], each["distance"],
        )
        for each in with_states(row.evidence)
    )  # fmt: skip
    issues = (Issue(IssueKind(each["kind"]), each["path"], each["message"]) for each in row.issues)
    return KeptRecord(row.id, row.data, tuple(evidence), tuple(issues), tuple(row.pages))
