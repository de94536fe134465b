"""How much is sent to one endpoint, shared by all documents: slots, announced limits, breaker, standing."""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

from extractors.vision.endpoints import Endpoint
from extractors.vision.estimating import Count, text_tokens
from extractors.vision.learning import Learned, Seen
from extractors.vision.quotas import Granted
from extractors.vision.waits import number, wait_of

_CUT, _LEAST, _SHARE = 0.7, 1.0, 0.1
"""Of the limit that is left; slots that always are; the share of overloaded answers that an endpoint may give
without being cut: a few among many say little, and a cut for each would leave it idle."""

_OPENS_AFTER = 8
"""Failures in a row, of calls that were answered by nothing or by a server's error."""

_FIRST_REST, _LONGEST_REST = 1.0, 30.0
_MINUTE, _LONGEST_RESET = 60.0, 120.0
"""Seconds until a limit is full again where that is not told; for which what is told is believed without asking."""

_SAME, _ANY = 3, 10
"""Refusals in the same words, or in any, without one good answer: the endpoint or its settings are wrong."""

_SOON = 0.05
"""Seconds until what holds a call up is looked at again."""

_JUDGED, _FEWEST, _BAD = 20, 10, 0.5
"""Answers remembered; how many make a judgement; the share of invalid ones that demotes."""


class Slots:
    """Calls in flight, bounded by AIMD.

    It starts at the configured limit, for who sets 64 means it; it is cut when the endpoint is overloaded, once
    for all the calls that were under way, and grows back by one a round only while it is actually used.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._cut_at = 0.0
        self._strikes = 0.0

    async def take(self) -> None:
        """Waits for a slot; first come, first served."""
        if not self._waiting and self.taken < int(self.limit):
            self.taken += 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give()
            raise

    @asynccontextmanager
    async def taken_one(self) -> AsyncIterator[None]:
        """Holds a slot while a call is made."""
        await self.take()
        try:
            yield
        finally:
            self.give()

    def give(self) -> None:
        """Gives a slot back."""
        self.taken -= 1
        self._wake()

    def overloaded(self, began: float) -> None:
        """Hears that a call which began at that moment (monotonic) met an overloaded endpoint."""
        self._strikes += 1
        if began >= self._cut_at and self._strikes >= max(1.0, _SHARE * self.limit):
            self._strikes = 0.0
            self.limit = max(_LEAST, self.limit * _CUT)
            self._cut_at = time.monotonic()

    def served(self) -> None:
        """Hears of a good answer."""
        self._strikes = max(0.0, self._strikes - _SHARE)
        if self.taken >= int(self.limit) and self.limit < self.most:
            self.limit = min(float(self.most), self.limit + 1 / self.limit)
            self._wake()

    def _wake(self) -> None:
        while self._waiting and self.taken < int(self.limit):
            mine = self._waiting.popleft()
            if not mine.done():
                self.taken += 1
                mine.set_result(None)


class Announced:
    """What an endpoint's headers allow a minute, of one thing (requests, tokens), as a token bucket.

    Sources: OpenAI's `x-ratelimit-remaining-requests` with `x-ratelimit-reset-requests` ("6m0s"), Mistral's
    `x-ratelimit-remaining-req-minute`.
    """

    def __init__(self, *names: str) -> None:
        self._names = names
        self._level: float | None = None
        self._limit = 0.0
        self._at = 0.0
        self._full_at = 0.0

    def heard(self, headers: Mapping[str, str]) -> str | None:
        """Takes note of a response's headers; the name of a limit that allows nothing at all, or None."""
        for name in self._names:
            limit, left = (number(headers.get(f"x-ratelimit-{what}-{name}")) for what in ("limit", "remaining"))
            if limit == 0:
                return f"x-ratelimit-limit-{name} is 0"
            if left is not None:
                now = time.monotonic()
                reset = wait_of(headers.get(f"x-ratelimit-reset-{name}"))
                self._limit = limit or max(left, self._limit, 1.0)
                self._level, self._at = left, now
                self._full_at = now + min(_LONGEST_RESET, _MINUTE if reset is None else reset)
                return None
        return None

    def wait(self, amount: float) -> float:
        """Seconds until so much is allowed; 0 when it is now, or nothing was announced."""
        if self._level is None:
            return 0.0
        now = time.monotonic()
        missing = min(amount, self._limit) - self._refilled(now)
        if missing <= 0:
            return 0.0
        return min(max(_SOON, self._full_at - now), missing * max(0.0, self._full_at - self._at) / self._limit)

    def take(self, amount: float) -> None:
        """Uses some of it up, until the next headers say what is left."""
        if self._level is not None:
            now = time.monotonic()
            self._level, self._at = self._refilled(now) - amount, now

    def _refilled(self, now: float) -> float:
        if self._level is None or now >= self._full_at:
            return self._limit
        share = (now - self._at) / max(0.001, self._full_at - self._at)
        return self._level + (self._limit - self._level) * max(0.0, share)


