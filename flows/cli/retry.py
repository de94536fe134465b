"""What is retried: what was quarantined or is partial, as it was asked for, one run for each way of asking."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from extractors.errors import BadConfiguration
from extractors.vocabulary import Records
from flows.cli.summary import show_summary
from flows.cli.terminal import Terminal
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.run.rerun import Rerun
from flows.schema_lookup import name_of
from flows.settings import Settings
from flows.storage.local import path_of
from flows.store.queries import Quarantined, quarantined, window_plans
from flows.store.splits import split_name, split_schemas
from flows.store.store import Store
from schemas.builtin import BUILTIN


@dataclass(frozen=True)
class Choice:
    """Which are retried: all, or those of these ids, this kind, this schema."""

    ids: tuple[int, ...] = ()
    kind: str | None = None
    schema: str | None = None


@dataclass(frozen=True)
class _Asked:
    """How some documents were asked for; they are retried in one run."""

    schema: str
    records: Records
    pages_per_request: int | None
    split: bool = False


def retry(choice: Choice, wishes: dict[str, Any], settings: Settings, *, as_json: bool) -> int:
    """Retries the chosen documents, one run for each schema; returns the worst run's exit code.

    Args:
        choice: which.
        wishes: the job's fields, but for those that say which documents and how they were asked for: the store knows.
        settings: what they do not say.
        as_json: print the counts of each run as JSON too.

    Raises:
        BadConfiguration: nothing was chosen, no such id, or a schema that is not built in was not named.
        CannotRun: as `run_job` does.
    """
    with Store.open(settings.store, read_only=True) as store:
        chosen = _chosen(quarantined(store), choice)
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
        groups[_Asked(_spec(entry, choice.schema), records, pages, split)].append(uri)
    jobs = [
        Job(
            sources=tuple(uris), schema_name=asked.schema, records=asked.records, split=asked.split,
            pages_per_request=asked.pages_per_request, rerun=Rerun.ALL, **wishes,
        )
        for asked, uris in groups.items()
    ]  # fmt: skip
    return max((_run(job, settings, as_json=as_json) for job in jobs), default=0)


def _chosen(entries: Sequence[Quarantined], choice: Choice) -> list[Quarantined]:
    known = {entry.id for entry in entries}
    missing = [number for number in choice.ids if number not in known]
    if missing:
        raise BadConfiguration(f"{missing[0]} is not quarantined or partial: `octavo quarantine list` shows the ids")
    wanted = None if choice.schema is None else _names(choice.schema)
    return [
        entry
        for entry in entries
        if (not choice.ids or entry.id in choice.ids)
        and (choice.kind is None or entry.kind == choice.kind)
        and (wanted is None or entry.schema_name in wanted)
    ]


def _names(spec: str) -> tuple[str, ...]:
    """What the store calls it: alone, and as what a file was split for; several have commas between them."""
    names = [name_of(one) for one in spec.split(",")]
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


def _run(job: Job, settings: Settings, *, as_json: bool) -> int:
    watch = Terminal(json=as_json)
    try:
        summary = asyncio.run(run_job(job, settings, watch, ask_again=True))
    finally:
        watch.close()
    watch.console.print(Text(f"retried {len(job.sources)} documents with {job.schema_name}"))
    show_summary(summary, job, watch.console)
    if as_json:
        print(json.dumps(summary.as_json()))
    return summary.exit_code
