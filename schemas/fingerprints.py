"""What decides how an answer becomes a record, as one digest: field types, validators, checks. Comments do not.

A person's own code counts by what it says (its syntax tree without docstrings, the constants and functions of its
module that it uses, what its closures hold); everybody else's by its name and what it was given, so that a new
version of Octavo, of pydantic or of Python changes nothing.
"""

import ast
import functools
import hashlib
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum
from types import CodeType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any

from pydantic import BaseModel

_DEEPEST = 40
_CONSTANTS = (str, int, float, bytes, NoneType)
_APART = frozenset({"metadata", "config"})
"""Keys of a core schema that hold what pydantic needs to make it, and its own switches."""

_ADDRESS = re.compile(r":\d+|0x[0-9a-f]+")
_OURS = "schemas"


def fingerprint(parts: Any) -> str:
    """The digest of JSON data: 16 hex digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:16]


def reading_of(model: type[BaseModel]) -> str:
    """The digest of how a pydantic model reads answers: the same in every process, whatever its comments say."""
    return fingerprint(_Teller().told(model.__pydantic_core_schema__))


def is_own(module: str | None) -> bool:
    """Whether a module is a person's own, and neither Octavo's nor of an installed library."""
    top = (module or "builtins").partition(".")[0]
    if top == _OURS or top in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(module or ""), "__file__", None)
    return file is None or "site-packages" not in file


class _Teller:
    """Puts whatever a core schema holds into JSON data; what was told once is told by its name from then on."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        # What is looked at stays alive meanwhile: else another thing could get its identity.
        self._kept: list[Any] = []

    def told(self, value: Any, depth: int = 0) -> Any:
        """The value as JSON data."""
        return "..." if depth > _DEEPEST else self._told(value, depth + 1)

    @functools.singledispatchmethod
    def _told(self, value: Any, depth: int) -> Any:
        given = vars(value) if hasattr(value, "__dict__") else {}
        return [_named(type(value)), self.told(given, depth)]

    @_told.register(Enum)
    def _enum(self, value: Enum, _depth: int) -> Any:
        return [_named(type(value)), value.name]

    @_told.register(str | int | float | bytes | NoneType | Decimal)
    def _constant(self, value: Any, _depth: int) -> Any:
        return [type(value).__name__, _ADDRESS.sub("", value) if isinstance(value, str) else repr(value)]

    @_told.register(Mapping)
    def _mapping(self, value: Mapping[Any, Any], depth: int) -> Any:
        items = ((key, each) for key, each in value.items() if key not in _APART)
        return sorted(([self.told(key, depth), self.told(each, depth)] for key, each in items), key=json.dumps)

    @_told.register(list | tuple)
    def _sequence(self, value: Sequence[Any], depth: int) -> Any:
        return [self.told(each, depth) for each in value]

    @_told.register(set | frozenset)
    def _set(self, value: AbstractSet[Any], depth: int) -> Any:
        return sorted((self.told(each, depth) for each in value), key=json.dumps)

    @_told.register
    def _pattern(self, value: re.Pattern, _depth: int) -> Any:  # type: ignore[type-arg]
        return ["pattern", str(value.pattern), value.flags]

    @_told.register
    def _partial(self, value: functools.partial, depth: int) -> Any:  # type: ignore[type-arg]
        return ["partial", *(self.told(each, depth) for each in (value.func, value.args, value.keywords))]

    @_told.register(MethodType | staticmethod | classmethod)
    def _method(self, value: Any, depth: int) -> Any:
        return ["method", self.told(value.__func__, depth)]

    @_told.register
    def _property(self, value: property, depth: int) -> Any:
        return ["property", self.told(value.fget, depth)]

    @_told.register
    def _cached(self, value: functools.cached_property, depth: int) -> Any:  # type: ignore[type-arg]
        return ["property", self.told(value.func, depth)]

    @_told.register(type)
    def _class(self, cls: type, depth: int) -> Any:
        if not is_own(cls.__module__) or self._seen(cls):
            return _named(cls)
        if issubclass(cls, Enum):
            return [_named(cls), [[each.name, self.told(each.value, depth)] for each in cls]]
        own = {
            name: self.told(value, depth)
            for name, value in vars(cls).items()
            if not name.startswith(("__", "model_", "_abc_"))
            and isinstance(value, FunctionType | property | functools.cached_property | staticmethod | classmethod)
        }
        bases = [self.told(base, depth) for base in cls.__mro__[1:] if is_own(base.__module__)]
        rules = [self.told(rule, depth) for rule in getattr(cls, "checks", ()) or ()]
        decorated = getattr(cls, "__pydantic_decorators__", None)
        computed = sorted(getattr(decorated, "computed_fields", ()))
        computes = [[name, self.told(getattr(cls, name, None), depth)] for name in computed]
        return [_named(cls), own, bases, rules, computes, bool(getattr(cls, "allow_empty", False))]

    @_told.register
    def _function(self, function: FunctionType, depth: int) -> Any:
        cells = [self._cell(cell, depth) for cell in getattr(function, "__closure__", None) or ()]
        defaults = [self.told(each, depth) for each in (function.__defaults__, function.__kwdefaults__)]
        if not is_own(function.__module__) or self._seen(function):
            ours = function.__module__.partition(".")[0] == _OURS
            return [_named(function), cells if ours else []]
        code = function.__code__
        used = {
            name: self.told(function.__globals__[name], depth)
            for name in sorted(_names(code))
            if name in function.__globals__ and not isinstance(function.__globals__[name], ModuleType)
        }
        return [_named(function), _source(function), defaults, cells, used]

    def _cell(self, cell: Any, depth: int) -> Any:
        try:
            return self.told(cell.cell_contents, depth)
        except ValueError:  # not filled yet
            return None

    def _seen(self, value: Any) -> bool:
        if id(value) in self._known:
            return True
        self._known.add(id(value))
        self._kept.append(value)
        return False


def _named(value: Any) -> str:
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__name__)}"


def _names(code: CodeType) -> set[str]:
    """Names that a function and those inside it look up."""
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return set(code.co_names).union(*(_names(each) for each in inner))


def _source(function: FunctionType) -> str:
    """What a function says, without comments and docstrings; its byte code where there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        code = function.__code__
        return f"{code.co_code.hex()} {[each for each in code.co_consts if isinstance(each, _CONSTANTS)]!r}"
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        first = node.body[0]
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
