"""Where exports go: a folder or `s3://bucket/prefix`. Files arrive whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from extractors.errors import DestinationUnavailable
from flows.storage.local import local_path
from flows.storage.s3 import s3_client, split_s3_uri
from flows.storage.spools import file_beside, is_being_written, sweep_files


class Destination(Protocol):
    """A place for files, under names with `/` in them.

    Every method raises `DestinationUnavailable` when the place cannot be reached or written.
    """

    uri: str
    """Names it for people, and for the store: an absolute path, or `s3://bucket/prefix`."""

    def put(self, name: str, file: Path) -> None:
        """Moves a finished local file there; one of the same name is replaced."""

    def names(self, prefix: str = "") -> list[str]:
        """The names there that begin so, sorted."""

    def tidy(self) -> None:
        """Removes what killed exports left half written."""

    def remove(self, name: str) -> None:
        """Removes a file."""

    def delta_options(self) -> dict[str, str]:
        """What the Delta library must know to reach it."""


def destination(place: str) -> Destination:
    """The destination that a person named.

    Raises:
        DestinationUnavailable: it is neither a folder nor `s3://bucket/prefix`.
        SourceUnavailable: a setting of boto3's means nothing.
    """
    if place.startswith("s3://"):
        bucket, prefix = split_s3_uri(place.rstrip("/"))
        if not bucket or not prefix:
            raise DestinationUnavailable(f"{place} names no place in a bucket: write s3://bucket/prefix")
        return _Bucket(bucket, prefix)
    return _Folder(local_path(place).absolute())


class _Folder:
    """A folder, made when something is put there."""

    def __init__(self, path: Path) -> None:
        self.uri = str(path)
        self._path = path

    def put(self, name: str, file: Path) -> None:
        target = self._path / name
        with _files_told(self.uri):
            target.parent.mkdir(parents=True, exist_ok=True)
            # Beside its place first: a rename is whole or not at all, a copy over file systems is not.
            beside, path = file_beside(target.parent)
            with beside:
                try:
                    with file.open("rb") as made:
                        shutil.copyfileobj(made, beside)
                    beside.flush()
                    os.fsync(beside.fileno())
                    path.chmod(0o644)
                    path.replace(target)
                except BaseException:
                    path.unlink(missing_ok=True)
                    raise
            file.unlink()

    def names(self, prefix: str = "") -> list[str]:
        with _files_told(self.uri):
            if not self._path.is_dir():
                return []
            found = (str(path.relative_to(self._path)) for path in self._path.rglob("*") if path.is_file())
            return sorted(name for name in found if name.startswith(prefix) and not is_being_written(Path(name).name))

    def tidy(self) -> None:
        with _files_told(self.uri):
            if self._path.is_dir():
                sweep_files(self._path)

    def remove(self, name: str) -> None:
        with _files_told(self.uri):
            (self._path / name).unlink(missing_ok=True)

    def delta_options(self) -> dict[str, str]:
        return {}


class _Bucket:
    """A prefix in a bucket, reached with boto3's own settings."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.uri = f"s3://{bucket}/{prefix}"
        self._bucket, self._prefix = bucket, prefix
        self._client: Any = s3_client()

    def put(self, name: str, file: Path) -> None:
        with _s3_told(self.uri):
            self._client.upload_file(str(file), self._bucket, f"{self._prefix}/{name}")
            file.unlink()

    def names(self, prefix: str = "") -> list[str]:
        whole = f"{self._prefix}/{prefix}"
        with _s3_told(self.uri):
            listing = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=whole)
            keys = [entry["Key"] for page in listing for entry in page.get("Contents", ())]
        return sorted(key.removeprefix(f"{self._prefix}/") for key in keys)

    def tidy(self) -> None:
        """Nothing: an object is there as a whole or not at all."""

    def remove(self, name: str) -> None:
        with _s3_told(self.uri):
            self._client.delete_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}")

    def delta_options(self) -> dict[str, str]:
        import boto3

        endpoint = self._client.meta.endpoint_url
        options = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": self._client.meta.region_name,
            "AWS_ALLOW_HTTP": "true" if endpoint.startswith("http://") else "false",
            # Two writers of one log entry: the second is refused by the server, S3 and its kin alike.
            "AWS_CONDITIONAL_PUT": "etag",
        }
        credentials = boto3.session.Session().get_credentials()
        if credentials is not None:
            frozen = credentials.get_frozen_credentials()
            options |= {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
            if frozen.token:
                options["AWS_SESSION_TOKEN"] = frozen.token
        return options


@contextmanager
def _files_told(uri: str) -> Iterator[None]:
    """Turns what the system raises into one line."""
    try:
        yield
    except OSError as error:
        raise DestinationUnavailable(f"{uri} cannot be written: {error.strerror}") from None


@contextmanager
def _s3_told(uri: str) -> Iterator[None]:
    """Turns what boto3 raises into one line; no secret is in it."""
    import boto3.exceptions
    import botocore.exceptions

    try:
        yield
    except botocore.exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise DestinationUnavailable(f"{uri} cannot be written: the server says {code}") from None
    except boto3.exceptions.S3UploadFailedError as error:
        raise DestinationUnavailable(f"{uri} cannot be written: {error}") from None
    except botocore.exceptions.BotoCoreError as error:
        raise DestinationUnavailable(
            f"{uri} cannot be reached ({type(error).__name__}): check AWS_ENDPOINT_URL and the network"
        ) from None
