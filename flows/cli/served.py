"""How endpoints served, as a table: after a run, and for `octavo doctor --endpoints`."""

from collections.abc import Sequence
from textwrap import wrap

from rich import box
from rich.table import Table
from rich.text import Text

from extractors.ledger import Served

_HEADINGS = ("calls", "answered", "median", "first", "tok/s", "cached", "cost")
_CENT, _NAME = 0.01, 20
"""Characters of a line of a model's name."""


def served_table(served: Sequence[Served], title: str | None = None) -> Table:
    """A line for each endpoint, provider and model that answered.

    The share of calls with an answer, the median time of an answer and of its first token where it was streamed, how
    fast it was written, the share of the prompts that a cache held, and what it cost.
    """
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("endpoint", overflow="fold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for each in served:
        name = Text(" ".join(filter(None, (each.endpoint, each.provider))))
        for line in wrap(each.model.rpartition("/")[2], _NAME, break_on_hyphens=True):
            name.append(f"\n{line}", style="dim")
        table.add_row(name, *_measured(each))
    return table


def _measured(each: Served) -> tuple[str, ...]:
    """The figures under the headings; a dash for what no answer shows."""
    share = each.cached_tokens / each.input_tokens if each.input_tokens else 0.0
    return (
        f"{each.calls:,}",
        f"{each.success:.1%}" if each.answered < each.calls else "100%",
        _seconds(each.seconds),
        _seconds(each.first_token),
        "-" if each.tokens_per_second is None else f"{each.tokens_per_second:,.0f}",
        f"{share:.0%}" if share else "-",
        _dollars(each.cost_usd),
    )


def _dollars(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"${value:.6f}" if 0 < value < _CENT else f"${value:.4f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
