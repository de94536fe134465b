"""The local side of sources: folders and files listed and read, and objects' bytes written to disk.

What a name alone tells about being no document is decided here too, for files and keys alike.
"""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_to_bytes

from extractors.documents import ObjectRef, Spooled
from extractors.errors import ObjectGone, SourceUnavailable, TooLarge

CHUNK = 1 << 20
"""Bytes read and written at a time."""

_SYSTEM = {
    "_success",
    "thumbs.db",
    "desktop.ini",
    "__macosx",
    "$recycle.bin",
    "system volume information",
    "lost+found",
}

_OTHER_KINDS = {
    "a text file": "txt log md rst tex ini cfg conf toml yaml yml properties",
    "a data file": "csv tsv json jsonl ndjson xml xsd xsl parquet avro orc feather arrow sql db sqlite npy npz h5",
    "a web page": "html htm xhtml mhtml css",
    "an office document": "doc docx docm dot dotx odt rtf xls xlsx xlsm xlsb ods ppt pptx odp",
    "a mail": "eml msg mbox pst",
    "an archive": "zip gz tgz tar bz2 xz zst 7z rar jar iso",
    "a program": "py pyc ipynb js mjs ts java class c h cpp rs go rb php sh bat ps1 exe dll so dylib whl",
    "a recording": "mp3 wav ogg flac m4a mp4 m4v mov avi mkv webm wmv",
    "a signature, key or checksum": "p7s asc pem crt cer key p12 md5 sha1 sha256",
    "an unfinished download": "part crdownload tmp",
}
_BY_SUFFIX = {f".{suffix}": kind for kind, suffixes in _OTHER_KINDS.items() for suffix in suffixes.split()}

_WHAT_THERE_IS = "give a folder, a file, s3://bucket/prefix or @list.txt"


@dataclass(frozen=True)
class Skipped:
    """Something that a listing shows and that is not read.

    Attributes:
        uri: as an `ObjectRef`'s.
        reason: in words, for a person.
        unreachable: it could not be looked at, so that nobody knows whether it is a document.
        hides: nor what may be below it.
    """

    uri: str
    reason: str
    unreachable: bool = False
    hides: bool = False


Found = ObjectRef | Skipped
"""One entry of a listing."""


def no_document(name: str) -> str | None:
    """Why something of this name is no document, in words; None when only its content can tell.

    Args:
        name: a file's name or a key, relative to what the user named, with `/` between folders.
    """
    if name.endswith("/"):
        return "a folder marker"
    hidden = next((reason for part in name.split("/") if (reason := _out_of_sight(part))), None)
    if hidden:
        return hidden
    kind = _BY_SUFFIX.get(PurePosixPath(name).suffix.lower())
    return f"{kind}, neither a PDF nor an image" if kind else None


def _out_of_sight(part: str) -> str | None:
    if part.startswith("."):
        return "hidden: its name starts with a dot"
    return "a system file" if part.lower() in _SYSTEM else None


def path_of(uri: str) -> Path:
    """The path that a `file:///` uri names; every file name comes back, UTF-8 or not."""
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix("file://"))))


def shown(path: Path | str) -> str:
    r"""A path that can be printed anywhere: bytes that are no UTF-8 appear as `\xff`."""
    return os.fsencode(path).decode(errors="backslashreplace")


def local_path(source: str) -> Path:
    """The path that a source names, as a path or as `file:///`.

    Raises:
        SourceUnavailable: it names something else, like `https://`.
    """
    if source.startswith("file:///"):
        return path_of(source)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source):
        raise SourceUnavailable(f"{shown(source)} is no source that Octavo reads: {_WHAT_THERE_IS}")
    return Path(source)


def sources_in(path: Path) -> list[tuple[str, str]]:
    """The lines of a list of sources, each with where it stands; blank lines and `#` lines do not count.

    Raises:
        SourceUnavailable: the list cannot be read, names another list, or a local source that is not there.
    """
    examine(path)
    lines = path.read_text(encoding="utf-8-sig", errors="surrogateescape").split("\n")
    found = []
    for number, line in enumerate(lines, start=1):
        source, where = line.strip(), f"line {number} of {shown(path)}"
        if not source or source.startswith("#"):
            continue
        if source.startswith("@"):
            raise SourceUnavailable(f"{where} names another list, and lists do not nest: write its lines out")
        if not source.startswith("s3://"):
            try:
                examine(local_path(source))
            except SourceUnavailable as error:
                raise SourceUnavailable(f"{where}: {error}") from None
        found.append((where, source))
    return found


Whole = Callable[[str], None]
"""Hears that all of a place was listed: that with which the uri of everything in it begins."""


def list_path(path: Path, whole: Whole = lambda _: None) -> Iterator[Found]:
    """What is in a folder and below it, each folder's entries sorted by name; or one file, as named.

    Links are followed; a folder that is listed under another name is not listed again, so loops end. A folder without
    any entry was not listed as a whole: the disk that it stands for may not be mounted.

    Raises:
        SourceUnavailable: there is nothing of this name, or it cannot be read.
    """
    status = examine(path)
    if stat.S_ISDIR(status.st_mode):
        root, reached, empty = path.resolve(), True, True
        for found in _below(root):
            empty = False
            reached = reached and not (isinstance(found, Skipped) and found.hides)
            yield found
        if reached and not (empty and not _names(root)):
            whole(f"{root.as_uri().rstrip('/')}/")
    else:
        yield _ref(path.parent.resolve() / path.name, status, explicit=True)


