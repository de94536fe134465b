"""What Alembic runs for each command: the versions' scripts over the connection that `flows.store.upgrade` opened."""

from alembic import context

from flows.store.tables import metadata, store_version

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=store_version.name,
    # The caller's transaction is the only one: an upgrade is there as a whole, or not at all.
    transactional_ddl=False,
)
context.run_migrations()
