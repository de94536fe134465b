"""How a document ends: its state from its pages' states, its records from its windows' values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from extractors.answers import completeness, grounding, kinds, merging, validation, witness
from extractors.asking import planning
from extractors.documents import Document, Evidence, Extraction, Issue, PageState, RecordDraft
from extractors.einvoice import EInvoice
from extractors.errors import Kind, OctavoError, Paused, RowsMissing
from extractors.vision.metering import Meter
from extractors.vocabulary import DocumentStatus, IssueKind, PageStatus, Records
from schemas.record import InvalidRecord, Schema, record_path
from schemas.salvage import as_far_as_read, salvaged

Told = TypeVar("Told", Issue, Evidence)

_TOLD = 20
"""Pages, or attachments, that one message names."""


_ALL_BLANK = "no page has ink: there is nothing to read"


@dataclass(frozen=True)
class Reading:
    """What one group of pages gave.

    Attributes:
        states: of each page.
        parts: a value for each window.
        hidden: issues of the pages as they are drawn: text that a reader cannot see, broken data.
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
    known: dict[str, Any] = {"media_type": document.media_type, "page_count": document.page_count, "pages": states}
    paused = next((reading.paused for reading in readings if reading.paused), None)
    if paused is not None:
        return ended(meter, started, status=DocumentStatus.PENDING, kind=paused.kind, cause=str(paused), **known)
    failed = [state for state in states if state.status == PageStatus.FAILED]
    parts = [part for reading in readings for part in reading.parts]
    placeholders = [state for state in failed if state.kind == Kind.UNSUPPORTED]
    told = (
        *_about_the_file(document),
        *(Issue(IssueKind.PLACEHOLDER, _path_of(state.page), state.cause or "") for state in placeholders),
    )
    if failed and not parts:
        return ended(
            meter, started, status=DocumentStatus.QUARANTINED, kind=failed[0].kind, cause=_cause(failed), issues=told,
            **known,
        )  # fmt: skip
    if parts and all(validation.is_empty(part.value) for part in parts) and not plan.schema.allow_empty:
        cause = "the model read nothing on pages that are not blank, twice"
        known["issues"] = told
        return ended(meter, started, status=DocumentStatus.QUARANTINED, kind=Kind.EMPTY_ANSWER, cause=cause, **known)
    issues = [issue for reading in readings for issue in reading.hidden]
    issues += [
        Issue(IssueKind.NOTHING_FOUND, _path_of(page), "nothing was read on this page, though asked for twice")
        for part in parts
        if part.nothing_found
        for page in part.pages
    ]
    issues += told
    issues += kinds.not_this_kind(parts, plan.schema.json_schema)
    unread = {page: told for reading in readings for page, told in reading.unread.items()}
    issues += [
        Issue(
            IssueKind.ROWS_MISSING,
            _path_of(page),
            f"{told.missing} of {told.rows} table rows of the page are in no record",
        )
        for page, told in unread.items()
    ]
    issues += _of_groups(parts)
    if failed:
        missing = ", ".join(str(state.page) for state in failed)
        issues.append(Issue(IssueKind.MISSING_PAGES, "", f"not read: page {missing}"))
    if not parts:
        issues.append(Issue(IssueKind.ALL_BLANK, "", _ALL_BLANK))
    records = _records(parts, plan, issues)
    if isinstance(document.einvoice, EInvoice):
        alone = len(records) == 1 and len(states) == document.page_count
        records = tuple(_with_witness(record, plan.schema, document.einvoice, alone=alone) for record in records)
    known["issues"] = () if records else tuple(issues)
    lost = _missing_pages(failed) or _missing_fields(parts) or _missing_rows(unread) or _missing_values(records)
    status = DocumentStatus.PARTIAL if lost else DocumentStatus.COMPLETE
    how = {"status": status, **lost} if parts else of_no_ink()
    return ended(meter, started, **how, records=records, **known)


