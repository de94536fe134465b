"""What a person is told after a run: counts, cost, what needs her, and what to do next."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from extractors.vocabulary import DocumentStatus, PageStatus
from flows.cli.served import served_table
from flows.observe.summary import Summary
from flows.run.parameters import Job

_TOLD = 20
"""Troubles told after a run; `octavo quarantine list` has them all."""


def show_summary(summary: Summary, job: Job, console: Console) -> None:
    """Tells a person how a run went, what needs her, and what to do next."""
    _show_unreachable(summary, console)
    counts, pages = summary.documents, summary.pages
    if not counts["seen"]:
        console.print(f"No documents in {' '.join(job.sources)}: nothing to do.")
        return
    for other in summary.not_documents[:_TOLD]:
        console.print(Text(f"skipped {other.uri}: {other.cause}", style="dim"))
    taken = counts["seen"] - counts["skipped"]
    if taken:
        table = Table(title=f"{taken} documents in {summary.as_json()['seconds']:.1f} s", title_justify="left")
        for heading in ("documents", "count", "pages", "number"):
            table.add_column(heading, justify="right" if heading in {"count", "number"} else "left")
        states = tuple(DocumentStatus)
        for status, page in zip(states, (*PageStatus, None), strict=True):
            table.add_row(
                status, str(counts[status]), page or "records", str(pages[page] if page else summary.records)
            )
        console.print(table)
        _show_calls(summary, console)
    else:
        console.print(f"Nothing to do: {_done_before(summary)}. No call was made, nothing was paid.")
    _show_blank(summary, console)
    if summary.troubles:
        _show_troubles(summary, console)
    if taken and counts["skipped"]:
        console.print(f"{_done_before(summary)}.")
    if summary.paused:
        console.print(Text(f"Paused: {summary.paused}. Run the same command again to go on.", style="bold yellow"))
    earlier = summary.done_before[DocumentStatus.QUARANTINED] + summary.done_before[DocumentStatus.PARTIAL]
    if earlier:
        console.print(
            f"{earlier} of an earlier run are not complete: `octavo quarantine list`, then `octavo quarantine retry`"
        )


def _show_unreachable(summary: Summary, console: Console) -> None:
    if not summary.unreachable:
        return
    for each in summary.unreachable[:_TOLD]:
        console.print(Text(f"unreachable {each.uri}: {each.cause}", style="bold yellow"))
    count = summary.unreachable_count
    more = f", {count - _TOLD} of them not named here" if count > _TOLD else ""
    console.print(f"{count} unreachable{more}: nobody knows what they hold, and nothing was read of them.")


def _show_blank(summary: Summary, console: Console) -> None:
    if summary.blank:
        named = ", ".join(each.uri.rsplit("/", 1)[-1] for each in summary.blank[:_TOLD])
        told = f"{summary.blank_count} without ink, and so without a record: {named}"
        console.print(Text(told + (" ..." if summary.blank_count > _TOLD else ""), style="bold yellow"))


def _show_calls(summary: Summary, console: Console) -> None:
    console.print(_cost(summary))
    if summary.served:
        console.print(served_table(summary.served))


def _cost(summary: Summary) -> str:
    counted = summary.as_json()
    tokens, unsettled = counted["tokens"], counted["cost_unsettled_usd"]
    cached = f" ({tokens['cached']:,} of them cached)" if tokens["cached"] else ""
    parts = [
        f"{counted['model_calls']} model calls",
        f"{counted['retries']} retries" if counted["retries"] else "",
        f"{counted['replies_reused']} stored replies reused" if counted["replies_reused"] else "",
        f"{tokens['input']:,} tokens in{cached}, {tokens['output']:,} out",
        "cost unknown" if counted["cost_usd"] is None else f"${counted['cost_usd']:.4f}",
        f"of it up to ${unsettled:.4f} for calls that nobody answered" if unsettled else "",
    ]
    return ", ".join(part for part in parts if part)


def _done_before(summary: Summary) -> str:
    parts = [f"{count} already {status}" for status, count in sorted(summary.done_before.items())]
    others = summary.documents["skipped"] - sum(summary.done_before.values())
    return ", ".join([*parts, *([f"{others} not documents"] if others else [])])


def _show_troubles(summary: Summary, console: Console) -> None:
    table = Table(title="Not complete", title_justify="left")
    for heading in ("status", "kind", "document", "pages", "why"):
        table.add_column(heading, overflow="fold")
    for trouble in summary.troubles[:_TOLD]:
        name = trouble.uri.rsplit("/", 1)[-1]
        table.add_row(trouble.status, trouble.kind, name, trouble.pages, Text(trouble.cause or ""))
    console.print(table)
    if summary.trouble_count > _TOLD:
        kinds = ", ".join(f"{count} {kind}" for kind, count in summary.kinds.most_common())
        console.print(f"... and {summary.trouble_count - _TOLD} more: `octavo quarantine list`. In all: {kinds}")
