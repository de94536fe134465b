"""One value of a drawn invoice taken for another that is printed, too: a neighbour's, a column's, a row's."""

from collections.abc import Iterator
from typing import Any

_NEIGHBOURS = (
    ("total", "subtotal"), ("subtotal", "tax"), ("tax", "total"), ("amount_due", "subtotal"),
    ("issue_date", "due_date"), ("due_date", "issue_date"), ("delivery_date", "due_date"),
    ("number", "order_reference"),
)  # fmt: skip
_ROWS = 6


def swaps(record: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Kind, path, and the wrong value that is taken for the true one there."""
    for path, other in _NEIGHBOURS:
        yield "another label's", path, record[other]
    lines = record["line_items"]
    for number, line in enumerate(lines[:_ROWS]):
        at = f"line_items.{number}"
        yield "another column's", f"{at}.quantity", line["unit_price"]
        yield "another column's", f"{at}.unit_price", line["amount"]
        for away in (1, 3):
            other = lines[(number + away) % len(lines)]
            yield "another row's", f"{at}.amount", other["amount"]
            yield "another row's", f"{at}.description", other["description"]
