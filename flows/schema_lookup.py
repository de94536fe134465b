"""`--schema S` -> a schema: a built-in name, `package.module:Model`, `path/to/file.py:Model`, or a JSON Schema."""

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TypeVar

from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from extractors.errors import BadConfiguration
from schemas.builtin import BUILTIN
from schemas.json_file import schema_of_json
from schemas.record import Schema, schema_of

T = TypeVar("T")

_HOME = Path(__file__).resolve().parents[1]
"""Where Octavo itself is."""

_OURS = frozenset({"extractors", "flows", "octavo", "schemas"})
"""Octavo's own packages: a folder of that name in the working directory is a person's, and cannot be imported."""

_HOW = "give a built-in name ({}), package.module:Model, path/to/file.py:Model or a JSON Schema file"


def find_schema(spec: str) -> Schema:
    """The schema that a person named.

    Raises:
        BadConfiguration: there is none of that name, or it is no schema; one line says what to do.
    """
    if spec in BUILTIN:
        # Octavo's own: it counts by its name, so that an upgrade makes no new work.
        return replace(schema_of(BUILTIN[spec], spec), reading="")
    if spec.endswith(".json"):
        return _from_json(Path(spec))
    if ":" in spec:
        return _from_model(spec)
    how = _HOW.format(", ".join(BUILTIN))
    raise BadConfiguration(f"unknown schema {spec!r}: {how}")


def name_of(spec: str) -> str:
    """What the store calls a schema: `invoice`, or the name that `file.py:Model` declares.

    Raises:
        BadConfiguration: as `find_schema`, for one that is declared somewhere.
    """
    return find_schema(spec).name if ":" in spec or spec.endswith(".json") else spec


def _from_json(path: Path) -> Schema:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))  # editors may begin it with a mark
    except OSError as error:
        raise BadConfiguration(f"schema file {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadConfiguration(f"schema file {path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadConfiguration(f"schema file {path} holds no JSON Schema object")
    try:
        return replace(schema_of_json(document, path.stem), origin=str(path.absolute()))
    except ValueError as error:
        raise BadConfiguration(f"schema file {path}: {error}") from None


def _from_model(spec: str) -> Schema:
    where, _, name = spec.rpartition(":")
    where = _file_under_our_name(where) or where
    module = _load_file(Path(where)) if where.endswith(".py") else _import(where)
    model = getattr(module, name, None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        models = sorted(
            key for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
        )  # fmt: skip
        have = f"; it has {', '.join(models)}" if models else ""
        raise BadConfiguration(f"{where} has no pydantic model {name!r}{have}")
    try:
        schema = schema_of(model)
    except PydanticUserError as error:
        raise BadConfiguration(f"{spec} has no JSON schema: {error.message}") from None
    except ValueError as error:
        raise BadConfiguration(f"{spec}: {error}") from None
    return replace(schema, origin=f"{Path(where).absolute()}:{name}") if where.endswith(".py") else schema


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BadConfiguration(f"schema file {path} does not exist")
    module_name = f"octavo_schema_{path.stem}"
    loader = _AsItStands(module_name, str(path))
    found = importlib.util.spec_from_file_location(module_name, path, loader=loader)
    if found is None:
        raise BadConfiguration(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(found)
    # Pydantic looks forward references up in sys.modules.
    sys.modules[module_name] = module
    _execute(lambda: loader.exec_module(module), str(path))
    return module


class _AsItStands(SourceFileLoader):
    """Compiles the file anew: kept bytecode goes by second and size, and outlives an edit that changes neither."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _file_under_our_name(module: str) -> str | None:
    """`schemas.mine` -> `schemas/mine.py`, where that is in the working directory and is no file of ours."""
    package = module.partition(".")[0]
    if package not in _OURS:
        return None
    stem = Path(*module.split("."))
    for path in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
        if path.is_file() and not path.resolve().is_relative_to(_HOME / package):
            return str(path)
    return None


def _import(name: str) -> ModuleType:
    # A console script does not have the working directory on its path, but `python -m` does.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return _execute(lambda: importlib.import_module(name), name)


def _execute(load: Callable[[], T], where: str) -> T:
    try:
        return load()
    except Exception as error:  # a person's own code can raise anything; it is told, not swallowed
        raise BadConfiguration(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
