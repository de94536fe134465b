"""How often the built-in model reads a field right, on the labelled documents of ../shared/data/real.

    python tests/benchmarks/accuracy.py [-v] [--labels ../shared/data/real]

Each document goes the whole way (render, read, validate, store), so what is scored is the record that a user
gets. A field counts when it equals the label after normalisation: case, blanks and punctuation of texts, the
value of an amount, the day of a date. So an address counts when it has every letter and digit of the label, in
its order, and no more: what parts its lines does not matter. A row counts when a row of the record, found once,
has its description. Fields that the label set does not hold, or says are not printed, do not count. `-v` names
every miss. The general matching was tuned on these documents: on others expect less.
"""

import argparse
import asyncio
import json
import re
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.observe.watch import Silent
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.settings import read_settings
from flows.store.queries import whole_records
from flows.store.store import Store

_WIDTH = 140  # of the table, wherever it is printed
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LABELS: dict[str, dict[str, tuple[str, ...]]] = {
    "invoice": {
        "number": ("invoice_number",),
        "date": ("issue_date", "date", "invoice_date"),
        "total": ("grand_total", "amount", "total_amount"),
        "currency": ("currency",),
        "tax": ("tax_total",),
        "amount_due": ("due_payable",),
        "rows": ("lines", "line_items"),
    },
    "receipt": {"date": ("date",), "total": ("total",), "company": ("company",), "address": ("address",)},
}
"""The label set's names for what is scored."""

DESCRIPTIONS = ("description", "desc", "name")
"""The label set's names for a row's description; the first that a row has is meant."""

FIELDS = {"date": {"invoice": "issue_date"}, "company": {"receipt": "merchant"}, "rows": {"invoice": "line_items"}}
"""Where the record's name differs from the score's."""


@dataclass(frozen=True)
class Labelled:
    """One document with its truth. `group` is what its result counts under.

    The truth of a credit note is `unsigned`: EN 16931 writes its amounts without the minus that the page prints.
    """

    path: Path
    schema: str
    language: str
    group: str
    truth: Mapping[str, object]
    unsigned: bool = False


def main() -> None:
    """Reads every labelled invoice and receipt, and prints the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, default=Path("../shared/data/real"), help="folder with labels.jsonl")
    parser.add_argument("-v", "--verbose", action="store_true", help="name every miss")
    options = parser.parse_args()
    if not (options.labels / "labels.jsonl").exists():
        parser.exit(2, f"no labels.jsonl in {options.labels}: give the folder with --labels\n")
    documents = labelled(options.labels)
    console = Console(width=_WIDTH)
    with tempfile.TemporaryDirectory() as folder:
        records = {schema: read(schema, documents, Path(folder)) for schema in LABELS}
    show(documents, records, console, verbose=options.verbose)


def labelled(folder: Path) -> list[Labelled]:
    """The invoices and receipts of a label set."""
    found = []
    for line in (folder / "labels.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        schema = {"invoice": "invoice", "credit_note": "invoice", "receipt": "receipt"}.get(entry["doc_type"])
        if schema is None:
            continue
        unprinted = entry.get("expected_not_on_page") or {}
        truth = {
            name: entry["expected"][label]
            for name, labels in LABELS[schema].items()
            for label in labels
            if label in entry["expected"] and label not in unprinted
        }
        group = "digital invoices" if entry["modality"] == "digital_pdf" else f"photographed {schema}s"
        found.append(
            Labelled(
                folder / entry["file"], schema, entry["language"], group, truth, entry["doc_type"] == "credit_note"
            )
        )
    return found


def read(schema: str, documents: list[Labelled], folder: Path) -> dict[str, dict[str, Any]]:
    """File name -> record, for every document of a schema."""
    sources = tuple(str(one.path) for one in documents if one.schema == schema)
    store = f"sqlite:///{folder / schema}.db"
    asyncio.run(
        run_job(
            Job(sources=sources, schema_name=schema, endpoints=("local",), store=store), read_settings(), Silent()
        )
    )
    with Store.open(store) as opened:
        records = whole_records(opened, schema)
    return {record["document_uri"].rsplit("/", 1)[-1]: record for record in records}


def show(
    documents: list[Labelled], records: Mapping[str, Mapping[str, Any]], console: Console, *, verbose: bool
) -> None:
    """Prints a table by group and field, then by language."""
    hits: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for one in documents:
        record = records[one.schema].get(one.path.name) or {}
        for name, truth, said in _answered(one, record):
            right = SAME[name](truth, said)
            hits[one.group, name].append(right)
            hits[f"{one.schema}s in {one.language}", name].append(right)
            if verbose and not right:
                console.print(
                    f"{one.path.name} {name}: printed {truth!r}, read {said!r}", highlight=False, soft_wrap=True
                )
    names = list(dict.fromkeys(name for fields in LABELS.values() for name in fields))
    table = Table()
    for heading in ("documents", *names):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "documents" else "right")
    for group in sorted({group for group, _ in hits}, key=lambda group: (" in " in group, group)):
        table.add_row(group, *(_share(hits.get((group, name))) for name in names))
    console.print(table)


def _answered(one: Labelled, record: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    """What is scored, its truth, and what the record says; of rows each by itself."""
    for name, truth in one.truth.items():
        said = record.get(FIELDS.get(name, {}).get(one.schema, name))
        if name == "rows":
            yield from (("rows", *pair) for pair in _descriptions(truth, said or ()))
        else:
            unsigned = one.unsigned and SAME[name] is _same_amount and said is not None
            yield name, truth, abs(Decimal(str(said))) if unsigned else said


def _descriptions(truth: Any, said: Iterable[Mapping[str, Any]]) -> Iterator[tuple[object, object]]:
    """The described rows of a label, each with the row of the record that says the same, or else what is left."""
    left = [row["description"] for row in said if row["description"]]
    for wanted in filter(None, (next(filter(None, map(row.get, DESCRIPTIONS)), None) for row in truth)):
        same = next((description for description in left if _same_text(wanted, description)), None)
        yield wanted, left[:] if same is None else same
        if same is not None:
            left.remove(same)


def _share(results: list[bool] | None) -> str:
    return f"{sum(results)} of {len(results)}" if results else ""


def _same_text(truth: object, said: object) -> bool:
    return _folded(truth) == _folded(said)


def _same_amount(truth: object, said: object) -> bool:
    try:
        return Decimal(re.sub(r"[^\d.]", "", str(truth))) == Decimal(str(said))
    except InvalidOperation:
        return False


def _same_day(truth: object, said: object) -> bool:
    return str(said) == _day(str(truth))


def _day(text: str) -> str:
    """The day of a label, as ISO text: year first, else day before month where both are possible."""
    parts = re.findall(r"\d+|[A-Za-z]{3}", text)
    numbers = [MONTHS.index(part.lower()) + 1 if part.isalpha() else int(part) for part in parts]
    if numbers[0] < 1900:
        first, second, year = numbers
        day, month = (first, second) if second <= 12 else (second, first)
        numbers = [year if year > 99 else 2000 + year, month, day]
    return date(*numbers).isoformat()


def _folded(value: object) -> str:
    plain = unicodedata.normalize("NFKD", str(value))
    return "".join(character for character in plain.lower() if character.isalnum())


SAME: dict[str, Callable[[object, object], bool]] = {
    "number": _same_text,
    "date": _same_day,
    "total": _same_amount,
    "currency": _same_text,
    "tax": _same_amount,
    "amount_due": _same_amount,
    "rows": _same_text,
    "company": _same_text,
    "address": _same_text,
}

if __name__ == "__main__":
    main()
