"""Sends questions: the checkpoint first, then the endpoints in order, with retries and a budget."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx

from extractors.documents import Reply, StoredReply, Usage, VisionRequest
from extractors.endpoints import Endpoint
from extractors.errors import (
    BadConfiguration,
    BudgetExhausted,
    EndpointDown,
    EndpointRefused,
    Interrupted,
    InvalidAnswer,
    Paused,
    Refused,
    RejectedRequest,
    RequestTooBig,
    TruncatedAnswer,
)
from extractors.metering import Meter
from extractors.vision.wire import Spoken, body, estimate, fingerprint, spoken, told_error

SAMPLING: Mapping[str, Any] = {"temperature": 0.15, "top_p": 1.0, "seed": 7}
_BUSY = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}
_OUT = {401: "refuses the key", 402: "has no credit left", 403: "forbids the request", 404: "does not know the model"}
_GOOD, _TOO_LARGE, _TOO_MANY = 200, 413, 429
_MOST_FAILURES = 8
"""Attempts at one request, when others are served meanwhile; an endpoint that is merely busy costs none."""
_BIG = ("image", "too large", "too long", "context", "maximum", "exceed", "413")


class ReplyBook(Protocol):
    """The checkpoint: raw replies by the fingerprint of their request."""

    async def get(self, fingerprint: str) -> StoredReply | None:
        """The reply kept under a fingerprint."""

    async def put(self, reply: StoredReply) -> None:
        """Keeps a reply; it survives a kill once this returns."""


@dataclass
class _State:
    """How an endpoint does in this run."""

    endpoint: Endpoint
    slots: asyncio.Semaphore
    last_good: float
    out: str | None = None
    told: bool = False


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
        notice: Callable[[str], None] = lambda _: None,
        first_delay: float = 0.5,
        longest_delay: float = 30.0,
    ) -> None:
        """Sends nothing yet.

        Raises:
            BadConfiguration: a budget is set and an endpoint's price is not known.
        """
        for endpoint in endpoints:
            if max_cost is not None and (endpoint.price_input is None or endpoint.price_output is None):
                raise BadConfiguration(
                    f"a budget is set, but the price of {endpoint.name} is not known: set price_input and "
                    f"price_output under [endpoint.{endpoint.name}] in octavo.toml"
                )
        self._http = http
        self._replies = replies
        self._budget = max_cost
        self._reserved = 0.0
        self._give_up_after = give_up_after
        self._timeout = httpx.Timeout(timeout, connect=min(10.0, timeout), pool=None)
        self._sampling = {**SAMPLING, **(sampling or {})}
        self._notice = notice
        self._delays = (first_delay, longest_delay)
        self._draining = asyncio.Event()
        self._asking: dict[str, asyncio.Lock] = {}
        now = time.monotonic()
        self._states = [
            _State(e, asyncio.Semaphore(min(concurrency, e.max_concurrency or concurrency)), now) for e in endpoints
        ]
        self.model = endpoints[0].model
        self.meter = Meter()
        self.stopped: Paused | None = None

    @property
    def most_pages(self) -> int:
        """Images that every endpoint takes in one request."""
        return min(state.endpoint.images for state in self._states)

    @property
    def most_bytes(self) -> int:
        """Bytes of JPEG that every endpoint takes in one request: base64 makes four of three."""
        return min(state.endpoint.body_bytes for state in self._states) * 3 // 4 - 100_000

    @property
    def sampling_fingerprint(self) -> str:
        """The sampling parameters as text, for the recipe."""
        return repr(sorted(self._sampling.items()))

    def drain(self) -> None:
        """What is in flight ends; nothing more is sent."""
        self._stop(Interrupted("interrupted: what was in flight was finished"))

    def judge(self, reply: Reply, *, valid: bool) -> None:
        """Hears whether an answer held."""

    async def ask(self, request: VisionRequest, meter: Meter, *, fresh: bool = False) -> Reply:
        """The answer to one question; from the store when it was given before, unless `fresh`.

        Raises:
            AnswerError: this question gets no usable answer.
            Paused: the run stops early.
            EndpointRefused: no endpoint of the run will serve it.
        """
        try:
            return await self._asked(request, meter, request.answer_tokens, fresh=fresh)
        except TruncatedAnswer:
            return await self._asked(request, meter, request.answer_tokens * 2, fresh=fresh)

    async def _asked(self, request: VisionRequest, meter: Meter, answer_tokens: int, *, fresh: bool) -> Reply:
        key = fingerprint(request, self.model, self._sampling, answer_tokens)
        # The same question in flight twice is sent once: the second finds the first one's reply.
        lock = self._asking.setdefault(key, asyncio.Lock())
        async with lock:
            stored = None if fresh else await self._replies.get(key)
            if stored is not None:
                endpoint = next((s.endpoint for s in self._states if s.endpoint.name == stored.endpoint), None)
                said = spoken(stored.body, endpoint or self._states[0].endpoint)
                if _usable(said):
                    self._count(meter, reused=1, fingerprint=key)
                    return _reply(stored, said, reused=True)
            stored = await self._sent(request, meter, key, answer_tokens)
        return _reply(stored, spoken(stored.body, self._states[0].endpoint), reused=False)

    async def _sent(self, request: VisionRequest, meter: Meter, key: str, answer_tokens: int) -> StoredReply:
        """Asks the endpoints until one answers; its reply is in the store before this returns."""
        attempt = 0
        while True:
            state = self._next_state()
            async with state.slots:
                if self.stopped is not None:
                    raise type(self.stopped)(str(self.stopped))
                with _Reservation(self, estimate(request, state.endpoint).cost_usd):
                    wait = await self._call(request, meter, key, answer_tokens, state, attempt)
            if isinstance(wait, StoredReply):
                return wait
            attempt += 1
            await self._pause(wait, state)

    async def _call(  # noqa: PLR0917 - all of one call's facts
        self, request: VisionRequest, meter: Meter, key: str, answer_tokens: int, state: _State, attempt: int
    ) -> StoredReply | float:
        """One call: the stored reply, or seconds to wait before the next.

        Raises:
            AnswerError: the endpoint will not answer this very request.
        """
        endpoint = state.endpoint
        raw = body(request, endpoint, self._sampling, answer_tokens)
        headers = {**endpoint.auth_headers(), "Content-Type": "application/json"}
        self._count(meter, calls=1, retries=1 if attempt else 0)
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout.read):
                response = await self._http.post(
                    f"{endpoint.base_url}/chat/completions", content=raw, headers=headers, timeout=self._timeout
                )
        except (httpx.TransportError, TimeoutError) as error:
            return self._busy(state, attempt, f"{type(error).__name__}: {error}".rstrip(": "), None)
        text = endpoint.without_key(response.text)
        said = spoken(text, endpoint)
        status = response.status_code if response.status_code != _GOOD or said.error is None else said.error[0] or 502
        self._count(meter, usage=said.usage)
        if status in _BUSY or (response.status_code == _GOOD and _hollow(said)):
            why = said.error[1] if said.error else f"HTTP {status}"
            if status != _TOO_MANY and attempt >= _MOST_FAILURES and state.last_good > began:
                # Others are served meanwhile: it is this request that the endpoint cannot answer.
                raise RejectedRequest(f"no answer after {attempt + 1} attempts: {why}")
            return self._busy(state, attempt, why, _retry_after(response))
        if status in _OUT:
            state.out = f"{endpoint.name} {_OUT[status]} (HTTP {status}: {_message(text)})"
            return 0.0
        if status != _GOOD:
            self._reject(status, text)
        state.last_good, state.told = time.monotonic(), False
        stored = StoredReply(key, endpoint.name, endpoint.model, status, text, said.usage, time.monotonic() - began)
        await self._replies.put(stored)
        self._count(meter, fingerprint=key)
        if said.finish_reason == "length":
            raise TruncatedAnswer(f"the answer is cut off at {answer_tokens} tokens")
        if said.refusal or said.finish_reason == "content_filter":
            raise Refused(f"the model declined: {said.refusal or 'content filter'}")
        return stored

    def _busy(self, state: _State, attempt: int, why: str, retry_after: float | None) -> float:
        """Seconds to wait: what the endpoint says, else full jitter."""
        name, silence = state.endpoint.name, time.monotonic() - state.last_good
        if silence >= self._give_up_after:
            state.out = f"{name} ({state.endpoint.base_url}) has not answered for {silence:.0f} s ({why})"
            return 0.0
        if not state.told and attempt:
            state.told = True
            left = self._give_up_after - silence
            self._notice(f"{name} is not answering ({why}); trying for {left:.0f} s more")
        first, longest = self._delays
        wait = retry_after if retry_after is not None else random.uniform(0, min(longest, first * 2**attempt))  # noqa: S311
        return min(wait, max(0.05, self._give_up_after - silence))

    def _reject(self, status: int, text: str) -> None:
        message = _message(text)
        if status == _TOO_LARGE or any(word in message.lower() for word in _BIG):
            raise RequestTooBig(f"HTTP {status}: {message}")
        raise RejectedRequest(f"HTTP {status}: {message}")

    def _next_state(self) -> _State:
        """The first endpoint that is still in.

        Raises:
            EndpointRefused: all are out, the last for a reason that waiting does not cure.
            EndpointDown: all are out, and one of them merely did not answer.
        """
        for state in self._states:
            if state.out is None:
                return state
        reasons = "; ".join(str(state.out) for state in self._states)
        if any("has not answered" in str(state.out) for state in self._states):
            told = f"{reasons}; check that the server is up, then run the same command again"
            self._stop(EndpointDown(told))
            raise EndpointDown(told)
        keys = ", ".join(state.endpoint.key_env or "OCTAVO_API_KEY" for state in self._states)
        raise EndpointRefused(f"{reasons}; check {keys}, the credit and the model's name")

    def reserve(self, amount: float) -> None:
        """Sets money aside before a call.

        Raises:
            BudgetExhausted: it could cross the limit.
        """
        if self._budget is not None and self.meter.usage.cost_usd + self._reserved + amount > self._budget:
            spent = self.meter.usage.cost_usd
            told = f"${spent:.4f} of ${self._budget:.4f} are spent and the next call could cross it: raise --max-cost"
            self._stop(BudgetExhausted(told))
            raise BudgetExhausted(told)
        self._reserved += amount

    def release(self, amount: float) -> None:
        """Gives back what was set aside; what the call cost is in the meter."""
        self._reserved -= amount

    async def _pause(self, seconds: float, state: _State) -> None:
        if seconds <= 0 or state.out:
            return
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


class _Reservation:
    """Money set aside while a call is under way."""

    def __init__(self, client: VisionClient, amount: float) -> None:
        self._client, self._amount = client, amount

    def __enter__(self) -> None:
        self._client.reserve(self._amount)

    def __exit__(self, *_: object) -> None:
        self._client.release(self._amount)


def _usable(said: Spoken) -> bool:
    return said.text is not None and said.error is None and said.finish_reason != "length" and not said.refusal


def _hollow(said: Spoken) -> bool:
    """A 200 without an answer: the error stands inside, or nothing does."""
    return said.error is not None or (said.text is None and not said.refusal and said.finish_reason != "length")


def _reply(stored: StoredReply, said: Spoken, *, reused: bool) -> Reply:
    if said.text is None:
        raise InvalidAnswer("the reply holds no text")
    return Reply(said.text, stored.fingerprint, stored.endpoint, stored.model, stored.usage, reused)


def _message(text: str) -> str:
    import json

    try:
        decoded = json.loads(text)
    except ValueError:
        return " ".join(text.split())[:200]
    return told_error(decoded)[1] if isinstance(decoded, dict) else str(decoded)[:200]


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
