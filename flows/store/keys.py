"""The key of the ledger, by name: no two strings of it can be swapped."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Key:
    """What is asked of some bytes: with their digest, the key of the ledger.

    Attributes:
        schema_name: what is read.
        recipe: the fingerprint of how (`planning.recipe_of`).
    """

    schema_name: str
    recipe: str