def examine(path: Path) -> os.stat_result:
    """The status of a folder or file that can be read.

    Raises:
        SourceUnavailable: there is nothing of this name, it cannot be read, or it is neither.
    """
    try:
        status = path.stat()
        readable = _is_readable(path)
    except FileNotFoundError:
        raise SourceUnavailable(f"{shown(path)} does not exist: {_WHAT_THERE_IS}") from None
    except OSError as error:
        raise SourceUnavailable(f"{shown(path)} cannot be read: {error.strerror}") from None
    except ValueError as error:  # a null byte, or a lone surrogate, in the name
        raise SourceUnavailable(f"{str(path)!a} is no path: {error}") from None
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise SourceUnavailable(f"{shown(path)} is neither a folder nor a file: {_WHAT_THERE_IS}")
    if not readable:
        raise SourceUnavailable(f"{shown(path)} cannot be read: give this user the permission to")
    return status


def _is_readable(path: Path) -> bool:
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def _below(root: Path) -> Iterator[Found]:
    """Depth first, with a stack of its own, for a tree may be deeper than Python's."""
    seen = {_identity(root.stat())}
    waiting = [(root, iter(_names(root)))]
    while waiting:
        folder, names = waiting[-1]
        name = next(names, None)
        if name is None:
            waiting.pop()
            continue
        entry = _entry(folder / name, seen)
        if not isinstance(entry, Path):
            yield entry
            continue
        try:
            waiting.append((entry, iter(_names(entry))))
        except OSError as error:
            yield Skipped(entry.as_uri(), f"cannot be listed: {error.strerror}", unreachable=True, hides=True)


def _entry(path: Path, seen: set[tuple[int, int]]) -> Found | Path:
    """A file, something to skip, or the path of a folder to go into."""
    reason = no_document(path.name)
    try:
        status = path.stat()
    except OSError as error:
        if reason:
            return Skipped(path.as_uri(), reason, hides=True)
        return Skipped(path.as_uri(), f"cannot be read: {error.strerror}", unreachable=True, hides=True)
    if stat.S_ISDIR(status.st_mode):
        return _folder(path, _identity(status), seen)
    if not reason and not stat.S_ISREG(status.st_mode):
        reason = "not a regular file"
    if not reason and not _is_readable(path):
        return Skipped(path.as_uri(), "cannot be read: give this user the permission to", unreachable=True)
    return Skipped(path.as_uri(), reason) if reason else _ref(path, status, explicit=False)


def _folder(path: Path, identity: tuple[int, int], seen: set[tuple[int, int]]) -> Skipped | Path:
    reason = _out_of_sight(path.name)
    if not reason and identity in seen:
        reason = "a folder that is listed under another name already"
    if reason:
        return Skipped(path.as_uri(), reason)
    seen.add(identity)
    return path


def _names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208 - a million names are much smaller than a million paths


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _ref(path: Path, status: os.stat_result, *, explicit: bool) -> ObjectRef:
    etag = f"{status.st_size}-{status.st_mtime_ns}"
    return ObjectRef(path.as_uri(), status.st_size, etag, explicit=explicit)


def file_chunks(uri: str) -> Generator[bytes]:
    """A file's bytes, 1 MiB at a time.

    Raises:
        ObjectGone: there is no such file any more.
        SourceUnavailable: it cannot be read.
    """
    path = path_of(uri)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except (FileNotFoundError, NotADirectoryError):
        raise ObjectGone(f"{shown(path)} was listed, but is gone") from None
    except OSError as error:
        raise SourceUnavailable(f"{shown(path)} cannot be read: {error.strerror}") from None


def write_chunks(chunks: Generator[bytes], folder: Path, max_bytes: int) -> Spooled:
    """Writes bytes to a new file in `folder`, hashing on the way; leaves no file behind when it fails.

    Raises:
        TooLarge: more than `max_bytes` bytes came.
        SourceUnavailable: `folder` cannot be written.
    """
    digest, size = hashlib.sha256(), 0
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix="object-")
    except OSError as error:
        raise _cannot_write(folder, error) from None
    try:
        with closing(chunks), os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                check_size(size, max_bytes)
                digest.update(chunk)
                file.write(chunk)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):  # reading raises errors of the tree, so it was the writing
            raise _cannot_write(folder, error) from None
        raise
    return Spooled(Path(name), digest.hexdigest(), size)


def check_size(size: int, max_bytes: int) -> None:
    """Refuses what is too large.

    Raises:
        TooLarge: `size` is over `max_bytes`.
    """
    if size > max_bytes:
        raise TooLarge(f"more than {max_bytes:,} bytes: raise OCTAVO_MAX_BYTES to read it")


def _cannot_write(folder: Path, error: OSError) -> SourceUnavailable:
    return SourceUnavailable(f"{shown(folder)} cannot be written ({error.strerror}): make room, or set TMPDIR")
