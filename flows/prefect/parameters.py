"""A job's fields as a flow's parameters: flat, typed and bounded, each with its help in Prefect's form.

Prefect reads a function's signature and docstring: both are made of `flows.run.parameters.Job` here.
"""

import inspect
from collections.abc import Callable, Collection
from typing import TypeVar

from flows.run.parameters import Job, parameters

F = TypeVar("F", bound=Callable[..., object])

_REST = "    **wishes: "


def takes_job(*, without: Collection[str] = ()) -> Callable[[F], F]:
    """Gives a flow's function, which ends in `**wishes`, the fields of a job as parameters by name.

    Args:
        without: fields that make no sense there, or that the flow fills in.
    """

    def give(function: F) -> F:
        given = parameters(without)
        own = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for each in inspect.signature(function).parameters.values()
            if each.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        needed = [each for each in own if each.default is inspect.Parameter.empty]
        further = [each for each in own if each not in needed]
        told = "".join(f"    {each.name}: {Job.model_fields[each.name].description}\n" for each in given)
        lines = inspect.cleandoc(function.__doc__ or "").splitlines(keepends=True)
        function.__doc__ = "".join(told if line.startswith(_REST) else line for line in lines)
        function.__signature__ = inspect.Signature([*needed, *given, *further])  # type: ignore[attr-defined]
        return function

    return give
