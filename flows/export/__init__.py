"""Records to files and Delta tables, only what is new since the last time."""
