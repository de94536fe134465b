"""Whose fault a failure is: the question's, the endpoint's, or that of what was set.

A refusal is the question's only when its endpoint has answered another one in this run; one by 403 or 404 only when
it answers another one after it. Until then it is held back: endpoints and settings are refused as a whole, and no
document is to pay for that. A question that is never answered is to blame when its endpoint answers others, or when
it was never answered in several runs.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from extractors.documents import VisionRequest
from extractors.errors import AnswerError, HeldBack, NoAnswer, RejectedRequest, RequestTooBig
from extractors.vision.calling import Answered
from extractors.vision.flow import Flow
from extractors.vision.metering import Meter
from extractors.vision.outcomes import Outcome
from extractors.vision.refusals import alike, lowered, not_taken, schema_fields, sent_fields, without
from extractors.vision.wire import Asking

_STRIKES = 3
"""Calls without an answer that are a question's own; runs that never got one."""

_FEW = 2
"""Documents under way that may be slow beside an endpoint that is well; more of them are the endpoint's."""

Strikes = Callable[[str], Awaitable[tuple[int, int]]]
"""A question's fingerprint -> its calls that were never answered and count against it, and the runs that had one."""


@dataclass
class Tries:
    """What was tried of one question in this run.

    Attributes:
        key: the question's fingerprint.
        anew: what earlier runs tried does not count.
        attempt: calls that failed.
        vain: of these, by outcome.
        failed: of these, by endpoint; whose failures may be this request's.
        blamed: of these, never answered while the endpoint answered others.
        counts: whether the last one is among them.
        began: when the first one was made (monotonic).
    """

    key: str
    anew: bool = False
    attempt: int = 0
    vain: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    blamed: int = 0
    counts: bool = False
    began: float = field(default_factory=monotonic)


@dataclass(frozen=True)
class _Refusal:
    """A refusal of which it is not known whose fault it is, and when it came (monotonic)."""

    error: AnswerError
    at: float


class Questions:
    """The questions of a run that were refused or not answered, and what was learned from that."""

    def __init__(self, sampling: Mapping[str, Any], notice: Callable[[str], None], strikes: Strikes) -> None:
        self._sampling = sampling
        self._notice = notice
        self._strikes = strikes
        self._refused: dict[tuple[str, str], _Refusal] = {}
        self._concluded = False
        self._documents: Counter[int] = Counter()

    @contextmanager
    def under_way(self, meter: Meter) -> Iterator[None]:
        """While a document, known by its meter, asks something."""
        self._documents[id(meter)] += 1
        try:
            yield
        finally:
            self._documents[id(meter)] -= 1
            self._documents += Counter()  # without those that ask nothing more

    def raise_refused(self, key: str, flow: Flow) -> None:
        """What the endpoint refused before it had answered anything, it need not refuse again.

        Raises:
            AnswerError: it refused this question.
        """
        refused = self._refused.get((key, flow.endpoint.name))
        if refused is not None and self._is_its_own(refused, flow):
            raise refused.error

    def _is_its_own(self, refused: "_Refusal", flow: Flow) -> bool:
        return flow.last_good > refused.at or (flow.proven and self._concluded)

    def conclude(self) -> None:
        """Nothing else is under way: what is refused by an endpoint that has answered others is the question's."""
        self._concluded = True

    def not_held_back(self, key: str, flows: Sequence[Flow]) -> list[Flow]:
        """Those that may be asked a question.

        Raises:
            HeldBack: each has refused it, and has answered no other.
        """
        left: list[Flow] = []
        for flow in flows:
            refused = self._refused.get((key, flow.endpoint.name))
            if refused is None or self._is_its_own(refused, flow):
                left.append(flow)
        if not left:
            name = flows[0].endpoint.name
            raise HeldBack(f"{name} refuses it: {self._refused[key, name].error}")
        return left

    def after_refusal(
        self, flow: Flow, answered: Answered, request: VisionRequest, asking: Asking, key: str
    ) -> Asking:
        """How to go on after a refusal: with a smaller answer, without a parameter, or the same elsewhere.

        Raises:
            AnswerError: it is the question's.
        """
        outcome, how = answered.outcome, answered.asking
        several = len(request.pages) > 1
        less = lowered(outcome.why, how.answer_tokens, least=how.answer_tokens // 4 if several else 0)
        if less is not None and less.lasting:
            if flow.most_answer is None or less.tokens < flow.most_answer:
                flow.most_answer = less.tokens
                self._notice(f"{flow.endpoint.name} takes answers of {less.tokens} tokens at most ({outcome.why})")
            return asking
        if less is not None:
            return replace(asking, answer_tokens=less.tokens)
        if self._leaves_out(flow, answered):
            return asking
        error = (RequestTooBig if outcome.kind == "too_big" else RejectedRequest)(outcome.why)
        whole = outcome.kind == "denied" or not flow.proven
        if not whole or outcome.kind == "declined" or (outcome.kind == "too_big" and several):
            raise error
        self._refused[key, flow.endpoint.name] = _Refusal(error, monotonic())
        flow.refusals[alike(outcome.why)] += 1
        flow.refusal = outcome.why
        return asking

    def _leaves_out(self, flow: Flow, answered: Answered) -> bool:
        """Whether the refusal is about something that need not be sent: it is not, from now on."""
        outcome, how, name = answered.outcome, answered.asking, flow.endpoint.name
        named = not_taken(outcome, sent_fields(answered.endpoint, self._sampling, how))
        for_schema = named & schema_fields(answered.endpoint, how)
        no_schema = bool(for_schema) or (outcome.kind == "no_grammar" and how.grammar)
        if no_schema and flow.grammar:
            flow.grammar = False
            self._notice(f"{name} cannot hold the model to this schema ({outcome.why}): asked without")
        plainer = without(flow.asked_as, named - for_schema, outcome.why)
        if plainer is None:
            return no_schema
        if plainer != flow.asked_as:
            flow.asked_as = plainer
            self._notice(f"{name} does not take {', '.join(sorted(named - for_schema))} ({outcome.why}): left out")
        return no_schema or bool(named)

    def heard(self, flow: Flow, answered: Answered, tries: Tries, began: float) -> None:
        """Hears of a call without a good answer, which began at that moment (monotonic), and whether it counts."""
        kind = answered.outcome.kind
        tries.attempt += 1
        tries.vain[kind] += 1
        tries.failed[flow.endpoint.name] += answered.unanswered or kind in {"busy", "hollow", "unread"}
        answers_others = flow.last_good > began or (self._few and flow.last_good > tries.began)
        tries.counts = answered.unanswered and answers_others
        tries.blamed += tries.counts

    async def raise_unanswered(self, outcome: Outcome, tries: Tries) -> None:
        """Ends a question that is never answered, when that is its own fault.

        Raises:
            NoAnswer: so many of its calls count against it, or so many runs.
        """
        earlier, runs = (0, 0) if tries.anew else await self._strikes(tries.key)
        calls = max(tries.blamed, earlier)
        if calls >= _STRIKES:
            raise NoAnswer(f"never answered in {calls} calls, while others were ({outcome.why})")
        if self._few and runs >= _STRIKES:
            raise NoAnswer(f"never answered in {runs} runs ({outcome.why})")

    @property
    def _few(self) -> bool:
        return len(self._documents) <= _FEW


def refuses_all(flow: Flow) -> str:
    """That an endpoint refused all it was asked, in its words."""
    return f"{flow.endpoint.name} ({flow.endpoint.base_url}) refuses what it is asked ({flow.refusal})"
