"""Who tells: beside a run or a service, never in its way.

What is to be told is kept in the store (`flows.store.notices`) and posted from there, again and again until the
receiver took it; what is left at the end of a run, the next run or service of that store delivers. Neither a receiver
nor a store that is away ends, slows or changes a run: at its end it waits `AT_THE_END` at most.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

from pydantic import SecretStr

from extractors.errors import CannotRun, StoreUnavailable
from extractors.vision.endpoints import Endpoint
from flows.notify import messages
from flows.notify.messages import FAILURES, Notice
from flows.notify.posting import post, shown
from flows.observe.summary import Outcome, Summary
from flows.observe.watch import Several, Silent, Watch
from flows.settings import Settings
from flows.store import notices
from flows.store.inbox import Noted
from flows.store.store import Store

AT_THE_END = 5.0
"""Seconds that a run or service waits at its end for the receiver."""

_LOOK_EVERY = 1.0
"""Seconds between two looks at what is new here."""

_RENEWED_EVERY = 5.0
"""Seconds between two drafts of what a run has found so far: so much a kill may leave untold."""

_LOOK_FOR_OTHERS = 20.0
"""Seconds between two looks at what others left, and at uploads that came to grief: a burst is one message."""

_LASTING = 30.0
"""Seconds after which a service's outage is told, or those after which a run gives up, where these are fewer."""

_SHORTEST, _LONGEST = 0.25, 600.0
"""Seconds before a receiver that did not take a notice is tried again."""


