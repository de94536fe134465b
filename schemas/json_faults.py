"""What jsonschema says of an answer -> faults: the innermost one of each, where it stands, what it is about."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from schemas.record import SchemaFault

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_WHOLE = frozenset({
    "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "minProperties", "maxProperties",
    "dependentRequired", "dependentSchemas", "if", "not", "prefixItems",
})  # fmt: skip
"""Rules over an object or a list that a value of it alone cannot break."""

_NAMED = re.compile(r"^'(.*)' is a required property$", re.DOTALL)
_LONGEST = 300


def schema_faults(errors: "Iterable[ValidationError]") -> list[SchemaFault]:
    """The faults, in the errors' order."""
    return [fault for error in errors for inner in innermost(error) for fault in _faults(inner)]


def innermost(error: "ValidationError") -> "list[ValidationError]":
    """Of a choice (`anyOf`, `oneOf`) that failed, what is wrong with the branch that fits best.

    That is the branch whose faults lie deepest and are fewest; the one that only null would fit does not count, and
    one whose own mark (`"kind": {"const": "card"}`) the answer has not comes last. Where there is no other branch,
    all of its faults are told; else the deepest, for without it another branch may fit.
    """
    if not error.context:
        return [error]
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0] if inner.schema_path else None, []).append(inner)
    fitting = [found for found in branches.values() if not _only_null(found)] or list(branches.values())
    best = min(fitting, key=lambda found: (_is_another(found), -max(len(each.path) for each in found), len(found)))
    told = best if len(fitting) == 1 else [max(best, key=lambda each: len(each.path))]
    return [each for inner in told for each in innermost(inner)]


def _is_another(found: "list[ValidationError]") -> bool:
    return any(
        each.path and (each.validator == "const" or (each.validator == "enum" and _is_one(each.validator_value)))
        for each in found
    )


def _is_one(choices: object) -> bool:
    return isinstance(choices, list) and len(choices) == 1


def _only_null(found: "list[ValidationError]") -> bool:
    return any(each.validator == "type" and each.validator_value == "null" and not each.path for each in found)


def _faults(error: "ValidationError") -> list[SchemaFault]:
    steps: tuple[str | int, ...] = tuple(error.absolute_path)
    message = error.message if len(error.message) <= _LONGEST else f"{error.message[: _LONGEST - 1]}…"
    if error.validator == "required" and (named := _NAMED.match(error.message)):
        return [_fault((*steps, named.group(1)), "this field is required", "missing")]
    if error.validator == "not" and error.validator_value == {"type": "null"}:
        return [_fault(steps, "this field is required here", "missing")]
    if error.validator in {"additionalProperties", "unevaluatedProperties"} and isinstance(error.instance, dict):
        known = (error.schema if isinstance(error.schema, dict) else {}).get("properties") or {}
        return [
            _fault((*steps, name), "Additional properties are not allowed: this is no field of the schema", "unknown")
            for name in error.instance
            if name not in known
        ]
    return [_fault(steps, message, "whole" if error.validator in _WHOLE else "value")]


def _fault(
    steps: tuple[str | int, ...], message: str, what: Literal["value", "missing", "unknown", "whole"]
) -> SchemaFault:
    return SchemaFault(".".join(map(str, steps)), message, steps, what)
