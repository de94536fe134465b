"""Temporary folders: locked while their process lives, swept by the next one when it was killed."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from flows.storage.spools import spool_folder, sweep


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else's folders are looked at."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_killed_processs_folder_is_removed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    """The lock goes with the process, however it ends."""
    code = (
        "from flows.storage.spools import spool_folder\n"
        "with spool_folder() as folder:\n    (folder / 'object').touch(); print(folder, flush=True); input()"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with spool_folder() as own:
            sweep()
            assert left.is_dir()
            assert own.is_dir()
        assert not own.exists()
        process.kill()
    assert left.is_dir()
    sweep()
    assert not left.exists()


def test_others_folders_are_left_alone(tmp_path: Path) -> None:
    """Only spools are swept: an older version's once they are a day old, and no link is followed."""
    kept = [
        tmp_path / name for name in ("octavo-leases-0", "octavo-pg-abcdefgh", "octavo-abcdefgh", "octavo-spool-link")
    ]
    for path in kept[:3]:
        path.mkdir()
    kept[3].symlink_to(kept[0])
    old = tmp_path / "octavo-12345678"
    old.mkdir()
    os.utime(old, (time.time() - 100_000,) * 2)
    sweep()
    assert [path for path in kept if path.exists()] == kept
    assert not old.exists()
