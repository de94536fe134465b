"""Temporary folders that a killed process does not leave for ever: the next one that makes one removes them.

A folder is locked as long as its process lives, since the system takes the lock away with it.
"""

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "octavo-spool-"
_OF_BEFORE = re.compile(r"octavo-[a-z0-9_]{8}")
"""How an older version named its folders, which it did not lock."""

_DAY = 86_400.0


@contextmanager
def spool_folder() -> Iterator[Path]:
    """A temporary folder, removed at the end; those of killed processes are removed on the way.

    Raises:
        OSError: it cannot be made.
    """
    sweep()
    folder, lock = _locked()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep() -> None:
    """Removes what killed processes of this user left."""
    for path in Path(tempfile.gettempdir()).glob("octavo-*"):
        with suppress(OSError):
            status = path.lstat()
            ours = path.name.startswith(_PREFIX)
            forgotten = _OF_BEFORE.fullmatch(path.name) and time.time() - status.st_mtime > _DAY
            if path.is_symlink() or not path.is_dir() or status.st_uid != os.getuid() or not (ours or forgotten):
                continue
            _remove_unlocked(path)


def _locked() -> tuple[Path, int]:
    """A new folder, and its lock; made again where another process took it for a dead one's before it was locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        # Where the system has no such locks, nobody can take them, and nothing is swept.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder, lock
        os.close(lock)


def _remove_unlocked(path: Path) -> None:
    lock = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)
