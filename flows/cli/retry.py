"""`octavo quarantine retry`: what was quarantined or is partial goes through once more, as it was asked for."""

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from extractors.errors import BadConfiguration
from extractors.vocabulary import Records
from flows.cli.extract import take_passwords
from flows.cli.show import show_summary
from flows.cli.terminal import Terminal
from flows.run.job import Job, run_job
from flows.run.rerun import Rerun
from flows.schema_lookup import find_schema
from flows.settings import settings
from flows.storage.local import path_of
from flows.store.queries import Quarantined, quarantined, window_plans
from flows.store.splits import split_name, split_schemas
from flows.store.store import Store
from schemas.builtin import BUILTIN


@dataclass(frozen=True)
class _Asked:
    """How some documents were asked for; they are retried in one run."""

    schema: str
    records: Records
    pages_per_request: int | None
    split: bool = False


def retry_command(options: argparse.Namespace) -> int:
    """Retries the chosen documents, one run for each schema; returns the worst run's exit code.

    Raises:
        BadConfiguration: nothing was chosen, no such id, or a schema that is not built in was not named.
        CannotRun: as `run_job` does.
    """
    take_passwords(options)
    url = options.store or settings().store
    with Store.open(url, read_only=True) as store:
        chosen = _chosen(quarantined(store), options.id, options.kind, options.schema)
        plans = window_plans(store)
    if not chosen:
        print("Nothing to retry.")
        return 0
    groups: defaultdict[_Asked, list[str]] = defaultdict(list)
    for entry in chosen:
        uri = _there(entry)
        if uri is None:
            print(f"{entry.id}: its bytes are nowhere any more, so it cannot be retried")
            continue
        records, pages = plans.get(entry.id, (Records.ONE, None))
        split = bool(split_schemas(entry.schema_name))
        groups[_Asked(_spec(entry, options.schema), records, pages, split)].append(uri)
    return max((_run(asked, uris, url, options) for asked, uris in groups.items()), default=0)


def _chosen(
    entries: Sequence[Quarantined], ids: Sequence[int], kind: str | None, schema: str | None
) -> list[Quarantined]:
    known = {entry.id for entry in entries}
    missing = [number for number in ids if number not in known]
    if missing:
        raise BadConfiguration(f"{missing[0]} is not quarantined or partial: `octavo quarantine list` shows the ids")
    wanted = None if schema is None else _names(schema)
    return [
        entry
        for entry in entries
        if (not ids or entry.id in ids)
        and (kind is None or entry.kind == kind)
        and (wanted is None or entry.schema_name in wanted)
    ]


def _names(spec: str) -> tuple[str, ...]:
    """What the store calls it: alone, and as what a file was split for; several have commas between them."""
    names = [find_schema(one).name if ":" in one or one.endswith(".json") else one for one in spec.split(",")]
    return split_name(names), *(names if len(names) == 1 else ())


def _spec(entry: Quarantined, schema: str | None) -> str:
    """How the schema is found again: the store knows what it is called, not where it is declared."""
    if schema is not None:
        return schema
    names = split_schemas(entry.schema_name) or [entry.schema_name]
    if set(names) <= set(BUILTIN):
        return ",".join(names)
    raise BadConfiguration(
        f"{entry.id} was asked for with a schema of your own: give --schema, as path/to/file.py:Model "
        f"or a JSON Schema file, for {entry.schema_name!r}"
    )


def _there(entry: Quarantined) -> str | None:
    """A uri under which the bytes can still be had; of a bucket, its listing will tell."""
    return next((uri for uri in entry.uris if not uri.startswith("file://") or path_of(uri).is_file()), None)


def _run(asked: _Asked, uris: Sequence[str], url: str, options: argparse.Namespace) -> int:
    job = Job(
        sources=tuple(uris),
        schema=asked.schema,
        endpoints=options.endpoint,
        base_url=options.base_url,
        model=options.model,
        store=url,
        max_cost=options.max_cost,
        concurrency=options.concurrency,
        pages_per_request=asked.pages_per_request,
        records=asked.records,
        rerun=Rerun.FAILED,
        split=asked.split,
    )
    watch = Terminal(json=options.json)
    try:
        summary = asyncio.run(run_job(job, settings(), watch))
    finally:
        watch.close()
    watch.console.print(Text(f"retried {len(uris)} documents with {asked.schema}"))
    show_summary(summary, job, watch.console)
    if options.json:
        print(json.dumps(summary.as_json()))
    return summary.exit_code
