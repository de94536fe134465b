"""How an older store becomes one of today: Alembic's scripts, run by `octavo db upgrade`."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every version of the store's tables, oldest first; the last is what `flows.store.tables` describes."""
