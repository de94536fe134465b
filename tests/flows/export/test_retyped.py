"""A field with another type than in earlier exports: every reader opens what is there, or it is refused by name."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as pads
import pytest
from deltalake import DeltaTable
from pydantic import create_model
from stores import draft, extract, fresh_url, outcome

from extractors.errors import BadConfiguration
from flows.export.export import export
from flows.store.store import Store
from flows.store.views import make_views
from schemas.record import schema_of

FORMS = ("parquet", "csv", "jsonl", "delta")
VALUES: dict[Any, Any] = {
    str: "abc", Decimal: "12.50", int: 3, float: 2.5, bool: True, date: "2026-01-31", list[str]: ["x"],
}  # fmt: skip


def _exported(store: Store, kind: Any, name: str, place: Path, form: str, **more: Any) -> None:
    """One more document under a schema whose field `amount` is of a kind, and an export."""
    fields: dict[str, Any] = {"amount": (kind | None, None), **dict.fromkeys(more, (kind | None, None))}
    make_views(store, schema_of(create_model("Note", **fields)))
    extract(store, name, name, outcome("complete", draft(amount=VALUES[kind], **more)))
    export(store, schema_name="note", place=str(place), form=form)


def _opened(place: Path, form: str) -> int:
    """How many rows readers find."""
    if form == "delta":
        return int(DeltaTable(str(place)).to_pyarrow_table().num_rows)
    suffix = {"parquet": "parquet", "csv": "csv", "jsonl": "jsonl"}[form]
    read = {"parquet": "read_parquet", "csv": "read_csv", "jsonl": "read_json"}[form]
    (count,) = duckdb.sql(
        f"select count(*) from {read}('{place}/records/*.{suffix}', union_by_name = true)"
    ).fetchall()[0]
    if form == "parquet":
        assert pads.dataset(place / "records").to_table().num_rows == count
    return int(count)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("later", [kind for kind in VALUES if kind is not str])
@pytest.mark.parametrize("database", ["sqlite"])
def test_every_reader_opens_it_or_it_is_refused(database: str, later: Any, form: str, tmp_path: Path) -> None:
    """Either the second export is there and readers find both records, or the field is named and nothing written."""
    place = tmp_path / "out"
    with Store.open(fresh_url(database, tmp_path)) as store:
        _exported(store, str, "a", place, form)
        try:
            _exported(store, later, "b", place, form)
        except BadConfiguration as error:
            refused = str(error)
            assert _opened(place, form) == 1
            export(store, schema_name="note", place=str(tmp_path / "other"), form=form)
            assert _opened(tmp_path / "other", form) == 2
        else:
            refused = ""
            assert _opened(place, form) == 2
    assert not refused or ("amount was" in refused and "another DEST" in refused)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_refused_and_what_is_not(form: str, tmp_path: Path) -> None:
    """A new field is no other type; one that was dropped and comes back as another is; removed files begin anew."""
    place = tmp_path / "out"
    with Store.open(f"sqlite:///{tmp_path / 'octavo.db'}") as store:
        _exported(store, int, "a", place, form)
        _exported(store, int, "b", place, form, count=4)
        assert _opened(place, form) == 2
        _exported(store, int, "c", place, form)
        with pytest.raises(BadConfiguration, match=r"amount was \w+ in earlier exports and is \w+ now"):
            _exported(store, bool, "d", tmp_path / "out", form, count=True)
        for file in sorted(place.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        assert export(store, schema_name="note", place=str(place), form=form).anew
        assert _opened(place, form) == 4
