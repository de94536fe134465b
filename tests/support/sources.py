"""Makes small sources and tells what is listed in them, for the tests of folders and buckets."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from s3_servers import S3Server

from extractors.documents import ObjectRef
from extractors.errors import SourceUnavailable
from flows.storage.s3 import (
    Found,
    Skipped,
    list_objects,
)


def refs(found: Iterator[Found]) -> list[str]:
    """The uris of what would be read."""
    return [each.uri for each in found if isinstance(each, ObjectRef)]


def reasons(found: Iterator[Found]) -> dict[str, str]:
    """Last part of the uri -> why it is skipped."""
    return {each.uri.rsplit("/", 1)[-1]: each.reason for each in found if isinstance(each, Skipped)}


def write(folder: Path, *names: str) -> None:
    """Small files, with the folders they need."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"bytes of " + name.encode())


def fill(server: S3Server, bucket: str, *keys: str) -> None:
    """Small objects in a new bucket."""
    client = server.client()
    client.create_bucket(Bucket=bucket)
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"bytes of " + key.encode())


def asks(source: str) -> str:
    """What a person is told about a source that cannot be listed."""
    with pytest.raises(SourceUnavailable) as told:
        list(list_objects(source))
    message = str(told.value)
    assert "\n" not in message
    return message


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read and write everywhere: file modes hold for it only as somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made).resolve()
