"""Window values -> one value, each leaf with the evidence of the window it came from. Pure.

Scalars take the first value that is not null (a field marked `merge: last` the last one); values that
differ are kept as a `conflict` issue; lists concatenate in page order. Splitting a document into
windows in another way gives the same lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from extractors.documents import Evidence, Issue
from extractors.vocabulary import IssueKind
from schemas.habits import PageHabits, together
from schemas.salvage import Refused


@dataclass(frozen=True)
class Part:
    """What one window gave.

    Attributes:
        pages: its pages.
        value: its answer.
        evidence: where each leaf of it stands.
        habits: how its pages print.
        refused: what was taken out of it.
        nothing_found: nothing was read, twice.
        labelled: whether its pages show a label of the schema's amounts (`kinds`); None where it cannot be told.
    """

    pages: tuple[int, ...]
    value: dict[str, Any]
    evidence: tuple[Evidence, ...] = ()
    habits: PageHabits = field(default_factory=PageHabits)
    refused: tuple[Refused, ...] = ()
    nothing_found: bool = False
    labelled: bool | None = None


@dataclass
class Merged:
    """One value for the whole document, with its evidence under the merged paths."""

    value: dict[str, Any] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    habits: PageHabits = field(default_factory=PageHabits)


@dataclass(frozen=True)
class _Branch:
    """A node of one part's value: where it comes from and where its evidence is found."""

    part: int
    path: str
    value: Any


def merge(parts: Sequence[Part], schema: dict[str, Any]) -> Merged:
    """Merges the windows of one document.

    Args:
        parts: in page order, at least one.
        schema: the JSON schema as declared, for its `merge` marks.
    """
    merged = Merged(habits=together((part.habits for part in parts), [part.value for part in parts]))
    evidence = [{item.path: item for item in part.evidence} for part in parts]
    last = last_fields(schema)
    branches = [_Branch(number, "", part.value) for number, part in enumerate(parts)]

    refused = _refused(parts)

    def node(path: str, found: list[_Branch], rule: str) -> Any:
        merged.issues += _told(path, found, refused)
        present = [branch for branch in found if branch.value is not None]
        if not present:
            return None
        if any(isinstance(branch.value, dict) for branch in present):
            return fields(path, [branch for branch in present if isinstance(branch.value, dict)], rule)
        if any(isinstance(branch.value, list) for branch in present):
            return items(path, [branch for branch in present if isinstance(branch.value, list)], rule)
        return scalar(path, present, rule)

    def fields(path: str, found: list[_Branch], rule: str) -> dict[str, Any]:
        names = dict.fromkeys(name for branch in found for name in branch.value)
        return {
            name: node(
                _join(path, name),
                [_Branch(b.part, _join(b.path, name), b.value[name]) for b in found if name in b.value],
                _join(rule, name),
            )
            for name in names
        }

    def items(path: str, found: list[_Branch], rule: str) -> list[Any]:
        rows = [
            _Branch(branch.part, _join(branch.path, str(number)), row)
            for branch in found
            for number, row in enumerate(branch.value)
        ]
        return [node(_join(path, str(number)), [row], rule) for number, row in enumerate(rows)]

    def scalar(path: str, found: list[_Branch], rule: str) -> Any:
        chosen = found[-1] if rule in last else found[0]
        stands = evidence[chosen.part].get(chosen.path)
        if stands is not None:
            merged.evidence.append(replace(stands, path=path))
        differing = {repr(branch.value): branch for branch in found}
        if len(differing) > 1:
            told = "; ".join(f"page {parts[b.part].pages[0]}: {b.value}" for b in differing.values())
            merged.issues.append(Issue(IssueKind.CONFLICT, path, f"pages disagree ({told}); kept {chosen.value}"))
        return chosen.value

    merged.value = fields("", branches, "")
    # What was taken out of a list, or left out for the field's default, has no place of its own any more.
    merged.issues += _told("", [_Branch(part, path, None) for part, path in refused], refused)
    return merged


def _refused(parts: Sequence[Part]) -> dict[tuple[int, str], Refused]:
    return {(number, each.path): each for number, part in enumerate(parts) for each in part.refused}


def _told(path: str, found: Sequence[_Branch], refused: dict[tuple[int, str], Refused]) -> list[Issue]:
    """What was refused at some nodes, under the path that they have now; each is told once."""
    here = [(branch.part, branch.path) for branch in found if (branch.part, branch.path) in refused]
    return [refused_issue(path or place[1], refused.pop(place)) for place in here]


def refused_issue(path: str, refused: Refused) -> Issue:
    """What a person is told of a value that was refused."""
    return Issue(IssueKind.REFUSED_VALUE, path, f"{refused.raw!r} was answered and refused: {refused.why}")


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def last_fields(schema: dict[str, Any]) -> frozenset[str]:
    """Paths of the fields marked `merge: last`, list positions left out: `total`, `seller.name` ..."""
    found: set[str] = set()
    shared = {**schema.get("definitions", {}), **schema.get("$defs", {})}

    def walk(node: dict[str, Any], path: str, refs: tuple[str, ...]) -> None:
        ref = node.get("$ref")
        if ref in refs:
            return
        if ref:
            walk(shared.get(ref.rsplit("/", 1)[-1], {}), path, (*refs, ref))
        if node.get("merge") == "last":
            found.add(path)
        for option in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
            walk(option, path, refs)
        if isinstance(node.get("items"), dict):
            walk(node["items"], path, refs)
        for name, child in node.get("properties", {}).items():
            walk(child, _join(path, name), refs)

    walk(schema, "", ())
    return frozenset(found)
