"""One HTML page of what the store holds."""