def of_no_ink() -> dict[str, Any]:
    """Status, kind and cause of a document all of whose pages are blank."""
    return {"status": DocumentStatus.COMPLETE, "kind": Kind.ALL_BLANK, "cause": _ALL_BLANK}


def _missing_pages(failed: Sequence[PageState]) -> dict[str, Any]:
    """Kind and cause of a document of which some pages failed; empty when none did."""
    return {"kind": failed[0].kind, "cause": _cause(failed)} if failed else {}


def _of_groups(parts: Sequence[merging.Part]) -> Iterator[Issue]:
    """What a person should know of answers that were put together from several questions about the same pages."""
    for part in parts:
        for page in part.pages:
            yield from (Issue(kind, _path_of(page), told) for kind, told in part.put_together)
            for lost in part.unread:
                yield Issue(
                    IssueKind.UNREAD_FIELDS, _path_of(page), f"not read: {_listed(lost.fields)}: {lost.cause}"
                )


def _missing_fields(parts: Sequence[merging.Part]) -> dict[str, Any]:
    """Kind and cause of a document of which some fields got no answer; empty when all did."""
    lost = [(part, each) for part in parts for each in part.unread]
    if not lost:
        return {}
    part, first = lost[0]
    cause = f"page {_listed(part.pages)}: {len(first.fields)} fields were not read: {first.cause}"
    return {"kind": first.kind, "cause": cause}


def _missing_rows(unread: Mapping[int, completeness.Unread]) -> dict[str, Any]:
    certain = [page for page, told in unread.items() if told.certain]
    cause = f"page {_listed(certain)}: table rows are in no record, though asked for twice"
    return {"kind": RowsMissing.kind, "cause": cause} if certain else {}


def _missing_values(records: Sequence[RecordDraft]) -> dict[str, Any]:
    """Kind and cause of a document whose records lack values that were answered, or are no whole records."""
    found = [issue for record in records for issue in record.issues]
    for kind, told in (
        (Kind.INVALID_RECORD, "a record is not what the schema demands"),
        (Kind.REFUSED_VALUE, "values that the schema refuses are null"),
    ):
        own = [issue for issue in found if issue.kind == kind.value]
        if own:
            paths = _listed(list(dict.fromkeys(issue.path or issue.message for issue in own)))
            return {"kind": kind, "cause": f"{told}, after one repair round: {paths}"}
    return {}


def _about_the_file(document: Document) -> list[Issue]:
    issues = []
    if document.repaired:
        issues.append(
            Issue(
                IssueKind.REPAIRED, "", "the file's structure was broken and rebuilt; check that no page is missing"
            )
        )
    if document.animated:
        issues.append(Issue(IssueKind.FIRST_FRAME, "", "an animation, of which only the first frame was read"))
    unread = list(document.attachments)
    if isinstance(document.einvoice, EInvoice):
        unread = [name for name in unread if name != document.einvoice.file]
    elif document.einvoice is not None:
        told = f"{document.einvoice.file} cannot be read as an e-invoice's data: {document.einvoice.why}"
        issues.append(Issue(IssueKind.ATTACHMENTS, "", told))
    if unread:
        count, named = len(unread), _listed(unread)
        issues.append(Issue(IssueKind.ATTACHMENTS, "", f"attached inside the PDF and not read: {count}: {named}"))
    return issues


def _cause(failed: Sequence[PageState]) -> str:
    return f"page {_listed([state.page for state in failed])}: {failed[0].cause}"


def _listed(items: Sequence[object]) -> str:
    return ", ".join(map(str, items[:_TOLD])) + (" ..." if len(items) > _TOLD else "")


def _records(parts: Sequence[merging.Part], plan: planning.Plan, issues: Sequence[Issue]) -> tuple[RecordDraft, ...]:
    """The records, parsed in full."""
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
            if validation.is_empty(part.value) and not plan.schema.allow_empty:
                continue  # a page of a longer document that shows none of it
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
        replace(item, path=item.path.removeprefix(prefix)) for item in merged.evidence if item.path.startswith(prefix)
    ]
    own = [
        replace(issue, path=issue.path.removeprefix(prefix) or "record")
        for issue in merged.issues
        if f"{issue.path}.".startswith(prefix)
    ]
    agreed = {path.removeprefix(prefix) for path in merged.agreed if path.startswith(prefix)}
    return merging.Merged(merged.value["records"][number], evidence, own, merged.habits, agreed)


