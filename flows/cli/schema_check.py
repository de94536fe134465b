"""`octavo schemas check`: a made-up answer goes the way of a real one, and every fault on it is told at once."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from extractors.documents import Extraction, ObjectRef, RecordDraft, Spooled
from extractors.vocabulary import DocumentStatus
from flows.export.export import export
from flows.storage.spools import spool_folder
from flows.store.exports import BESIDE
from flows.store.keys import Key
from flows.store.queries import record_rows, whole_records
from flows.store.shape import field_names, record_keys, shape_of
from flows.store.store import Store
from flows.store.views import AFTER, AROUND, BEFORE, ELEMENT_BEFORE, make_views
from schemas.checks import Outcome
from schemas.example import example
from schemas.keywords import checked_here, dropped, with_nearest
from schemas.portable import NotPortable, portable
from schemas.record import InvalidRecord, Schema, SchemaFault, record_path


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        faults: what would go wrong with a real answer.
        untried: fields for which no value could be made up, and why.
        unsent: keywords that are not sent, and checked here, by path.
        said: what each of the schema's checks says of the made-up answer.
        tried: there is a made-up answer that the schema takes, so that it could be followed.
        unused: what of the schema is neither sent nor checked, in words.
    """

    faults: tuple[str, ...]
    untried: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
    said: tuple[Outcome, ...] = ()
    tried: bool = True
    unused: tuple[str, ...] = ()


def checked(schema: Schema) -> Verdict:
    """Asks a schema for nothing, answers it with a made-up instance, and looks for the values wherever they go."""
    try:
        portable(schema.json_schema)
    except NotPortable as error:
        return Verdict(error.faults, unused=schema.remarks)
    answer, untried, faults = _answer(schema)
    unsent = tuple(f"{path}: {', '.join(keys)}" for path, keys in checked_here(schema.json_schema))
    unused = tuple(
        f"dropped: {path}: {', '.join(map(with_nearest, keys))}" for path, keys in dropped(schema.json_schema)
    )
    unused = (*schema.remarks, *unused)
    if answer is None:
        return Verdict(tuple(faults), tuple(untried), unsent, tried=False, unused=unused)
    record = schema.parse(answer)
    faults = [*_lost(schema, answer, record), *(f"{name}: {told}" for name, told in _computed_faults(schema, record))]
    faults += _carried(schema, record)
    said = tuple(each for each in schema.verdicts(record) if each.name != "readable_again")
    return Verdict(tuple(faults), tuple(untried), unsent, said, unused=unused)


def _answer(schema: Schema) -> tuple[Any, list[str], list[str]]:
    """An answer that the schema takes, or None; what had to be left out of it, or refused all; and what is wrong."""
    answer: Any = example(schema.json_schema)
    first = _refused(schema, answer)
    untried: list[str] = []
    for _ in range(len(list(_leaves(answer))) + 1):
        refused = _refused(schema, answer)
        if not refused:
            return answer, untried, []
        left = _left_out(answer, refused[0].path)
        if not left:
            break
        untried.append(f"{left}: {refused[0].message}; give `examples`")
    told = {each: f"{each.path or 'the record'}: {each.message}" for each in first}
    # A pattern or a rule may be kept by a real answer; that something is missing or unknown, by none like it.
    wrong = [text for each, text in told.items() if each.what in {"missing", "unknown"}]
    if wrong:
        return None, [], [f"a made-up value is refused: {text}" for text in wrong]
    return None, [f"{text}; give `examples`" for text in told.values()], []


def _refused(schema: Schema, answer: Any) -> list[SchemaFault]:
    try:
        schema.parse(answer)
    except InvalidRecord as error:
        return error.faults
    return []


def _left_out(answer: Any, path: str) -> str:
    """Makes the innermost value on a refused path null; returns its path, or nothing when there is none to take."""
    steps = path.split(".")
    holder, place, node = None, "", answer
    taken: list[str] = []
    for step in steps:
        inner = node[int(step)] if isinstance(node, list) and step.isdigit() and int(step) < len(node) else (
            node.get(step) if isinstance(node, dict) else None
        )  # fmt: skip
        if inner is None:
            break
        holder, place, node = node, step, inner
        taken.append(step)
    if holder is None or isinstance(node, dict):
        return ""
    holder[int(place) if isinstance(holder, list) else place] = [] if isinstance(node, list) else None
    return ".".join(taken)


