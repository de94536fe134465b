"""A split file in the ledger: an extraction of its own, and beside it one for each of its schemas.

The file's own (`split:invoice,receipt`) decides what is done: it has every page's state, the replies and what was
paid. Those of the schemas have the records and their pages, under the same recipe, and cost nothing: the views,
exports and succession treat them like those of any document. They are written in the same transaction.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, exists, or_, select

from extractors.documents import Extraction
from flows.store.dialects import insert
from flows.store.keys import Key
from flows.store.succession import make_current, retire_former
from flows.store.tables import SPLIT, extractions, recipes


def split_name(names: Iterable[str]) -> str:
    """The ledger's name for files that are split among some schemas; their order makes no difference."""
    return SPLIT + ",".join(sorted(names))


def split_schemas(name: str) -> list[str]:
    """The schemas' names in such a name; none when it is one schema's."""
    return name.removeprefix(SPLIT).split(",") if name.startswith(SPLIT) else []


def of_split_file() -> ColumnElement[bool]:
    """Whether an extraction is that of one schema of a split file: its recipe was made for another name."""
    made_for = recipes.c.schema_name
    return exists().where(
        recipes.c.recipe == extractions.c.recipe, made_for != extractions.c.schema_name, made_for.startswith(SPLIT)
    )


def all_current(file: FromClause) -> ColumnElement[bool]:
    """Whether nothing has superseded what the schemas of a split file gave; so too where there are none."""
    part = extractions.alias()
    superseded = exists().where(
        part.c.sha256 == file.c.sha256, part.c.recipe == file.c.recipe, part.c.schema_name != file.c.schema_name,
        part.c.superseded_by.is_not(None),
    )  # fmt: skip
    return or_(file.c.schema_name.not_like(f"{SPLIT}%"), ~superseded)


def begin_parts(
    connection: Connection, row: Any, extraction: Extraction, run_id: str, best: int | None
) -> list[tuple[Any, Extraction]]:
    """The rows of a split file's schemas, each with what its pages gave; as superseded as the file's own is.

    Args:
        connection: of the transaction.
        row: the file's own extraction.
        extraction: its outcome.
        run_id: of the run that reached it.
        best: the file's extraction that counts instead, if another does.
    """
    written = []
    for name, part in extraction.by_schema.items():
        key = {"sha256": row.sha256, "schema_name": name, "recipe": row.recipe}
        outcome = {
            "status": part.status, "kind": part.kind, "cause": part.cause, "run_id": run_id,
            "endpoint": part.endpoint, "model": part.model, "provider": part.provider,
            "started_at": part.started_at, "finished_at": part.finished_at,
            "issues": [vars(issue) for issue in part.issues] or None,
        }  # fmt: skip
        superseded = {} if best is None else {"superseded_by": best}
        made = connection.execute(
            insert(connection, extractions)
            .values(**key, **outcome, **({"superseded_by": row.superseded_by} | superseded))
            .on_conflict_do_update(index_elements=list(key), set_=outcome | superseded)
            .returning(extractions)
        ).one()
        written.append((made, part))
    return written


def parts_current(connection: Connection, sha256: str, key: Key, document_id: int | None) -> None:
    """Makes what a split file's schemas gave current again, as its own extraction is.

    Args:
        connection: of the transaction.
        sha256: of the file.
        key: of the file's own extraction.
        document_id: of the only document to look at (`succession.retire_former`).
    """
    for name in split_schemas(key.schema_name):
        part = {"sha256": sha256, "schema_name": name, "recipe": key.recipe}
        found = connection.scalar(select(extractions.c.id).filter_by(**part))
        if found is not None:
            make_current(connection, found, part)
            retire_former(connection, sha256, name, document_id)
