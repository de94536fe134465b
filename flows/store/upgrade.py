"""An older store becomes one of today, in one transaction, by Alembic's scripts."""

from flows.store.dialects import lock_definitions
from flows.store.migrations import REVISIONS
from flows.store.store import Store
from flows.store.tables import store_version
from flows.store.versions import check_tables, found_version
from flows.store.views import remake_views


def upgrade(store: Store) -> str | None:
    """Runs the missing scripts; returns the version that was there, or None when nothing was to be done."""
    from alembic import command
    from alembic.config import Config

    with store.writing() as connection:
        lock_definitions(connection)
        version = found_version(connection)
        if version == REVISIONS[-1] or version not in REVISIONS:
            check_tables(connection, store.shown_url)
            return None
        config = Config()
        config.set_main_option("script_location", "flows.store:migrations")
        config.attributes["connection"] = connection
        if not connection.dialect.has_table(connection, store_version.name):
            command.stamp(config, version)
        command.upgrade(config, "head")
        remake_views(connection)
    return version
