"""`octavo db upgrade`: an older store becomes one of today, in one transaction, by Alembic's scripts."""

from flows.store.migrations import REVISIONS
from flows.settings import settings
from flows.store.dialects import lock_definitions
from flows.store.store import Store
from flows.store.tables import store_version
from flows.store.versions import check_tables, found_version


def upgrade_store(url: str | None) -> int:
    """Brings a store's tables up to date and says what it did; returns the exit code.

    Args:
        url: of the store; None: as the settings say.

    Raises:
        StoreUnavailable: it cannot be opened or written, holds no store, or a newer Octavo made it.
    """
    with Store.open(url or settings().store, any_version=True) as store:
        before = upgrade(store)
    print(f"{store.shown_url}: " + (f"version {before} to {REVISIONS[-1]}" if before else "up to date"))
    return 0


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
    return version
