"""Local sources: folders and files; and what a name alone tells about being a document, wherever it lies."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_to_bytes

from extractors.documents import ObjectRef
from extractors.errors import SourceUnavailable


@dataclass(frozen=True)
class Skipped:
    """Something that a listing shows and that is not read.

    Attributes:
        uri: as an `ObjectRef`'s.
        reason: in words, for a person.
    """

    uri: str
    reason: str


Found = ObjectRef | Skipped
"""One entry of a listing."""

_SYSTEM = {"_success", "thumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "system volume information"}

_OTHER_KINDS = {
    "a text file": "txt log md rst tex ini cfg conf toml yaml yml properties",
    "a data file": "csv tsv json jsonl ndjson xml xsd xsl parquet avro orc feather arrow sql db sqlite sqlite3 pkl npy"
    " npz h5 mat dat bin",
    "a web page": "html htm xhtml mhtml css",
    "an office document": "doc docx docm dot dotx odt rtf pages xls xlsx xlsm xlsb ods numbers ppt pptx odp key vsd vsdx",
    "a mail": "eml msg mbox pst",
    "an archive": "zip gz tgz tar bz2 xz zst 7z rar jar iso",
    "a program": "py pyc ipynb js mjs ts java class c h cpp rs go rb php sh bat ps1 exe dll so dylib whl",
    "a recording": "mp3 wav ogg flac m4a mp4 m4v mov avi mkv webm wmv",
    "a signature or key": "p7s p7m sig asc pem crt cer key p12 md5 sha1 sha256",
    "a font": "ttf otf woff woff2",
    "an unfinished download": "part crdownload tmp",
}
_BY_SUFFIX = {f".{suffix}": kind for kind, suffixes in _OTHER_KINDS.items() for suffix in suffixes.split()}


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
        return "hidden (its name starts with a dot)"
    return "a system file" if part.lower() in _SYSTEM else None


def path_of(uri: str) -> Path:
    """The path that a `file:///` uri names; every file name comes back, UTF-8 or not."""
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix("file://"))))


def shown(path: Path | str) -> str:
    """A path that can be printed anywhere: bytes that are no UTF-8 appear as `\\xff`."""
    return os.fsencode(path).decode(errors="backslashreplace")


def list_path(path: Path) -> Iterator[Found]:
    """What is in a folder and below it, each folder's entries sorted by name; or one file, as named.

    Links are followed; a folder that was listed under another name is not listed again, so loops end.

    Raises:
        SourceUnavailable: there is nothing of this name, or it cannot be read.
    """
    status = examine(path)
    if stat.S_ISDIR(status.st_mode):
        yield from _below(path.resolve())
    else:
        yield _ref(path.parent.resolve() / path.name, status, explicit=True)


def examine(path: Path) -> os.stat_result:
    """The status of a folder or file that can be read.

    Raises:
        SourceUnavailable: there is nothing of this name, it cannot be read, or it is neither.
    """
    try:
        status = path.stat()
        readable = os.access(path, os.R_OK)
    except FileNotFoundError:
        raise SourceUnavailable(
            f"{shown(path)} does not exist: give a folder, a file, s3://bucket/prefix or @list.txt"
        ) from None
    except (OSError, ValueError) as error:
        raise SourceUnavailable(f"{shown(path)} cannot be read: {_why(error)}") from None
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise SourceUnavailable(f"{shown(path)} is neither a folder nor a file")
    if not readable:
        raise SourceUnavailable(f"{shown(path)} cannot be read: give this user the permission to read it")
    return status


def _below(root: Path) -> Iterator[Found]:
    """Depth first, with a stack of its own: a tree may be deeper than Python's."""
    seen = {_identity(root.stat())}
    waiting = [(root, iter(_names(root)))]
    while waiting:
        folder, names = waiting[-1]
        name = next(names, None)
        if name is None:
            waiting.pop()
            continue
        path = folder / name
        entry = _entry(path, seen)
        if not isinstance(entry, Path):
            yield entry
            continue
        try:
            waiting.append((entry, iter(_names(entry))))
        except OSError as error:
            yield Skipped(entry.as_uri(), f"cannot be listed: {_why(error)}")


def _entry(path: Path, seen: set[tuple[int, int]]) -> Found | Path:
    """A file, something to skip, or the path of a folder to go into."""
    try:
        status = path.stat()
    except OSError as error:
        return Skipped(path.as_uri(), f"cannot be read: {_why(error)}")
    if stat.S_ISDIR(status.st_mode):
        return _folder(path, _identity(status), seen)
    reason = no_document(path.name)
    if not reason and not stat.S_ISREG(status.st_mode):
        reason = "not a regular file"
    if not reason and not os.access(path, os.R_OK):
        reason = "cannot be read: permission denied"
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
    return sorted(os.listdir(folder))  # noqa: PTH208 - names are a fraction of a million Paths


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _ref(path: Path, status: os.stat_result, *, explicit: bool) -> ObjectRef:
    etag = f"{status.st_size}-{status.st_mtime_ns}"
    return ObjectRef(path.as_uri(), status.st_size, etag, explicit=explicit)


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
