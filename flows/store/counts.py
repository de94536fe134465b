"""What `octavo report` and `octavo evaluate` ask the store: how many, in which state, at what cost; records."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, and_, case, column, func, select, table
from sqlalchemy.sql import quoted_name

from extractors.vocabulary import DocumentStatus, PageStatus
from flows.store.evidence import with_states
from flows.store.splits import of_split_file
from flows.store.store import Store
from flows.store.succession import current
from flows.store.tables import documents, extractions, pages, records, schema_views, schemas
from flows.store.views import RECORD

_BATCH = 500

Value = TypeVar("Value", int, str)

STATES = tuple(status.value for status in DocumentStatus)


@dataclass
class SchemaCounts:
    """What the store holds of one schema.

    Attributes:
        states: documents by state, those of `STATES`; each content counts once, by its current extraction, and a
            file that was split under what it was split for.
        pages: pages by state, of the same.
        records: current ones.
        grounded: their mean share of the checked values that were found on the page, 0 to 1; None where none was.
        unchecked: current records of which no value could be looked for.
        with_issues: current records with at least one issue.
        input_tokens: of all that was ever extracted, superseded or not: what was paid for.
        output_tokens: likewise.
        cost_usd: likewise.
    """

    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    pages: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, PageStatus), 0))
    records: int = 0
    grounded: float | None = None
    unchecked: int = 0
    with_issues: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class StoredRecord:
    """A current record with where it came from.

    Attributes:
        id: the record's.
        ordinal: its place in the document, from 0.
        schema_name: what was asked for.
        status: `complete` or `partial`.
        sha256: of the document's bytes.
        uris: of the objects that show those bytes, sorted, those that are gone last; empty when none does any more.
        endpoint: which answered, if known.
        model: likewise.
        data: JSON data, as stored.
        issues: each with `kind`, `path` and `message`.
        evidence: each with `path`, `state`, `page`, `box`, `text` and `distance`.
        grounded: found / (found + not found), 0 to 1, or None when nothing could be checked.
        pages: that it was read from.
        wordless: those of them not all of whose words are known: scans that nobody read by OCR.
    """

    id: int
    ordinal: int
    schema_name: str
    status: str
    sha256: str
    uris: tuple[str, ...]
    endpoint: str | None
    model: str | None
    data: dict[str, Any]
    issues: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    grounded: float | None
    pages: list[int]
    wordless: tuple[int, ...]


def counts_by_schema(store: Store) -> dict[str, SchemaCounts]:
    """Schema name -> what the store holds of it, sorted by name.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    found: defaultdict[str, SchemaCounts] = defaultdict(SchemaCounts)
    with store.reading() as connection:
        _count_extractions(connection, found)
        _count_pages(connection, found)
        views = connection.execute(
            select(schema_views.c.schema_name, schema_views.c.name).where(schema_views.c.path == RECORD)
        ).all()
        for schema_name, view in views:
            if schema_name in found:  # a run that found no document makes a view all the same
                _count_records(connection, view, found[schema_name])
    return dict(sorted(found.items()))


def _count_extractions(connection: Connection, found: dict[str, SchemaCounts]) -> None:
    counted = and_(*current(), ~of_split_file())
    rows = connection.execute(
        select(
            extractions.c.schema_name,
            extractions.c.status,
            func.sum(case((counted, 1), else_=0)).label("documents"),
            func.sum(extractions.c.input_tokens).label("input_tokens"),
            func.sum(extractions.c.output_tokens).label("output_tokens"),
            func.sum(extractions.c.cost_usd).label("cost_usd"),
        ).group_by(extractions.c.schema_name, extractions.c.status)
    )
    for row in rows:
        counts = found[row.schema_name]
        counts.states[row.status] += row.documents
        counts.input_tokens += int(row.input_tokens)
        counts.output_tokens += int(row.output_tokens)
        counts.cost_usd += row.cost_usd


def _count_pages(connection: Connection, found: dict[str, SchemaCounts]) -> None:
    rows = connection.execute(
        select(extractions.c.schema_name, pages.c.status, func.count())
        .join_from(pages, extractions)
        .where(*current())
        .group_by(extractions.c.schema_name, pages.c.status)
    )
    for schema_name, status, count in rows:
        found[schema_name].pages[status] += count


