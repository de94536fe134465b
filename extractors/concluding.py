"""How a document ends: its state from its pages' states, its records from its windows' values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from extractors.answers import completeness, grounding, merging
from extractors.asking import planning
from extractors.documents import Document, Evidence, Extraction, Issue, PageState, RecordDraft
from extractors.errors import InvalidAnswer, Kind, OctavoError, Paused, RowsMissing
from extractors.vision.metering import Meter
from extractors.vocabulary import DocumentStatus, IssueKind, PageStatus, Records
from schemas.record import InvalidRecord, Schema, record_path

Told = TypeVar("Told", Issue, Evidence)

_TOLD = 20
"""Pages, or attachments, that one message names."""


@dataclass(frozen=True)
class Reading:
    """What one group of pages gave.

    Attributes:
        states: of each page.
        parts: a value for each window.
        hidden: an issue for each page with text that a reader cannot see.
        unread: page -> table rows that are in no record, after asking again.
        paused: why the rest was not asked.
    """

    states: tuple[PageState, ...]
    parts: tuple[merging.Part, ...] = ()
    hidden: tuple[Issue, ...] = ()
    unread: Mapping[int, completeness.Unread] = field(default_factory=dict)
    paused: Paused | None = None


def concluded(
    document: Document, readings: Sequence[Reading], plan: planning.Plan, meter: Meter, started: datetime
) -> Extraction:
    """The document's state, from its pages' states and what was read."""
    states = tuple(state for reading in readings for state in reading.states)
    known = {"media_type": document.media_type, "page_count": document.page_count, "pages": states}
    paused = next((reading.paused for reading in readings if reading.paused), None)
    if paused is not None:
        return ended(meter, started, status=DocumentStatus.PENDING, kind=paused.kind, cause=str(paused), **known)
    failed = [state for state in states if state.status == PageStatus.FAILED]
    parts = [part for reading in readings for part in reading.parts]
    if failed and not parts:
        return ended(
            meter, started, status=DocumentStatus.QUARANTINED, kind=failed[0].kind, cause=_cause(failed), **known
        )
    issues = [issue for reading in readings for issue in reading.hidden]
    issues += _about_the_file(document)
    unread = {page: told for reading in readings for page, told in reading.unread.items()}
    issues += [
        Issue(
            IssueKind.ROWS_MISSING,
            _path_of(page),
            f"{told.missing} of {told.rows} table rows of the page are in no record",
        )
        for page, told in unread.items()
    ]
    if failed:
        missing = ", ".join(str(state.page) for state in failed)
        issues.append(Issue(IssueKind.MISSING_PAGES, "", f"not read: page {missing}"))
    try:
        records = _records(parts, plan, issues)
    except InvalidRecord as error:
        cause = f"the windows' answers make no valid record together: {error}"
        return ended(meter, started, status=DocumentStatus.QUARANTINED, kind=InvalidAnswer.kind, cause=cause, **known)
    if failed:
        return ended(
            meter,
            started,
            status=DocumentStatus.PARTIAL,
            kind=failed[0].kind,
            cause=_cause(failed),
            records=records,
            **known,
        )
    certain = [page for page, told in unread.items() if told.certain]
    if certain:
        cause = f"page {_listed(certain)}: table rows are in no record, though asked for twice"
        return ended(
            meter,
            started,
            status=DocumentStatus.PARTIAL,
            kind=RowsMissing.kind,
            cause=cause,
            records=records,
            **known,
        )
    return ended(meter, started, status=DocumentStatus.COMPLETE, records=records, **known)


def _about_the_file(document: Document) -> list[Issue]:
    issues = []
    if document.repaired:
        issues.append(
            Issue(
                IssueKind.REPAIRED, "", "the file's structure was broken and rebuilt; check that no page is missing"
            )
        )
    if document.attachments:
        count, named = len(document.attachments), _listed(document.attachments)
        issues.append(Issue(IssueKind.ATTACHMENTS, "", f"attached inside the PDF and not read: {count}: {named}"))
    return issues


def _cause(failed: Sequence[PageState]) -> str:
    return f"page {_listed([state.page for state in failed])}: {failed[0].cause}"


def _listed(items: Sequence[object]) -> str:
    return ", ".join(map(str, items[:_TOLD])) + (" ..." if len(items) > _TOLD else "")


def _records(parts: Sequence[merging.Part], plan: planning.Plan, issues: Sequence[Issue]) -> tuple[RecordDraft, ...]:
    """The records, parsed in full.

    Raises:
        InvalidRecord: the merged value lacks what the schema demands.
    """
    if not parts:
        return ()
    found = list(_merged(parts, plan))
    told = {_path_of(page) for _, pages in found for page in pages}
    drafts = []
    for record, pages in found:
        # What is said of a page concerns the records that stand on it; of a page without any, all of them.
        own = {_path_of(page) for page in pages}
        drafts.append(_record(record, pages, plan, [i for i in issues if i.path in own or i.path not in told]))
    return tuple(drafts)


def _merged(parts: Sequence[merging.Part], plan: planning.Plan) -> Iterator[tuple[merging.Merged, tuple[int, ...]]]:
    """The records before they are parsed, each with its pages."""
    if plan.records == Records.PER_PAGE:
        for part in parts:
            yield merging.merge([part], plan.schema.json_schema), part.pages
        return
    pages = tuple(page for part in parts for page in part.pages)
    if plan.records == Records.ONE:
        yield merging.merge(parts, plan.schema.json_schema), pages
        return
    merged = merging.merge(parts, {})
    for number in range(len(merged.value["records"])):
        record = _nth(merged, number)
        yield record, _stands_on(record.evidence) or pages


def _path_of(page: int) -> str:
    return f"page {page}"


def _nth(merged: merging.Merged, number: int) -> merging.Merged:
    """One record of `{"records": [...]}`, its paths starting at itself."""
    prefix = f"records.{number}."
    evidence = [
        Evidence(item.path.removeprefix(prefix), item.page, item.box, item.text)
        for item in merged.evidence
        if item.path.startswith(prefix)
    ]
    return merging.Merged(merged.value["records"][number], evidence, [], merged.habits)


def _stands_on(evidence: Sequence[Evidence]) -> tuple[int, ...]:
    return tuple(sorted({item.page for item in evidence if item.page is not None}))


def _record(
    merged: merging.Merged, pages: tuple[int, ...], plan: planning.Plan, issues: Sequence[Issue]
) -> RecordDraft:
    data = plan.schema.parse(merged.value, merged.habits)
    evidence = _named_as_kept(merged.evidence, plan.schema)
    broken = [Issue(IssueKind.CHECK_FAILED, name, message) for name, message in plan.schema.check(data)]
    return RecordDraft(
        data=data,
        issues=(*_named_as_kept(merged.issues, plan.schema), *broken, *issues),
        evidence=evidence,
        grounded=grounding.share_grounded(evidence),
        pages=pages,
    )


def _named_as_kept(told: Sequence[Told], schema: Schema) -> tuple[Told, ...]:
    """What was told of the answer's values, told of the record's, whose fields may have other names."""
    return tuple(replace(each, path=record_path(schema, each.path)) for each in told)


def ended(meter: Meter, started: datetime, *, status: DocumentStatus, **known: Any) -> Extraction:
    """An extraction that ends now, with what the meter counted."""
    return Extraction(
        status=status,
        usage=meter.usage,
        reply_fingerprints=tuple(dict.fromkeys(meter.fingerprints)),
        endpoint=meter.endpoint,
        model=meter.model,
        started_at=started,
        finished_at=datetime.now(UTC),
        **known,
    )


def failed_extraction(error: Exception) -> Extraction:
    """The extraction of a document that an error ended before its pages had states.

    An error from outside the tree is a defect of Octavo's: its kind is `defect`.
    """
    now = datetime.now(UTC)
    status = DocumentStatus.PENDING if isinstance(error, Paused) else DocumentStatus.QUARANTINED
    kind = error.kind if isinstance(error, OctavoError) else Kind.DEFECT
    cause = str(error) if isinstance(error, OctavoError) else f"{type(error).__name__}: {error}"
    return Extraction(status=status, kind=kind, cause=cause, started_at=now, finished_at=now)
