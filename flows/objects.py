"""Sources: what there is to read, and its bytes brought to local disk. The S3 side of both lives here.

`s3://bucket/prefix` means every key that starts with it, as S3 does; `s3://bucket/key` that one key. A
key stands in its uri as it is, not percent-encoded, as the AWS command line writes it.
"""

import asyncio
import hashlib
import os
import re
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractors.documents import ObjectRef, Spooled
from extractors.errors import DocumentError, SourceUnavailable, TooLarge
from flows.folders import Found, Skipped, examine, list_path, no_document, path_of, shown

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = [
    "Found", "ObjectGone", "Skipped", "list_batches", "list_objects", "s3_client", "s3_uri", "split_s3_uri", "spool",
    "spool_async",
]  # fmt: skip

_CHUNK = 1 << 20
_BATCH = 1000
_BATCH_SECONDS = 1.0
"""A batch ends after so long: the first documents need not wait while single keys are looked up."""

_READS = 3
"""Times an object is read from its start when the connection breaks off; botocore repeats requests, not bodies."""

_PATIENT = {"connect_timeout": 5, "read_timeout": 30, "retries": {"mode": "standard", "total_max_attempts": 5}}
_QUICK = {"connect_timeout": 3, "read_timeout": 10, "retries": {"mode": "standard", "total_max_attempts": 2}}

_THREADS = ThreadPoolExecutor(16, thread_name_prefix="objects")
_MAKING_CLIENT = threading.Lock()

_ADVICE = {
    "NoSuchBucket": "the bucket does not exist there: check its name and AWS_ENDPOINT_URL",
    "InvalidBucketName": "this is no valid bucket name",
    "AccessDenied": "access is denied: these credentials need s3:ListBucket and s3:GetObject on it",
    "InvalidAccessKeyId": "the server does not know this access key: check AWS_ACCESS_KEY_ID or AWS_PROFILE",
    "SignatureDoesNotMatch": "the secret key is wrong: check AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
    "InvalidToken": "the session token is wrong: check AWS_SESSION_TOKEN",
    "ExpiredToken": "the credentials have expired: log in again, or renew AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_DEFAULT_REGION",
    "PermanentRedirect": "the bucket is in another region: set AWS_DEFAULT_REGION",
    "InvalidObjectState": "the object is archived: restore it first",
}
_GONE = {"NoSuchKey", "NoSuchVersion", "404"}
_SAME_AS = {"403": "AccessDenied", "AllAccessDisabled": "AccessDenied", "TokenRefreshRequired": "ExpiredToken"}


class ObjectGone(DocumentError):
    """An object was listed, and is no longer there when it is read."""

    kind = "gone"
    stage = "fetching"


class _BrokenOff(SourceUnavailable):
    """The connection broke while an object was read."""


def list_objects(source: str) -> Iterator[Found]:
    """Lists a source, lazily.

    Args:
        source: `s3://bucket/prefix`, `s3://bucket/key`, a folder, a file (also as `file:///`), or `@list.txt`:
            one source on each line, relative to the working directory; blank lines and `#` lines do not count.

    Yields:
        Objects that may be documents, and what is skipped with the reason. Nothing for an S3 prefix
        that matches nothing, except inside a list, where that line is skipped with this reason.

    Raises:
        SourceUnavailable: the source does not exist or cannot be listed; one line says what to do.
    """
    if source.startswith("@"):
        yield from _list_lines(Path(source[1:]))
    elif source.startswith("s3://"):
        yield from _list_s3(source)
    else:
        yield from list_path(_local(source))


async def list_batches(source: str) -> AsyncIterator[list[Found]]:
    """`list_objects` without blocking the event loop, up to 1000 entries at a time.

    Raises:
        SourceUnavailable: as `list_objects` does.
    """
    loop = asyncio.get_running_loop()
    found = list_objects(source)
    while batch := await loop.run_in_executor(_THREADS, _next_batch, found):
        yield batch


def spool(ref: ObjectRef, folder: Path, max_bytes: int) -> Spooled:
    """Copies an object's bytes to a new file in `folder`, in chunks of 1 MiB.

    Raises:
        TooLarge: more than `max_bytes`, by the listing or by what arrives.
        ObjectGone: it was deleted meanwhile.
        SourceUnavailable: it cannot be read now, or `folder` cannot be written.
    """
    _check_size(ref.size, max_bytes)
    for _ in range(_READS - 1):
        try:
            return _copy(ref, folder, max_bytes)
        except _BrokenOff:
            continue
    return _copy(ref, folder, max_bytes)


async def spool_async(ref: ObjectRef, folder: Path, max_bytes: int) -> Spooled:
    """`spool` on one of 16 threads.

    Raises:
        TooLarge: as `spool` does.
        ObjectGone: likewise.
        SourceUnavailable: likewise.
    """
    copying = asyncio.get_running_loop().run_in_executor(_THREADS, spool, ref, folder, max_bytes)
    try:
        return await asyncio.shield(copying)
    except asyncio.CancelledError:
        # A thread cannot be stopped: it must have ended before the caller removes the folder.
        (outcome,) = await asyncio.gather(copying, return_exceptions=True)
        if isinstance(outcome, Spooled):
            outcome.path.unlink(missing_ok=True)
        raise


def s3_uri(bucket: str, key: str) -> str:
    """The uri of an object in a bucket."""
    return f"s3://{bucket}/{key}"


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket, and key or prefix, of an `s3://` uri."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def s3_client() -> "S3Client":
    """The process's client, with boto3's own settings (DESIGN section 9); boto3 is imported here (0.36 s).

    Raises:
        SourceUnavailable: `AWS_ENDPOINT_URL` or another setting of boto3's means nothing.
    """
    with _MAKING_CLIENT:
        return _client_with(**_settings_now(), patient=True)


# --- the rest is private ---
