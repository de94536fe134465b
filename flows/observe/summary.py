"""What a run did, counted as it happens; its JSON form is a contract (DESIGN section 7)."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from extractors.documents import Extraction, ObjectRef, Usage
from extractors.errors import Kind, OctavoError
from extractors.ledger import Booked, Served
from extractors.vision.metering import Meter
from extractors.vocabulary import FINAL, NOT_COMPLETE, SKIPPED, UNREACHABLE, DocumentStatus, PageStatus


@dataclass(frozen=True)
class Outcome:
    """How one object of the source ended in this run.

    Attributes:
        uri: of the object.
        status: `skipped`, `unreachable`, `complete`, `partial`, `quarantined` or `pending`.
        kind: why, from the error tree; for a skipped one `done` or `not_a_document`.
        cause: why, in one line.
        pages: "1, 4" of the failed pages.
    """

    uri: str
    status: str
    kind: str | None = None
    cause: str | None = None
    pages: str = ""


@dataclass
class Summary:
    """A run's counts, kept up to date while it goes; calls, tokens and cost are the ledger's once it has ended.

    `seen` is every object found that can be read; `skipped` those already done, and those that are no documents;
    `unreachable` counts what nobody could look at, a folder as one; `blank` are documents without ink. `fail_over`
    says how many documents may be not complete in a run that ends well: a number, or a share of those taken with "%".
    `to_review` counts documents with a record that has an issue; `paused_by` is the kind of what `paused` tells.
    """

    run_id: str
    documents: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    records: int = 0
    done_before: Counter[str] = field(default_factory=Counter)
    troubles: list[Outcome] = field(default_factory=list)
    trouble_count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    not_documents: list[Outcome] = field(default_factory=list)
    unreachable: list[Outcome] = field(default_factory=list)
    unreachable_count: int = 0
    blank: list[Outcome] = field(default_factory=list)
    blank_count: int = 0
    meter: Meter = field(default_factory=Meter)
    booked: Booked | None = None
    served: list[Served] = field(default_factory=list)
    paused: str | None = None
    paused_by: Kind | None = None
    to_review: int = 0
    fail_over: str | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    #: How many outcomes are kept word for word; the store has them all.
    most_told = 200

    def skip_done(self, status: str, count: int = 1) -> None:
        """Objects whose bytes were extracted under this recipe before, and how they ended then."""
        self.documents["seen"] += count
        self.documents[SKIPPED] += count
        self.done_before[status] += count

    def skip_other(self, uri: str, reason: str) -> None:
        """An object that is no document."""
        self.documents["seen"] += 1
        self.documents[SKIPPED] += 1
        if len(self.not_documents) < self.most_told:
            self.not_documents.append(Outcome(uri, SKIPPED, "not_a_document", reason))

    def miss(self, uri: str, reason: str) -> None:
        """An object or folder that could not be looked at: nobody knows whether it is a document."""
        self.unreachable_count += 1
        if len(self.unreachable) < self.most_told:
            self.unreachable.append(Outcome(uri, UNREACHABLE, UNREACHABLE, reason))

    def wait(self, count: int = 1) -> None:
        """Objects seen and not yet begun: pending until they end."""
        self.documents["seen"] += count
        self.documents[DocumentStatus.PENDING] += count

    def done_meanwhile(self, status: str) -> None:
        """A waiting object whose bytes turned out to be extracted already."""
        self.documents[DocumentStatus.PENDING] -= 1
        self.documents[SKIPPED] += 1
        self.done_before[status] += 1

    def no_document(self, uri: str, reason: str) -> None:
        """A waiting object whose content turned out to be no document."""
        self.documents[DocumentStatus.PENDING] -= 1
        self.documents["seen"] -= 1
        self.skip_other(uri, reason)

    def end(self, ref: ObjectRef, extraction: Extraction) -> Outcome:
        """A waiting object has ended."""
        self.documents[DocumentStatus.PENDING] -= 1
        self.documents[extraction.status] += 1
        self.pages.update(state.status for state in extraction.pages)
        self.records += extraction.record_count
        failed = ", ".join(str(state.page) for state in extraction.pages if state.status == PageStatus.FAILED)
        outcome = Outcome(ref.uri, extraction.status, extraction.kind, extraction.cause, failed)
        parts = (extraction, *extraction.by_schema.values())
        if any(part.issues or any(draft.issues for draft in part.records) for part in parts):
            self.to_review += extraction.status != DocumentStatus.QUARANTINED
        if extraction.kind == Kind.ALL_BLANK:
            self.blank_count += 1
            if len(self.blank) < self.most_told:
                self.blank.append(outcome)
        if extraction.status != "complete":
            self.trouble_count += 1
            self.tell(outcome)
        return outcome

    def tell(self, trouble: Outcome) -> None:
        """Keeps how a document that is not complete ended, of this run or of a shard of it, while there is room."""
        self.kinds[trouble.kind or "unknown"] += 1
        if len(self.troubles) < self.most_told:
            self.troubles.append(trouble)

    def pause(self, reason: OctavoError | None, told: str | None = None) -> None:
        """Notes why the run stopped early; None where it did not."""
        if reason is not None:
            self.paused, self.paused_by = told or str(reason), reason.kind

    def add_shard(self, counts: dict[str, Any], waiting: int) -> None:
        """Objects that waited here were taken by another run.

        Args:
            counts: that run's, as `as_json` gives them.
            waiting: how many objects it was handed.
        """
        documents = counts["documents"]
        self.documents[DocumentStatus.PENDING] -= waiting - documents[DocumentStatus.PENDING]
        for status in (SKIPPED, *FINAL):
            self.documents[status] += documents[status]
        self.trouble_count += sum(documents[status] for status in NOT_COMPLETE)
        self.to_review += counts.get("to_review", 0)
        self.pages.update(counts["pages"])
        self.records += counts["records"]
        self.meter.calls += counts["model_calls"]
        self.meter.reused += counts["replies_reused"]
        self.meter.retries += counts["retries"]
        tokens = counts["tokens"]
        self.meter.usage += Usage(tokens["input"], tokens["output"], tokens["cached"], counts["cost_usd"] or 0.0)
        self.meter.unsettled_usd += counts["cost_unsettled_usd"]

    @property
    def not_complete(self) -> int:
        """Documents that are partial or in quarantine."""
        return sum(self.documents[status] for status in NOT_COMPLETE)

    @property
    def all_good(self) -> bool:
        """Whether all could be looked at, and every document is complete or was already done with."""
        return not (self.unreachable_count or self.not_complete or self.documents[DocumentStatus.PENDING])

    @property
    def exit_code(self) -> int:
        """0 all complete, or few enough not (`fail_over`), 3 some are not complete or unreachable, 4 paused."""
        if self.documents[DocumentStatus.PENDING] or self.paused:
            return 4
        return 0 if self.all_good or self.tolerated else 3

    @property
    def tolerated(self) -> bool:
        """Whether no more documents are not complete, or unreachable, than `fail_over` lets be."""
        if self.fail_over is None:
            return False
        bad = self.not_complete + self.unreachable_count
        taken = self.documents["seen"] - self.documents[SKIPPED] + self.unreachable_count
        most = float(self.fail_over.removesuffix("%"))
        return bad <= (taken * most / 100 if self.fail_over.endswith("%") else most)

    def stop_clock(self) -> None:
        """The run has ended."""
        self.ended = time.monotonic()

    def as_json(self) -> dict[str, Any]:
        """The contract's object."""
        usage, booked = self.meter.usage, self.booked
        tokens = {"input": usage.input, "output": usage.output, "cached": usage.cached}
        cost: float | None
        cost, unsettled, calls = usage.cost_usd, self.meter.unsettled_usd, self.meter.calls
        if booked is not None:
            tokens = {"input": booked.input_tokens, "output": booked.output_tokens, "cached": booked.cached_tokens}
            cost, unsettled, calls = booked.cost_usd, booked.cost_unsettled_usd, booked.calls
        names = ("seen", SKIPPED, *(status.value for status in DocumentStatus))
        missed = {UNREACHABLE: self.unreachable_count} if self.unreachable_count else {}
        further = {"paused_by": self.paused_by, "to_review": self.to_review}
        return {
            "run_id": self.run_id,
            "documents": {name: self.documents[name] for name in names} | missed,
            "pages": {status.value: self.pages[status] for status in PageStatus},
            "records": self.records,
            "model_calls": calls,
            "replies_reused": self.meter.reused,
            "retries": self.meter.retries,
            "tokens": tokens,
            "cost_usd": None if cost is None else round(cost, 6),
            "cost_unsettled_usd": round(unsettled, 6),
            "seconds": round((self.ended or time.monotonic()) - self.began, 3),
            **{name: value for name, value in further.items() if value},
        }
