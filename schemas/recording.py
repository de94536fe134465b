"""A validated pydantic model as the record holds it: exact, as JSON data, under the names of its fields.

An answer has the names of the JSON schema, which are the fields' aliases where they have some; a record has the
fields' own names, as Python, the views and the exports do. Computed fields follow the others, sets keep the answer's
order.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel, RootModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class AskedSchema(GenerateJsonSchema):
    """JSON schema of what is asked for.

    `x-text` marks a choice in which text is a value of its own: pydantic declares `Decimal` and `float | str` alike.
    """

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        """A choice, marked when one of its options is text and another a number."""
        made = super().union_schema(schema)
        options = [option[0] if isinstance(option, tuple) else option for option in schema["choices"]]
        kinds = {str(option["type"]) for option in options}
        numbers = kinds & {"float", "decimal"}
        return {**made, "x-text": True} if numbers and kinds - numbers - {"none", "int", "bool"} else made


class RecordSchema(AskedSchema):
    """JSON schema of the records: an object's computed fields stand under `x-computed`."""

    def model_fields_schema(self, schema: core_schema.ModelFieldsSchema) -> JsonSchemaValue:
        """An object's properties, and beside them its computed fields."""
        made = super().model_fields_schema(schema)
        computed = schema.get("computed_fields", [])
        if computed:
            made["x-computed"] = {
                field["property_name"]: self.generate_inner(field["return_schema"]) for field in computed
            }
        return made


def needs_names(core: Any) -> bool:
    """Whether a model has a field that is only found inside another (`AliasPath`): it is asked by its own name."""
    if isinstance(core, dict):
        alias = core.get("validation_alias")
        if isinstance(alias, list) and not any(isinstance(path, list) and len(path) == 1 for path in alias):
            return True
        return any(needs_names(child) for key, child in core.items() if key not in {"cls", "metadata"})
    return isinstance(core, list | tuple) and any(needs_names(child) for child in core)


def recorded(value: Any, answer: Any) -> Any:
    """A validated value as JSON data.

    Args:
        value: a pydantic model.
        answer: what it was made from, for the order of its sets.
    """
    dumped = value.model_dump(mode="json", by_alias=False, exclude_computed_fields=True)
    return _exact(value, dumped, answer)


def uncomputed(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The computed fields of a model, and of those in it, that cannot be computed: path, why."""
    if isinstance(value, list | tuple):
        for number, child in enumerate(value):
            yield from uncomputed(child, f"{path}{number}.")
    if not isinstance(value, BaseModel):
        return
    for name in type(value).model_computed_fields:
        error = _computed(value, name)[1]
        if error is not None:
            yield f"{path}{name}", f"cannot be computed: {type(error).__name__}: {error}"
    for name in type(value).model_fields:
        yield from uncomputed(getattr(value, name), f"{path}{name}.")


def _exact(value: Any, dumped: Any, answer: Any) -> Any:
    """What a model was dumped as, with its computed fields; a serializer of its own may have made anything of it."""
    if isinstance(value, RootModel):
        return _exact(value.root, dumped, answer)
    fields = getattr(type(value), "__pydantic_fields__", None)
    if fields is not None and isinstance(dumped, dict):
        return _object(value, fields, dumped, answer if isinstance(answer, dict) else {})
    if isinstance(value, dict) and isinstance(dumped, dict):
        answers = answer if isinstance(answer, dict) else {}
        return {key: _exact(value.get(key), child, answers.get(key)) for key, child in dumped.items()}
    if isinstance(dumped, list) and isinstance(value, list | tuple | set | frozenset) and len(value) == len(dumped):
        if isinstance(value, set | frozenset):
            return _in_order([_exact(*pair, None) for pair in zip(value, dumped, strict=True)], answer)
        each = answer if isinstance(answer, list) and len(answer) == len(dumped) else [None] * len(dumped)
        return [_exact(*element) for element in zip(value, dumped, each, strict=True)]
    return dumped


def _object(
    value: Any, fields: dict[str, FieldInfo], dumped: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any]:
    made = {}
    for name, child in dumped.items():
        asked = _asked_name(name, fields[name]) if name in fields else name
        made[name] = _exact(getattr(value, name, None), child, answer.get(asked))
    if isinstance(value, BaseModel):
        for name in type(value).model_computed_fields:
            made[name] = _computed(value, name)[0]
    return made


def _computed(value: BaseModel, name: str) -> tuple[Any, Exception | None]:
    """A computed field as JSON data, or null and what went wrong: a person's own code can raise anything."""
    try:
        dumped = value.model_dump(mode="json", by_alias=False, include={name})
        return _exact(getattr(value, name), dumped.get(name), None), None
    except Exception as error:  # noqa: BLE001 - told as an issue of the record (`uncomputed`)
        return None, error


def _asked_name(name: str, field: FieldInfo) -> str:
    """The property's name in the JSON schema."""
    alias = field.validation_alias
    if isinstance(alias, str):
        return alias
    for choice in alias.choices if isinstance(alias, AliasChoices) else ():
        if isinstance(choice, str):
            return choice
        if isinstance(choice, AliasPath) and len(choice.path) == 1:
            return str(choice.path[0])
    return name


def _in_order(elements: Sequence[Any], answer: Any) -> list[Any]:
    """A set's elements as the answer gave them, those that it wrote otherwise last, by their text."""
    given = {
        str(each): place for place, each in reversed(list(enumerate(answer if isinstance(answer, list) else ())))
    }
    return sorted(elements, key=lambda element: (given.get(str(element), len(given)), str(element)))
