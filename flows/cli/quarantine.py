"""`octavo quarantine`: what could not be read, why, with its pages and raw replies; and once more."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from extractors.errors import BadConfiguration
from flows.cli.options import AsJson, Password, Passwords, StoreUrl, command, settings_with, takes_job
from flows.store.queries import quarantine_details, quarantined
from flows.store.store import Store

app = command(
    "quarantine",
    """
octavo quarantine
octavo quarantine show 7 --images pages/
octavo quarantine retry 7 12
octavo quarantine retry --kind encrypted --password secret
""",
)

_KNOWN = frozenset({"sources", "schema_name", "pages_per_request", "records", "split", "rerun", "limit", "deleted"})
"""Fields of a job that say which documents, and how they were asked for: the store knows."""


@app.default
@app.command(name="list")
def list_quarantine(*, store: StoreUrl = None) -> int:
    """Shows what could not be read, a line each."""
    show_quarantine(settings_with(store=store).store)
    return 0


def show_quarantine(url: str) -> None:
    """One line for each document that is quarantined or partial."""
    console = Console(highlight=False)
    with Store.open(url, read_only=True) as store:
        entries = quarantined(store)
    if not entries:
        console.print("Nothing is quarantined.")
        return
    table = Table(title=f"{len(entries)} documents are not complete", title_justify="left")
    for heading in ("id", "status", "kind", "schema", "document", "pages", "why"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        name = entry.uris[0].rsplit("/", 1)[-1] if entry.uris else "(no object shows these bytes any more)"
        more = f" (+{len(entry.uris) - 1})" if len(entry.uris) > 1 else ""
        pages = ", ".join(str(page) for page in entry.failed_pages)
        table.add_row(
            str(entry.id), entry.status, entry.kind, entry.schema_name, name + more, pages, Text(entry.cause or "")
        )
    console.print(table)
    console.print("`octavo quarantine show ID` tells more; `octavo quarantine retry` tries again.")


@app.command
def show(
    number: Annotated[int, Parameter(name="ID", help="of the list")],
    /,
    *,
    images: Annotated[Path | None, Parameter(help="write its pages there, as the model saw them")] = None,
    store: StoreUrl = None,
) -> int:
    """Shows one of them: its cause, its pages, what the model wrote, and its pages as images if wanted."""
    settings = settings_with(store=store)
    console = Console(highlight=False, soft_wrap=True)
    with Store.open(settings.store, read_only=True) as opened:
        details = quarantine_details(opened, number)
    if details is None:
        raise BadConfiguration(f"there is no extraction {number}: `octavo quarantine list` shows the ids")
    console.print(f"[bold]{details.status}[/]: {details.kind}, {details.schema_name}")
    for uri in details.uris:
        console.print(Text(uri))
    console.print(Text(details.cause or ""))
    for page in details.pages:
        console.print(f"page {page.page}: {page.status}" + (f" ({page.kind})" if page.kind else ""))
    for issue in details.issues:
        console.print(Text(f"{issue.kind}: {issue.message}"))
    for reply in details.replies:
        console.print(f"[dim]reply of {reply.endpoint} ({reply.model}), HTTP {reply.status}, as it came:[/]")
        console.print(Text(reply.body))
    if images is not None:
        from flows.report.page_images import page_images

        for line in page_images(details, images, settings):
            console.print(Text(line))
    return 0


@app.command
@takes_job(without=_KNOWN)
def retry(
    wishes: dict[str, Any],
    ids: Annotated[tuple[int, ...], Parameter(name="ID", help="of the list; none: all")] = (),
    /,
    *,
    kind: Annotated[str | None, Parameter(help="only those of this kind")] = None,
    schema: Annotated[
        str | None, Parameter(help="only those of this schema; one of your own is named here as for extract")
    ] = None,
    password: Password = None,
    passwords: Passwords = None,
    json: AsJson = False,
) -> int:
    """Reads them once more, all or those chosen."""
    from flows.cli.retry import Choice
    from flows.cli.retry import retry as retry_chosen

    settings = settings_with(store=wishes.pop("store"), password=password, passwords=passwords)
    return retry_chosen(Choice(ids, kind, schema), wishes, settings, as_json=json)
