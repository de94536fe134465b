"""`octavo evaluate LABELS --schema S`: how often the records in the store are right, field by field.

What is held against the labels is what the store holds now: nothing is extracted, nothing is paid.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from extractors.errors import BadConfiguration
from extractors.vocabulary import EvidenceState
from flows.evaluation.compare import Mark, UnreadableLabel, comparable, compare
from flows.evaluation.labels import Label, read_labels
from flows.storage.local import path_of
from flows.store.counts import StoredRecord, declared_schema, known_uris, records_of, states_of
from flows.store.shape import Shape, shape_of
from flows.store.store import Store

_TOLD = 5
"""Reasons told when nothing can be evaluated."""


@dataclass
class Tally:
    """Verdicts on one field, or on all.

    Attributes:
        right: labels that the record agrees with.
        wrong: labels that it contradicts.
        missing: labels for which it holds nothing.
        extra: rows of a list beyond the labelled ones.
        grounded: `right` and `wrong` among the values that were found on the page.
        ungrounded: likewise among those that stand nowhere on it.
        not_checkable: likewise among those that could not be looked for.
    """

    right: int = 0
    wrong: int = 0
    missing: int = 0
    extra: int = 0
    grounded: dict[str, int] = field(default_factory=lambda: {"right": 0, "wrong": 0})
    ungrounded: dict[str, int] = field(default_factory=lambda: {"right": 0, "wrong": 0})
    not_checkable: dict[str, int] = field(default_factory=lambda: {"right": 0, "wrong": 0})

    @property
    def labels(self) -> int:
        """Labels in all; extra rows have none."""
        return self.right + self.wrong + self.missing

    def add(self, mark: Mark) -> None:
        """Counts one verdict."""
        setattr(self, mark.verdict, getattr(self, mark.verdict) + 1)
        if mark.state is not None:
            self.by_state[mark.state][mark.verdict] += 1

    @property
    def by_state(self) -> dict[EvidenceState, dict[str, int]]:
        """`right` and `wrong` by what became of looking for the values."""
        return {
            EvidenceState.FOUND: self.grounded,
            EvidenceState.NOT_FOUND: self.ungrounded,
            EvidenceState.NOT_CHECKABLE: self.not_checkable,
        }


@dataclass(frozen=True)
class Result:
    """A verdict, and of which document and record."""

    document: str
    record_id: int
    mark: Mark


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes:
        schema_name: whose records.
        documents: labelled ones.
        compared: records that were held against a label.
        without_record: document as labelled -> why there is no record of it.
        fields: dotted path -> tally, in the schema's order.
        total: over all fields.
        misses: every label that is not right.
        not_compared: names in the labels that the schema does not have.
    """

    schema_name: str
    documents: int
    compared: int
    without_record: dict[str, str]
    fields: dict[str, Tally]
    total: Tally
    misses: tuple[Result, ...]
    not_compared: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON data; values are texts."""
        return {
            "schema": self.schema_name,
            "documents": {"labelled": self.documents, "without_record": self.without_record},
            "records_compared": self.compared,
            "total": {"labels": self.total.labels, **asdict(self.total)},
            "fields": {name: {"labels": tally.labels, **asdict(tally)} for name, tally in self.fields.items()},
            "misses": [
                {
                    "document": miss.document,
                    "record_id": miss.record_id,
                    **asdict(miss.mark),
                    "grounded": miss.mark.grounded,
                }
                for miss in self.misses
            ],
            "not_compared": list(self.not_compared),
        }


def evaluate(store: Store, *, schema_name: str, place: str, max_bytes: int) -> Evaluation:
    """Holds the current records of a schema against labels.

    Args:
        store: open, for reading at least.
        schema_name: whose records.
        place: of the labels: a path or `s3://bucket/key` (`flows.evaluation.labels`).
        max_bytes: of labels in a bucket.

    Raises:
        BadConfiguration: the labels cannot be read, name no field of the schema, or no document of theirs has a
            record.
        SourceUnavailable: the bucket with the labels cannot be read.
        StoreUnavailable: the store cannot be read.
    """
    labels = read_labels(place, max_bytes)
    json_schema = declared_schema(store, schema_name)
    if json_schema is None:
        raise BadConfiguration(f"nothing was extracted with a schema {schema_name!r} into {store.shown_url}")
    shape = shape_of(json_schema, (), ())
    known = comparable(shape)
    named = dict.fromkeys(path for label in labels for path in label.values)
    if named.keys().isdisjoint(known):
        raise BadConfiguration(f"{place} names no field of {schema_name}; it has {', '.join(known)}")
    digests, why = _resolved(labels, known_uris(store))
    found = records_of(store, schema_name, set(digests.values()))
    states = states_of(store, schema_name, set(digests.values()) - found.keys())
    why |= {name: _state(states.get(digest)) for name, digest in digests.items() if digest not in found}
    pairs = list(_pairs(labels, digests, found, why))
    if not pairs:
        told = "; ".join(f"{name}: {reason}" for name, reason in list(why.items())[:_TOLD])
        raise BadConfiguration(f"no labelled document has a record of {schema_name} in {store.shown_url}: {told}")
    results = [
        Result(label.document, record.id, mark)
        for label, record in pairs
        for mark in _marks(label, record, shape, place)
    ]
    fields: defaultdict[str, Tally] = defaultdict(Tally)
    total = Tally()
    for result in results:
        fields[result.mark.field].add(result.mark)
        total.add(result.mark)
    return Evaluation(
        schema_name=schema_name,
        documents=len({label.document for label in labels}),
        compared=len(pairs),
        without_record=why,
        fields={name: fields[name] for name in known if name in fields},
        total=total,
        misses=tuple(result for result in results if result.mark.verdict != "right"),
        not_compared=tuple(name for name in named if name not in known),
    )


def _resolved(labels: Sequence[Label], known: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Document as labelled -> digest of its bytes; and why some have none."""
    by_uri, by_name = {}, defaultdict(list)
    for uri, digest in known:
        path = str(path_of(uri)) if uri.startswith("file://") else uri
        by_uri[uri] = by_uri[path] = digest
        by_name[PurePosixPath(path).name].append((path, digest))
    digests, why = {}, {}
    for label in labels:
        name = label.document
        if label.key == "sha256":
            digests[name] = name.lower()
        elif name in by_uri:
            digests[name] = by_uri[name]
        else:
            ending = f"/{name.lstrip('/')}"
            found = {digest for path, digest in by_name[PurePosixPath(name).name] if path.endswith(ending)}
            if len(found) == 1 and label.key == "file":
                digests[name] = found.pop()
            else:
                why[name] = "several documents are called so: label it by uri or sha256" if found else "not extracted"
    return digests, why


def _state(state: tuple[str, str | None] | None) -> str:
    if state is None:
        return "not extracted with this schema"
    status, kind = state
    return f"{status}: {kind}" if kind else status


def _pairs(
    labels: Sequence[Label], digests: dict[str, str], found: dict[str, list[StoredRecord]], why: dict[str, str]
) -> Iterator[tuple[Label, StoredRecord]]:
    """Each label with its record: the first of a document's labels with its first record, and so on."""
    taken: Counter[str] = Counter()
    for label in labels:
        digest = digests.get(label.document)
        if digest is None or digest not in found:
            continue
        if taken[digest] == len(found[digest]):
            why[f"{label.document} (line {label.line})"] = "fewer records than labels"
            continue
        yield label, found[digest][taken[digest]]
        taken[digest] += 1


def _marks(label: Label, record: StoredRecord, shape: Shape, place: str) -> list[Mark]:
    states = {item["path"]: item["state"] for item in record.evidence}
    try:
        return compare(label.values, record.data, states, shape)
    except UnreadableLabel as error:
        raise BadConfiguration(f"{place}, line {label.line}: {error}") from None
