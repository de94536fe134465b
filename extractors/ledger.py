"""The ledger of calls as the client needs it: a call is in it before it is sent, and its reply before it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from extractors.documents import StoredReply, Usage


@dataclass(frozen=True)
class Speaker:
    """Who says to have answered a call; None for what is not told.

    Attributes:
        model: which need not be the one that was asked for.
        provider: of those that a gateway passes questions on to.
        id: the answer's, by which its server knows it.
    """

    model: str | None = None
    provider: str | None = None
    id: str | None = None


NOBODY = Speaker()


@dataclass(frozen=True)
class Planned:
    """A call that is about to be sent.

    Attributes:
        fingerprint: of its question, under which the reply will be kept.
        endpoint: the profile's name.
        model: as asked for.
        expected: tokens and cost at most.
        priced: whether the endpoint's prices are known; else the cost is not.
        work: the ledger's name for the document (`Meter.work`).
    """

    fingerprint: str
    endpoint: str
    model: str
    expected: Usage
    priced: bool
    work: int | None


@dataclass(frozen=True)
class Ended:
    """What became of a call.

    Attributes:
        outcome: `unanswered`, or what the response means (`outcomes.Kind`).
        status: HTTP status, or 0.
        usage: what it is counted as; None: nobody knows, so its reservation counts.
        seconds: that it took.
        blamed: it stayed unanswered while the endpoint answered others.
        speaker: who answered.
        first_token: seconds until the first piece of a streamed answer; None of one that came whole.
    """

    outcome: str
    status: int
    usage: Usage | None
    seconds: float
    blamed: bool = False
    speaker: Speaker = NOBODY
    first_token: float | None = None


@dataclass(frozen=True)
class Booked:
    """What some calls are booked at.

    Attributes:
        calls: how many.
        input_tokens: as told; of calls that are not settled, as reserved.
        output_tokens: likewise.
        cached_tokens: as told.
        cost_usd: settled and unsettled together; None where the price of some was not known.
        cost_unsettled_usd: of those that nobody answered, at most.
        unsettled: how many these are.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    cost_unsettled_usd: float
    unsettled: int


@dataclass(frozen=True)
class Served:
    """Calls of one endpoint, by the provider and the model that say to have answered.

    Attributes:
        endpoint: the profile's name.
        provider: to which a gateway passed them on; None where no answer says so, or there was none.
        model: that answered; that was asked for where no answer names one.
        calls: sent.
        answered: of them, those with an answer.
        seconds: median from sending to the last byte, of those answered.
        first_token: median seconds until the first piece of a streamed answer; None without one.
        tokens_per_second: of answers, while they were written: after the first piece where that is known.
        input_tokens: as told, or reserved where nobody knows.
        output_tokens: likewise.
        cached_tokens: of the input, as told.
        cost_usd: settled and unsettled; None where the price of some was not known.
    """

    endpoint: str
    provider: str | None
    model: str
    calls: int
    answered: int
    seconds: float | None
    first_token: float | None
    tokens_per_second: float | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None

    @property
    def success(self) -> float:
        """Share of the calls that were answered, 0 to 1."""
        return self.answered / self.calls


class OverBudget(Exception):
    """A call that could cross a limit is not sent.

    Attributes:
        others: calls of other processes are under way, which may cost less than they reserved.
    """

    def __init__(self, why: str, *, others: bool) -> None:
        super().__init__(why)
        self.others = others


class Ledger(Protocol):
    """Calls, and the raw replies by the fingerprint of their question. What returns has been committed."""

    async def get(self, fingerprints: Sequence[str]) -> Sequence[StoredReply]:
        """The replies kept under some fingerprints, in their order; those that are not there are left out."""

    async def reserve(self, call: Planned) -> str:
        """Notes a call that is about to be sent, and returns its name; its cost at most is booked.

        Raises:
            OverBudget: it is not to be sent.
        """

    async def settle(self, call: str, ended: Ended, reply: StoredReply | None) -> None:
        """Notes what became of a call, and keeps its reply, which replaces one of the same fingerprint."""

    async def sent_today(self, endpoint: str) -> int:
        """Calls to an endpoint of today (UTC), of all runs, those that are about to be sent included."""

    async def strikes(self, fingerprint: str) -> tuple[int, int]:
        """What speaks against a question that is not answered, since its last answer, over all runs.

        Its calls that count against it (`Ended.blamed`), and the runs in which one was not answered.
        """
