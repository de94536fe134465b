"""`octavo arrivals`: uploads that were announced and not read (gone, failed, poison), why, and once more."""

import json as json_text
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from extractors.errors import BadNotification
from flows.cli.options import StoreUrl, command, settings_with
from flows.events.notifications import arrivals_in, let_in
from flows.store import inbox
from flows.store.inbox import TROUBLED, Arrival, Noted
from flows.store.store import Store

State = Annotated[
    Literal["gone", "failed", "poison", "refused"] | None,
    Parameter(help="gone, failed or poison; refused only where it is asked for", show_choices=False),
]
Schema = Annotated[str | None, Parameter(help="only those of this schema, by its name")]

app = command(
    "arrivals",
    """
octavo arrivals
octavo arrivals retry s3://bucket/in/a.pdf
octavo arrivals retry --state gone
""",
)


@app.default
@app.command(name="list")
def list_arrivals(
    *,
    state: State = None,
    schema: Schema = None,
    json: Annotated[bool, Parameter(name="--json", help="print them as JSON")] = False,
    store: StoreUrl = None,
) -> int:
    """Shows what was announced and not read, a line each, and how many others wait."""
    with Store.open(settings_with(store=store).store, read_only=True) as opened, opened.reading() as connection:
        found = inbox.noted(connection, _states(state), schema)
        counts = inbox.counted(connection, schema)
    waiting, refused = counts.get("waiting", 0), 0 if state else counts.get("refused", 0)
    if json:
        told = [vars(each) | {"accepted_at": each.accepted_at.isoformat()} for each in found]
        print(json_text.dumps({"waiting": waiting, "arrivals": told}, ensure_ascii=False))
        return 0
    console = Console(highlight=False)
    if found:
        table = Table(title=f"{len(found)} arrivals were not read", title_justify="left")
        for heading in ("state", "schema", "arrival", "heard of", "why"):
            table.add_column(heading, overflow="fold")
        for each in found:
            heard = f"{each.accepted_at:%Y-%m-%d %H:%M}"
            table.add_row(each.state, each.schema_name, Text(each.name), heard, Text(each.cause or ""))
        console.print(table)
        console.print("`octavo arrivals retry` lets them wait once more.")
    elif state is None:
        console.print("All that was announced was read.")
    else:
        console.print(f"None are {state}.")
    if refused:
        console.print(f"{refused} may not be announced: `octavo arrivals --state refused`.")
    console.print(f"{waiting} wait to be read.")
    return 0


@app.command
def retry(
    names: Annotated[tuple[str, ...], Parameter(name="ARRIVAL", help="of the list; none: all")] = (),
    /,
    *,
    state: State = None,
    schema: Schema = None,
    store: StoreUrl = None,
) -> int:
    """Lets them wait once more, all or those chosen: a service of this store and schema reads them.

    A message that nobody could read is looked at again: this version may understand what an older one did not.
    Exit code 3 where some are still not understood or lie outside OCTAVO_LISTEN_PREFIXES, or a named one is not
    among them.
    """
    left = dict.fromkeys(names)
    settings = settings_with(store=store)
    with Store.open(settings.store) as opened:
        with opened.reading() as connection:
            found = inbox.noted(connection, _states(state), schema, names)
        again = 0
        for each in found:
            if why := _waits_again(each, opened, settings.listen_prefixes):
                print(f"{each.name}: {why}")
                left[each.name] = None
                continue
            again += 1
            left.pop(each.name, None)
    print(f"{again} wait once more: a running `octavo listen` or `octavo consume` of this store reads them")
    for name in left.keys() - {each.name for each in found}:
        print(f"{name}: `octavo arrivals` does not list it")
    return 3 if left else 0


def _waits_again(each: Noted, store: Store, prefixes: tuple[str, ...]) -> str | None:
    """Why it cannot be read now either; None when it waits, or the uploads that a message names do."""
    if each.state == "poison" and each.body is None:
        return "its body was not kept: redrive the dead-letter queue"
    try:
        if each.state != "poison":
            let_in([Arrival(each.name)], prefixes)
            store.transact(inbox.try_again, each)
            return None
        arrived, outside = let_in(arrivals_in(each.body or ""), prefixes)
    except BadNotification as error:
        return str(error)
    for refused in outside:
        print(f"{each.name}: left out, outside OCTAVO_LISTEN_PREFIXES: {refused.uri}")
    store.transact(inbox.understood, each, arrived)
    return None


def _states(state: str | None) -> tuple[str, ...]:
    return TROUBLED if state is None else (state,)
