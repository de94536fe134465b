"""`octavo report`: one HTML page on the store."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.options import Positive, StoreUrl, command, settings_with

app = command("report", "octavo report report.html --limit 50")


@app.default
def report(
    out: Annotated[Path, Parameter(name="OUT.html", help="the file; it needs nothing beside it")],
    /,
    *,
    limit: Annotated[int, Parameter(help="newest records shown", validator=Positive, show_default=True)] = 20,
    store: StoreUrl = None,
) -> int:
    """Writes one HTML page: counts, what needs a person, records beside their pages."""
    from flows.report.html import write_report

    print(write_report(out, settings_with(store=store), limit))
    return 0
