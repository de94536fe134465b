"""Window values -> one value, each leaf with the evidence of the window it came from. Pure.

Scalars take the first value that is not null (a field marked `merge: last` the last one); values that
differ are kept as a `conflict` issue; lists concatenate in page order. Splitting a document into
windows in another way gives the same lists.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from extractors.answers import seams
from extractors.documents import Evidence, Issue, UnreadFields
from extractors.vocabulary import IssueKind
from schemas.habits import PageHabits, together
from schemas.salvage import Refused
from schemas.sameness import mean_the_same


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
        put_together: of a wide schema, kind and words: where its groups' answers did not quite come together.
        unread: likewise: fields whose question got no usable answer.
    """

    pages: tuple[int, ...]
    value: dict[str, Any]
    evidence: tuple[Evidence, ...] = ()
    habits: PageHabits = field(default_factory=PageHabits)
    refused: tuple[Refused, ...] = ()
    nothing_found: bool = False
    labelled: bool | None = None
    put_together: tuple[tuple[IssueKind, str], ...] = ()
    unread: tuple[UnreadFields, ...] = ()


@dataclass
class Merged:
    """One value for the whole document, with its evidence under the merged paths.

    `agreed`: paths of the single values that two windows gave, asked apart.
    """

    value: dict[str, Any] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    habits: PageHabits = field(default_factory=PageHabits)
    agreed: set[str] = field(default_factory=set)


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
    merging = _Merging(parts, last_fields(schema))
    merged = merging.merged
    merged.value = merging.fields("", [_Branch(number, "", part.value) for number, part in enumerate(parts)], "")
    # What was taken out of a list, or left out for the field's default, has no place of its own any more.
    left = merging.refused
    merged.issues += _told("", [_Branch(part, path, None) for part, path in left], left)
    carried = _carried(merging.dropped)
    merged.issues = [each for each in merged.issues if each.kind != IssueKind.CONFLICT or each.path not in carried]
    return merged


def _carried(dropped: Mapping[str, tuple[bool, list[Any]]]) -> set[str]:
    """The values of one object that disagree over pages as balances do: what one ends with, the next begins with.

    Args:
        dropped: path of a conflict -> whether the last value is kept, and those that are not, in order.
    """
    ends = {path: values for path, (is_last, values) in dropped.items() if is_last}
    begins = {path: values for path, (is_last, values) in dropped.items() if not is_last}
    pairs = [
        (end, begin)
        for end, last in ends.items()
        for begin, first in begins.items()
        if last == first and end.rpartition(".")[0] == begin.rpartition(".")[0]
    ]
    return {path for pair in pairs for path in pair}


