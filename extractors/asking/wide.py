"""A question about a wide schema -> the questions that it is asked as, one for each group of fields. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from extractors.asking import groups, planning
from extractors.documents import VisionRequest
from extractors.vocabulary import Records

_SOME = "\nOnly some fields of the record are asked for here, those of the schema below: give these and no others."


def in_groups(question: VisionRequest) -> list[VisionRequest]:
    """The questions that one is asked as: of a wide schema one for each group of fields, else itself."""
    if len(groups.leaf_paths(question.schema)) <= groups.AT_ONCE:
        return [question]
    return [
        replace(each, answer_tokens=planning.answer_tokens(each.schema, len(each.pages)))
        for each in _of_groups(question, groups.MOST)
    ]


def smaller(question: VisionRequest) -> list[VisionRequest]:
    """The questions, about half of the fields each, that one is asked as whose answer was cut off; [] where none are.

    They have its room. A schema that is no more than one group is not cut: its answer is long for its rows.
    """
    leaves = len(groups.leaf_paths(question.schema))
    if leaves <= groups.MOST and not question.pictures_first:
        return []
    made = _of_groups(question, -(-leaves // 2))
    return made if len(made) > 1 else []


def about_rows(plan: planning.Plan, questions: Sequence[VisionRequest]) -> list[VisionRequest]:
    """Those of a question's groups that matter where only its answer's rows count; of many records, all."""
    rows = () if plan.records == Records.MANY else plan.row_fields
    asked = [each for each in questions if any(path[0] in rows for path in groups.leaf_paths(each.schema))]
    return asked or list(questions)


def _of_groups(question: VisionRequest, most: int) -> list[VisionRequest]:
    told, whole = question.instructions, planning.written(question.schema)
    if not question.pictures_first:
        told = told.replace(planning.FOLLOW, _SOME + planning.FOLLOW)
    return [
        replace(
            question, instructions=told.replace(whole, planning.written(group)), schema=group, pictures_first=True
        )
        for group in groups.cut(question.schema, most)
    ]  # fmt: skip
