"""Temporary folders and files that a killed process does not leave for ever: the next one removes them.

Each is locked as long as its process lives, since the system takes the lock away with it.
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
from typing import BinaryIO

_PREFIX = "octavo-spool-"
_OF_BEFORE = re.compile(r"octavo-(export-)?[a-z0-9_]{8}")
"""How an older version named its folders, which it did not lock."""

_BESIDE = ".octavo-"
_BESIDE_FILE = re.compile(r"\.octavo-[a-z0-9_]{8}")
"""How files are named that are on their way to their place."""

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


def file_beside(folder: Path) -> tuple[BinaryIO, Path]:
    """A file that is written beside its place, locked as long as its process lives; to be renamed or removed.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        # Made again, as below, where another process took it for a dead one's before it was locked.
        made, name = tempfile.mkstemp(dir=folder, prefix=_BESIDE)
        with suppress(OSError):
            fcntl.flock(made, fcntl.LOCK_EX)
        file = os.fdopen(made, "wb")
        if Path(name).exists():
            return file, Path(name)
        file.close()


def sweep_files(folder: Path) -> None:
    """Removes what killed processes left beside places in a folder or below it.

    Raises:
        OSError: the folder cannot be looked at.
    """
    for path in folder.rglob(f"{_BESIDE}*"):
        if _BESIDE_FILE.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            with suppress(OSError):
                _remove_unlocked(path)


def is_being_written(name: str) -> bool:
    """Whether a file's name is that of one that stands beside its place."""
    return _BESIDE_FILE.fullmatch(name) is not None


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
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    finally:
        os.close(lock)
