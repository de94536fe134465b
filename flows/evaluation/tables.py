"""An evaluation as rows, for the terminal and for Prefect's table."""

from typing import Any

from flows.evaluation.evaluate import Evaluation, Tally


def as_rows(found: Evaluation) -> list[dict[str, Any]]:
    """A row for each field, and one for all; under each state how many of its values are right (`found`: 3/4)."""
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
        **{state.replace("_", " "): _right_of(counts) for state, counts in tally.by_state.items()},
    }


def _right_of(counts: dict[str, int]) -> str:
    count = sum(counts.values())
    return f"{counts['right']}/{count}" if count else ""