def _lost(schema: Schema, answer: Any, record: dict[str, Any]) -> Iterator[str]:
    """Answered values that the record does not hold."""
    kept = dict(_leaves(record))
    for path, value in _leaves(answer):
        place = record_path(schema, path)
        if value is not None and not _same(value, kept.get(place)):
            yield f"{path}: answered {value!r}, the record holds {kept.get(place)!r}"


def _computed_faults(schema: Schema, record: dict[str, Any]) -> list[tuple[str, str]]:
    return [each for each in schema.check(record) if each[0] == "readable_again" or "cannot be computed" in each[1]]


def _carried(schema: Schema, record: dict[str, Any]) -> Iterator[str]:
    """Values of a record that do not come out of the store, its view, or an export."""
    with spool_folder() as folder, Store.open(f"sqlite:///{folder}/check.db") as store:
        make_views(store, schema)
        spooled = Spooled(folder, "example", 1)
        claim = store.claim(
            ObjectRef("check:///example", 1, "1"),
            spooled,
            key=Key(schema_name=schema.name, recipe="check"),
            run_id="check",
        )
        made = Extraction(DocumentStatus.COMPLETE, records=(RecordDraft(record, (), (), None, (1,)),))
        store.finish(claim, made, run_id="check")
        (whole,) = whole_records(store, schema.name)
        fields = [name for name in whole if name not in AROUND]
        for key, name in zip(dict.fromkeys([*record_keys(schema.of_records), *record]), fields, strict=True):
            if whole[name] != record.get(key):
                yield f"{key}: `records --format json` gives {whole[name]!r}"
        shape = shape_of(schema.of_records, (*BEFORE, *AFTER), ELEMENT_BEFORE)
        columns, ((*row,),) = record_rows(store, schema.name)
        shown = dict(zip(columns, row, strict=True))
        for column in shape.columns:
            value = _dig(record, column.path)
            if value is not None and shown[column.name] is None:
                yield f"{'.'.join(column.path)}: {value!r} does not fit its column of the view"
        yield from _exported(store, schema, record, folder)


def _exported(store: Store, schema: Schema, record: dict[str, Any], folder: Path) -> Iterator[str]:
    export(store, schema_name=schema.name, place=str(folder / "jsonl"), form="jsonl")
    line = json.loads(next((folder / "jsonl" / "records").iterdir()).read_text(encoding="utf-8"))
    names = field_names(schema.of_records, BESIDE)
    yield from (f"{key}: the export as JSON lines gives {line[name]!r}"
                for key, name in names.items() if line[name] != record.get(key))  # fmt: skip
    export(store, schema_name=schema.name, place=str(folder / "csv"), form="csv", formulas=True)
    with next((folder / "csv" / "records").iterdir()).open(encoding="utf-8", newline="") as opened:
        (row,) = csv.DictReader(opened)
    for column in shape_of(schema.of_records, (*BEFORE, *AFTER, "export"), ()).columns:
        value = _dig(record, column.path)
        if value is not None and not row[column.name]:
            yield f"{'.'.join(column.path)}: the export as CSV has nothing"
    if find_spec("pyarrow"):
        misfits = export(store, schema_name=schema.name, place=str(folder / "parquet"), form="parquet").misfits
        yield from (f"{name}: its value does not fit the column of a Parquet export" for name in misfits)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        yield path, value
    else:
        for step, child in pairs:
            yield from _leaves(child, f"{path}.{step}" if path else str(step))


def _same(answered: Any, kept: Any) -> bool:
    """Equal, as numbers where both are some: a decimal answered as 2 is kept as "2"."""
    if answered == kept or str(answered) == str(kept):
        return type(answered) is not bool or answered is kept
    try:
        return not isinstance(answered, bool) and Decimal(str(answered)) == Decimal(str(kept))
    except InvalidOperation:
        return False


def _dig(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