@dataclass
class Teller:
    """What is to be told, by one run or service.

    Attributes:
        settings: the receiver, its secret, which events, and the store.
        notice: hears in one line that the receiver does not take what it is told.
        schema: that the notices name.
        trouble: what keeps a service from its work now; None of a run, which tells of its own pause.
        fresh: notices that the store does not have yet, by id.
        drafts: what runs under way have found so far, by id.
        over: ids of drafts whose runs have ended, and which the store may have yet.
        mine: ids of what is not delivered yet.
        has_store: whether there is a store by now: a run that never began makes none.
        stopped_by: the kind of what stopped a service's last run early.
    """

    settings: Settings
    notice: Callable[[str], None]
    schema: str
    trouble: Callable[[], str | None] | None = None
    fresh: dict[str, Notice] = field(default_factory=dict)
    drafts: dict[str, Notice] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    mine: set[str] = field(default_factory=set)
    has_store: bool = False
    stopped_by: str | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _store: Store | None = None
    _closing: bool = False
    _failing: str | None = None
    _pause: float = _SHORTEST
    _due: float = 0.0
    _renewal_due: float = 0.0
    _look_due: float = 0.0
    _outage: float | None = None

    def watching(self, watch: Watch) -> Watch:
        """The watch, with this one looking on beside it."""
        return watch if self.settings.notify_url is None else Several(watch, _Told(self))

    def tell(self, *found: Notice, instead_of: str | None = None) -> None:
        """Has notices told that are asked for, a draft not any more; returns at once."""
        if instead_of in self.drafts:
            del self.drafts[instead_of]
            self.over.add(instead_of)
        wanted = [each for each in found if self.settings.notify == "all" or each.event in FAILURES]
        self.fresh |= {each.id: each for each in wanted}
        self.mine |= {each.id for each in wanted}
        self._news.set()

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Delivers for as long as it lasts, and a little longer; an error that ends it is told, and raised.

        Raises:
            CannotRun: what the block raised.
        """
        if self.settings.notify_url is None:
            yield
            return
        self.has_store = self.trouble is not None
        working = asyncio.create_task(self._work(self.settings.notify_url))
        try:
            yield
        except CannotRun as error:
            self.tell(messages.of_error(error, self.schema))
            raise
        finally:
            self._closing = True
            self._news.set()
            try:
                await asyncio.wait({working}, timeout=AT_THE_END)
            finally:
                working.cancel()
                await asyncio.wait({working})
                self._conclude(working)

    def _conclude(self, working: asyncio.Task[None]) -> None:
        """What was not delivered is told; where the store does not have it either, as it is."""
        if not working.cancelled() and (error := working.exception()):
            # A defect of ours, which is no reason to lose the run's own outcome.
            logging.getLogger(__name__).error("notices are not told any more", exc_info=error)
        for each in self.fresh.values():
            self.notice(f"not told, and not kept: {each.body}")
        if kept := len(self.mine - self.fresh.keys()):
            self.notice(f"{kept} notices are not delivered: the next run or service of this store tries again")
        if self._store is not None:
            self._store.close()

    async def _work(self, url: SecretStr) -> None:
        while True:
            self._look_for_outages()
            await self._turn(url)
            if self._closing and not self.mine:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _SHORTEST if self._closing else _LOOK_EVERY)
            self._news.clear()

    async def _turn(self, url: SecretStr) -> None:
        """Keeps what is new, and posts what is due: from the store, or from memory where that is away."""
        try:
            store = await self._kept()
            if time.monotonic() < self._due:
                return
            if store is not None:
                await self._post_kept(url, store)
                return
        except StoreUnavailable:
            pass  # the run or service itself says so
        if time.monotonic() >= self._due:
            await self._post_fresh(url)

    def _look_for_outages(self) -> None:
        """Of a service: each is told once, when it has lasted; a restart that takes seconds is none."""
        if self.trouble is None or self._closing:
            return
        if self.trouble() is None:
            self._outage = None
            return
        now = time.monotonic()
        self._outage = now if self._outage is None else self._outage
        if now - self._outage >= min(_LASTING, self.settings.give_up_after):
            self.tell(messages.of_outage(self.stopped_by, self.schema))
            self._outage = math.inf

    async def _kept(self) -> Store | None:
        """The store, which has what is new; None where there is none yet.

        Raises:
            StoreUnavailable: it is away.
        """
        if not self.has_store:
            return None
        if self._store is None:
            self._store = await asyncio.to_thread(Store.open, self.settings.store)
            await self._store.run(self._store.transact, notices.make_tables)
        store, now = self._store, time.monotonic()
        renewed = dict(self.drafts) if now >= self._renewal_due else {}
        if self.fresh or renewed or self.over:
            final, over = dict(self.fresh), set(self.over)
            await store.run(store.transact, notices.keep, _bodies(final), _bodies(renewed), over)
            self.over -= over
            self.fresh = {name: each for name, each in self.fresh.items() if final.get(name) is not each}
            self._renewal_due = now + _RENEWED_EVERY if renewed else self._renewal_due
        return store

    async def _post_kept(self, url: SecretStr, store: Store) -> None:
        now = time.monotonic()
        if now >= self._look_due:
            self._look_due = now + _LOOK_FOR_OTHERS
            for body in await store.run(store.transact, notices.give_up):
                self.notice(f"given up, no receiver took it for a week: {body}")
            if self.trouble is not None:
                await store.run(store.transact, notices.note_arrivals, self.schema, self._of_arrivals)
        elif not self.mine:
            return
        while taken := await store.run(store.transact, notices.take):
            why = await post(url, taken.body, self.settings.notify_secret)
            if why is not None:
                await store.run(store.transact, notices.postpone, taken)
                self._failed(url, why)
                return
            await store.run(store.transact, notices.delivered, taken.id)
            self._taken(taken.id)
        if self.mine:
            # Another process may have delivered them.
            self.mine &= await store.run(store.transact, notices.left, self.mine) | self.fresh.keys()

    def _of_arrivals(self, found: Sequence[Noted]) -> tuple[str, str]:
        notice = messages.of_arrivals(found, self.schema)
        return notice.id, notice.body

    async def _post_fresh(self, url: SecretStr) -> None:
        for each in list(self.fresh.values()):
            why = await post(url, each.body, self.settings.notify_secret)
            if why is not None:
                self._failed(url, why)
                return
            self.fresh.pop(each.id, None)
            self._taken(each.id)

    def _taken(self, name: str) -> None:
        self.mine.discard(name)
        self._failing, self._pause = None, _SHORTEST

    def _failed(self, url: SecretStr, why: str) -> None:
        self._due = time.monotonic() + self._pause
        self._pause = min(_LONGEST, self._pause * 2)
        if self._failing != why:
            self.notice(f"the receiver of notices, {shown(url)}, does not take them: {why}; trying again")
        self._failing = why


def _bodies(found: Mapping[str, Notice]) -> dict[str, str]:
    return {name: each.body for name, each in found.items()}


class _Told(Silent):
    """Looks on for a teller."""

    def __init__(self, teller: Teller) -> None:
        self._teller, self._drafted, self._draft = teller, 0, str(uuid4())

    def started(self, endpoints: Sequence[Endpoint], schema_name: str) -> None:  # noqa: ARG002 - a watch's signature
        self._teller.schema = schema_name

    def progressed(self, summary: Summary, outcome: Outcome | None) -> None:  # noqa: ARG002 - likewise
        teller = self._teller
        teller.has_store = True
        if (count := messages.troubled(summary)) > self._drafted:
            self._drafted = count
            teller.drafts[self._draft] = messages.of_documents(summary, teller.schema, draft=self._draft)

    def finished(self, summary: Summary) -> None:
        teller, service = self._teller, self._teller.trouble is not None
        teller.has_store = True
        teller.stopped_by = summary.paused_by
        teller.tell(*messages.for_run(summary, teller.schema, service=service), instead_of=self._draft)
