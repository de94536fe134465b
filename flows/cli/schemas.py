"""`octavo schemas`: those there are, how the model is asked for one, and whether yours can be asked for."""

import json
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from extractors.asking import groups
from extractors.errors import BadConfiguration
from flows.cli.options import command
from flows.schema_lookup import find_schema
from schemas.builtin import BUILTIN
from schemas.portable import NotPortable, portable

app = command(
    "schemas",
    """
octavo schemas
octavo schemas show invoice
octavo schemas check mine.py:Ticket
""",
)

Spec = Annotated[
    str, Parameter(help="built-in name, package.module:Model, path/to/file.py:Model, or a JSON Schema file")
]


@app.default
@app.command(name="list")
def list_schemas() -> int:
    """Shows the built-in schemas, a line each."""
    table = Table(title="Built-in schemas", title_justify="left")
    table.add_column("name")
    table.add_column("what it is")
    table.add_column("fields")
    for name, model in BUILTIN.items():
        about = (model.__doc__ or "").strip().splitlines()[0]
        table.add_row(name, about, ", ".join(model.model_fields))
    Console(highlight=False).print(table)
    print("Your own: package.module:Model, path/to/file.py:Model, or a JSON Schema file.")
    return 0


@app.command
def show(schema: Spec, /) -> int:
    """Shows a schema as the model is asked for it, as JSON."""
    print(json.dumps(_portable(schema), ensure_ascii=False, indent=2))
    return 0


@app.command
def check(schema: Spec, /) -> int:
    """Says whether a schema can be asked for, and whether what it is answered comes out everywhere unchanged.

    Raises:
        BadConfiguration: it cannot, or something is lost; the message has every fault.
    """
    from flows.cli.schema_check import checked

    found = find_schema(schema)
    verdict = checked(found)
    if verdict.faults:
        # A misspelt keyword is often why.
        misspelt = [told for told in verdict.unused if "meant?" in told]
        raise BadConfiguration(
            "\n  ".join([f"schema {found.name} has {len(verdict.faults)} faults:", *verdict.faults, *misspelt])
        )
    asked = _portable(schema)
    fields = asked["properties"]
    print(f"{found.name} can be asked for: {len(fields)} fields ({', '.join(fields)})")
    leaves = len(groups.leaf_paths(asked))
    if leaves > groups.AT_ONCE:
        print(f"{leaves} single values are too many for one question: asked in {len(groups.cut(asked))} groups")
    if verdict.tried:
        print("a made-up answer came out of the record, the view and the exports unchanged")
    else:
        print("no made-up answer is accepted, so that none was followed through the record, the view and the exports")
    for told in verdict.untried:
        print(f"not tried: {told}")
    for told in verdict.unsent:
        print(f"not sent to the model, checked here: {told}")
    for told in verdict.unused:
        print(told)
    for said in verdict.said:
        print(f"check {said.name} on the made-up answer: {said.verdict}{f' ({said.why})' if said.why else ''}")
    return 0


def _portable(spec: str) -> dict[str, Any]:
    schema = find_schema(spec)
    try:
        return portable(schema.json_schema)
    except NotPortable as error:
        raise BadConfiguration(f"schema {schema.name}: {error}") from None
