"""Sources: what there is to read, and its bytes brought to local disk; the S3 side of both lives here.

`s3://bucket/prefix` means every key that starts with it, as S3 does; `s3://bucket/key` that one key. A
key stands in its uri as it is, not percent-encoded, as the AWS command line writes it.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from extractors.documents import ObjectRef, Spooled
from extractors.errors import ObjectGone, SourceAway, SourceUnavailable
from flows.storage.local import (
    CHUNK,
    Found,
    Skipped,
    Whole,
    check_size,
    file_chunks,
    list_path,
    local_path,
    no_document,
    sources_in,
    write_chunks,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ListObjectsV2RequestTypeDef

__all__ = [
    "Found", "ObjectGone", "Skipped", "find_object", "find_object_async", "list_batches", "list_objects", "s3_client",
    "s3_uri", "split_s3_uri", "spool", "spool_async",
]  # fmt: skip

_BATCH = 1000
_BATCH_SECONDS = 1.0
"""A batch ends after so long: the first documents need not wait while single keys are looked up."""

_READS = 3
"""Times an object is read from its start when the connection breaks off; botocore repeats requests, not bodies."""

_PATIENT = {"connect_timeout": 5, "read_timeout": 30, "retries": {"mode": "standard", "total_max_attempts": 5}}
_QUICK = {"connect_timeout": 3, "read_timeout": 10, "retries": {"mode": "standard", "total_max_attempts": 2}}

_THREAD_COUNT = 16
_THREADS = ThreadPoolExecutor(_THREAD_COUNT, thread_name_prefix="objects")
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
    "NoCredentialsError": "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "PartialCredentialsError": "half of the credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "ProfileNotFound": "AWS_PROFILE names a profile that boto3's files do not have",
    "CredentialRetrievalError": "the credentials cannot be had: log in again",
    "TokenRetrievalError": "the credentials cannot be had: log in again",
    "SSOError": "the credentials cannot be had: log in again",
    "LoginError": "the credentials cannot be had: log in again",
    "ParamValidationError": "this is no valid bucket name or key",
    "SSLError": "the server's certificate is not trusted: check AWS_ENDPOINT_URL and AWS_CA_BUNDLE",
    "ProxyConnectionError": "the proxy does not answer: check HTTPS_PROXY and NO_PROXY",
    "ConnectionError": "the server does not answer: check AWS_ENDPOINT_URL and the network",
    "HTTPClientError": "the server does not answer: check AWS_ENDPOINT_URL and the network",
}
"""By the code that a server sends, or by the name of botocore's exception."""

_BAD_SETTING = "a setting of boto3's is wrong: check AWS_ENDPOINT_URL, AWS_DEFAULT_REGION and AWS_PROFILE"
_SAME_AS = {"403": "AccessDenied", "404": "NoSuchBucket", "TokenRefreshRequired": "ExpiredToken"}
_GONE = {"NoSuchKey", "404"}
_FOR_A_WHILE = {"ConnectionError", "HTTPClientError"}
_BUSY = {429, 500, 502, 503, 504}
_OF_THE_SOURCE = frozenset({
    "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken",
    "RequestTimeTooSkewed", "AuthorizationHeaderMalformed", "PermanentRedirect", "NoCredentialsError",
    "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError", "SSOError", "LoginError",
    "SSLError", "ProxyConnectionError", "ResponseParserError",
})  # fmt: skip
"""What an announced object is not to blame for: its bucket, the server, the credentials. None of it is proof that
the object is gone."""

Again = Callable[[SourceAway, float], None]
"""Hears that the source is away, and since when (monotonic); returns when it is to be asked once more, or raises."""


class _BrokenOff(SourceAway):
    """The connection broke while an object was read."""


def _never(error: SourceAway, _: float) -> None:
    raise error


def list_objects(source: str, whole: Whole = lambda _: None, again: Again = _never) -> Iterator[Found]:
    """Lists a source, lazily.

    Args:
        source: `s3://bucket/prefix`, `s3://bucket/key`, a folder, a file (also as `file:///`), or `@list.txt`:
            one source on each line, relative to the working directory; blank lines and `#` lines do not count.
        whole: called when all of a prefix or folder was listed, with that with which its objects' uris begin.
        again: called when a bucket whose listing has begun is away.

    Yields:
        Objects that may be documents, and what is skipped, with the reason. Nothing for an S3 prefix
        that matches nothing, except inside a list, where that line is skipped for this reason.

    Raises:
        SourceUnavailable: the source does not exist or cannot be listed; one line says what to do.
    """
    if source.startswith("@"):
        for where, line in sources_in(Path(source[1:])):
            yield from _list_line(line, where, whole, again)
    elif source.startswith("s3://"):
        yield from _list_s3(source, whole, again)
    else:
        yield from list_path(local_path(source), whole)


