"""The `octavo` logger in Prefect: what a run says is among its own page's logs, and names some documents, not all."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.context import FlowRunContext
from prefect.logging.handlers import APILogHandler

from extractors.errors import advice_for
from extractors.vocabulary import DocumentStatus
from flows.observe.logs import LOG
from flows.observe.summary import Summary

MOST_NAMED = 20
"""Documents that a run's logs name: each line is a row of Prefect's database, and the table has more."""


@contextmanager
def in_run_logs(*, elsewhere: bool = True) -> Iterator[None]:
    """Sends what is logged in this flow run, while it lasts, to Prefect; nothing where there is no flow run.

    Args:
        elsewhere: where it went until now, it goes too; False where a terminal shows the run.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        yield
        return
    handler = _RunLogs(str(context.flow_run.id))
    before = LOG.level, LOG.propagate
    LOG.addHandler(handler)
    LOG.setLevel(min(LOG.getEffectiveLevel(), logging.INFO))
    LOG.propagate = LOG.propagate and elsewhere
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.level, LOG.propagate = before


def what_next(summary: Summary) -> str | None:
    """What a person does about a run's documents that are not complete, in one line; None where there are none."""
    pending = summary.documents[DocumentStatus.PENDING]
    bad = summary.not_complete
    count = max(summary.trouble_count, bad + pending)
    if not count:
        return None
    kinds = ", ".join(f"{each} {kind}" for kind, each in summary.kinds.most_common())
    final = bad or summary.trouble_count > pending
    following = ["`octavo quarantine list`, then `octavo quarantine retry`"] if final else []
    following += ["run it again for what is pending"] if pending else []
    return f"{count} documents are not complete ({kinds or 'pending'}). Next: {'; '.join(following)}"


class _RunLogs(APILogHandler):
    """Of one flow run, of several in this process perhaps."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id, self._named = run_id, 0

    def filter(self, record: logging.LogRecord) -> bool:
        """What this run said; of documents, the first that need a person."""
        context = FlowRunContext.get()
        if context is None or context.flow_run is None or str(context.flow_run.id) != self._run_id:
            return False
        record.flow_run_id = self._run_id
        if "document" in getattr(record, "fields", {}):
            if record.levelno < logging.WARNING or self._named >= MOST_NAMED:
                return False
            self._named += 1
        return True

    def format(self, record: logging.LogRecord) -> str:
        """The line; of a document, with its kind and what a person does about that."""
        kind = getattr(record, "fields", {}).get("kind")
        parts = (record.getMessage(), kind, advice_for(kind) if kind else "")
        last = ["no further documents are named here"] if kind and self._named == MOST_NAMED else []
        return "; ".join([": ".join(filter(None, parts)), *last])
