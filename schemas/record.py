"""The base of Octavo's own schemas, and what any schema is to the rest of Octavo."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from schemas.checks import Check
from schemas.fields import STORED, with_evidence
from schemas.habits import PageHabits, evidence_of
from schemas.shapes import Shape, shape_of

_RESERVED = {
    "documents", "extractions", "pages", "replies", "records", "runs", "former_contents", "extraction_replies",
    "schema_views", "leases", "recipes", "schemas", "export_targets", "exports", "exported_records", "octavo_version",
}  # fmt: skip
"""The store's own tables."""


class Record(BaseModel):
    """A record as a document shows it: every field may be missing, none may be unknown.

    Attributes:
        checks: rules over the fields.
        allow_empty: whether a record with nothing in it is a good answer.
    """

    model_config = ConfigDict(extra="forbid")

    checks: ClassVar[tuple[Check, ...]] = ()
    allow_empty: ClassVar[bool] = False


@dataclass(frozen=True)
class SchemaFault:
    """One thing that is wrong with an answer.

    Attributes:
        path: where: `line_items.0.amount`.
        message: what, in words for the model.
        steps: the path's, names and positions; those of a union's branch may stand among them.
        what: about a `value`, a `missing` field, a field that is `unknown`, or a rule over a `whole` object or list.
    """

    path: str
    message: str
    steps: tuple[str | int, ...] = ()
    what: Literal["value", "missing", "unknown", "whole"] = "value"


class InvalidRecord(ValueError):
    """An answer that the schema refuses, with every fault found."""

    def __init__(self, faults: list[SchemaFault]) -> None:
        super().__init__("; ".join(f"{fault.path or '(record)'}: {fault.message}" for fault in faults))
        self.faults = faults


class Parse(Protocol):
    """How an answer becomes a record."""

    def __call__(self, answer: object, habits: PageHabits | None = None, /) -> dict[str, Any]:
        """The record as JSON data; raises `InvalidRecord`."""


@dataclass(frozen=True)
class Schema:
    """A schema, whatever it was declared in.

    Attributes:
        name: snake case; names the views and the ledger's entries.
        json_schema: JSON Schema as declared, with `description`, `examples`, `labels` and `merge`.
        parse: (answer (decoded JSON), habits) -> the record as JSON data (decimals as strings, dates ISO);
            raises `InvalidRecord`. `habits`, where known, are those of the pages that it was read from.
        check: a record as `parse` returned it -> (check name, what is wrong) of each broken rule.
        allow_empty: whether a record with nothing in it is a good answer.
    """

    name: str
    json_schema: dict[str, Any]
    parse: Parse
    check: Callable[[dict[str, Any]], list[tuple[str, str]]]
    allow_empty: bool = False

    @cached_property
    def shape(self) -> Shape:
        """What may stand at each place of an answer."""
        return shape_of(self.json_schema)


def snake_case(name: str) -> str:
    """`PurchaseOrder` -> `purchase_order`; never empty, never a name that the store uses itself."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    snake = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_") or "record"
    if snake[0].isdigit():
        snake = f"schema_{snake}"
    return f"{snake}_record" if snake in _RESERVED else snake


def schema_of(model: type[BaseModel], name: str | None = None) -> Schema:
    """A pydantic model as a schema; `checks` and `allow_empty` count on any model, not only on `Record`."""
    checks: tuple[Check, ...] = getattr(model, "checks", ())

    json_schema = model.model_json_schema()
    currency_names = names_of_format(json_schema, "currency")

    def parse(answer: object, habits: PageHabits | None = None, /) -> dict[str, Any]:
        try:
            record = model.model_validate(answer, context=with_evidence(evidence_of(answer, habits, currency_names)))
        except ValidationError as error:
            raise InvalidRecord(_faults(error)) from None
        return record.model_dump(mode="json")

    def check(record: dict[str, Any]) -> list[tuple[str, str]]:
        parsed = model.model_validate(record, context=STORED)
        found = ((rule.name, rule.broken(parsed)) for rule in checks)
        return [(rule_name, message) for rule_name, message in found if message is not None]

    return Schema(
        name=name or snake_case(model.__name__),
        json_schema=json_schema,
        parse=parse,
        check=check,
        allow_empty=bool(getattr(model, "allow_empty", False)),
    )


def names_of_format(node: object, name: str) -> frozenset[str]:
    """Names of the properties of a JSON schema that have a format, by themselves or as one of their choices."""
    if isinstance(node, list):
        return frozenset().union(*(names_of_format(child, name) for child in node))
    if not isinstance(node, dict):
        return frozenset()
    properties = node.get("properties")
    own = {key for key, child in (properties if isinstance(properties, dict) else {}).items() if _has(child, name)}
    return frozenset(own).union(*(names_of_format(child, name) for child in node.values()))


def _has(node: object, name: str) -> bool:
    choices = [node, *node.get("anyOf", ())] if isinstance(node, dict) else []
    return any(isinstance(choice, dict) and choice.get("format") == name for choice in choices)


_OF_ANOTHER_TYPE = ("_type", "_instance", "none_required", "_parsing")
"""How the kinds of those faults end that say that a value is none of its type."""


def _faults(error: ValidationError) -> list[SchemaFault]:
    return [
        SchemaFault(
            ".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, "), item["loc"], _what(item)
        )
        for item in error.errors(include_url=False, include_context=False)
    ]


def _what(item: ErrorDetails) -> Literal["value", "missing", "unknown", "whole"]:
    if item["type"] == "missing":
        return "missing"
    if item["type"] == "extra_forbidden":
        return "unknown"
    of_all = isinstance(item["input"], dict | list) and not item["type"].endswith(_OF_ANOTHER_TYPE)
    return "whole" if of_all else "value"
