"""Answers questions: from the checkpoint, or by asking the endpoints (`sending`); what is heard is kept first."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

import httpx

from extractors.aside import aside
from extractors.documents import Reply, StoredReply, VisionRequest
from extractors.errors import (
    BadConfiguration,
    Interrupted,
    NotStored,
    Paused,
    RunawayAnswer,
    TruncatedAnswer,
)
from extractors.ledger import Ledger
from extractors.vision.budget import Budget
from extractors.vision.calling import MOST_BYTES, Answered, speaks
from extractors.vision.contexts import Ask
from extractors.vision.cut_prompts import failure_of
from extractors.vision.endings import is_known, named
from extractors.vision.endpoints import Endpoint
from extractors.vision.flow import Flow
from extractors.vision.identity import Keys, keys_of, whom
from extractors.vision.learning import Seen
from extractors.vision.metering import Meter
from extractors.vision.outcomes import outcome
from extractors.vision.question import Patience, Question
from extractors.vision.rooms import Wanted, rooms_of
from extractors.vision.sampling import (
    refuse_a_field_begun,
    refuse_untaken,
    sampling_of,
    tokens_beside,
    tools_of,
)
from extractors.vision.sending import Sender
from extractors.vision.wire import CHARACTERS_PER_TOKEN, Asking, Spoken, cost
from extractors.vocabulary import Stored


class VisionClient:
    """Shared by all documents of the process.

    Attributes:
        whom: the first endpoint, as far as it decides the answers: for the recipe.
        meter: the whole run's.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        http: httpx.AsyncBaseTransport,
        ledger: Ledger,
        *,
        concurrency: int = 64,
        limited: bool = False,
        give_up_after: float = 120.0,
        timeout: float = 180.0,
        sampling: Mapping[str, Any] | None = None,
        stream: str = "auto",
        notice: Callable[[str], None] = lambda _: None,
        first_delay: float = 0.5,
        longest_delay: float = 30.0,
        most_bytes: int = MOST_BYTES,
        seen: Mapping[str, Sequence[Seen]] | None = None,
        lately: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        """Sends nothing yet. `limited` says whether the ledger has a limit; `seen` has earlier calls by endpoint.

        `lately` has how many seconds ago each was sent other runs' calls of the last minute.

        Raises:
            BadConfiguration: a budget is set and an endpoint's price is not known, or a sampling parameter is
                one that an endpoint does not take.
        """
        for endpoint in endpoints:
            refuse_untaken(endpoint, sampling or {})
            if limited and None in (endpoint.price_input, endpoint.price_output):
                raise BadConfiguration(
                    f"a budget is set, but the price of {endpoint.name} is not known: set price_input and "
                    f"price_output under [endpoint.{endpoint.name}] in octavo.toml"
                )
        self._ledger = ledger
        self._sampling = sampling_of(sampling or {})
        self._beside = tokens_beside(self._sampling)
        self._stream = stream
        self._notice = notice
        # A lock is there for as long as somebody asks that question.
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._endpoints = endpoints
        self.whom = whom(endpoints[0], self._sampling)
        self.meter = Meter()
        self._sender = Sender(
            [
                Flow(
                    endpoint,
                    concurrency,
                    streams=stream == "always",
                    seen=(seen or {}).get(endpoint.name, ()),
                    ages=(lately or {}).get(endpoint.name, ()),
                )
                for endpoint in endpoints
            ],
            http,
            Budget(ledger),
            patience=Patience(timeout, give_up_after, first_delay, longest_delay),
            sampling=self._sampling,
            meter=self.meter,
            notice=notice,
            strikes=ledger.strikes,
            most_bytes=most_bytes,
        )
        self._unknown_endings: set[str] = set()

    @property
    def stopped(self) -> Paused | None:
        """Why no more calls are sent, once that is so."""
        return self._sender.stopped

    async def room_for(self, ask: Ask, most: int, page: int, what: str) -> tuple[int, ...]:
        """What every endpoint's context leaves for the pictures of 1, 2, ... pages (`contexts.picture_tokens`).

        An endpoint that cannot hold one usual page is out before it is asked anything.

        Args:
            ask: the questions about so many pages, without their pictures.
            most: pages that are wanted in one request.
            page: tokens of a usual one.
            what: is asked for, in words.

        Raises:
            BadConfiguration: none can.
        """
        wanted = Wanted(ask, most, page, what, self._sampling.get("max_completion_tokens"), self._beside)
        return await rooms_of(self._sender.flows, wanted, self._notice)

    def refuse_a_field_begun(self, what: str) -> None:
        """Refuses a prefill that fits one schema only, where other questions are asked, too.

        Raises:
            BadConfiguration: there is one; `what` says whom it does not fit.
        """
        refuse_a_field_begun(self._sampling, what)

    @property
    def most_pictures(self) -> int:
        """That every endpoint takes in one request."""
        return min(flow.endpoint.images for flow in self._sender.flows)

    @property
    def most_bytes(self) -> int:
        """Bytes of JPEG that every endpoint takes in one request: base64 makes four of three."""
        return min(flow.endpoint.body_bytes for flow in self._sender.flows) * 3 // 4 - 100_000

    def drain(self) -> None:
        """What is in flight ends; nothing more is sent."""
        self._sender.stop(Interrupted("interrupted: what was in flight was finished"))

    def conclude(self) -> None:
        """Nothing else is under way: endpoints that have refused what they were asked, and answered nothing, are out.

        Raises:
            EndpointRefused: there is no other.
        """
        self._sender.conclude()

    def judge(self, reply: Reply, *, valid: bool) -> None:
        """Hears whether an answer had the schema's structure; whose answers too often lack it is asked last."""
        flow = self._sender.flow_of(reply.endpoint)
        if flow.judged(valid=valid) and len(self._sender.flows) > 1:
            self._notice(f"{flow.endpoint.name} breaks the schema too often: the others are asked first")

    async def ask(self, request: VisionRequest, meter: Meter, stored: Stored = Stored.ALL) -> Reply:
        """The answer to one question; from the store when it was given before.

        A truncated answer is asked for once more with twice the room, one that ran away without the grammar.

        Args:
            request: the question.
            meter: the document's.
            stored: which stored replies count.

        Raises:
            NotStored: only stored replies count, and there is none.
            AnswerError: this question gets no usable answer.
            Paused: the run stops early.
            EndpointRefused: no endpoint of the run will serve it.
        """
        most = self._sampling.get("max_completion_tokens", request.answer_tokens * 2)
        asking = Asking(min(request.answer_tokens, most))
        while True:
            try:
                return await self._asked(request, meter, asking, stored)
            except TruncatedAnswer as cut:
                if asking.answer_tokens >= most or cut.tokens < asking.answer_tokens:
                    raise  # the endpoint takes no more
                asking = replace(asking, answer_tokens=min(most, asking.answer_tokens * 2))
            except RunawayAnswer:
                if not asking.grammar:
                    raise
                asking = replace(asking, grammar=False)

    async def _asked(self, request: VisionRequest, meter: Meter, asking: Asking, which: Stored) -> Reply:
        keys = keys_of(request, self._endpoints, self._sampling, asking)

        async def stored(over: bool = False) -> StoredReply | None:  # noqa: FBT001, FBT002 - as `Question` has it
            counts = Stored.ALL if over and which == Stored.FIRST else which
            return None if which == Stored.NONE else await self._stored(request, keys, asking, counts)

        def heard(answered: Answered) -> StoredReply:
            if answered.outcome.kind == "answer":
                # Before anything is waited for: the next call would still be sent as this one was.
                self._learn(request, answered, meter, asking)
            kept = _kept(keys, answered)
            if kept.fingerprint not in meter.fingerprints:
                meter.fingerprints.append(kept.fingerprint)
            return kept

        # The same question in flight twice is sent once: the second finds the first one's reply.
        async with self._under_way.setdefault(keys.first, asyncio.Lock()):
            kept = await stored()
            if kept is None and which == Stored.ONLY:
                raise NotStored("the model's reply is not stored any more")
            anew = which in {Stored.GOOD, Stored.NONE, Stored.FIRST}
            question = Question(request, meter, asking, keys.first, heard, stored, anew=anew)
            found = kept or await self._sender.send(question)
        if isinstance(found, Answered):
            kept = _kept(keys, found)
            asking = replace(asking, answer_tokens=found.asking.answer_tokens)
            return self._reply(request, kept, found.said, asking, keys.first, reused=False)
        meter.fingerprints.append(found.fingerprint)
        for each in (meter, self.meter):
            each.reused += 1
        return self._reply(request, found, await self._said(found, request), asking, keys.first, reused=True)

    async def _stored(self, request: VisionRequest, keys: Keys, asking: Asking, which: Stored) -> StoredReply | None:
        """The stored reply that counts: of the first endpoint that gave one."""
        first = which == Stored.FIRST
        for kept in await self._ledger.get(keys.among(first=first)):
            if first and kept.model != self._endpoints[0].model:
                continue  # under a former key, another one's may stand
            said = await self._said(kept, request)
            # One that a kill left behind between two attempts is no outcome: the attempts go on.
            is_answer = outcome(kept.status, {}, kept.body, said).kind == "answer"
            if is_answer and not (which == Stored.GOOD and failure_of(request, said, asking, self._context(kept))):
                return kept
        return None

    async def _said(self, kept: StoredReply, request: VisionRequest) -> Spoken:
        return await aside(len(kept.body), speaks, kept.body, tools_of(request, self._sampling))

    def _context(self, stored: StoredReply) -> int:
        return self._sender.flow_of(stored.endpoint).endpoint.context

    def _reply(
        self, request: VisionRequest, stored: StoredReply, said: Spoken, asking: Asking, own: str, *, reused: bool
    ) -> Reply:
        failure = failure_of(request, said, asking, self._context(stored))
        if failure is not None:
            raise failure
        begun = self._sampling.get("prefill") or ""
        text = said.text or ""
        text = text if text.lstrip().startswith(begun.lstrip()) else begun + text
        stand_in = stored.fingerprint != own and stored.model != self._endpoints[0].model
        speaker = said.speaker
        return Reply(
            text, stored.fingerprint, stored.endpoint, speaker.model or stored.model, stored.usage, reused,
            stand_in=stand_in, provider=speaker.provider,
        )  # fmt: skip

    def _learn(self, request: VisionRequest, answered: Answered, meter: Meter, asking: Asking) -> None:
        """An endpoint that showed a runaway or a truncated answer is streamed under watch from now on."""
        failure, reason = failure_of(request, answered.said, asking), answered.said.finish_reason
        if not is_known(reason) and named(reason) not in self._unknown_endings:
            self._unknown_endings.add(named(reason))
            self._notice(f"{answered.endpoint.name} ends an answer with {reason!a:.80}: read as a whole one")
        if not isinstance(failure, TruncatedAnswer | RunawayAnswer):
            return
        flow = self._sender.flow_of(answered.endpoint.name)
        flow.streams = flow.endpoint.streams and self._stream != "never"
        if isinstance(failure, RunawayAnswer):
            heard = len(answered.said.text or "") // CHARACTERS_PER_TOKEN
            spared = max(0, asking.answer_tokens - heard)
            for each in (meter, self.meter):
                each.runaways += 1
                each.saved_usd += cost(answered.endpoint, 0, spared)


def _kept(keys: Keys, answered: Answered) -> StoredReply:
    """What came of a call, as it is kept: under the key of who answered, whatever was left out for it."""
    endpoint = answered.endpoint
    return StoredReply(
        keys.own[endpoint.name], endpoint.name, endpoint.model, answered.status, answered.text, answered.usage,
        answered.seconds,
    )  # fmt: skip
