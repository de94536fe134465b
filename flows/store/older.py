"""The issue `older_schema`: a record shows as it was read under an older schema, since today's could not be read."""

from typing import Any

from sqlalchemy import Connection, delete, select, update

from extractors.vocabulary import IssueKind
from flows.store.tables import extractions, records

_ISSUE = {
    "kind": IssueKind.OLDER_SCHEMA.value,
    "path": "",
    "message": "read under an older schema: with the schema of today the document is quarantined",
}


def tell_older(connection: Connection, row: Any, *, older: bool) -> None:
    """Adds the issue to an extraction and its records, or takes it away.

    The records get new ids, so that the next export brings them as they are now.

    Args:
        connection: of the transaction.
        row: the extraction's `id` and `issues`.
        older: it shows instead of an outcome under today's schema.
    """
    if older == any(issue["kind"] == IssueKind.OLDER_SCHEMA for issue in row.issues or ()):
        return
    told = _with(row.issues or [], older=older)
    connection.execute(update(extractions).where(extractions.c.id == row.id).values(issues=told))
    kept = connection.execute(
        select(records).where(records.c.extraction_id == row.id).order_by(records.c.ordinal)
    ).mappings().all()  # fmt: skip
    connection.execute(delete(records).where(records.c.extraction_id == row.id))
    again = [
        {
            **{name: value for name, value in record.items() if name != "id"},
            "issues": _with(record["issues"], older=older),
        }
        for record in kept
    ]
    if again:
        connection.execute(records.insert(), again)


def _with(issues: list[dict[str, Any]], *, older: bool) -> list[dict[str, Any]]:
    others = [issue for issue in issues if issue["kind"] != IssueKind.OLDER_SCHEMA]
    return [*others, _ISSUE] if older else others
