"""What a killed export leaves is not left for ever: half a file at the destination, a folder of temporary files."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from services import ROOT, wait_for
from stores import Note, draft, extract, outcome

from flows.export.export import export
from flows.storage.destinations import destination
from flows.store.store import Store
from flows.store.views import make_views
from schemas.record import schema_of


@contextmanager
def stuck_export(place: Path, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is putting a file there without coming to its end: what it reads is a pipe that says nothing."""
    endless = folder / "endless"
    os.mkfifo(endless)
    code = (
        "import sys; from pathlib import Path; from flows.storage.destinations import destination; "
        "destination(sys.argv[1]).put('records/000001-x.jsonl', Path(sys.argv[2]))"
    )
    environment = os.environ | {"PYTHONPATH": ROOT}
    process = subprocess.Popen([sys.executable, "-c", code, str(place), str(endless)], env=environment)
    try:
        wait_for(lambda: process.poll() is not None or halves(place))
        assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait()


def halves(place: Path) -> list[Path]:
    """Files on their way to their place."""
    return list(place.rglob(".octavo-*"))


def test_the_next_export_removes_what_a_killed_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while its process lives, and nothing that is somebody else's; half a file counts as none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    old = tmp_path / "tmp" / "octavo-export-abcd1234"
    old.mkdir(parents=True)
    os.utime(old, (time.time() - 100_000,) * 2)
    out = tmp_path / "out"
    with Store.open(f"sqlite:///{tmp_path / 'octavo.db'}") as store:
        make_views(store, schema_of(Note))
        extract(store, "a", "A", outcome("complete", draft(text="first")))
        with stuck_export(out, tmp_path):
            assert destination(str(out)).names() == []
            assert export(store, schema_name="note", place=str(out), form="jsonl").added == 1
            assert len(halves(out)) == 1
            (out / "records" / ".octavo-notes").write_text("a person's own")
        assert len(halves(out)) == 2
        assert export(store, schema_name="note", place=str(out), form="jsonl").added == 0
    assert [path.name for path in halves(out)] == [".octavo-notes"]
    assert not old.exists()
    assert len(list((out / "records").glob("0*"))) == 1
