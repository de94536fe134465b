"""Sources on disk, as listed and read: folders, files and lists; names of every kind."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources import as_nobody, asks, folder_for_all, reasons, refs, write

from extractors.documents import ObjectRef
from extractors.errors import SourceUnavailable, TooLarge
from flows.storage.local import Skipped, list_path, no_document, path_of
from flows.storage.s3 import (
    ObjectGone,
    list_objects,
    s3_uri,
    split_s3_uri,
    spool,
)

ROOT = Path(__file__).resolve().parents[3]
MOST = 100_000_000


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with folder_for_all() as made:
        yield made


def test_a_folder_is_listed_with_all_below_it_in_order(tmp_path: Path) -> None:
    """Recursive, sorted; every uri leads back to its file."""
    names = ["a/1.pdf", "a/b/2.jpg", "a/c.PDF", "b.tiff", "no extension", "odd.dat"]
    write(tmp_path, *reversed(names))
    found = list(list_objects(str(tmp_path)))
    assert [path_of(each.uri) for each in found] == [tmp_path / name for name in names]
    assert all(isinstance(each, ObjectRef) and not each.explicit and each.size > 8 for each in found)


def test_what_is_no_document_is_skipped_with_the_reason(tmp_path: Path) -> None:
    """Known other kinds, hidden and system files; nothing is left out in silence."""
    write(tmp_path, "a.pdf", "list.CSV", "notes.txt", "page.html", ".DS_Store", "Thumbs.db", "_SUCCESS", ".git/x.pdf")
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "broken.pdf").symlink_to(tmp_path / "nowhere")
    found = list(list_objects(str(tmp_path)))
    assert refs(iter(found)) == [(tmp_path / "a.pdf").as_uri()]
    assert reasons(iter(found)) == {
        ".DS_Store": "hidden: its name starts with a dot",
        ".git": "hidden: its name starts with a dot",
        "Thumbs.db": "a system file",
        "_SUCCESS": "a system file",
        "broken.pdf": "cannot be read: No such file or directory",
        "list.CSV": "a data file, neither a PDF nor an image",
        "notes.txt": "a text file, neither a PDF nor an image",
        "page.html": "a web page, neither a PDF nor an image",
        "pipe.pdf": "not a regular file",
    }


def test_what_may_not_be_read_is_unreachable_and_not_unwanted(folder: Path) -> None:
    """A file, a folder and a link to nowhere; not what a name alone tells to be no document."""
    write(folder, "a.pdf", "shut.pdf", "shut.csv", "folder/b.pdf", ".hidden/c.pdf", "lost+found/x")
    for name in ("shut.pdf", "shut.csv", "folder", ".hidden", "lost+found"):
        (folder / name).chmod(0)
    (folder / "away.pdf").symlink_to("nowhere")
    (folder / "away.log").symlink_to("nowhere")
    with as_nobody():
        found = list(list_objects(str(folder)))
    for name in ("folder", ".hidden", "lost+found"):
        (folder / name).chmod(0o755)
    assert {path_of(each.uri).name: each.unreachable for each in found if isinstance(each, Skipped)} == {
        "shut.pdf": True, "folder": True, "away.pdf": True,
        "shut.csv": False, ".hidden": False, "lost+found": False, "away.log": False,
    }  # fmt: skip


def test_a_file_that_may_not_be_read_is_there_all_the_same(folder: Path) -> None:
    """So its folder was listed as a whole, and what is not in it is gone; below a shut folder nobody knows."""
    write(folder, "a.pdf", "shut.pdf", "folder/b.pdf")
    whole: list[str] = []
    (folder / "shut.pdf").chmod(0)
    with as_nobody():
        list(list_path(folder, whole.append))
    assert whole == [f"{folder.as_uri()}/"]
    (folder / "folder").chmod(0)
    with as_nobody():
        list(list_path(folder, whole.append))
    (folder / "folder").chmod(0o755)
    assert len(whole) == 1


def test_a_named_file_is_always_read(tmp_path: Path) -> None:
    """By path or by uri, whatever it is called; only what a listing finds is judged by its name."""
    write(tmp_path, "notes.txt", ".hidden")
    for source in (str(tmp_path / "notes.txt"), (tmp_path / ".hidden").as_uri()):
        (only,) = list_objects(source)
        assert isinstance(only, ObjectRef)
        assert only.explicit
        assert only.uri in {(tmp_path / "notes.txt").as_uri(), (tmp_path / ".hidden").as_uri()}


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    """A folder that links back to its parent is told once and not entered again."""
    inbox, archive = tmp_path / "inbox", tmp_path / "archive"
    write(tmp_path, "inbox/a.pdf", "archive/old.pdf")
    (inbox / "loop").symlink_to(inbox)
    (inbox / "more").symlink_to(archive)
    (inbox / "self").symlink_to(inbox / "self")
    found = list(list_objects(str(inbox)))
    assert refs(iter(found)) == [(inbox / "a.pdf").as_uri(), (inbox / "more/old.pdf").as_uri()]
    assert set(reasons(iter(found))) == {"loop", "self"}


@given(
    st.binary(min_size=1, max_size=40).filter(lambda name: not set(name) & set(b"/\0") and name not in {b".", b".."})
)
def test_every_file_name_survives_its_uri(name: bytes) -> None:
    """UTF-8 or not, with spaces, percent signs, hashes and question marks: the uri is ASCII and leads back."""
    path = Path("/inbox") / os.fsdecode(name)
    assert path.as_uri().isascii()
    assert path_of(path.as_uri()) == path


def test_names_that_are_no_utf8_are_listed_and_read(tmp_path: Path) -> None:
    """They come from old archives and shares; neither listing nor reading may crash."""
    path = tmp_path / os.fsdecode(b"Rechnung M\xfcller.pdf")
    path.write_bytes(b"content")
    (ref,) = list_objects(str(tmp_path))
    assert isinstance(ref, ObjectRef)
    assert ref.uri.endswith("Rechnung%20M%FCller.pdf")
    spooled = spool(ref, tmp_path, MOST)
    assert spooled.path.read_bytes() == b"content"
    assert r"M\xfc" in asks(os.fsdecode(b"/nowhere/M\xfc"))


@given(st.text())
def test_any_key_can_be_judged_by_its_name(key: str) -> None:
    """Hostile keys give a reason or None, never an error."""
    assert no_document(key) is None or no_document(key)


@given(st.from_regex(r"[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]", fullmatch=True), st.text(min_size=1))
def test_every_key_survives_its_uri(bucket: str, key: str) -> None:
    """A key stands in the uri as it is."""
    assert split_s3_uri(s3_uri(bucket, key)) == (bucket, key)


def test_a_list_names_sources_line_by_line(tmp_path: Path) -> None:
    """Files, folders, blank lines, comments, a byte order mark, Windows line ends; paths as on the command line."""
    write(tmp_path, "a.pdf", "inbox/b.pdf", "inbox/c.txt", "# odd.pdf")
    Path("list.txt").write_bytes(b"\xef\xbb\xbfa.pdf\r\n\r\n# a comment\r\n  inbox\r\n./# odd.pdf\r\n")
    found = list(list_objects("@list.txt"))
    assert refs(iter(found)) == [(tmp_path / name).as_uri() for name in ("a.pdf", "inbox/b.pdf", "# odd.pdf")]
    assert set(reasons(iter(found))) == {"c.txt"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("@other.txt", "line 2 of list.txt names another list"),
        ("missing.pdf", "line 2 of list.txt: missing.pdf does not exist"),
        ("https://example.com/a.pdf", "line 2 of list.txt: https://example.com/a.pdf is no source"),
    ],
)
def test_a_bad_line_stops_the_list_before_anything_is_read(tmp_path: Path, line: str, told: str) -> None:
    """The line's number is told, and the good line before it was not listed yet."""
    write(tmp_path, "a.pdf")
    Path("list.txt").write_text(f"a.pdf\n{line}\n")
    with pytest.raises(SourceUnavailable, match=told):
        next(list_objects("@list.txt"))


