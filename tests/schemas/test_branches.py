"""What is wrong with an answer to a choice of types: one branch is told, under the answer's own path."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel

from schemas.record import InvalidRecord, schema_of


class Cat(BaseModel):
    """One choice."""

    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"]
    tricks: int
    home: Cat | str | None = None


class Bird(BaseModel):
    """One of which more is asked."""

    kind: Literal["bird"]
    wings: int
    song: str
    colour: str


class Owner(BaseModel):
    """Choices of objects, in a list too, and of plain types."""

    pet: Cat | Dog | None = None
    pets: list[Cat | Dog] = []
    code: int | bool | None = None
    other: Cat | Bird | None = None


@pytest.mark.parametrize(
    ("answer", "paths"),
    [
        ({"pet": {"kind": "dog", "tricks": "many"}}, ["pet.tricks"]),
        ({"pet": {"kind": "dog"}}, ["pet.tricks"]),
        ({"pets": [{"kind": "cat", "lives": 9}, {"kind": "cat", "lives": "few"}]}, ["pets.1.lives"]),
        ({"pet": {"kind": "dog", "tricks": 1, "home": {"kind": "cat", "lives": "x"}}}, ["pet.home.lives"]),
        ({"code": "x"}, ["code"]),
        ({"pet": "Rex"}, ["pet"]),
        ({"other": {"kind": "bird", "wings": 2}}, ["other.song", "other.colour"]),
        ({"other": {"kind": "bird"}}, ["other.wings", "other.song", "other.colour"]),
    ],
)
def test_the_branch_that_fits_best_is_told(answer: dict[str, Any], paths: list[str]) -> None:
    """No fault names a branch, and none is of a branch that was not meant."""
    with pytest.raises(InvalidRecord) as refused:
        schema_of(Owner).parse(answer)
    assert [fault.path for fault in refused.value.faults] == paths
