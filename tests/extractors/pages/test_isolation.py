"""A document that crashes, hangs or eats memory is its own trouble: whole runs with real killers."""

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import killers
import pytest
from fakes import model_server, says
from pages import digital_pdf
from runs import TOTAL, rows, run, states

KILLERS = {
    "image-100000.pdf": (lambda: killers.image_bomb(100_000), "image_too_large"),
    "image-100000.png": (lambda: killers.png_claiming(100_000), "page_too_large"),
    "paper-16000.png": (lambda: killers.png_bomb(16_000), "render_memory"),
    "stream-2-gb.pdf": (lambda: killers.stream_bomb(2), "render_timeout"),
    "forms-10-to-9.pdf": (lambda: killers.laughs(9), "render_timeout"),
}


def test_killers_are_quarantined_and_their_neighbours_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by its own kind, with limit and value in the cause; an xref loop is seen through."""
    monkeypatch.setenv("OCTAVO_DOCUMENT_SECONDS", "6.0")
    monkeypatch.setenv("OCTAVO_DOCUMENT_MEMORY", str(300 << 20))
    folder = tmp_path / "in"
    folder.mkdir()
    for name, (made, _) in KILLERS.items():
        (folder / name).write_bytes(made())
    (folder / "xref-loop.pdf").write_bytes(killers.xref_loop())
    for number in range(8):
        (folder / f"good-{number}.pdf").write_bytes(digital_pdf([f"Receipt {number}", "and more"]))
    with model_server(lambda _: says(TOTAL)) as server:
        summary = run(folder, server.base_url)
    found = states()
    assert {name: found.pop(name) for name in KILLERS} == {
        name: ("quarantined", kind) for name, (_, kind) in KILLERS.items()
    }
    assert set(found.values()) == {("complete", None)}
    assert len(found) == 9
    assert summary.exit_code == 3
    causes = " ".join(cause for (cause,) in rows("select cause from extractions where kind is not null"))
    for told in ("300,000,000 (max_image_pixels)", "300,000,000 (max_page_pixels)", "300 MiB", "6 s"):
        assert told in causes


def test_a_worker_killed_by_the_system_takes_one_document_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL while a page is drawn: that document is quarantined, every other one is complete."""
    monkeypatch.setenv("OCTAVO_DOCUMENT_SECONDS", "240")  # the killer comes first, however busy the machine is
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "slow.pdf").write_bytes(killers.laughs(9))
    for number in range(8):
        (folder / f"good-{number}.pdf").write_bytes(digital_pdf([f"Receipt {number}"]))
    killer = threading.Thread(target=_kill_the_busiest)
    killer.start()
    with model_server(lambda _: says(TOTAL)) as server:
        run(folder, server.base_url)
    killer.join()
    found = states()
    assert found.pop("slow.pdf") == ("quarantined", "render_crashed")
    assert set(found.values()) == {("complete", None)}
    assert rows("select cause from extractions where kind = 'render_crashed'") == [
        ("page 1: the renderer's process died (SIGKILL) on this file",)
    ]


def _kill_the_busiest() -> None:
    """Waits for a worker that has been drawing for a second of CPU, and kills it as the OOM killer would."""
    ticks = os.sysconf("SC_CLK_TCK")
    for _ in range(5000):
        time.sleep(0.05)
        for pid in _descendants(os.getpid()):
            if not _is_worker(pid):
                continue  # a server that another test has started
            try:
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[11]) > ticks:
                os.kill(pid, signal.SIGKILL)
                return


def _is_worker(pid: int) -> bool:
    """Whether it draws."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return b"extractors.pages.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _descendants(pid: int) -> list[int]:
    """Children, and children of children."""
    found: list[int] = []
    tasks = Path(f"/proc/{pid}/task")
    for task in tasks.iterdir() if tasks.is_dir() else ():
        try:
            children = [int(child) for child in (task / "children").read_text(encoding="utf-8").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            found += [*_descendants(child), child] if Path(f"/proc/{child}/task").is_dir() else []
    return found
