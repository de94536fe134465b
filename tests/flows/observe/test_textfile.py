"""The file of counters: whatever is in its place, it stops no run and loses nothing of another's."""

import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, Counter

from flows.observe import textfile

DAMAGED = {
    "no label's end": b"octavo_x{",
    "no value": b'# TYPE octavo_calls counter\noctavo_calls_total{endpoint="custom"',
    "no number": b'octavo_calls_total{a="b"} abc',
    "no type": b"octavo_calls_total 5\n",
    "nothing said": b"# HELP\n# TYPE\n",
    "no text": b"\x00\x01",
    "no UTF-8": b"\xff\xfe",
}


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A counter of this process, and no file yet; the lock is not asked for long."""
    monkeypatch.setattr(textfile, "_kept", [])
    monkeypatch.setattr(textfile, "_BETWEEN", 0.001)
    counted = Counter("octavo_made_up", "of these tests")
    yield
    REGISTRY.unregister(counted)


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_moved_aside_and_begun_anew(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Told once, with words of what is wrong with it."""
    file = tmp_path / "octavo.prom"
    file.write_bytes(DAMAGED[damage])
    with caplog.at_level(logging.WARNING, "octavo"):
        textfile.keep(file)
        textfile.write()
    (told,) = caplog.messages
    assert f"{file} could not be read (" in told
    assert "()" not in told
    assert file.with_name("octavo.prom.damaged").read_bytes() == DAMAGED[damage]
    assert "# TYPE octavo_made_up_total counter" in file.read_text()


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("/dev/full", "it is no file"),
        (".", "it is no file"),
        ("none/x.prom", "No such file"),
        ("large", "larger than"),
    ],
)
def test_what_cannot_be_added_to_is_told_once(
    place: str, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A device has no end, a folder is none, and a large file is another's: each stays what it is."""
    monkeypatch.setattr(textfile, "_MOST", 1000)
    Path("large").write_bytes(b"#" * 1001)
    with caplog.at_level(logging.WARNING, "octavo"):
        textfile.keep(Path(place))
        textfile.write()
    (told,) = caplog.messages
    assert told.startswith(f"OCTAVO_METRICS_FILE {place} cannot be added to: ")
    assert why in told
    assert Path("large").read_bytes() == b"#" * 1001


def test_a_lock_that_another_holds_for_good_stops_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A process that was stopped holds it: told once; when it goes on, nothing that was counted is missing."""
    file = tmp_path / "octavo.prom"
    held = os.open(tmp_path / ".octavo.prom.lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with caplog.at_level(logging.WARNING, "octavo"):
            textfile.keep(file)
            textfile.write()
    finally:
        os.close(held)
    (told,) = caplog.messages
    assert "cannot be added to: another process has held its lock for" in told
    assert not file.exists()
    textfile.write()
    assert "octavo_made_up_total 0.0" in file.read_text()