def _stands_on(evidence: Sequence[Evidence]) -> tuple[int, ...]:
    return tuple(sorted({item.page for item in evidence if item.page is not None}))


def _record(
    merged: merging.Merged, pages: tuple[int, ...], plan: planning.Plan, issues: Sequence[Issue]
) -> RecordDraft:
    data, found, broken = _parsed(merged, plan)
    refused = {issue.path for issue in found}
    evidence = _named_as_kept([item for item in merged.evidence if item.path not in refused], plan.schema)
    # What two separate questions answered alike was hardly made up, even if no word of the page says it.
    agreed = {record_path(plan.schema, path) for path in merged.agreed}
    return RecordDraft(
        data=data,
        issues=(
            *_named_as_kept([*merged.issues, *found, *_repeated(merged, plan)], plan.schema),
            *grounding.issues_of([item for item in evidence if item.path not in agreed]),
            *broken,
            *issues,
        ),
        evidence=evidence,
        grounded=grounding.share_grounded(evidence),
        pages=pages,
    )


def _repeated(merged: merging.Merged, plan: planning.Plan) -> list[Issue]:
    """An issue for each row that the record has once more than its pages."""
    fields = [name.removeprefix("records.") for name in plan.row_fields]
    paths = completeness.repeated_rows(merged.value, merged.evidence, fields)
    return [
        Issue(IssueKind.ROW_REPEATED, path, "the pages show this row once less than it is here") for path in paths
    ]


def _with_witness(record: RecordDraft, schema: Schema, einvoice: EInvoice, *, alone: bool) -> RecordDraft:
    """The record with what its e-invoice's own data says of it, which changes no value and no evidence."""
    found = witness.compared(record.data, schema.leaves_of_records, einvoice, alone=alone)
    kept = [
        issue for issue in record.issues if not (issue.kind in grounding.OF_EVIDENCE and issue.path in found.agreed)
    ]
    return replace(record, issues=(*kept, *found.issues))


def _parsed(merged: merging.Merged, plan: planning.Plan) -> tuple[dict[str, Any], list[Issue], list[Issue]]:
    """The record's data, what is not good in it, under the answer's names, and its broken checks."""
    try:
        data = plan.schema.parse(merged.value, merged.habits)
    except InvalidRecord:
        gone = {issue.path for issue in merged.issues if issue.kind == IssueKind.REFUSED_VALUE}
        left = salvaged(merged.value, plan.schema, merged.habits, gone)
        found = [merging.refused_issue(each.path, each) for each in left.refused]
        found += [Issue(IssueKind.INVALID_RECORD, fault.path, fault.message) for fault in left.lacking]
        if not left.valid:
            return as_far_as_read(left.value, plan.schema, merged.habits), found, []
        data = plan.schema.parse(left.value, merged.habits)
        return data, found, _broken(data, plan)
    return data, [], _broken(data, plan)


def _broken(data: dict[str, Any], plan: planning.Plan) -> list[Issue]:
    return [Issue(IssueKind.CHECK_FAILED, name, message) for name, message in plan.schema.check(data)]


def _named_as_kept(told: Sequence[Told], schema: Schema) -> tuple[Told, ...]:
    """What was told of the answer's values, told of the record's, whose fields may have other names."""
    return tuple(replace(each, path=record_path(schema, each.path)) for each in told)


def ended(meter: Meter, started: datetime, *, status: DocumentStatus, **known: Any) -> Extraction:
    """An extraction that ends now, with what the meter counted."""
    return Extraction(
        status=status,
        reply_fingerprints=tuple(dict.fromkeys(meter.fingerprints)),
        endpoint=meter.endpoint,
        model=meter.model,
        provider=meter.provider,
        stand_in=meter.stand_in,
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
