"""What is read of what waits: only what may be announced, whoever let it wait."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from flows.events.notifications import OutsidePrefixes, let_in
from flows.observe import telemetry
from flows.observe.logs import tell
from flows.store import inbox
from flows.store.inbox import Arrival, Taken
from flows.store.store import Store

OUTSIDE = "outside OCTAVO_LISTEN_PREFIXES"


async def permitted(taken: Sequence[Taken], store: Store, schema_name: str, prefixes: tuple[str, ...]) -> list[Taken]:
    """Those that lie under a prefix; the others are settled as `refused`, and told.

    A row may have come in by another service's prefixes, by these before they were changed, or by a person's retry.

    Raises:
        StoreUnavailable: likewise.
    """
    inside = [replace(each, arrival=may) for each in taken if (may := _may_be_read(each.arrival, prefixes))]
    kept = {each.arrival.uri for each in inside}
    outside = [each for each in taken if each.arrival.uri not in kept]
    if outside:
        tell_refused([each.arrival for each in outside])
        how = {each.arrival.uri: ("refused", OUTSIDE) for each in outside}
        await store.run(store.transact, inbox.settle_all, schema_name, outside, how)
    return inside


def tell_refused(refused: Sequence[Arrival]) -> None:
    """Logs and counts what may not be read."""
    for each in refused:
        tell(f"refused: {each.uri}: {OUTSIDE}", level=logging.WARNING, state="refused")
    telemetry.uploads("refused", len(refused))


def _may_be_read(arrival: Arrival, prefixes: tuple[str, ...]) -> Arrival | None:
    """The arrival without a reading that lies outside; None where its own name does, by which its row is known."""
    try:
        (may,), _ = let_in([arrival], prefixes)
    except OutsidePrefixes:
        return None
    return may if may.uri == arrival.uri else None
