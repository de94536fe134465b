"""What commands take, for cyclopts to parse: a job's fields as options, and what several commands share."""

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, urlsplit

from cyclopts import App, Group, Parameter, Token
from cyclopts.validators import Number
from pydantic import SecretStr, TypeAdapter, ValidationError

from flows.run.parameters import Job, bounded, parameters

if TYPE_CHECKING:
    from flows.settings import Settings

_SPELT = {"schema_name": "--schema", "endpoints": "--endpoint"}
"""Options that are spelt otherwise than the field they fill in."""

_OPTIONS = Group("Options", sort_key=2)
_OF_THE_JOB = Group("The run", sort_key=1)

PLAIN = Parameter(negative=(), show_default=False)
"""No option has a `--no-` beside it; a default is told where it is worth a word."""

StoreUrl = Annotated[str | None, Parameter(name="--store", help="database (SQLAlchemy URL); sqlite:///octavo.db")]
Host = Annotated[str, Parameter(help="address to listen on", show_default=True)]
Port = Annotated[int, Parameter(help="port to listen on", show_default=True)]
Positive = Number(gte=1)
"""Refuses numbers below 1."""

Endpoints = Annotated[
    tuple[str, ...] | None,
    Parameter(
        name="--endpoint", help="vision endpoints, in order: E[,E2]",
        converter=lambda _type, tokens: _names(tokens), n_tokens=1, accepts_keys=False,
    ),
]  # fmt: skip
BaseUrl = Annotated[str | None, Parameter(help=Job.model_fields["base_url"].description)]
Model = Annotated[str | None, Parameter(help=Job.model_fields["model"].description)]
Password = Annotated[str | None, Parameter(help="tried on locked PDFs (OCTAVO_PASSWORD is not shown by ps)")]
Passwords = Annotated[Path | None, Parameter(help="a file with passwords for locked PDFs, one a line")]
AsJson = Annotated[bool, Parameter(name="--json", help="print the counts as JSON in the last line")]


def command(name: str, examples: str = "") -> App:
    """A command of its own, or a group of them, with examples at the end of its help."""
    told = "Examples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines()) if examples else None
    return App(name=name, help_epilogue=told, group_parameters=_OPTIONS)


def takes_job(*, without: Collection[str] = ()) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Gives a command, whose first parameter is `wishes`, the fields of a job as options.

    `wishes` holds the values by the fields' names, for `Job(**wishes)`; the sources are arguments.

    Args:
        without: fields that make no sense there, or that the command fills in.
    """

    def give(function: Callable[..., int]) -> Callable[..., int]:
        given = [_option(each) for each in parameters(without)]
        _, *own = inspect.signature(function).parameters.values()

        @functools.wraps(function)
        def taken(*arguments: Any, **said: Any) -> int:
            bound = signature.bind(*arguments, **said)
            bound.apply_defaults()
            wishes = {each.name: bound.arguments.pop(each.name) for each in given}
            return function(wishes, *bound.args, **bound.kwargs)

        arguments = [each for each in [*given, *own] if each.kind is not inspect.Parameter.KEYWORD_ONLY]
        options = [each for each in [*given, *own] if each.kind is inspect.Parameter.KEYWORD_ONLY]
        signature = inspect.Signature([*arguments, *options])
        taken.__signature__ = signature  # type: ignore[attr-defined]
        return taken

    return give


def _option(parameter: inspect.Parameter) -> inspect.Parameter:
    """A field as cyclopts parses it; pydantic holds the value to the field's bounds."""
    name = parameter.name
    field = Job.model_fields[name]
    if name == "sources":
        said = Parameter(name="SOURCE...", help=field.description)
        return parameter.replace(kind=inspect.Parameter.POSITIONAL_ONLY, annotation=Annotated[tuple[str, ...], said])
    several: dict[str, Any] = {}
    if field.annotation == tuple[str, ...] | None:
        several = {"converter": lambda _type, tokens: _names(tokens), "n_tokens": 1, "accepts_keys": False}
    dashed = name.replace("_", "-")
    said = Parameter(
        name=_SPELT.get(name, f"--{dashed}"), help=field.description, validator=_held_to(name), group=_OF_THE_JOB,
        show_default=not field.is_required() and bool(parameter.default),
        # What is on by default can be switched off.
        negative=f"--no-{dashed}" if parameter.default is True else (), **several,
    )  # fmt: skip
    return parameter.replace(annotation=Annotated[field.annotation, said])


def _held_to(name: str) -> Callable[[Any, Any], None]:
    def check(_: Any, value: Any) -> None:
        try:
            TypeAdapter(bounded(name)).validate_python(value)
        except ValidationError as error:
            raise ValueError(error.errors(include_url=False)[0]["msg"]) from None

    return check


def _names(tokens: Sequence[Token]) -> tuple[str, ...]:
    """`--endpoint E,E2` and `--endpoint E --endpoint E2` are the same."""
    return tuple(name.strip() for token in tokens for name in token.value.split(",") if name.strip())


def settings_with(
    *, store: str | None = None, password: str | None = None, passwords: Path | None = None
) -> "Settings":
    """The settings, with what the command line says instead: secrets go there, for Prefect keeps a job's parameters.

    Raises:
        BadConfiguration: as `read_settings`.
    """
    from flows.settings import read_settings

    if store is not None:
        warn_of_ps(store, "put it into OCTAVO_STORE")
    said = {
        "store": store, "password": None if password is None else SecretStr(password), "passwords_file": passwords,
    }  # fmt: skip
    return read_settings().model_copy(update={name: value for name, value in said.items() if value is not None})


def warn_of_ps(store: str, instead: str) -> None:
    """Says once that a store's URL on the command line holds a password, and what to do instead."""
    if _holds_password(store):
        _warn(f"octavo: a store's URL holds a password, which `ps` shows to everybody: {instead}")


def _holds_password(url: str) -> bool:
    """Whether a store's URL holds one, before its host or among its parameters."""
    try:
        parts = urlsplit(url)
        return bool(parts.password) or "password" in parse_qs(parts.query)
    except ValueError:
        return False


@functools.cache
def _warn(line: str) -> None:
    print(line, file=sys.stderr)
