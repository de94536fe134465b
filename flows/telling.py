"""What the commands that look after the store print: export."""

from flows.exporting import export
from flows.finding import find_schema
from flows.settings import settings
from flows.store import Store


def show_export(schema: str, place: str, form: str, url: str | None) -> int:
    """Exports and says what went where; returns the exit code."""
    name = find_schema(schema).name if ":" in schema or schema.endswith(".json") else schema
    store_url = url or settings().store
    # Opened for looking first: a store that is not there is not made for the sake of an export.
    Store.open(store_url, read_only=True).close()
    with Store.open(store_url) as store:
        done = export(store, name, place, form)
    if not done.added and not done.removed:
        print(f"{done.place}: up to date")
        return 0
    anew = " (what was there is gone: everything anew)" if done.anew else ""
    print(f"{done.place}: export {done.number}: {done.added} records added, {done.removed} removed{anew}")
    for field, count in sorted(done.misfits.items()):
        print(f"{count} values of {field} do not fit their column and are empty there; records.data has them")
    return 0
