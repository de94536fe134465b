"""What the groups of a wide schema's fields say together, and which of them a fault is sent back to. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from extractors.answering import Judge, refusal
from extractors.answers import uniting, validation
from extractors.answers.decoding import Unreadable
from extractors.asking import groups
from extractors.asking.planning import Plan
from extractors.documents import Fault, Reply, UnreadFields, VisionRequest
from extractors.errors import AnswerError, Kind
from extractors.vocabulary import IssueKind, Records
from schemas.shapes import Shape, shape_of


@dataclass(frozen=True)
class Group:
    """One group's question with its reply, or why it has none.

    Attributes:
        question: about its fields.
        reply: the answer.
        error: why there is none.
        heard: the endpoint has been judged by it.
    """

    question: VisionRequest
    reply: Reply | None = None
    error: AnswerError | None = None
    heard: bool = False

    @property
    def text(self) -> str:
        """What it said."""
        return self.reply.text if self.reply else ""

    @cached_property
    def paths(self) -> list[groups.Path]:
        """Of its fields, positions left out."""
        return groups.leaf_paths(self.question.schema)


@dataclass(frozen=True)
class Round:
    """What the groups say together.

    Attributes:
        asked: the groups.
        text: their answers as one.
        judged: the verdict on it.
        answers: by the group's number, of those that can be read.
        faults: by the group's number, what is to be sent back to it.
        broken: groups whose answer cannot be read, and why.
        made: their answers put together.
    """

    asked: Sequence[Group]
    text: str
    judged: validation.Judged
    answers: Mapping[int, dict[str, Any]]
    faults: Mapping[int, list[Fault]]
    broken: Mapping[int, Fault]
    made: uniting.United

    @property
    def badness(self) -> tuple[bool, int, int]:
        """The smaller the better."""
        odd = sum(each.rows for each in self.made.unpaired) + len(self.made.conflicts)
        return self.judged.value is None, len(self.asked) - len(self.answers), odd


def together(question: VisionRequest, asked: Sequence[Group], judge: Judge, plan: Plan) -> Round:
    """What the groups say, read one by one, put together, and judged as one answer."""
    answers: dict[int, dict[str, Any]] = {}
    broken: dict[int, Fault] = {}
    whole = shape_of(question.schema)
    for number, group in enumerate(asked):
        read = _read(group, whole, plan) if group.reply else None
        if isinstance(read, Fault):
            broken[number] = read
        elif read is not None:
            answers[number] = read
    said = [uniting.Said(answer, asked[number].paths) for number, answer in answers.items()]
    made = uniting.united(said, groups.row_keys(question.schema), question.schema)
    good = {path for number in answers for path in asked[number].paths}
    lost = [path for path in groups.leaf_paths(question.schema) if path not in good]
    value = uniting.completed(made.value, question.schema, lost)
    text = json.dumps(value if answers else {}, ensure_ascii=False)
    judged = judge(text)
    faults = {number: [fault] for number, fault in broken.items()}
    sent = [(fault, _whose(fault.path, asked, answers)) for fault in judged.faults]
    sent += [(_fault_of(each), _sharing(each.path, asked, answers)) for each in made.unpaired]
    sent += [(_contradicted(each), _sharing(each.path, asked, answers)) for each in made.conflicts]
    for fault, numbers in sent:
        for number in numbers:
            faults.setdefault(number, []).append(fault)
    return Round(asked, text, judged, answers, faults, broken, made)


def _read(group: Group, whole: Shape, plan: Plan) -> dict[str, Any] | Fault | None:
    """A group's answer without what others were asked for, or why it is none."""
    if group.reply is None:
        return None
    many, own = plan.records == Records.MANY, shape_of(group.question.schema)
    try:
        answer = validation.object_in(group.reply.text, plan.schema, own.properties.keys(), many=many)
    except Unreadable as error:
        return Fault(Kind.INVALID_ANSWER, "", str(error), structural=True)
    where = uniting.misfit(answer, own, whole)
    if where is not None:
        return Fault(Kind.INVALID_ANSWER, ".".join(where), "not what the schema says stands there", structural=True)
    read: dict[str, Any] = uniting.own_part(answer, own, whole)
    return read


