"""What a pydantic model must be to be a schema."""

import pytest
from pydantic import BaseModel, Field

from schemas.record import schema_of


class Two(BaseModel):
    """Two fields that one answer would fill."""

    net: str | None = Field(None, alias="total")
    gross: str | None = Field(None, alias="total")


class Holds(BaseModel):
    """The same, further in."""

    rows: list[Two] = []


@pytest.mark.parametrize("model", [Two, Holds])
def test_two_fields_of_one_alias_are_refused(model: type[BaseModel]) -> None:
    """Which of them an answer means could not be told."""
    with pytest.raises(ValueError, match="two fields of Two have one alias"):
        schema_of(model)
