"""`octavo db upgrade`: an older store becomes one of today, in one transaction, by Alembic's scripts."""

from flows.settings import settings
from flows.store.migrations import REVISIONS
from flows.store.store import Store
from flows.store.upgrade import upgrade


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