def _whose(path: str, asked: Sequence[Group], answers: Mapping[int, dict[str, Any]]) -> list[int]:
    """The groups that a fault is sent back to; none where it is about what a lost group would have said."""
    owning = [number for number, group in enumerate(asked) if any(_leads(path, each) for each in group.paths)]
    if not owning:
        names = tuple(step for step in path.split(".") if not step.isdecimal())
        owning = [number for number, answer in answers.items() if _holds(answer, names)] or list(answers)
    return [number for number in owning if number in answers]


def _sharing(path: groups.Path, asked: Sequence[Group], answers: Mapping[int, dict[str, Any]]) -> list[int]:
    return [n for n, group in enumerate(asked) if n in answers and any(p[: len(path)] == path for p in group.paths)]


def _leads(path: str, names: groups.Path) -> bool:
    """Whether a fault's path, of names and rows' numbers with dots between, and a leaf's names lie on one way.

    A name may be a number itself, or hold dots: it is looked for before a row's number is left out.
    """
    for depth, name in enumerate(names):
        while path and path != name and not path.startswith(f"{name}."):
            row, _, rest = path.partition(".")
            if depth == 0 or not row.isdecimal():
                return False
            path = rest
        path = path[len(name) + 1 :]
        if not path:
            return True
    return True


def _holds(value: Any, place: groups.Path) -> bool:
    if isinstance(value, list):
        return any(_holds(row, place) for row in value)
    if not place:
        return True
    return isinstance(value, dict) and place[0] in value and _holds(value[place[0]], place[1:])


def _contradicted(conflict: uniting.Conflict) -> Fault:
    message = (
        f"{_shown(conflict.kept)} and {_shown(conflict.other)} were given for it in one and the same row when other "
        "columns of the table were asked for: give it just as printed"
    )
    return Fault(Kind.INVALID_ANSWER, ".".join(conflict.path), message)


def _shown(value: Any) -> str:
    return f"{value!r:.60}"


def _columns(keys: Sequence[groups.Path]) -> str:
    return " and ".join(".".join(path) for path in keys)


def _fault_of(unpaired: uniting.Unpaired) -> Fault:
    by = _columns(unpaired.keys)
    message = (
        "the rows are not those that were given when other columns of the table were asked for: give every row once, "
        "in order" + (f", with {by} just as printed" if by else "")
    )
    return Fault(Kind.INVALID_ANSWER, ".".join(unpaired.path), message)


def error_of(last: Round) -> AnswerError:
    """Why nothing is good in what was answered: the groups that failed, where the others are empty or none."""
    lost = next((group.error for group in last.asked if group.error), None)
    empty = all(fault.kind == Kind.EMPTY_ANSWER for fault in last.judged.faults)
    if lost is not None and (empty or not last.answers):
        return lost
    return refusal(last.judged.faults if last.answers else list(last.broken.values()))


def told(found: Round, kept: validation.Kept) -> validation.Kept:
    """What is kept, with what a person should know: rows that have no partner, fields that nobody answered."""
    good = {path for number in found.answers for path in found.asked[number].paths}
    unread: list[UnreadFields] = []
    for number, group in enumerate(found.asked):
        error = group.error or (refusal([found.broken[number]]) if number in found.broken else None)
        if error is not None:
            fields = tuple(".".join(path) for path in group.paths if path not in good)
            unread.append(UnreadFields(fields, error.kind, str(error)))
    made = found.made
    odd = [(IssueKind.UNPAIRED_ROWS, _of_halves(each)) for each in made.unpaired]
    odd += [(IssueKind.UNPAIRED_ROWS, _of_no_keys(path)) for path in made.unkeyed]
    odd += [(IssueKind.CONFLICT, _of_two(each)) for each in made.conflicts]
    return replace(kept, put_together=tuple(odd), unread=tuple(unread))


def _of_halves(unpaired: uniting.Unpaired) -> str:
    by = _columns(unpaired.keys) or "number"
    return (
        f"{'.'.join(unpaired.path)}: {unpaired.rows} rows stand in the answers about some columns only, and have no "
        f"partner by {by}: each is kept alone; compare the table with the page"
    )


def _of_no_keys(path: groups.Path) -> str:
    return (
        f"{'.'.join(path)}: no column says which row it is, so that the answers about some columns each were put "
        "together by the rows' order alone: compare the table with the page"
    )


def _of_two(conflict: uniting.Conflict) -> str:
    return (
        f"{'.'.join(conflict.path)}: {_shown(conflict.kept)} (kept) and {_shown(conflict.other)} were answered for "
        "one and the same row: compare it with the page"
    )
