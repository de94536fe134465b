"""What speaks against a question that is not answered: its calls and runs since its last answer."""

from sqlalchemy import Connection, and_, bindparam, case, distinct, func, select

from flows.store.call_tables import calls

UNANSWERED = "unanswered"
"""The outcome of a call that was cut, reset or timed out: worked on, as far as anybody knows, and never answered."""

_ASKED = calls.c.fingerprint == bindparam("asked")
_LAST_ANSWER = select(func.max(calls.c.id)).where(_ASKED, calls.c.outcome == "answer").scalar_subquery()
_STRIKES = select(
    func.count(case((calls.c.blamed, 1))).label("blamed"), func.count(distinct(calls.c.job_id)).label("runs")
).where(and_(_ASKED, calls.c.outcome == UNANSWERED, calls.c.id > func.coalesce(_LAST_ANSWER, "")))


def strikes(connection: Connection, fingerprint: str) -> tuple[int, int]:
    """A question's calls that were never answered while others were, and the runs that had an unanswered one."""
    row = connection.execute(_STRIKES, {"asked": fingerprint}).one()
    return row.blamed, row.runs
