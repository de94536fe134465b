"""What touches the world: Prefect, object storage, the database, the command line."""
