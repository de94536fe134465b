"""What one document, or one run, has asked and paid: the only thing between the stages that changes."""

from dataclasses import dataclass, field

from extractors.documents import Usage


@dataclass
class Meter:
    """Counts calls and money as they happen, failed attempts that were billed included.

    Attributes:
        calls: requests sent.
        retries: requests among them that repeated one.
        reused: answers taken from the store instead.
        runaways: answers that were cut off for running away.
        saved_usd: what they would have cost more.
        usage: tokens and cost of what was sent; of calls that nobody answered, at most.
        unsettled_usd: the part of the cost that is of those.
        work: the ledger's name for the document; None for the run's own meter.
        fingerprints: of every reply read, in order.
        endpoint: which answered last; None until one has.
        model: likewise.
        provider: likewise, where a gateway names it.
        stand_in: some answer is another endpoint's than the first one's.
    """

    calls: int = 0
    retries: int = 0
    reused: int = 0
    runaways: int = 0
    saved_usd: float = 0.0
    usage: Usage = field(default_factory=Usage)
    unsettled_usd: float = 0.0
    work: int | None = None
    fingerprints: list[str] = field(default_factory=list)
    endpoint: str | None = None
    model: str | None = None
    provider: str | None = None
    stand_in: bool = False