def test_what_is_no_source_says_so(tmp_path: Path) -> None:
    """Missing, neither folder nor file, unknown schemes, impossible names: one line each."""
    assert "nowhere does not exist: give a folder" in asks("nowhere")
    assert "missing.txt does not exist" in asks("@missing.txt")
    assert "neither a folder nor a file" in asks("/dev/null")
    assert "gs://bucket/x is no source" in asks("gs://bucket/x")
    assert "is no path" in asks("nul\0byte")
    assert "names no bucket" in asks("s3://")
    write(tmp_path, "a.pdf")
    assert "a.pdf/b cannot be read: Not a directory" in asks("a.pdf/b")


def test_spooling_copies_and_hashes(tmp_path: Path) -> None:
    """The bytes, their hash and size; the source may change afterwards."""
    content = os.urandom(3 * (1 << 20) + 17)
    (tmp_path / "a.pdf").write_bytes(content)
    (tmp_path / "spool").mkdir()
    (ref,) = list_objects(str(tmp_path / "a.pdf"))
    assert isinstance(ref, ObjectRef)
    spooled = spool(ref, tmp_path / "spool", MOST)
    (tmp_path / "a.pdf").write_bytes(b"changed")
    assert spooled.path.parent == tmp_path / "spool"
    assert spooled.path.read_bytes() == content
    assert (spooled.sha256, spooled.size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_what_cannot_be_spooled_leaves_no_file(tmp_path: Path) -> None:
    """Too large by its listing, grown since, gone, no place to write: each its own error."""
    folder = tmp_path / "spool"
    folder.mkdir()
    (tmp_path / "a.pdf").write_bytes(b"x" * 100)
    (ref,) = list_objects(str(tmp_path / "a.pdf"))
    assert isinstance(ref, ObjectRef)
    with pytest.raises(TooLarge, match="OCTAVO_MAX_BYTES"):
        spool(ref, folder, 99)
    (tmp_path / "a.pdf").write_bytes(b"x" * 1000)
    with pytest.raises(TooLarge):
        spool(ref, folder, 100)
    (tmp_path / "a.pdf").unlink()
    with pytest.raises(ObjectGone, match="gone"):
        spool(ref, folder, MOST)
    assert list(folder.iterdir()) == []
    (tmp_path / "a.pdf").write_bytes(b"x" * 100)
    with pytest.raises(SourceUnavailable, match="missing cannot be written"):
        spool(ref, tmp_path / "missing", MOST)


def test_a_run_over_a_folder_does_not_load_boto3(tmp_path: Path) -> None:
    """Start-up is a feature: boto3 takes a third of a second to import."""
    write(tmp_path, "inbox/a.pdf")
    code = (
        "import sys; from pathlib import Path; from flows.storage.s3 import list_objects, spool;"
        "spool(next(list_objects('inbox')), Path('.'), 1000); print({'boto3', 'botocore'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