def _count_records(connection: Connection, view: str, counts: SchemaCounts) -> None:
    """From the schema's own view, which knows what is current."""
    shown = table(quoted_name(view, quote=True), column("grounded"), column("issue_count"))
    troubled = func.sum(case((shown.c.issue_count > 0, 1), else_=0))
    count, checked, grounded, with_issues = connection.execute(
        select(func.count(), func.count(shown.c.grounded), func.avg(shown.c.grounded), troubled).select_from(shown)
    ).one()
    counts.records, counts.unchecked, counts.with_issues = count, count - checked, int(with_issues or 0)
    counts.grounded = None if grounded is None else float(grounded)


def newest_records(store: Store, limit: int) -> list[StoredRecord]:
    """The current records that were written last, the newest first.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    newest = _current_records().order_by(records.c.id.desc()).limit(limit)
    with store.reading() as connection:
        return _stored_records(connection, newest)


def records_of(store: Store, schema_name: str, digests: Collection[str]) -> dict[str, list[StoredRecord]]:
    """The current records of some documents under a schema, by the digest of their bytes, in document order.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    found: defaultdict[str, list[StoredRecord]] = defaultdict(list)
    with store.reading() as connection:
        for some in _batches(digests):
            theirs = _current_records().where(
                extractions.c.schema_name == schema_name, extractions.c.sha256.in_(some)
            )
            for record in _stored_records(connection, theirs.order_by(records.c.id)):
                found[record.sha256].append(record)
    return {digest: sorted(several, key=lambda record: record.ordinal) for digest, several in found.items()}


def states_of(store: Store, schema_name: str, digests: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Digest -> status and kind of the current extraction of some documents under a schema.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    found: dict[str, tuple[str, str | None]] = {}
    with store.reading() as connection:
        for some in _batches(digests):
            rows = connection.execute(
                select(extractions.c.sha256, extractions.c.status, extractions.c.kind).where(
                    extractions.c.sha256.in_(some),
                    *current(schema_name),
                )
            )
            found.update({row.sha256: (row.status, row.kind) for row in rows})
    return found


def known_uris(store: Store) -> list[tuple[str, str]]:
    """Uri and digest of every object that the store has seen the bytes of.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    with store.reading() as connection:
        rows = connection.execute(
            select(documents.c.uri, documents.c.sha256).where(documents.c.sha256.is_not(None))
        ).all()
    return [(row.uri, row.sha256) for row in rows]


def declared_schema(store: Store, schema_name: str) -> dict[str, Any] | None:
    """The JSON Schema that the store's records of a schema follow; None when it knows none of that name.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    with store.reading() as connection:
        found = connection.scalar(select(schemas.c.json_schema).where(schemas.c.name == schema_name))
    return None if found is None else dict(found)


def _batches(values: Collection[Value]) -> Iterator[list[Value]]:
    """No more values in one statement than every database takes."""
    several = sorted(values)
    for start in range(0, len(several), _BATCH):
        yield several[start : start + _BATCH]


def _current_records() -> Select[Any]:
    return (
        select(records, extractions.c.schema_name, extractions.c.status, extractions.c.sha256)
        .add_columns(extractions.c.endpoint, extractions.c.model)
        .join_from(records, extractions)
        .where(*current())
    )


def _stored_records(connection: Connection, query: Select[Any]) -> list[StoredRecord]:
    rows = connection.execute(query).all()
    uris = _uris(connection, [row.sha256 for row in rows])
    wordless = _wordless(connection, {row.extraction_id for row in rows})
    return [
        StoredRecord(
            row.id, row.ordinal, row.schema_name, row.status, row.sha256, tuple(uris[row.sha256]), row.endpoint,
            row.model, row.data, row.issues, with_states(row.evidence), row.grounded, row.pages,
            tuple(page for page in row.pages if page in wordless[row.extraction_id]),
        )
        for row in rows
    ]  # fmt: skip


def _wordless(connection: Connection, chosen: Collection[int]) -> defaultdict[int, set[int]]:
    """Extraction -> its pages that were read and of which not all words are known."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for some in _batches(chosen):
        rows = connection.execute(
            select(pages.c.extraction_id, pages.c.page).where(
                pages.c.extraction_id.in_(some), pages.c.status == PageStatus.READ, pages.c.words.is_(None)
            )
        )
        for extraction_id, page in rows:
            found[extraction_id].add(page)
    return found


def _uris(connection: Connection, digests: Sequence[str]) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for some in _batches(set(digests)):
        rows = connection.execute(
            select(documents.c.sha256, documents.c.uri)
            .where(documents.c.sha256.in_(some))
            .order_by(documents.c.gone_at.is_not(None), documents.c.uri)
        )
        for digest, uri in rows:
            found[digest].append(uri)
    return found
