"""Two schemas of one name: an edited one goes on, another one is refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from extractors.errors import BadConfiguration
from flows.store.store import Store
from flows.store.views import make_views
from schemas.json_file import schema_of_json
from schemas.record import Schema


def _schema(origin: str, *names: str, **more: Any) -> Schema:
    fields = {name: {"type": "string"} for name in names}
    return replace(schema_of_json({"type": "object", "properties": fields, **more}, "order"), origin=origin)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with Store.open(f"sqlite:///{tmp_path / 'octavo.db'}") as opened:
        yield opened


@pytest.mark.parametrize(
    "later",
    [
        _schema("/a/order.py:Order", "quite", "different"),
        _schema("other:Order", "number", "total"),
        _schema("/checkout-2/order.py:Order", "number", "total", "tax"),
        _schema("", "quite", "different"),
        _schema("/b/mine.py:Order", "quite", "different", **{"x-replaces": "/a/order.py:Order"}),
    ],
    ids=["edited", "the same shape elsewhere", "moved and edited", "of unknown origin", "replacing on purpose"],
)
def test_a_schema_goes_on_under_its_name(store: Store, later: Schema) -> None:
    """The same declaration, the same shape, a moved checkout, or one that says so."""
    make_views(store, _schema("/a/order.py:Order", "number", "total"))
    make_views(store, later)
    make_views(store, later)


@pytest.mark.parametrize("origin", ["/b/order.py:Order", "/a/order.py:OtherOrder", "order.json"])
def test_another_schema_of_the_name_is_refused(store: Store, origin: str) -> None:
    """It would put its records in the place of the first one's; the message names both and says what to do."""
    first = _schema("/a/order.py:Order", "number", "total")
    make_views(store, first)
    with pytest.raises(BadConfiguration, match=r"another schema 'order'.*/a/order.py:Order.*another name") as told:
        make_views(store, _schema(origin, "dish", "guest"))
    assert origin in str(told.value)
    make_views(store, first)