async def list_batches(
    source: str, whole: Whole = lambda _: None, again: Again = _never
) -> AsyncIterator[list[Found]]:
    """`list_objects` without blocking the event loop: batches of up to 1000, none of them empty.

    `again` is called in a thread.

    Raises:
        SourceUnavailable: as `list_objects` does.
    """
    loop = asyncio.get_running_loop()
    found = list_objects(source, whole, again)
    while batch := await loop.run_in_executor(_THREADS, _next_batch, found):
        yield batch


def spool(ref: ObjectRef, folder: Path, max_bytes: int) -> Spooled:
    """Copies an object's bytes to a new file in `folder`, 1 MiB at a time.

    Raises:
        TooLarge: more than `max_bytes`, by the listing or by what arrives.
        ObjectGone: it was deleted meanwhile.
        SourceAway: the server does not answer, or not to the end.
        SourceUnavailable: it cannot be read, or `folder` cannot be written.
    """
    check_size(ref.size, max_bytes)
    if not ref.uri.startswith("s3://"):
        return write_chunks(file_chunks(ref.uri), folder, max_bytes)
    for _ in range(_READS - 1):
        try:
            return write_chunks(_s3_chunks(ref.uri), folder, max_bytes)
        except _BrokenOff:
            continue
    return write_chunks(_s3_chunks(ref.uri), folder, max_bytes)


async def spool_async(ref: ObjectRef, folder: Path, max_bytes: int) -> Spooled:
    """`spool` on one of 16 threads. Cancelled, it leaves no file and no thread at work in `folder`.

    Raises:
        TooLarge: as `spool` does.
        ObjectGone: likewise.
        SourceUnavailable: likewise.
    """
    copying = asyncio.get_running_loop().run_in_executor(_THREADS, spool, ref, folder, max_bytes)
    try:
        return await asyncio.shield(copying)
    except asyncio.CancelledError:
        # A thread cannot be stopped, and the caller removes the folder next.
        (outcome,) = await asyncio.gather(copying, return_exceptions=True)
        if isinstance(outcome, Spooled):
            outcome.path.unlink(missing_ok=True)
        raise


def find_object(uri: str) -> ObjectRef | None:
    """The object that a notification names; None when it is gone, or hidden by a delete marker.

    None is proven: its bucket was listed, and the key is not in it.

    Raises:
        SourceAway: the server does not answer, has no such bucket now, or does not know these credentials.
        SourceUnavailable: the server refuses this object.
    """
    from botocore.exceptions import ClientError

    bucket, key = split_s3_uri(uri)
    client = s3_client()
    _reach(bucket, client.meta.endpoint_url)
    with _told_plainly(uri, away=_OF_THE_SOURCE):
        try:
            head = client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            # An answer to HEAD has no body: missing bucket and missing key, unknown and denied look alike.
            if not _is_busy(error) and _is_absent(client, bucket, key):
                return None
            raise
    return ObjectRef(uri, head.get("ContentLength", 0), head.get("ETag", "").strip('"'))


async def find_object_async(uri: str) -> ObjectRef | None:
    """`find_object` on one of 16 threads.

    Raises:
        SourceUnavailable: as `find_object` does.
    """
    return await asyncio.get_running_loop().run_in_executor(_THREADS, find_object, uri)


def _is_absent(client: "S3Client", bucket: str, key: str) -> bool:
    """Whether a bucket is there and has no such key: one answer says both, so that none of it is of another moment.

    Raises:
        SourceAway: the bucket cannot be listed now, or what answers is no S3 server: that proves nothing.
    """
    uri = s3_uri(bucket, key)
    with _told_plainly(f"s3://{bucket}", away=_OF_THE_SOURCE):
        page = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    if page.get("Name") != bucket:
        raise SourceAway(f"{uri}: what answers is no S3 server: check AWS_ENDPOINT_URL")
    # Keys come in order: the one that is its own prefix is the first.
    return all(entry["Key"] != key for entry in page.get("Contents", ()))


def s3_uri(bucket: str, key: str) -> str:
    """The uri of an object in a bucket."""
    return f"s3://{bucket}/{key}"


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket, and key or prefix, of an `s3://` uri."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def s3_client() -> "S3Client":
    """The process's one client, with boto3's own settings; boto3 is imported here (0.36 s).

    Raises:
        SourceUnavailable: a setting of boto3's, like `AWS_ENDPOINT_URL`, means nothing.
    """
    with _MAKING_CLIENT:
        return _shared_client()


@cache
def _shared_client() -> "S3Client":
    return _make_client(_PATIENT)


def _make_client(patience: dict[str, Any]) -> "S3Client":
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=_THREAD_COUNT, **patience)
    with _told_plainly("S3"):
        session = boto3.session.Session()
        return session.client("s3", config=config, region_name=session.region_name or "us-east-1")


@cache
def _reach(bucket: str, endpoint: str) -> None:
    """Fails within seconds where nobody answers; the patient client would try for half a minute."""
    from botocore.exceptions import ClientError

    server = urlsplit(endpoint).netloc.rpartition("@")[2]
    with _told_plainly(f"s3://{bucket} on {server}"), closing(_make_client(_QUICK)) as client:
        try:
            client.head_bucket(Bucket=bucket)
        except ClientError:
            return  # it answers; what it refuses, the listing tells in more words