class _Merging:
    """The windows that are being merged, and what has come of it so far."""

    def __init__(self, parts: Sequence[Part], last: frozenset[str]) -> None:
        self.parts, self.last = parts, last
        self.merged = Merged(habits=together((part.habits for part in parts), [part.value for part in parts]))
        self.evidence = [{item.path: item for item in part.evidence} for part in parts]
        self.refused = _refused(parts)
        self.dropped: dict[str, tuple[bool, list[Any]]] = {}

    def node(self, path: str, found: list[_Branch], rule: str, *, halves: bool = False) -> Any:
        """One value of those that some windows have at a place; `halves`: of one row that an edge has cut."""
        self.merged.issues += _told(path, found, self.refused)
        present = [branch for branch in found if branch.value is not None]
        if not present:
            return None
        objects = [branch for branch in present if isinstance(branch.value, dict)]
        if objects:
            return self.fields(path, objects, rule, halves=halves)
        lists = [branch for branch in present if isinstance(branch.value, list)]
        if lists:
            return self.items(path, lists, rule)
        return self.scalar(path, present, rule, halves=halves)

    def fields(self, path: str, found: list[_Branch], rule: str, *, halves: bool = False) -> dict[str, Any]:
        """An object, field by field; below the record itself only of objects that may be one."""
        if path and not halves:
            found = self._agreeing(path, found, rule)
        names = dict.fromkeys(name for branch in found for name in branch.value)
        return {
            name: self.node(
                _join(path, name),
                [_Branch(b.part, _join(b.path, name), b.value[name]) for b in found if name in b.value],
                _join(rule, name),
                halves=halves,
            )
            for name in names
        }

    def items(self, path: str, found: list[_Branch], rule: str) -> list[Any]:
        """All rows in page order; one that goes on in the next window is one."""
        rows: list[list[_Branch]] = []
        before: _Branch | None = None
        every = [row for branch in found for row in branch.value]
        for branch in found:
            own = [_Branch(branch.part, _join(branch.path, str(n)), row) for n, row in enumerate(branch.value)]
            if before is not None and own and rows and self._follows(before, branch):
                edge = (rows[-1][-1].value, branch.value[0], every)
                at = _join(path, str(len(rows) - 1))
                if seams.go_on(*edge):
                    rows[-1].append(own.pop(0))
                    self.merged.issues.append(_joined_at(at, self.parts[branch.part]))
                elif seams.is_torn(*edge):
                    self.merged.issues.append(_torn_at(at, self.parts[branch.part]))
            rows += [[row] for row in own]
            before = branch
        return [
            self.node(_join(path, str(number)), halves, rule, halves=len(halves) > 1)
            for number, halves in enumerate(rows)
        ]

    def scalar(self, path: str, found: list[_Branch], rule: str, *, halves: bool) -> Any:
        """A single value: the first, or the last where the schema says so; what differs is told."""
        chosen = found[-1] if rule in self.last and not halves else found[0]
        stands = self.evidence[chosen.part].get(chosen.path)
        if stands is not None:
            self.merged.evidence.append(replace(stands, path=path))
        differing = [branch for branch in found if not mean_the_same(branch.value, chosen.value)]
        if len(found) - len(differing) > 1:
            self.merged.agreed.add(path)
        if differing and halves:
            return seams.continued([branch.value for branch in found])
        if differing:
            each = sorted([chosen, *differing], key=lambda branch: branch.part)
            told = "; ".join(f"page {self.parts[branch.part].pages[0]}: {branch.value}" for branch in each)
            message = f"pages disagree ({told}); kept {chosen.value}"
            self.dropped[path] = (rule in self.last, [branch.value for branch in differing])
            self.merged.issues.append(Issue(IssueKind.CONFLICT, path, message))
        return chosen.value

    def _follows(self, before: _Branch, branch: _Branch) -> bool:
        """Whether one list's pages come right after those of another that has rows."""
        return bool(before.value) and self.parts[before.part].pages[-1] + 1 == self.parts[branch.part].pages[0]

    def _agreeing(self, path: str, found: list[_Branch], rule: str) -> list[_Branch]:
        """The objects that may be one: of two that contradict each other nothing is mixed, and it is told."""
        late = any(name == rule or name.startswith(f"{rule}.") for name in self.last)
        kept = found[-1] if late else found[0]
        good = []
        for branch in found:
            told = list(_contradictions(kept.value, branch.value))
            if not told:
                good.append(branch)
                continue
            page, own = (self.parts[each.part].pages[0] for each in (branch, kept))
            message = f"pages disagree (page {page}: {', '.join(told)}); kept what page {own} says of it, whole"
            self.merged.issues.append(Issue(IssueKind.CONFLICT, path, message))
        return good


def _joined_at(path: str, part: Part) -> Issue:
    message = f"it goes on at the top of page {part.pages[0]}, which was asked about apart: its halves were joined"
    return Issue(IssueKind.JOINED, path, message)


def _torn_at(path: str, part: Part) -> Issue:
    message = (
        f"it and the row at the top of page {part.pages[0]}, which was asked about apart, both lack what other rows "
        "have, and are no halves of one: compare the pages, or read more in one request (--pages-per-request)"
    )
    return Issue(IssueKind.CONFLICT, path, message)


def _contradictions(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """The single values of which two objects say different things."""
    for name in one.keys() & other.keys():
        first, second = one[name], other[name]
        single = not isinstance(first, dict | list) and not isinstance(second, dict | list)
        if single and first is not None and second is not None and not mean_the_same(first, second):
            yield f"{name}: {second}"


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
