"""The base of Octavo's own schemas, and what any schema is to the rest of Octavo."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from schemas.branches import best_branches
from schemas.checks import Check, Outcome, Verdict, outcomes
from schemas.fields import STORED, with_evidence
from schemas.fingerprints import reading_of
from schemas.habits import PageHabits, evidence_of
from schemas.leaves import Leaves, leaves_of
from schemas.paths import renamed
from schemas.recording import AskedSchema, RecordSchema, needs_names, recorded, uncomputed
from schemas.shapes import Shape, shape_of

_RESERVED = {
    "documents", "extractions", "pages", "replies", "records", "runs", "former_contents", "extraction_replies",
    "schema_views", "leases", "recipes", "schemas", "export_targets", "exports", "exported_records", "octavo_version",
    "attempts", "calls", "budgets", "page_words", "reviews", "corrections",
}  # fmt: skip
"""The store's own tables."""


class Record(BaseModel):
    """A record as a document shows it: every field may be missing, none may be unknown.

    Attributes:
        checks: rules over the fields, beside the methods under `@check`.
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
        steps: the path's, names and positions.
        what: about a `value`, a `missing` field, a field that is `unknown`, or a rule over a `whole` object or list.
        constant: another value stands where only one may.
    """

    path: str
    message: str
    steps: tuple[str | int, ...] = ()
    what: Literal["value", "missing", "unknown", "whole"] = "value"
    constant: bool = False


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
        record_schema: JSON Schema of what `parse` returns: the same under the fields' own names, with `x-computed`;
            None where that is `json_schema`.
        origin: where it is declared, `package.module:Model` or the file; empty when that is not known.
        reading: the digest of how answers become records (`fingerprints`); empty for Octavo's own schemas, which
            count by their names.
        verdicts: a record as `parse` returned it -> what every check says, those that hold or stopped too.
        remarks: what of its file is not used, in words.
    """

    name: str
    json_schema: dict[str, Any]
    parse: Parse
    check: Callable[[dict[str, Any]], list[tuple[str, str]]]
    allow_empty: bool = False
    record_schema: dict[str, Any] | None = None
    origin: str = ""
    verdicts: Callable[[dict[str, Any]], list[Outcome]] = lambda _record: []
    reading: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def of_records(self) -> dict[str, Any]:
        """The JSON Schema of the records."""
        return self.json_schema if self.record_schema is None else self.record_schema

    @cached_property
    def shape(self) -> Shape:
        """What may stand at each place of an answer."""
        return shape_of(self.json_schema)

    @cached_property
    def leaves(self) -> Leaves:
        """The single values of an answer, with what documents call them."""
        return leaves_of(self.json_schema)

    @cached_property
    def leaves_of_records(self) -> Leaves:
        """The single values of a record: the same under the fields' own names."""
        return self.leaves if self.record_schema is None else leaves_of(self.record_schema)

    @cached_property
    def amount_labels(self) -> tuple[str, ...]:
        """How documents name the fields that hold a decimal."""
        return tuple(sorted(set(_amount_labels(self.json_schema))))


def record_path(schema: Schema, path: str) -> str:
    """The path of a value in the record, whose path in the answer this is: `lineItems.0.itemName`.

    A path that leads to no field of the schema stays as it is.
    """
    if schema.record_schema is None:
        return path
    return renamed(path, schema.json_schema, schema.record_schema)


