"""What an earlier version of Octavo did counts under today's recipe: an upgrade pays for nothing.

A recipe held Octavo's own prompt and render versions then, and the schema and the model as they are held today. Those
that agree with today's in what a person decides are the same work; their extractions are put under today's recipe,
with the versions that made them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, exists, select, update

from flows.store.keys import Key
from flows.store.splits import split_schemas
from flows.store.tables import extractions, recipes

_OWN, _OTHER = extractions, extractions.alias()
_ADOPT = (
    update(_OWN)
    .where(
        _OWN.c.schema_name.in_(bindparam("names", expanding=True)),
        _OWN.c.recipe == bindparam("former"),
        ~exists().where(
            _OTHER.c.sha256 == _OWN.c.sha256,
            _OTHER.c.schema_name == _OWN.c.schema_name,
            _OTHER.c.recipe == bindparam("today"),
        ),
    )
    .values(
        {name: bindparam(f"new_{name}") for name in ("recipe", "asking", "reading", "schema_content", "versions")}
    )
)


def adopt(connection: Connection, key: Key, parts: Mapping[str, Any]) -> int:
    """Puts what was done under former recipes that mean the same under today's; returns how many extractions.

    Args:
        connection: of the transaction.
        key: today's.
        parts: of today's recipe (`planning.Recipe`).
    """
    known = select(recipes).where(recipes.c.schema_name == key.schema_name).order_by(recipes.c.first_used_at.desc())
    adopted = 0
    for row in connection.execute(known).all():
        if not _means_the_same(row.parts, parts):
            continue
        names = [key.schema_name, *split_schemas(key.schema_name)]
        versions = {name: row.parts[name] for name in ("prompt", "render")}
        given = {"names": names, "former": row.recipe, "today": key.recipe}
        new = {f"new_{name}": value for name, value in {**key.columns, "versions": versions}.items()}
        # The current ones first: of several under one recipe, that is the one which shows.
        for which in (extractions.c.superseded_by.is_(None), extractions.c.superseded_by.is_not(None)):
            adopted += connection.execute(_ADOPT.where(which), {**given, **new}).rowcount
        done = {**row.parts, "adopted": key.recipe}
        connection.execute(update(recipes).where(recipes.c.recipe == row.recipe).values(parts=done))
    return adopted


def _means_the_same(former: Mapping[str, Any], parts: Mapping[str, Any]) -> bool:
    """Whether a recipe of a former version says what today's does, its own versions apart."""
    if "render" not in former or "adopted" in former:
        return False
    schemas: Mapping[str, Any] = parts["schema"]
    several = len(schemas) > 1
    for name, schema in schemas.items():
        then = former["schema"].get(name) if several else former["schema"]
        # One of Octavo's own counts by its name.
        if schema is not None and then != schema:
            return False
    same_window = list(former["window"]) == _plain(parts["window"])
    same_sampling = former["sampling"] == repr(sorted(parts["sampling"].items()))
    return same_window and same_sampling and former["model"] == parts["model"]


def _plain(window: Sequence[Any]) -> list[Any]:
    return [str(window[0]), window[1]]
