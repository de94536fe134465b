"""Runs a job against a scripted model and looks into the store, for the tests of whole runs."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from flows.observe.summary import Summary
from flows.observe.watch import Silent
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.settings import read_settings

TOTAL = {"merchant": "Corner Shop", "total": "12.00", "currency": "EUR"}
"""A small valid receipt."""


def run(source: Path | str, base_url: str, **wishes: Any) -> Summary:
    """One run over a source with the receipt schema, into ./octavo.db."""
    asked = {"sources": (str(source),), "schema_name": "receipt", "base_url": base_url, "model": "test-model"}
    return asyncio.run(run_job(Job(**{**asked, **wishes}), read_settings(), Silent()))


def rows(query: str, *values: object, store: str = "octavo.db") -> list[tuple[Any, ...]]:
    """What the store says."""
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(query, values).fetchall()


def states() -> dict[str, tuple[str, str | None]]:
    """File name -> (status, kind) of every document's current extraction."""
    found = rows(
        "select d.uri, e.status, e.kind from documents d left join extractions e"
        " on e.sha256 = d.sha256 and e.superseded_by is null"
    )
    return {uri.rsplit("/", 1)[-1]: (status, kind) for uri, status, kind in found}
