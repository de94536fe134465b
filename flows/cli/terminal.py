"""The terminal looks on: a progress bar, or a line now and then."""

import sys
import time
from collections.abc import Sequence

from extractors.vision.endpoints import Endpoint
from extractors.vocabulary import DocumentStatus
from flows.observe.summary import Outcome, Summary

_LINE_EVERY = 5.0


class Terminal:
    """A progress bar, or a line now and then where the output is no terminal.

    Attributes:
        summary: the run's, once there is one.
    """

    def __init__(self, *, json: bool = False, how: str = "") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        # With --json the last line of standard output is for a program; people read standard error.
        self.console = Console(stderr=json, highlight=False, soft_wrap=True)
        self.summary: Summary | None = None
        self._how = how
        self._line_at = time.monotonic()
        self._priced = True
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} documents"),
            TextColumn("[dim]{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task("reading", total=None, note="")

    def started(self, endpoints: Sequence[Endpoint], schema_name: str) -> None:
        """The first line of output says who is asked."""
        first, *others = endpoints
        self._priced = all(None not in {each.price_input, each.price_output} for each in endpoints)
        fallback = f", then {', '.join(other.name for other in others)}" if others else ""
        self.console.print(f"[bold]{schema_name}[/] with {first.name} ({first.model}){fallback}{self._how}")
        self._bar.start()

    def progressed(self, summary: Summary, outcome: Outcome | None) -> None:
        """Moves the bar; troubles are told at once, above it."""
        self.summary = summary
        total = summary.documents["seen"] - summary.documents["skipped"]
        done = total - summary.documents[DocumentStatus.PENDING]
        meter = summary.meter
        paid = f"${meter.usage.cost_usd:.4f}" if meter.usage.cost_usd else "" if self._priced else "cost unknown"
        note = ", ".join(filter(None, (f"{meter.calls} calls", paid if meter.calls else "")))
        self._bar.update(self._task, total=total, completed=done, note=note)
        if (
            outcome is not None
            and outcome.status in {DocumentStatus.QUARANTINED, DocumentStatus.PARTIAL}
            and self.console.is_terminal
        ):
            self.notice(f"{outcome.status}: {outcome.uri}: {outcome.kind}")
        if total and not self.console.is_terminal and time.monotonic() - self._line_at >= _LINE_EVERY:
            self._line_at = time.monotonic()
            self.console.print(f"{done}/{total} documents, {note}")

    def notice(self, line: str) -> None:
        """A line above the bar."""
        from rich.text import Text

        self.console.print(Text(line, style="yellow"))
        sys.stdout.flush()

    def finished(self, summary: Summary) -> None:
        """Takes the bar away."""
        self.summary = summary
        self._bar.stop()

    def close(self) -> None:
        """Takes the bar away however the run ended."""
        self._bar.stop()
