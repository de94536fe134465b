"""A question on its way: what is asked and for whom, how long is waited, what the ledger is told of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from extractors.documents import StoredReply, Usage, VisionRequest
from extractors.ledger import Ended, Planned
from extractors.vision.calling import Answered
from extractors.vision.endpoints import Endpoint
from extractors.vision.metering import Meter
from extractors.vision.wire import Asking


@dataclass(frozen=True)
class Patience:
    """How long a run waits.

    Attributes:
        call: seconds for one call; of a stream, for silence.
        give_up_after: seconds for which an endpoint may answer nothing but errors.
        first_delay: seconds before the first retry at most; doubled with each.
        longest_delay: seconds before a retry at most.
    """

    call: float
    give_up_after: float
    first_delay: float
    longest_delay: float


@dataclass(frozen=True)
class Question:
    """What is to be answered, and for whom.

    Attributes:
        request: the question.
        meter: the document's.
        asking: how.
        fingerprint: of all that.
        heard: hears every response with HTTP 200, whatever is in it, before anything follows from it; says how it
            is kept.
        stored: looks for the answer that another process may have got meanwhile, or, where another endpoint than the
            first is to be asked (True), that one of them gave before.
        anew: that earlier runs got no answer does not count.
    """

    request: VisionRequest
    meter: Meter
    asking: Asking
    fingerprint: str
    heard: Callable[[Answered], StoredReply]
    stored: Callable[[bool], Awaitable[StoredReply | None]]
    anew: bool = False


def planned(endpoint: Endpoint, question: Question, expected: Usage) -> Planned:
    """A call before it is sent, as the ledger has it."""
    priced = None not in {endpoint.price_input, endpoint.price_output}
    return Planned(question.fingerprint, endpoint.name, endpoint.model, expected, priced, question.meter.work)


def ended(answered: Answered, *, blamed: bool) -> Ended:
    """What became of it, likewise."""
    outcome = "unanswered" if answered.unanswered else answered.outcome.kind
    usage = answered.usage if answered.settled else None
    return Ended(
        outcome, answered.status, usage, answered.seconds, blamed=blamed and answered.unanswered,
        speaker=answered.said.speaker, first_token=answered.first_token,
    )  # fmt: skip
