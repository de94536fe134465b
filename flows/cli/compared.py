"""Endpoints side by side: what each profile says of itself, and how it served the store's own calls."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rich import box
from rich.table import Table

from extractors.errors import CannotRun
from extractors.ledger import Served
from extractors.vision.endpoints import PROFILES, Endpoint, endpoint_for
from flows.cli.served import served_table
from flows.settings import Settings
from flows.store.served import served_since
from flows.store.store import Store
from flows.store.url import exists

_DAYS = 30


def compared(settings: Settings) -> Iterator[Table | str]:
    """Every profile with its prices and limits, then the calls of the last days by endpoint, provider and model.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    stated = Table(title="Endpoints", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("endpoint", "key"):
        stated.add_column(heading, no_wrap=True)
    for heading in ("$/M in", "out", "context", "images"):
        stated.add_column(heading, justify="right", no_wrap=True)
    for name in PROFILES:
        stated.add_row(*_stated(_profile(name, settings)))
    yield stated
    served = _served(settings)
    title = f"Your calls of the last {_DAYS} days"
    yield served_table(served, title) if served else f"{title}: none. A run's calls are told here, by who answered."


def _served(settings: Settings) -> list[Served]:
    if not exists(settings.store):
        return []
    with Store.open(settings.store, read_only=True) as store:
        return served_since(store, datetime.now(UTC) - timedelta(days=_DAYS))


def _profile(name: str, settings: Settings) -> Endpoint:
    """As octavo.toml has it; where that cannot be, the findings say so."""
    try:
        return endpoint_for(name, {PROFILES[name].key_env or "": "set"}, overrides=settings.endpoint.get(name))
    except CannotRun:
        return PROFILES[name]


def _stated(profile: Endpoint) -> tuple[str, ...]:
    key = "not needed" if profile.key_env is None else "set" if os.environ.get(profile.key_env) else profile.key_env
    prices = ("?" if price is None else f"{price:g}" for price in (profile.price_input, profile.price_output))
    return profile.name, key, *prices, f"{profile.context:,}", f"{profile.images}"
