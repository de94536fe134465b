"""What a schema checks, it asks for: its constraints stand in words beside the description."""

import json
from decimal import Decimal
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from schemas.constraints import in_words
from schemas.portable import portable


class Bounded(BaseModel):
    """Constraints of every kind."""

    code: Annotated[str, Field(pattern="^[A-Z]{3}$", max_length=3)] | None = None
    count: Annotated[int, Field(ge=1, lt=100)] | None = None
    price: Annotated[Decimal, Field(ge=0, decimal_places=2, max_digits=8)] | None = None
    tags: Annotated[list[str], Field(min_length=2)] = Field(default_factory=list)


def test_every_constraint_is_told_in_words() -> None:
    """Also those of a Decimal, which pydantic spreads over a number and a text."""
    told = {name: json.dumps(node) for name, node in portable(Bounded.model_json_schema())["properties"].items()}
    assert "3 characters at most, matching ^[A-Z]{3}$" in told["code"]
    assert "1 or more, less than 100" in told["count"]
    assert "(0 or more)" in told["price"]
    assert "2 entries or more" in told["tags"]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"multipleOf": 0.01, "exclusiveMinimum": 0}, "more than 0, a multiple of 0.01"),
        ({"uniqueItems": True, "maxItems": 4}, "4 entries at most, no entry twice"),
        ({"pattern": r"^(?!^[-+.]*$)[+-]?0*(?:\d{0,6}|(?=[\d.]{1,9}0*$)\d{0,6}\.\d{0,2}0*$)"}, "2 decimals at most"),
        ({"type": "string"}, ""),
        ({"exclusiveMinimum": True}, ""),
        ({"pattern": "a" * 300}, ""),
    ],
)
def test_a_constraint_in_words(node: dict[str, object], words: str) -> None:
    """What is no number, and a pattern too long to help, is left out."""
    assert in_words(node) == words
