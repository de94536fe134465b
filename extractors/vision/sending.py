"""Sends a question to the endpoints in order until one answers: turns, budget, breaker, fail-over, retries.

What a response means is decided in `outcomes`, whose fault a failure is in `blame`, how much is sent in `flow`, what
it may cost in `budget`.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import httpx

from extractors.documents import StoredReply
from extractors.errors import (
    EndpointDown,
    EndpointRefused,
    InvalidAnswer,
    Paused,
    PromptCut,
    RejectedRequest,
)
from extractors.ledger import Planned
from extractors.vision.blame import Questions, Strikes, Tries, refuses_all
from extractors.vision.budget import Budget
from extractors.vision.calling import MOST_BYTES, Answered, post
from extractors.vision.contexts import room_for
from extractors.vision.estimating import Size, size_of
from extractors.vision.flow import Flow
from extractors.vision.learning import Seen
from extractors.vision.metering import Meter
from extractors.vision.outcomes import REFUSALS
from extractors.vision.question import Patience, Question, ended, planned
from extractors.vision.refusals import what_to_change
from extractors.vision.sampling import tokens_beside

_MOST_FAILURES, _TRIES_ELSEWHERE = 8, 2
"""Attempts at one request that fail while others are served; failures after which another endpoint is asked first,
if there is one."""

_MOST = {"hollow": 3, "unread": 2}
"""Attempts that may have been billed for nothing, by outcome."""

_GOOD = 200

_OWN = 10
"""Times that the built-in model gets to answer: on a machine whose cores are busy it is slow, and never away."""

_AWAY = "check that the server is up"
_TOMORROW = "wait for tomorrow (UTC)"
_TOO_BUSY = "this machine is too busy for it: end other work on it, or ask for fewer pages at once (--concurrency 1)"

_LOOK_AGAIN = 1.0
"""Seconds of waiting after which the store is asked once more: another process may have asked the same."""


class Sender:
    """The endpoints of a run, shared by all its calls.

    Attributes:
        flows: one for each endpoint, in order.
        stopped: why no more calls are sent, once that is so.
    """

    def __init__(
        self,
        flows: Sequence[Flow],
        http: httpx.AsyncBaseTransport,
        budget: Budget,
        *,
        patience: Patience,
        sampling: Mapping[str, Any],
        meter: Meter,
        notice: Callable[[str], None],
        strikes: Strikes,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """Sends nothing yet; `meter` is the run's, and `most_bytes` of an answer's body are read."""
        self.flows = flows
        self.stopped: Paused | None = None
        self._http = http
        self._budget = budget
        self._patience = patience
        self._sampling = sampling
        self._beside = tokens_beside(sampling)
        self._meter = meter
        self._notice = notice
        self._most_bytes = most_bytes
        self._draining = asyncio.Event()
        self._asked = Questions(sampling, notice, strikes)

    def flow_of(self, endpoint: str) -> Flow:
        """An endpoint's flow; the first for one that an earlier run asked."""
        return next((flow for flow in self.flows if flow.endpoint.name == endpoint), self.flows[0])

    def stop(self, reason: Paused) -> None:
        """What is in flight ends; nothing more is sent."""
        self.stopped = self.stopped or reason
        self._draining.set()

    async def send(self, question: Question) -> Answered | StoredReply:
        """Asks the endpoints until one answers.

        Returns:
            The answer, or the reply that was found in the store meanwhile.

        Raises:
            AnswerError: an endpoint will not answer this very request, or never does.
            Paused: the run stops early, or whose fault a refusal is shows later (`HeldBack`).
            EndpointRefused: no endpoint of the run will serve it.
        """
        with self._asked.under_way(question.meter):
            return await self._answer(question)

    async def _answer(self, question: Question) -> Answered | StoredReply:
        tries, looked, over = Tries(question.fingerprint, anew=question.anew), time.monotonic(), False
        size = size_of(question.request).plus(self._beside)
        rooms = {flow.endpoint.name: room_for(flow, question, size, self._beside) for flow in self.flows}
        while True:
            flow = await self._usable(tries, rooms)
            self._asked.raise_refused(tries.key, flow)
            began = time.monotonic()
            async with flow.slots.taken_one():
                fails_over = flow is not self.flows[0] and not over
                if fails_over or time.monotonic() - looked > _LOOK_AGAIN:
                    over = over or fails_over
                    found, looked = await question.stored(over), time.monotonic()
                    if found is not None:
                        return found
                answered = await self._called(flow, question, size, rooms[flow.endpoint.name], tries)
            if answered is None:
                continue  # while it waited for its turn the endpoint was lost
            outcome = answered.outcome
            if outcome.kind == "answer":
                return answered
            if outcome.kind in REFUSALS and (flow.proven or outcome.kind != "denied"):
                asking = self._asked.after_refusal(flow, answered, question.request, question.asking, tries.key)
                question = replace(question, asking=asking)
                continue
            if answered.unanswered:
                await self._asked.raise_unanswered(outcome, tries)
            if any(tries.vain[kind] >= most for kind, most in _MOST.items()):
                raise InvalidAnswer(f"{outcome.why}, {tries.vain[outcome.kind]} times")
            if tries.failed.total() >= _MOST_FAILURES and flow.last_good > began:
                # Others are served meanwhile: it is this request that the endpoint cannot answer.
                raise RejectedRequest(f"no answer after {tries.failed.total()} attempts: {outcome.why}")
            await self._consequence(flow, answered, tries)

    def conclude(self) -> None:
        """Nothing else is under way: an endpoint that only refused is not asked any more.

        Raises:
            EndpointRefused: none is left.
        """
        for flow in self.flows:
            if flow.refusals and not flow.proven:
                self._lose(flow, refuses_all(flow))
        self._asked.conclude()
        if all(flow.out is not None for flow in self.flows):
            raise self._all_out()

    async def _usable(self, tries: Tries, rooms: Mapping[str, int]) -> Flow:
        """The first endpoint that may be asked now.

        Those that break the schema too often, and those that failed this very request repeatedly, come last.

        Args:
            tries: of this request.
            rooms: tokens that each endpoint's context leaves for its answer.

        Raises:
            PromptCut: none of those that are left has any: the server would cut the prompt.
            HeldBack: each that may be asked refused this request, and has answered no other.
            Paused: the run stops.
            EndpointDown: all are out, and one of them merely did not answer.
            EndpointRefused: all are out for reasons that waiting does not cure.
        """
        while True:
            if self.stopped is not None:
                raise type(self.stopped)(str(self.stopped))
            for flow in self.flows:
                if flow.refuses_all and not flow.in_flight:
                    self._lose(flow, refuses_all(flow))
                if flow.granted.is_used_up:
                    self._lose(flow, _used_up(flow))
                    flow.down = True
            flows = sorted(
                (flow for flow in self.flows if flow.out is None),
                key=lambda flow: (flow.demoted, tries.failed[flow.endpoint.name] >= _TRIES_ELSEWHERE),
            )
            if not flows:
                raise self._all_out()
            holding = [flow for flow in flows if rooms[flow.endpoint.name]]
            if not holding:
                most = max((flow.endpoint for flow in flows), key=lambda endpoint: endpoint.context)
                raise PromptCut(f"the prompt does not fit into {most.name}'s context of {most.context:,} tokens")
            flows = self._asked.not_held_back(tries.key, holding)
            rests = [flow.rests_for() for flow in flows]
            if min(rests) == 0:
                return flows[rests.index(0)]
            await self._pause(min(rests))

    async def _called(self, flow: Flow, question: Question, size: Size, room: int, tries: Tries) -> Answered | None:
        """One call when its turn has come, in the ledger before it is sent; None if the endpoint is lost by then."""
        request, meter, asking = question.request, question.meter, question.asking
        asking = replace(asking, answer_tokens=min(asking.answer_tokens, flow.most_answer or room, room))
        estimated = size.at_most(flow.endpoint, asking.answer_tokens)
        expected = flow.learned.reserved(estimated)
        while (wait := flow.allowed_in(expected.input)) > 0 and self.stopped is None and flow.out is None:
            await self._pause(min(wait, _LOOK_AGAIN))
        call = await self._booked(flow, planned(flow.endpoint, question, expected))
        if call is None:
            return None
        flow.takes(expected.input)
        for each in (meter, self._meter):
            each.calls += 1
            each.retries += int(tries.attempt > 0)
        began = time.monotonic()
        how = replace(asking, grammar=asking.grammar and flow.grammar, stream=flow.streams)
        try:
            with flow.calling():
                answered = await post(
                    self._http, flow.asked_as, request, self._sampling, how,
                    patience=self._patience.call * (_OWN if flow.endpoint.in_process else 1),
                    expected=expected, most_bytes=self._most_bytes,
                )  # fmt: skip
        except BaseException:
            self._budget.lost()
            raise
        for each in (meter, self._meter):
            each.usage += answered.usage
            each.unsettled_usd += 0.0 if answered.settled else answered.usage.cost_usd
        if answered.outcome.kind == "answer":
            flow.served()
        else:
            self._asked.heard(flow, answered, tries, began)
        if answered.settled and answered.status == _GOOD:
            flow.learned.hears(Seen(estimated, answered.usage))
        reply = question.heard(answered) if answered.status == _GOOD else None
        await self._budget.settle(call, ended(answered, blamed=tries.counts), reply)
        flow.heard(answered.headers)
        return answered

    async def _booked(self, flow: Flow, call: Planned) -> str | None:
        """A call's name in the ledger; None where the endpoint is lost, rests, or grants no more today."""
        granted = flow.granted
        async with granted.asking if granted.a_day is not None else nullcontext():
            if granted.a_day is not None:
                granted.sent_today = await self._budget.sent_today(flow.endpoint.name)
            lost = self.stopped is not None or flow.out is not None or flow.rests_for() > 0
            if lost or granted.wait() > 0 or not granted.take():
                return None
            try:
                return await self._budget.reserve(call)
            except Paused as error:
                self.stop(error)
                raise

    async def _consequence(self, flow: Flow, answered: Answered, tries: Tries) -> None:
        """What the endpoint's failure means for the calls to come, and for how long this one waits."""
        outcome, name, began = answered.outcome, flow.endpoint.name, time.monotonic() - answered.seconds
        if outcome.kind in {"out", "denied"}:
            self._lose(flow, f"{name} {outcome.why}")
            return
        if outcome.kind in _MOST:
            # It has answered, if badly: others may do better, but it is neither ill nor silent.
            flow.judged(valid=False)
            flow.failing_since = None
        elif tries.counts:
            # It answers others: at most it is asked too much at once.
            if outcome.kind == "overloaded":
                flow.slots.overloaded(began)
        else:
            flow.failed(began, overloaded=outcome.kind == "overloaded")
        silence = flow.silence()
        if silence >= self._patience.give_up_after:
            whom = "the built-in model" if flow.endpoint.in_process else f"{name} ({flow.endpoint.base_url})"
            flow.out = f"{whom} has not answered for {silence:.0f} s ({outcome.why})"
            flow.down = True
            return
        if not flow.told and tries.attempt > 1 and outcome.kind not in _MOST and not tries.counts:
            flow.told = True
            left_over = self._patience.give_up_after - silence
            self._notice(f"{name} is not answering ({outcome.why}); trying for {left_over:.0f} s more")
        longest = min(self._patience.longest_delay, self._patience.first_delay * 2 ** min(tries.attempt, 10))
        jitter = random.uniform(0, longest)  # noqa: S311 - no secret
        wait = jitter if outcome.wait is None else outcome.wait + jitter * 0.1
        await self._pause(min(wait, max(0.05, self._patience.give_up_after - silence)))

    def _lose(self, flow: Flow, why: str) -> None:
        """The endpoint is out for the rest of the run."""
        if flow.out is not None:
            return
        flow.out = why
        left = [other.endpoint.name for other in self.flows if other.out is None]
        if left:
            self._notice(f"{why}; going on with {', '.join(left)}")

    def _all_out(self) -> Exception:
        reasons = "; ".join(str(flow.out) for flow in self.flows)
        if any(flow.down for flow in self.flows):
            ours = all(flow.endpoint.in_process for flow in self.flows if flow.down)
            used_up = all(flow.granted.is_used_up for flow in self.flows if flow.down)
            advice = _TOO_BUSY if ours else _TOMORROW if used_up else _AWAY
            down = EndpointDown(f"{reasons}; {advice}, then run the same command again")
            self.stop(down)
            return down
        changes = dict.fromkeys(what_to_change(flow.endpoint, str(flow.out)) for flow in self.flows)
        return EndpointRefused(f"{reasons}: {'; '.join(changes)}")

    async def _pause(self, seconds: float) -> None:
        """Waits, unless the run stops meanwhile."""
        try:
            await asyncio.wait_for(self._draining.wait(), seconds)
        except TimeoutError:
            return


def _used_up(flow: Flow) -> str:
    name, most = flow.endpoint.name, flow.endpoint.requests_per_day
    return f"{name}'s {most:,} requests a day are used (requests_per_day under [endpoint.{name}] of octavo.toml)"
