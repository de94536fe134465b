"""Sends questions: the checkpoint first, then the endpoints in order, with retries, limits and a budget.

What a response means is decided in `outcomes`, how much is sent in `flow`, what it may cost in `budget`.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import httpx

from extractors.documents import Reply, StoredReply, Usage, VisionRequest
from extractors.endpoints import Endpoint
from extractors.errors import (
    BadConfiguration,
    EndpointDown,
    EndpointRefused,
    Interrupted,
    InvalidAnswer,
    Paused,
    RejectedRequest,
    RequestTooBig,
    RunawayAnswer,
    TruncatedAnswer,
)
from extractors.metering import Meter
from extractors.vision.budget import Budget
from extractors.vision.calling import Answered, post, speaks
from extractors.vision.flow import Flow
from extractors.vision.outcomes import Outcome, failure_of
from extractors.vision.sampling import refuse_untaken, sampling_fingerprint, sampling_of
from extractors.vision.wire import Asking, Spoken, cost, estimate, fingerprint, most_pages

_MOST_FAILURES, _MOST_HOLLOW, _TRIES_ELSEWHERE = 8, 3, 2
"""Attempts at one request that fail while others are served; attempts that may have been billed for nothing;
failures after which another endpoint is asked first, if there is one."""


class ReplyBook(Protocol):
    """The checkpoint: raw replies by the fingerprint of their request."""

    async def get(self, fingerprint: str) -> StoredReply | None:
        """The reply kept under a fingerprint."""

    async def put(self, reply: StoredReply) -> None:
        """Keeps a reply; it survives a kill once this returns."""


class VisionClient:
    """Shared by all documents of the process.

    Attributes:
        model: the first endpoint's, for the recipe.
        meter: the whole run's.
        stopped: why no more calls are sent, once that is so.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        http: httpx.AsyncClient,
        replies: ReplyBook,
        *,
        concurrency: int = 64,
        max_cost: float | None = None,
        give_up_after: float = 120.0,
        timeout: float = 180.0,
        sampling: Mapping[str, Any] | None = None,
        stream: str = "auto",
        notice: Callable[[str], None] = lambda _: None,
        first_delay: float = 0.5,
        longest_delay: float = 30.0,
    ) -> None:
        """Sends nothing yet.

        Raises:
            BadConfiguration: a budget is set and an endpoint's price is not known, or a sampling parameter is
                one that an endpoint does not take.
        """
        for endpoint in endpoints:
            refuse_untaken(endpoint, sampling or {})
            if max_cost is not None and None in (endpoint.price_input, endpoint.price_output):
                raise BadConfiguration(
                    f"a budget is set, but the price of {endpoint.name} is not known: set price_input and "
                    f"price_output under [endpoint.{endpoint.name}] in octavo.toml"
                )
        self._http = http
        self._replies = replies
        self._sampling = sampling_of(sampling or {})
        self._give_up_after = give_up_after
        self._timeout = timeout
        self._stream = stream
        self._notice = notice
        self._delays = (first_delay, longest_delay)
        self._draining = asyncio.Event()
        self._under_way: dict[str, asyncio.Lock] = {}
        self._flows = [Flow(endpoint, concurrency, streams=stream == "always") for endpoint in endpoints]
        self.model = endpoints[0].model
        self.meter = Meter()
        self._budget = Budget(max_cost, self.meter)
        self.stopped: Paused | None = None

    @property
    def most_pages(self) -> int:
        """Images that every endpoint takes in one request, its context considered."""
        return min(most_pages(flow.endpoint) for flow in self._flows)

    @property
    def most_bytes(self) -> int:
        """Bytes of JPEG that every endpoint takes in one request: base64 makes four of three."""
        return min(flow.endpoint.body_bytes for flow in self._flows) * 3 // 4 - 100_000

    @property
    def sampling_fingerprint(self) -> str:
        """The sampling parameters as text, for the recipe."""
        return sampling_fingerprint(self._sampling)

    def drain(self) -> None:
        """What is in flight ends; nothing more is sent."""
        self._stop(Interrupted("interrupted: what was in flight was finished"))

    def judge(self, reply: Reply, *, valid: bool) -> None:
        """Hears whether an answer held; an endpoint whose answers too often do not is asked last."""
        flow = self._flow_of(reply.endpoint)
        if flow.judged(valid=valid) and len(self._flows) > 1:
            self._notice(f"{flow.endpoint.name} breaks the schema too often: the others are asked first")

    async def ask(self, request: VisionRequest, meter: Meter, *, fresh: bool = False, again: bool = False) -> Reply:
        """The answer to one question; from the store when it was given before.

        A truncated answer is asked for once more with twice the room, one that ran away without the grammar.

        Args:
            request: the question.
            meter: the document's.
            fresh: no stored reply counts.
            again: a stored reply that is no answer (cut off, refused) does not count.

        Raises:
            AnswerError: this question gets no usable answer.
            Paused: the run stops early.
            EndpointRefused: no endpoint of the run will serve it.
        """
        most = self._sampling.get("max_completion_tokens", request.answer_tokens * 2)
        asking = Asking(min(request.answer_tokens, most))
        while True:
            try:
                return await self._asked(request, meter, asking, fresh=fresh, again=again)
            except TruncatedAnswer:
                if asking.answer_tokens >= most:
                    raise
                asking = replace(asking, answer_tokens=min(most, asking.answer_tokens * 2))
            except RunawayAnswer:
                if not asking.grammar:
                    raise
                asking = replace(asking, grammar=False)

    async def _asked(
        self, request: VisionRequest, meter: Meter, asking: Asking, *, fresh: bool, again: bool
    ) -> Reply:
        key = fingerprint(request, self.model, self._sampling, asking)
        # The same question in flight twice is sent once: the second finds the first one's reply.
        async with self._under_way.setdefault(key, asyncio.Lock()):
            stored = None if fresh else await self._replies.get(key)
            if stored is not None:
                said = speaks(stored.body, self._flow_of(stored.endpoint).endpoint)
                failure = failure_of(said, asking)
                if failure is None or not again:
                    self._count(meter, reused=1, fingerprint=key)
                    return self._reply(stored, said, asking, reused=True)
            answered = await self._sent(request, meter, asking)
            stored = StoredReply(
                key, answered.endpoint.name, answered.endpoint.model, answered.status, answered.text,
                answered.said.usage, answered.seconds,
            )  # fmt: skip
            await self._replies.put(stored)
            self._count(meter, fingerprint=key)
        return self._reply(stored, answered.said, asking, reused=False)

    def _reply(self, stored: StoredReply, said: Spoken, asking: Asking, *, reused: bool) -> Reply:
        failure = failure_of(said, asking)
        if failure is not None:
            raise failure
        begun = self._sampling.get("prefill") or ""
        text = said.text or ""
        text = text if text.lstrip().startswith(begun.lstrip()) else begun + text
        return Reply(text, stored.fingerprint, stored.endpoint, stored.model, stored.usage, reused)

    def _learn(self, answered: Answered, meter: Meter, asking: Asking) -> None:
        """An endpoint that showed a runaway or a truncated answer is streamed under watch from now on."""
        failure = failure_of(answered.said, asking)
        if not isinstance(failure, TruncatedAnswer | RunawayAnswer):
            return
        flow = self._flow_of(answered.endpoint.name)
        flow.streams = flow.endpoint.streams and self._stream != "never"
        if isinstance(failure, RunawayAnswer):
            spared = max(0, asking.answer_tokens - answered.said.usage.output)
            for each in (meter, self.meter):
                each.runaways += 1
                each.saved_usd += cost(answered.endpoint, 0, spared)

    async def _sent(self, request: VisionRequest, meter: Meter, asking: Asking) -> Answered:
        """Asks the endpoints until one answers.

        Raises:
            AnswerError: an endpoint will not answer this very request.
        """
        hollow, attempt, failed = 0, 0, Counter[str]()
        while True:
            flow = await self._usable(failed)
            began = time.monotonic()
            async with flow.slots.taken_one():
                answered = await self._called(flow, request, meter, asking, retry=attempt > 0)
            if answered is None:
                continue  # while it waited for its turn the endpoint was lost
            outcome = answered.outcome
            if outcome.kind == "answer":
                flow.served()
                self._learn(answered, meter, asking)
                return answered
            attempt += 1
            if outcome.kind in {"rejected", "too_big"}:
                raise (RequestTooBig if outcome.kind == "too_big" else RejectedRequest)(outcome.why)
            hollow += outcome.kind == "hollow"
            failed[flow.endpoint.name] += outcome.kind == "busy"
            if hollow >= _MOST_HOLLOW:
                raise InvalidAnswer(f"{outcome.why}, {hollow} times")
            if failed.total() >= _MOST_FAILURES and flow.last_good > began:
                # Others are served meanwhile: it is this request that the endpoint cannot answer.
                raise RejectedRequest(f"no answer after {failed.total()} attempts: {outcome.why}")
            await self._consequence(flow, outcome, time.monotonic() - answered.seconds, attempt)

    async def _usable(self, failed: Counter[str]) -> Flow:
        """The first endpoint that may be asked now.

        Those that break the schema too often, and those that failed this very request repeatedly, come last.

        Args:
            failed: endpoint's name -> failures of this request.

        Raises:
            Paused: the run stops.
            EndpointDown: all are out, and one of them merely did not answer.
            EndpointRefused: all are out for reasons that waiting does not cure.
        """
        while True:
            if self.stopped is not None:
                raise type(self.stopped)(str(self.stopped))
            flows = sorted(
                (flow for flow in self._flows if flow.out is None),
                key=lambda flow: (flow.demoted, failed[flow.endpoint.name] >= _TRIES_ELSEWHERE),
            )
            if not flows:
                raise self._all_out()
            rests = [flow.rests_for() for flow in flows]
            if min(rests) == 0:
                return flows[rests.index(0)]
            await self._pause(min(rests))

    async def _called(
        self, flow: Flow, request: VisionRequest, meter: Meter, asking: Asking, *, retry: bool
    ) -> Answered | None:
        """One call, when its turn has come; None when the endpoint is lost by then."""
        expected = estimate(request, flow.endpoint, asking.answer_tokens)
        while (wait := flow.allowed_in(expected.input)) > 0:
            await self._pause(wait)
            if self.stopped is not None:
                break
        if self.stopped is not None or flow.out is not None or flow.rests_for() > 0:
            return None
        try:
            async with self._budget.reserved(expected.cost_usd):
                flow.takes(expected.input)
                self._count(meter, calls=1, retries=int(retry))
                probe = flow.begins()
                try:
                    how = replace(asking, grammar=asking.grammar and flow.grammar, stream=flow.streams)
                    answered = await post(
                        self._http,
                        flow.endpoint,
                        request,
                        self._sampling,
                        how,
                        patience=self._timeout,
                        expected=expected,
                    )
                finally:
                    if probe:
                        flow.ends()
                self._count(meter, usage=answered.said.usage)
        except Paused as error:
            self._stop(error)
            raise
        flow.heard(answered.headers)
        return answered

    async def _consequence(self, flow: Flow, outcome: Outcome, began: float, attempt: int) -> None:
        """What the endpoint's failure means for the calls to come, and for how long this one waits."""
        name = flow.endpoint.name
        if outcome.kind == "no_grammar" and flow.grammar:
            flow.grammar = False
            self._notice(f"{name} cannot hold the model to this schema ({outcome.why}): asked without")
            return
        if outcome.kind in {"out", "no_grammar"}:
            flow.out = flow.out or f"{name} {outcome.why}"
            left = [other.endpoint.name for other in self._flows if other.out is None]
            if left:
                self._notice(f"{flow.out}; going on with {', '.join(left)}")
            return
        flow.failed(began, overloaded=outcome.kind == "overloaded")
        silence = flow.silence()
        if silence >= self._give_up_after:
            flow.out = f"{name} ({flow.endpoint.base_url}) has not answered for {silence:.0f} s ({outcome.why})"
            flow.down = True
            return
        if not flow.told and attempt > 1:
            flow.told = True
            self._notice(
                f"{name} is not answering ({outcome.why}); trying for {self._give_up_after - silence:.0f} s more"
            )
        first, longest = self._delays
        jitter = random.uniform(0, min(longest, first * 2 ** min(attempt, 10)))  # noqa: S311 - no secret
        wait = jitter if outcome.wait is None else outcome.wait + jitter * 0.1
        await self._pause(min(wait, max(0.05, self._give_up_after - silence)))

    def _all_out(self) -> Exception:
        reasons = "; ".join(str(flow.out) for flow in self._flows)
        if any(flow.down for flow in self._flows):
            down = EndpointDown(f"{reasons}; check that the server is up, then run the same command again")
            self._stop(down)
            return down
        keys = ", ".join(flow.endpoint.key_env or "OCTAVO_API_KEY" for flow in self._flows)
        return EndpointRefused(f"{reasons}; check {keys}, the credit and the model's name")

    def _flow_of(self, endpoint: str) -> Flow:
        """An endpoint's flow; the first for one that an earlier run asked."""
        return next((flow for flow in self._flows if flow.endpoint.name == endpoint), self._flows[0])

    async def _pause(self, seconds: float) -> None:
        """Waits, unless the run stops meanwhile."""
        try:
            await asyncio.wait_for(self._draining.wait(), seconds)
        except TimeoutError:
            return

    def _stop(self, reason: Paused) -> None:
        self.stopped = self.stopped or reason
        self._draining.set()

    def _count(
        self, meter: Meter, *, calls: int = 0, retries: int = 0, reused: int = 0, usage: Usage | None = None,
        fingerprint: str | None = None,
    ) -> None:  # fmt: skip
        for each in (meter, self.meter):
            each.calls += calls
            each.retries += retries
            each.reused += reused
            each.usage += usage or Usage()
        if fingerprint is not None:
            meter.fingerprints.append(fingerprint)
