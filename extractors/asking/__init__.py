"""Pages and a schema to requests."""
