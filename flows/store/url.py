"""A store's URL: which database it names, how people are shown it, and what they can do when it fails."""

from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from extractors.errors import StoreUnavailable
from flows.store.dialects import SUPPORTED


def parsed_url(url: str, *, read_only: bool) -> URL:
    """The URL of a database that can be a store; a SQLite file's path is made absolute.

    Args:
        url: as a person wrote it.
        read_only: the file must be there already.

    Raises:
        StoreUnavailable: it names none; the message says what to do, and holds no password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text is not repeated: it may hold a password.
        raise StoreUnavailable("the store's URL cannot be read; write it like sqlite:///octavo.db") from None
    if parsed.get_backend_name() not in SUPPORTED:
        raise StoreUnavailable(
            f"a store is kept in SQLite or PostgreSQL, not in {parsed.get_backend_name()!r}; "
            "write its URL like sqlite:///octavo.db"
        )
    if parsed.get_backend_name() == "sqlite":
        return _with_file(parsed, read_only=read_only)
    # Without a driver's name SQLAlchemy 2.0 means psycopg2.
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _with_file(url: URL, *, read_only: bool) -> URL:
    """The URL with an absolute path: it stays true when the working directory changes."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StoreUnavailable("a SQLite store is a file; write its URL like sqlite:///octavo.db")
    path = Path(url.database).absolute()
    try:
        missing, homeless = not path.exists(), not path.parent.is_dir()
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be reached: {error.strerror}; check its path and permissions"
        ) from None
    if read_only and missing:
        raise StoreUnavailable(f"nothing has been extracted yet into {path}; run octavo extract first")
    if homeless:
        raise StoreUnavailable(f"the store cannot be created: there is no folder {path.parent}; create it")
    return url.set(database=str(path))


def shown_url(url: URL) -> str:
    """The URL without its password and without its query, where some drivers take one too."""
    return url.set(query={}).render_as_string(hide_password=True)


def advice(error: DatabaseError, url: URL, *, done: str) -> str:
    """What happened and what to do, in one line without secrets; `done` is "read" or "written"."""
    cause = " ".join(str(error.orig).split())
    for secret in (url.password, *(value for value in url.query.values() if isinstance(value, str))):
        cause = cause.replace(secret, "***") if secret else cause
    if "not a database" in cause:
        return f"{shown_url(url)} is no SQLite database; give --store another file"
    if "locked" in cause:
        return f"{shown_url(url)} is held by another process for too long; end it, or try again later"
    if "readonly" in cause and done == "read":
        return f"{shown_url(url)} cannot be read where nothing can be written beside it; copy it to a folder of yours"
    what = (
        "its path and permissions" if url.get_backend_name() == "sqlite" else "that the server runs and lets you in"
    )
    return f"{shown_url(url)} cannot be {done} ({cause}); check {what}"


def exists(url: str) -> bool:
    """Whether there is a database at all: a SQLite file, or any server's.

    Raises:
        StoreUnavailable: the URL names none that can be a store.
    """
    parsed = parsed_url(url, read_only=False)
    return parsed.get_backend_name() != "sqlite" or (parsed.database is not None and Path(parsed.database).exists())
