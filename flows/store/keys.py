"""The key of the ledger, by name: no two strings of it can be swapped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Key:
    """What is asked of some bytes: with their digest, the key of the ledger.

    Attributes:
        schema_name: what is read.
        recipe: the digest of how (`planning.Recipe`).
        asking: the half of it that decides the question.
        reading: the half that decides how an answer becomes a record.
        schema_content: of the schema alone.
        versions: Octavo's own, which make no new work.
    """

    schema_name: str
    recipe: str
    asking: str | None = None
    reading: str | None = None
    schema_content: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, Any]:
        """What an extraction under this key has in its row."""
        return {**self.how, "versions": dict(self.versions)}

    @property
    def how(self) -> dict[str, Any]:
        """Likewise, of one that another version made and that stands."""
        return {
            "recipe": self.recipe, "asking": self.asking, "reading": self.reading,
            "schema_content": self.schema_content,
        }  # fmt: skip
