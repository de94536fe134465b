"""Of a union that failed, the faults of the branch that fits best. Pure.

Pydantic tells what is wrong with every branch, and names the branch in each fault's path, where no answer has such a
name: the model is told of one branch, under the answer's own path.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

Steps = tuple[str | int, ...]


class _Fault(Protocol):
    @property
    def steps(self) -> Steps: ...
    @property
    def what(self) -> str: ...
    @property
    def constant(self) -> bool: ...


F = TypeVar("F", bound=_Fault)


def best_branches(faults: Sequence[F], answer: Any) -> list[tuple[F, Steps]]:
    """The faults that count, each with its steps in the answer.

    That branch is taken whose faults lie deepest, and of those the one with the fewest; one whose own constant
    (`kind: Literal["card"]`) the answer has not comes last.

    Args:
        faults: as pydantic tells them.
        answer: decoded JSON that they are about.
    """
    kept = [(fault, fault.steps) for fault in faults]
    while unions := _unions(kept, answer):
        chosen = {place: min(branches, key=lambda tag: _fit(branches[tag])) for place, branches in unions.items()}
        kept = [
            (fault, steps if place is None else steps[: len(place)] + steps[len(place) + 1 :])
            for fault, steps in kept
            for place in [_union(steps, fault.what, answer)]
            if place is None or steps[len(place)] == chosen[place]
        ]
    return kept


def _unions(faults: Sequence[tuple[F, Steps]], answer: Any) -> dict[Steps, dict[str | int, list[tuple[F, Steps]]]]:
    """Where a branch is named in a path: place -> branch -> the faults through it."""
    found: dict[Steps, dict[str | int, list[tuple[F, Steps]]]] = {}
    for fault, steps in faults:
        place = _union(steps, fault.what, answer)
        if place is not None:
            found.setdefault(place, {}).setdefault(steps[len(place)], []).append((fault, steps))
    return found


def _fit(found: Sequence[tuple[F, Steps]]) -> tuple[bool, int, int]:
    return any(fault.constant for fault, _ in found), -max(len(steps) for _, steps in found), len(found)


def _union(steps: Steps, what: str, answer: Any) -> Steps | None:
    """The place of the first step that leads nowhere in the answer; a missing field's last one is no branch."""
    node = answer
    for number, step in enumerate(steps):
        if leads_on(node, step):
            node = node[step]
        else:
            return None if what == "missing" and number == len(steps) - 1 else steps[:number]
    return None


def leads_on(node: Any, step: str | int) -> bool:
    """Whether a step leads into a node of an answer: a key of an object, or a position of a list."""
    if isinstance(node, list):
        return isinstance(step, int) and 0 <= step < len(node)
    return isinstance(node, dict) and step in node
