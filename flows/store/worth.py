"""Which outcome counts: a worse one never displaces a better one of the same bytes and the same schema content.

Complete is worth more than partial, that more than quarantined; of two that are partial, the one with more pages
read, then with more records. What is worth the same counts when it is newer. When the schema's content has changed,
the new outcome counts, unless it is quarantined: then the older one shows beside it, with the issue `older_schema`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select

from extractors.documents import Extraction
from extractors.vocabulary import FINAL, WITH_RECORDS, DocumentStatus, PageStatus
from flows.store.tables import SPLIT, extractions, pages, recipes, records

_RANK = {DocumentStatus.QUARANTINED: 1, DocumentStatus.PARTIAL: 2, DocumentStatus.COMPLETE: 3}
_EVER = datetime.min.replace(tzinfo=UTC)

_OWN = "octavo"
"""Stands for a schema of Octavo's own, whose name says which."""

Worth = tuple[int, int, int]

_RIVALS = (
    select(
        *(
            extractions.c[name]
            for name in (
                "id", "schema_name", "recipe", "status", "superseded_by", "finished_at", "schema_content", "issues",
                "retired_at",
            )
        )
    )
    .where(extractions.c.sha256 == bindparam("content"), extractions.c.schema_name == bindparam("asked"))
    .order_by(extractions.c.id)
)  # fmt: skip
_RIVALS_HELD = _RIVALS.with_for_update()


@dataclass(frozen=True)
class Counting:
    """The extractions of some bytes and a schema that are current.

    Attributes:
        best: the one that counts.
        older: one under an older schema that shows its records, since the best has none.
        marked: that one's schema is known to be another.
    """

    best: int
    older: int | None = None
    marked: bool = False


@dataclass(frozen=True)
class _Asked:
    """What an extraction was asked for, as far as it is known.

    Attributes:
        schema: as JSON data.
        part_of: the ledger's name for the split file that it is a part of.
        records: how many records a document holds (`--records`).
    """

    schema: Any = None
    part_of: str | None = None
    records: str | None = None


def rivals(connection: Connection, sha256: str, schema_name: str, *, hold: bool = False) -> Sequence[Any]:
    """The extractions of some bytes under a schema, one for each recipe."""
    return connection.execute(_RIVALS_HELD if hold else _RIVALS, {"content": sha256, "asked": schema_name}).all()


def counting(connection: Connection, rows: Sequence[Any], asked: Any) -> Counting:
    """Which of some rivals count when one of them is asked for, which has an outcome."""
    final = [row for row in rows if row.status in FINAL]
    if len(final) == 1:
        return Counting(asked.id)
    known = _known(connection, final)
    # Parts of a file follow the file: those of its other readings do not count.
    part_of = known[asked.id].part_of
    final = [row for row in final if row.id == asked.id or part_of is None or known[row.id].part_of != part_of]
    same = [row for row in final if row.id == asked.id or same_schema(row, asked, known)]
    best = _best(connection, same, asked, known)
    others = [row for row in final if row not in same and row.status in WITH_RECORDS]
    if best.status in WITH_RECORDS or not others:
        return Counting(best.id)
    shown = [row for row in others if row.superseded_by is None] or [max(others, key=_age)]
    alike = [row for row in others if row == shown[0] or same_schema(row, shown[0], known)]
    older = _best(connection, alike, shown[0], known)
    both = (older.schema_content, best.schema_content), (known[older.id].schema, known[best.id].schema)
    return Counting(best.id, older.id, marked=any(None not in each for each in both))


def same_schema(one: Any, other: Any, known: dict[int, _Asked]) -> bool:
    """Whether two rows were asked for with the same schema content; what is not known is not the same."""
    if known[one.id].part_of != known[other.id].part_of:
        return False
    if one.schema_content is not None and other.schema_content is not None:
        return bool(one.schema_content == other.schema_content)
    schemas = (known[one.id].schema, known[other.id].schema)
    return None not in schemas and (_OWN in schemas or schemas[0] == schemas[1])


