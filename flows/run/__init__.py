"""A run: which objects, which schema, whom to ask; each document from its object to the store."""
