"""What the commands that look after the store print: export and purge."""

from datetime import datetime

from extractors.errors import BadConfiguration
from flows.export.export import export
from flows.schema_lookup import find_schema
from flows.settings import settings
from flows.store.purge import purge_document, purge_replies
from flows.store.store import Store


def show_export(schema: str, place: str, form: str, url: str | None, *, formulas: bool = False) -> int:
    """Exports and says what went where; returns the exit code."""
    name = find_schema(schema).name if ":" in schema or schema.endswith(".json") else schema
    store_url = url or settings().store
    # Opened for looking first: a store that is not there is not made for the sake of an export.
    Store.open(store_url, read_only=True).close()
    with Store.open(store_url) as store:
        done = export(store, name, place, form, formulas=formulas)
    if not done.added and not done.removed:
        print(f"{done.place}: up to date")
        return 0
    anew = " (what was there is gone: everything anew)" if done.anew else ""
    print(f"{done.place}: export {done.number}: {done.added} records added, {done.removed} removed{anew}")
    for field, count in sorted(done.misfits.items()):
        print(f"{count} values of {field} do not fit their column and are empty there; records.data has them")
    return 0


def show_purge(before: datetime | None, document: str | None, url: str | None, *, only_replies: bool) -> int:
    """Removes for good what was chosen and says how much; returns the exit code.

    Raises:
        BadConfiguration: nothing was chosen, or no such document.
    """
    if before is None and document is None:
        raise BadConfiguration("say what to remove: --before DATE, --document URI, or both")
    store_url = url or settings().store
    Store.open(store_url, read_only=True).close()
    with Store.open(store_url) as store:
        if document is None or only_replies:
            done = store.transact(purge_replies, before, document)
        else:
            done = store.transact(purge_document, document, before)
        emptied = store.empty_log()
    counts = {name: count for name, count in vars(done).items() if count}
    print("removed: " + (", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"))
    if not emptied:
        print("another process reads the store: its log keeps what was removed until that one ends; purge again then")
    return 0
