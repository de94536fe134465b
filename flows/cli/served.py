"""How endpoints served, as a table: after a run, and for `octavo doctor --endpoints`."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from extractors.ledger import Served

_HEADINGS = ("calls", "answered", "median", "first token", "tokens/s", "cached", "cost")


def served_table(served: Sequence[Served], title: str | None = None) -> Table:
    """A line for each endpoint, provider and model that answered."""
    table = Table(title=title, title_justify="left")
    table.add_column("endpoint", overflow="fold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for each in served:
        name = Text(each.endpoint)
        name.append(f" {each.provider or ''} {each.model}".replace("  ", " "), style="dim")
        table.add_row(name, *measured(each))
    return table


def measured(each: Served) -> tuple[str, ...]:
    """The figures under the headings; a dash for what no answer shows."""
    share = each.cached_tokens / each.input_tokens if each.input_tokens else 0.0
    return (
        f"{each.calls:,}",
        f"{each.success:.1%}" if each.answered < each.calls else "100%",
        _seconds(each.seconds),
        _seconds(each.first_token),
        "-" if each.tokens_per_second is None else f"{each.tokens_per_second:,.0f}",
        f"{share:.0%}" if share else "-",
        "unknown" if each.cost_usd is None else f"${each.cost_usd:.4f}",
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
