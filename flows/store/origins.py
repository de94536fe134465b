"""Whose a schema's name is: an edited schema goes on under its name, another one of that name is refused.

A store keeps where each schema is declared. The same declaration that has changed is the same schema, and its
records follow one another. So is one of the same shape, wherever it is, and one that has moved with its file and
class names and kept half of its fields: checkouts and containers lie in different folders. Anything else would put
its records in the place of others' in silence.
"""

from pathlib import PurePath
from typing import Any

from extractors.errors import BadConfiguration
from flows.store.shape import declared_paths
from schemas.portable import NotPortable
from schemas.record import Schema

ORIGIN = "x-octavo-origin"
"""Where a schema is declared, in its JSON Schema as the store keeps it."""

REPLACES = "x-replaces"
"""In a schema's own JSON Schema: the origin of the one whose place it takes on purpose."""


def refuse_another(declared: dict[str, Any] | None, schema: Schema, shown_url: str) -> None:
    """Refuses a schema whose name another one has.

    Args:
        declared: what the store keeps under that name.
        schema: what is to be kept.
        shown_url: of the store, for the message.

    Raises:
        BadConfiguration: it is another schema; the message names both, and says what to do.
    """
    before = str((declared or {}).get(ORIGIN, ""))
    if declared is None or not before or not schema.origin or before == schema.origin:
        return
    had, has = _fields(declared), _fields(schema.of_records)
    if had == has or schema.of_records.get(REPLACES) == before:
        return
    if _place(before) == _place(schema.origin) and 2 * len(had & has) >= min(len(had), len(has)):
        return
    raise BadConfiguration(
        f"{shown_url} holds records of another schema {schema.name!r}: that of {before}; this one, {schema.origin}, "
        f"has other fields. Give one of them another name (its class, or the file's `title`), use another store, or, "
        f'where this one takes the place of that one, say so in it: "{REPLACES}": "{before}"'
    )


def _fields(json_schema: dict[str, Any]) -> set[str]:
    try:
        return set(declared_paths(json_schema))
    except NotPortable:  # kept by an Octavo that could ask for it
        return set()


def _place(origin: str) -> tuple[str, str]:
    """The file and class names, without folders: what stays when a checkout moves."""
    if origin.endswith(".json"):
        return PurePath(origin).name, ""
    module, _, name = origin.rpartition(":")
    return PurePath(module).stem if module.endswith(".py") else module.rpartition(".")[2], name