class Flow:
    """One endpoint in one run.

    Attributes:
        endpoint: which.
        learned: by how much its calls exceed their estimates; `seen` are earlier ones.
        granted: requests a minute and a day; `ages` are those of other runs' calls of the last minute.
        count: tokens of Octavo's own texts, as far as they take of its context; reservations count cautiously.
        slots: calls in flight.
        out: why it serves this run no more, or None.
        failing_since: when its first failure after the last good answer was (monotonic), or None.
        streams: whether answers are streamed under watch from now on.
        grammar: whether it can hold the model to the schema.
        asked_as: the endpoint without what it does not take.
        most_answer: tokens of an answer at most, or None while it has refused none.
        in_flight: calls under way.
        refusals: how it has refused calls before its first good answer, or denied them since the last -> how often.
        refusal: the last of them, in its words.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        concurrency: int,
        *,
        streams: bool,
        seen: Sequence[Seen] = (),
        ages: Iterable[float] = (),
    ) -> None:
        self.endpoint = endpoint
        self.granted = Granted(endpoint.requests_per_minute, endpoint.requests_per_day, ages)
        self.learned = Learned(endpoint, seen)
        self.count: Count = text_tokens
        self.slots = Slots(min(concurrency, endpoint.max_concurrency or concurrency))
        self.out: str | None = None
        self.down = False
        self.failing_since: float | None = None
        self.last_good = 0.0
        self.told = False
        self.streams = streams and endpoint.streams
        self.grammar = True
        self.asked_as = endpoint
        self.most_answer: int | None = None
        self.in_flight = 0
        self.refusals: Counter[str] = Counter()
        self.refusal = ""
        self.demoted = False
        self._requests = Announced("req-minute", "requests")
        self._tokens = Announced("tokens-minute", "tokens")
        self._failures = 0
        self._opened_until = 0.0
        self._rest = _FIRST_REST
        self._probing = False
        self._judged: deque[bool] = deque(maxlen=_JUDGED)

    def rests_for(self) -> float:
        """Seconds until a call may be tried: 0 unless the breaker is open, or its one probe is under way.

        One that has refused what it was asked waits for the calls that are under way: one of them may be answered.
        """
        if self.refuses_all and self.in_flight:
            return _SOON
        if self._failures < _OPENS_AFTER:
            return 0.0
        left = self._opened_until - time.monotonic()
        return max(_SOON, left) if left > 0 or self._probing else 0.0

    @property
    def proven(self) -> bool:
        """Whether it has given this run a good answer."""
        return self.last_good > 0

    @property
    def refuses_all(self) -> bool:
        """Whether refusals are its own, or its settings', and not a document's."""
        same = max(self.refusals.values(), default=0)
        return same >= _SAME or self.refusals.total() >= _ANY

    @contextmanager
    def calling(self) -> Iterator[None]:
        """While a call is under way; of an open breaker it is the probe."""
        probe = self._failures >= _OPENS_AFTER
        self._probing = self._probing or probe
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
            self._probing = self._probing and not probe

    def allowed_in(self, tokens: int) -> float:
        """Seconds until the announced limits allow one more request of so many tokens."""
        return max(self.granted.wait(), self._requests.wait(1), self._tokens.wait(tokens))

    def takes(self, tokens: int) -> None:
        """Hears of a request that is sent."""
        self._requests.take(1)
        self._tokens.take(tokens)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Reads the announced limits; an allowance of nothing takes the endpoint out."""
        for announced in (self._requests, self._tokens):
            nothing = announced.heard(headers)
            if nothing:
                self.out = f"{self.endpoint.name} grants this key no allowance ({nothing})"

    def served(self) -> None:
        """Hears of a good answer: the breaker closes."""
        self.failing_since, self.told = None, False
        self.last_good = time.monotonic()
        self.refusals.clear()
        self._failures, self._rest = 0, _FIRST_REST
        self.slots.served()

    def failed(self, began: float, *, overloaded: bool) -> None:
        """Hears of a failure that is the endpoint's. An overloaded one lives: it is asked less, not left alone."""
        now = time.monotonic()
        self.failing_since = self.failing_since or now
        if overloaded:
            self.slots.overloaded(began)
            return
        self._failures += 1
        if self._failures >= _OPENS_AFTER and now >= self._opened_until:
            self._opened_until = now + self._rest * random.uniform(0.7, 1.0)  # noqa: S311 - spreads the probes
            self._rest = min(_LONGEST_REST, self._rest * 2)

    def silence(self) -> float:
        """Seconds for which it has answered nothing but errors."""
        return 0.0 if self.failing_since is None else time.monotonic() - self.failing_since

    def judged(self, *, valid: bool) -> bool:
        """Hears whether an answer held; whether that demotes the endpoint now."""
        self._judged.append(valid)
        bad = self._judged.count(False) / len(self._judged)
        if self.demoted or len(self._judged) < _FEWEST or bad <= _BAD:
            return False
        self.demoted = True
        return True