def _list_s3(source: str, whole: Whole, again: Again) -> Iterator[Found]:
    bucket, prefix = split_s3_uri(source)
    if not bucket:
        raise SourceUnavailable(f"{source} names no bucket: write s3://bucket/prefix")
    client = s3_client()
    _reach(bucket, client.meta.endpoint_url)
    named = _one_object(client, bucket, prefix) if prefix and not prefix.endswith("/") else None
    # An empty object may stand for a folder: then what is below it counts too.
    if named and named.size:
        yield named
        return
    for page in _pages(client, source, again):
        for entry in page.get("Contents", ()):
            yield _listed(bucket, prefix, entry["Key"], entry["Size"], entry.get("ETag", ""))
    whole(source)


def _pages(client: "S3Client", source: str, again: Again) -> Iterator["ListObjectsV2OutputTypeDef"]:
    """A listing's pages; boto3's paginator would end with its first error, here the same page is asked for again."""
    bucket, prefix = split_s3_uri(source)
    asked: ListObjectsV2RequestTypeDef = {"Bucket": bucket, "Prefix": prefix}
    away_since = None
    while True:
        try:
            with _told_plainly(source):
                page = client.list_objects_v2(**asked)
        except SourceAway as error:
            if "ContinuationToken" not in asked:
                raise
            away_since = away_since or time.monotonic()
            again(error, away_since)
            continue
        away_since = None
        yield page
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]


def _one_object(client: "S3Client", bucket: str, key: str) -> ObjectRef | None:
    """The object of exactly this key. None when there is none, or when only the listing can say why not."""
    from botocore.exceptions import ClientError

    with _told_plainly(s3_uri(bucket, key)):
        try:
            head = client.head_object(Bucket=bucket, Key=key)
        except ClientError:
            return None
    etag = head.get("ETag", "").strip('"')
    return ObjectRef(s3_uri(bucket, key), head.get("ContentLength", 0), etag, explicit=True)


def _listed(bucket: str, prefix: str, key: str, size: int, etag: str) -> Found:
    uri, explicit = s3_uri(bucket, key), key == prefix
    reason = no_document(key[prefix.rfind("/") + 1 :])
    if key.endswith("/") and size:
        why = f"its key ends in / as a folder's marker does, but it holds {size:,} bytes: copy it to another key"
        return Skipped(uri, why, unreachable=True)
    if reason and (key.endswith("/") or not explicit):
        return Skipped(uri, reason)
    return ObjectRef(uri, size, etag.strip('"'), explicit=explicit)


def _list_line(source: str, where: str, whole: Whole, again: Again) -> Iterator[Found]:
    matched = False
    for found in list_objects(source, whole, again):
        matched = True
        yield found
    if not matched and source.startswith("s3://"):
        yield Skipped(source, f"{where} matches no object")


def _next_batch(found: Iterator[Found]) -> list[Found]:
    batch: list[Found] = []
    until = time.monotonic() + _BATCH_SECONDS
    for each in found:
        batch.append(each)
        if len(batch) == _BATCH or time.monotonic() > until:
            break
    return batch


def _s3_chunks(uri: str) -> Generator[bytes]:
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = split_s3_uri(uri)
    with _told_plainly(uri):
        try:
            answer = s3_client().get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if _code(error) in _GONE and _is_absent(s3_client(), bucket, key):
                raise ObjectGone(f"{uri} was listed, but is gone") from None
            raise
    try:
        with closing(answer["Body"]) as body:
            yield from body.iter_chunks(CHUNK)
    except (BotoCoreError, OSError) as error:
        raise _BrokenOff(f"{uri}: the connection broke off ({type(error).__name__}): run again") from None


@contextmanager
def _told_plainly(what: str, away: frozenset[str] = frozenset()) -> Iterator[None]:
    """Turns what boto3 raises into one line of what happened and what to do; no secret is in it.

    Those of the codes `away` are told as `SourceAway` too: what fails is the bucket's or the server's, for now.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = _SAME_AS.get(_code(error), _code(error))
        told = _ADVICE.get(code) or error.response.get("Error", {}).get("Message") or "the server refuses"
        for_now = _is_busy(error) or code in away
        raise (SourceAway if for_now else SourceUnavailable)(f"{what}: {told} ({code})") from None
    except (BotoCoreError, ValueError) as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        known = next((name for name in names if name in _ADVICE), None)
        told = _ADVICE[known] if known else _BAD_SETTING
        for_now = known in _FOR_A_WHILE or not away.isdisjoint(names)
        raise (SourceAway if for_now else SourceUnavailable)(f"{what}: {told} ({names[0]})") from None


def _is_busy(error: "ClientError") -> bool:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in _BUSY


def _code(error: "ClientError") -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