def snake_case(name: str) -> str:
    """`PurchaseOrder` -> `purchase_order`; never empty, never a name that the store uses itself."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    snake = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_") or "record"
    if snake[0].isdigit():
        snake = f"schema_{snake}"
    return f"{snake}_record" if snake in _RESERVED else snake


def schema_of(model: type[BaseModel], name: str | None = None) -> Schema:
    """A pydantic model as a schema; checks and `allow_empty` count on any model, not only on `Record`.

    Raises:
        ValueError: two fields of one object are asked for by the same name, so that one answer would be both.
    """
    json_schema = model.model_json_schema(schema_generator=AskedSchema)
    currency_names = names_of_format(json_schema, "currency")
    by_name = True if needs_names(model.__pydantic_core_schema__) else None

    def parse(answer: object, habits: PageHabits | None = None, /) -> dict[str, Any]:
        told = with_evidence(evidence_of(answer, habits, currency_names))
        try:
            # An answer is JSON, also for a strict model: a date or a set has no other form there than text or list.
            record = model.model_validate_json(json.dumps(answer), by_alias=True, by_name=by_name, context=told)
        except ValidationError as error:
            found = best_branches(_faults(error), answer)
            raise InvalidRecord([replace(each, path=_joined(steps), steps=steps) for each, steps in found]) from None
        except RecursionError:
            raise InvalidRecord([SchemaFault("", "nested too deeply")]) from None
        made: dict[str, Any] = recorded(record, answer)
        faults = list(unkept(made))
        if faults:
            raise InvalidRecord(faults)
        return made

    def verdicts(record: dict[str, Any]) -> list[Outcome]:
        try:
            # Computed fields are in the record, but cannot be told to the model.
            parsed = model.model_validate_json(
                json.dumps(record), by_alias=False, by_name=True, context=STORED, extra="ignore"
            )
        except ValidationError as error:
            why = f"the record is none of its own schema: {InvalidRecord(_faults(error))}"
            return [Outcome("readable_again", Verdict.FAILS, why)]
        missing = [Outcome(field, Verdict.FAILS, why) for field, why in uncomputed(parsed)]
        return [*outcomes(parsed), *missing]

    def check(record: dict[str, Any]) -> list[tuple[str, str]]:
        return [(said.name, said.why) for said in verdicts(record) if said.verdict == Verdict.FAILS]

    kept = model.model_json_schema(by_alias=False, schema_generator=RecordSchema)
    _refuse_shared_names(json_schema, kept)
    return Schema(
        name=name or snake_case(model.__name__),
        json_schema=json_schema,
        parse=parse,
        check=check,
        allow_empty=bool(getattr(model, "allow_empty", False)),
        record_schema=None if kept == json_schema else kept,
        origin=f"{model.__module__}:{model.__qualname__}",
        verdicts=verdicts,
        reading=reading_of(model),
    )


def _refuse_shared_names(asked: dict[str, Any], kept: dict[str, Any]) -> None:
    own = {"": kept, **kept.get("$defs", {})}
    for name, node in {"": asked, **asked.get("$defs", {})}.items():
        if len(node.get("properties", {})) < len(own.get(name, {}).get("properties", {})):
            raise ValueError(f"two fields of {node.get('title', name)} have one alias; give each a name of its own")


def _amount_labels(node: object) -> Iterator[str]:
    """The labels of every property that holds a decimal."""
    if isinstance(node, list):
        for child in node:
            yield from _amount_labels(child)
    elif isinstance(node, dict):
        properties = node.get("properties")
        for field in properties.values() if isinstance(properties, dict) else ():
            if names_of_format({"properties": {"it": field}}, "decimal"):
                labels = field.get("labels", ())
                yield from (label for label in labels if isinstance(label, str)) if isinstance(labels, list) else ()
        for child in node.values():
            yield from _amount_labels(child)


def unkept(value: object, steps: tuple[str | int, ...] = ()) -> Iterator[SchemaFault]:
    """The numbers of a record that no store or export keeps: floats without end ("inf"), integers above 64 bits."""
    pairs: Iterable[tuple[str | int, object]] = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, child in pairs:
        yield from unkept(child, (*steps, step))
    if isinstance(value, float) and not isfinite(value):
        yield SchemaFault(_joined(steps), "not a number that can be kept", steps)
    if isinstance(value, int) and not -_INTEGERS <= value < _INTEGERS:
        why = "a whole number of so many digits is not kept exactly everywhere; the schema should declare text"
        yield SchemaFault(_joined(steps), why, steps)


_INTEGERS = 2**63


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


_OF_ANOTHER_TYPE = ("_type", "_instance", "none_required", "_parsing", "literal_error", "enum")
"""How the kinds of those faults end that say that a value is none of its type."""


_ONE = re.compile(r"^Input should be (?:'[^']*'|-?\d+)$")


def _faults(error: ValidationError) -> list[SchemaFault]:
    return [
        SchemaFault(
            _joined(item["loc"]),
            item["msg"].removeprefix("Value error, "),
            item["loc"],
            _what(item),
            item["type"] == "literal_error" and _ONE.search(item["msg"]) is not None,
        )
        for item in error.errors(include_url=False, include_context=False)
    ]


def _joined(steps: tuple[str | int, ...]) -> str:
    return ".".join(map(str, steps))


def _what(item: ErrorDetails) -> Literal["value", "missing", "unknown", "whole"]:
    if item["type"] == "missing":
        return "missing"
    if item["type"] == "extra_forbidden":
        return "unknown"
    of_all = isinstance(item["input"], dict | list) and not item["type"].endswith(_OF_ANOTHER_TYPE)
    return "whole" if of_all else "value"