def replaces(connection: Connection, row: Any, extraction: Extraction) -> bool:
    """Whether a new outcome of the same extraction is worth no less than the one that it has."""
    if row.status not in FINAL or extraction.status not in FINAL:
        return True
    if (row.status, extraction.status) == (DocumentStatus.PARTIAL, DocumentStatus.PARTIAL):
        read = sum(state.status != PageStatus.FAILED for state in extraction.pages)
        return _worth(connection, row) <= (_RANK[extraction.status], read, extraction.record_count)
    return _RANK[row.status] <= _RANK[extraction.status]


def _best(connection: Connection, rows: Sequence[Any], asked: Any, known: dict[int, _Asked]) -> Any:
    """The one that is worth most; of equals the one that is asked for, else the newest."""
    if len(rows) == 1:
        return rows[0]
    # A record for each page, or one for all of them: more is not better then.
    comparable = len({known[row.id].records for row in rows}) == 1
    worth = {row.id: _worth(connection, row)[: 3 if comparable else 2] for row in rows}
    return max(rows, key=lambda row: (worth[row.id], row.id == asked.id, _age(row)))


def _age(row: Any) -> tuple[datetime, int]:
    return row.finished_at or _EVER, row.id


def _worth(connection: Connection, row: Any) -> Worth:
    rank = _RANK[row.status]
    if row.status != DocumentStatus.PARTIAL:
        return rank, 0, 0
    read = connection.scalar(
        select(func.count()).where(pages.c.extraction_id == row.id, pages.c.status != PageStatus.FAILED)
    )
    return rank, read or 0, connection.scalar(_record_count(row)) or 0


def _record_count(row: Any) -> Select[Any]:
    """Counts a row's records; a split file's own are those of its parts, which have its recipe."""
    own = select(func.count()).select_from(records.join(extractions))
    if not row.schema_name.startswith(SPLIT):
        return own.where(extractions.c.id == row.id)
    file = select(extractions.c.sha256).where(extractions.c.id == row.id).scalar_subquery()
    return own.where(extractions.c.sha256 == file, extractions.c.recipe == row.recipe)


def _known(connection: Connection, rows: Sequence[Any]) -> dict[int, _Asked]:
    noted = {
        row.recipe: row
        for row in connection.execute(
            select(recipes.c.recipe, recipes.c.schema_name, recipes.c.parts).where(
                recipes.c.recipe.in_({row.recipe for row in rows})
            )
        )
    }
    return {row.id: _asked(row, noted.get(row.recipe)) for row in rows}


def _asked(row: Any, recipe: Any) -> _Asked:
    if recipe is None:
        return _Asked()
    parts, split = recipe.parts, recipe.schema_name.startswith(SPLIT)
    schema, (how, *_) = parts.get("schema"), parts.get("window") or (None,)
    if row.schema_name != recipe.schema_name and split:
        return _Asked((schema or {}).get(row.schema_name), recipe.schema_name, how)
    if "reading" in parts and not split:
        # By name; Octavo's own schemas have nothing but that.
        schema = schema.get(row.schema_name) or _OWN
    return _Asked(schema, None, how)


def stands(connection: Connection, row: Any, split_schemas: Sequence[str] = ()) -> bool:
    """Whether an extraction that is not plainly current is done all the same: asking for it again changes nothing.

    Args:
        connection: of the transaction.
        row: its id, sha256, schema_name, recipe and status.
        split_schemas: those of a split file, whose parts must stand too.
    """
    if row.status not in FINAL:
        return False
    rows = rivals(connection, row.sha256, row.schema_name)
    found = counting(connection, rows, next(each for each in rows if each.id == row.id))
    current = {each.id for each in rows if each.superseded_by is None and each.status in FINAL}
    if current != {found.best, found.older} - {None}:
        return False
    if found.best != row.id or not split_schemas:
        return True
    parts = select(extractions).where(
        and_(extractions.c.sha256 == row.sha256, extractions.c.recipe == row.recipe),
        or_(*(extractions.c.schema_name == name for name in split_schemas)),
    )
    return all(stands(connection, part) for part in connection.execute(parts).all())
