"""Worker processes: what crashes, hangs or eats memory takes down one call, never the run."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from extractors.errors import BadConfiguration, Encrypted, OctavoError, RenderCrashed, RenderMemory, RenderTimeout
from extractors.pages.workers import Workers

T = TypeVar("T")


def with_workers(job: Callable[[Workers], Awaitable[T]], count: int = 2, memory: int = 1 << 30) -> T:
    """Runs a job with workers of its own."""

    async def run() -> T:
        async with Workers(count, memory) as workers:
            return await job(workers)

    return asyncio.run(run())


def double(number: int) -> int:
    """An ordinary call."""
    return 2 * number


def die(number: int) -> None:
    """A crash, as a broken library makes it."""
    os.kill(os.getpid(), number)


def hang() -> None:
    """A call without end."""
    while True:
        time.sleep(1)


def grow() -> int:
    """A decompression bomb."""
    return len(bytearray(8 << 30))


def locked() -> None:
    """An error of the tree."""
    raise Encrypted("a password is needed")


def defect() -> None:
    """An error of ours."""
    raise KeyError("oops")


def slow(number: int) -> int:
    """A call that its neighbour must not disturb."""
    time.sleep(0.5)
    return number


def environment() -> dict[str, str]:
    """What a hostile file would find in the process."""
    return dict(os.environ)


def test_calls_run_and_return() -> None:
    """Results come back to who asked, more calls than workers included."""

    async def job(workers: Workers) -> list[int]:
        return await asyncio.gather(*(workers.run(double, n, seconds=30) for n in range(20)))

    assert with_workers(job) == [2 * n for n in range(20)]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_crash_is_one_calls_own(number: int) -> None:
    """The neighbour in flight finishes, and the dead worker is replaced."""

    async def job(workers: Workers) -> list[object]:
        first = await asyncio.gather(
            workers.run(die, number, seconds=30), workers.run(slow, 7, seconds=30), return_exceptions=True
        )
        return [*first, *await asyncio.gather(*(workers.run(double, n, seconds=30) for n in range(4)))]

    crashed, neighbour, *after = with_workers(job)
    assert isinstance(crashed, RenderCrashed)
    assert signal.Signals(number).name in str(crashed)
    assert neighbour == 7
    assert after == [0, 2, 4, 6]


def test_a_hang_is_ended() -> None:
    """The process is killed at its time, and the next call is served."""

    async def job(workers: Workers) -> int:
        with pytest.raises(RenderTimeout, match=r"not done after 0\.5 s"):
            await workers.run(hang, seconds=0.5)
        return await workers.run(double, 4, seconds=30)

    assert with_workers(job, count=1) == 8


def test_memory_has_a_limit() -> None:
    """A bomb meets the limit, not the machine."""

    async def job(workers: Workers) -> int:
        with pytest.raises(RenderMemory):
            await workers.run(grow, seconds=30)
        return await workers.run(double, 4, seconds=30)

    assert with_workers(job, count=1) == 8


def test_errors_of_the_tree_come_back_as_themselves_and_defects_with_their_place() -> None:
    """A defect of ours is told with its traceback, not taken for a bad document."""

    async def job(workers: Workers) -> None:
        with pytest.raises(Encrypted, match="password"):
            await workers.run(locked, seconds=30)
        with pytest.raises(RuntimeError, match="oops") as told:
            await workers.run(defect, seconds=30)
        assert "in defect" in str(told.value)
        assert not isinstance(told.value, OctavoError)

    with_workers(job)


def test_a_cancelled_call_leaves_the_workers_usable() -> None:
    """Whoever gives up waiting does not take a worker with him."""

    async def job(workers: Workers) -> int:
        waiting = asyncio.create_task(workers.run(slow, 1, seconds=30))
        await asyncio.sleep(0.1)
        waiting.cancel()
        return await workers.run(double, 4, seconds=30)

    assert with_workers(job, count=1) == 8


def test_a_run_that_is_ended_while_a_worker_starts_leaves_no_process() -> None:
    """Ctrl-C may come at any time; what was started is waited for (a process that is not would warn)."""

    async def job() -> None:
        async with Workers(2, 1 << 30) as workers:
            await asyncio.gather(*(workers.run(double, n, seconds=30) for n in range(2)))

    async def ended(seconds: float) -> None:
        running = asyncio.create_task(job())
        await asyncio.sleep(seconds)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.gather(running, return_exceptions=True)

    for seconds in (0.0, 0.01, 0.1):
        asyncio.run(ended(seconds))
    gc.collect()


def test_a_worker_killed_while_idle_is_replaced() -> None:
    """The out-of-memory killer of the machine may strike at any time."""

    async def job(workers: Workers) -> int:
        await workers.run(double, 1, seconds=30)
        os.kill(await workers.run(os.getpid, seconds=30), signal.SIGKILL)
        await asyncio.sleep(0.1)
        return await workers.run(double, 4, seconds=30)

    assert with_workers(job, count=1) == 8


def test_no_secret_is_beside_a_hostile_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has the named parts of the environment, and nothing that is new to us."""
    for name in ("OCTAVO_API_KEY", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "DATABASE_URL"):
        monkeypatch.setenv(name, "secret-of-ours")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    found = with_workers(lambda workers: workers.run(environment, seconds=30), count=1)
    assert "secret-of-ours" not in found.values()
    assert found["TZ"] == "Europe/Berlin"


def test_a_script_without_a_main_guard_is_not_run_again(tmp_path: Path) -> None:
    """A worker starts as a module of its own: the caller's script may do what it likes at its top."""
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio, os\n"
        "from extractors.pages.workers import Workers\n"
        "print('begun')\n"
        "async def main():\n"
        "    async with Workers(1, 1 << 30) as workers:\n"
        "        print(await workers.run(os.path.basename, 'a/b', seconds=30))\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, script], env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("begun\nb\n", "")


def test_a_process_that_does_not_start_is_no_documents_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the machine's or the installation's: the run ends and says so."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BadConfiguration, match=r"the renderer's process does not start \(exit code 1\)"):
        with_workers(lambda workers: workers.run(double, 1, seconds=30), count=1)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(BadConfiguration, match="cannot be started"):
        with_workers(lambda workers: workers.run(double, 1, seconds=30), count=1)
