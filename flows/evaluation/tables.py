"""An evaluation as rows, for the terminal and for Prefect's table."""

from typing import Any

from flows.evaluation.evaluate import Evaluation, Tally


def as_rows(found: Evaluation) -> list[dict[str, Any]]:
    """A row for each field, and one for all; `found`: how many are right of the values found on the page."""
    return [_row(name, tally) for name, tally in [*found.fields.items(), ("all", found.total)]]


def _row(name: str, tally: Tally) -> dict[str, Any]:
    return {
        "field": name,
        "labels": tally.labels,
        "right": tally.right,
        "wrong": tally.wrong,
        "missing": tally.missing,
        "extra": tally.extra,
        "right %": f"{100 * tally.right / tally.labels:.1f}" if tally.labels else "",
        "found": _right_of(tally.grounded),
        "not found": _right_of(tally.ungrounded),
    }


def _right_of(counts: dict[str, int]) -> str:
    count = sum(counts.values())
    return f"{counts['right']}/{count}" if count else ""
