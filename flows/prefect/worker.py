"""`octavo worker`: Prefect's process worker, whose SIGTERM drains.

Prefect's own kills its flow runs when it is told to end (SIGKILL, while what they asked is being answered), and the
server believes them to run for minutes. This one takes no further run, passes the signal on, and waits: each run
finishes what is in flight and ends in a state of its own (`flows.prefect.stopping`).

Its runs are where it is, not in a temporary folder: a relative path, `octavo.toml` and a SQLite store mean what they
mean for `octavo extract` there. Their modules are the installed ones, whatever stands in that folder.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio.abc import TaskStatus
from prefect.utilities.processutils import command_to_string
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from flows.background import first_signal
from flows.prefect import engine

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

HEARTBEAT_SECONDS = 30
"""Between two signs of life of a flow run; `deploy/automations.yaml` buries one that gave none for thrice as long."""

_LOOK_EVERY = 0.5


class WhereItIs(ProcessJobConfiguration):
    """A flow run in the worker's folder, unless the deployment names another."""

    def prepare_for_flow_run(self, *arguments: Any, **named: Any) -> None:
        """As Prefect does; a command of its own keeps Prefect from putting that folder on the modules' path."""
        self.command = self.command or command_to_string([sys.executable, "-m", engine.__name__])
        self.working_dir = self.working_dir or Path.cwd()
        super().prepare_for_flow_run(*arguments, **named)


class Worker(ProcessWorker):
    """A process worker that can be told to drain."""

    job_configuration = WhereItIs

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.draining = asyncio.Event()
        self._pids: set[int] = set()

    async def get_and_submit_flow_runs(self) -> list["FlowRun"]:
        """Nothing new is taken once it drains."""
        return [] if self.draining.is_set() else await super().get_and_submit_flow_runs()

    async def run(
        self,
        flow_run: "FlowRun",
        configuration: ProcessJobConfiguration,
        task_status: TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        """One flow run, whose process is known meanwhile."""
        begun = _Begun(self._note, task_status)
        try:
            return await super().run(flow_run, configuration, begun)
        finally:
            self._pids -= begun.pids

    def _note(self, pid: int) -> None:
        self._pids.add(pid)
        if self.draining.is_set():
            _tell(pid)

    def drain(self) -> bool:
        """Tells every run to end; False when they had been told before."""
        if self.draining.is_set():
            return False
        self.draining.set()
        for pid in self._pids:
            _tell(pid)
        return True

    async def drained(self) -> None:
        """Returns when it drains and every run has ended, those too that were just being started."""
        await self.draining.wait()
        while self.is_setup and self.limiter.borrowed_tokens:  # noqa: ASYNC110 - Prefect tells it nowhere else
            await asyncio.sleep(_LOOK_EVERY)


class _Begun:
    """Passes a process's id on to whoever waits for it, and to the worker."""

    def __init__(self, note: Callable[[int], None], also: TaskStatus[int] | None) -> None:
        self.pids: set[int] = set()
        self._note = note
        self._also = also

    def started(self, value: Any = None) -> None:
        """The process of that id runs."""
        self.pids.add(value)
        self._note(value)
        if self._also is not None:
            self._also.started(value)


def _tell(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


async def work(pool: str, limit: int, name: str | None, notice: Callable[[str], None]) -> None:
    """Takes runs from a work pool until it is told to end.

    Args:
        pool: made as one of processes when there is none of that name.
        limit: runs at once at most.
        name: of the worker, in Prefect's pages; None: one is made up.
        notice: hears what a person should know.
    """
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", str(HEARTBEAT_SECONDS))
    os.environ["PYTHONSAFEPATH"] = "1"
    worker = Worker(work_pool_name=pool, limit=limit, name=name)

    def stop() -> bool:
        notice("draining: no further run is taken, those under way finish what is in flight; once more to kill them")
        return worker.drain()

    with first_signal(stop):
        working, drained = (asyncio.create_task(each) for each in (worker.start(), worker.drained()))
        await asyncio.wait([working, drained], return_when=asyncio.FIRST_COMPLETED)
        for each in (drained, working):
            each.cancel()
        with suppress(asyncio.CancelledError):
            await working
