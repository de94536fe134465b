"""A schema that is written as a JSON Schema file rather than as a pydantic model."""

from typing import Any

from schemas.record import InvalidRecord, Schema, SchemaFault, snake_case


def schema_of_json(document: dict[str, Any], name: str) -> Schema:
    """A JSON Schema as a schema; optional properties may be null in answers.

    Args:
        document: the decoded file. `x-allow-empty: true` at the root makes an all-null record a good answer.
        name: used when the file has no `title`.

    Raises:
        ValueError: the file is no valid JSON Schema; the message says where.
    """
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(document)
    except SchemaError as error:
        raise ValueError(f"not a valid JSON Schema at {error.json_path}: {error.message}") from None
    validator = Draft202012Validator(_nullable(document), format_checker=FormatChecker(["date", "date-time"]))

    def parse(answer: object) -> dict[str, Any]:
        errors = sorted(validator.iter_errors(answer), key=lambda error: list(map(str, error.absolute_path)))
        if errors:
            raise InvalidRecord(
                [SchemaFault(".".join(map(str, error.absolute_path)), error.message) for error in errors]
            )
        if not isinstance(answer, dict):
            raise InvalidRecord([SchemaFault("", "not an object")])
        return answer

    return Schema(
        name=snake_case(str(document.get("title") or name)),
        json_schema=document,
        parse=parse,
        check=lambda _record: [],
        allow_empty=document.get("x-allow-empty") is True,
    )


def _nullable(node: Any) -> Any:
    """The same schema with null allowed wherever a property is not required: that is how it is asked for."""
    if isinstance(node, list):
        return [_nullable(child) for child in node]
    if not isinstance(node, dict):
        return node
    made = {key: _nullable(child) for key, child in node.items() if key != "properties"}
    if "properties" in node:
        required = set(node.get("required", ()))
        made["properties"] = {
            name: _nullable(child) if name in required else {"anyOf": [_nullable(child), {"type": "null"}]}
            for name, child in node["properties"].items()
        }
    return made
