"""The server of `octavo extract --prefect`: a process of its own that ends with octavo, however octavo ends.

Prefect's own temporary server has the caller's whole environment, keys included, and outlives a killed caller. This
one has what it needs: nothing of `OCTAVO_*`, `AWS_*` or the endpoints' keys, and its database is its user's alone.
"""

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import BinaryIO
from urllib.error import URLError
from urllib.request import urlopen

from extractors.errors import CannotRun

_PATIENCE = 90.0
"""Seconds to start: about ten on a quiet machine."""

_END = 10.0
"""Seconds to end by itself."""

_PASSED_ON = {
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DO_NOT_TRACK",
    "USER",
    "LOGNAME",
}
_NOT_PASSED_ON = ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING")
_OF_A_TEMPORARY_ONE = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}


@cache
def temporary_server() -> str:
    """Starts the process's one server, which ends with it; the address of its API.

    Raises:
        CannotRun: it does not start.
    """
    with socket.socket() as listening:
        # Bound here: no other process can have taken the port when the server is there.
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        held, lifeline = os.pipe()
        command = [sys.executable, "-P", "-m", "flows.prefect.temporary", str(listening.fileno())]
        with tempfile.TemporaryFile() as said:
            # In a session of its own: Ctrl-C is octavo's, which tells the server how the run ended.
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, env=_environment(), stdin=held, stdout=subprocess.DEVNULL, stderr=said,
                pass_fds=[listening.fileno()], start_new_session=True,
            )  # fmt: skip
            os.close(held)
            atexit.register(_end, process, lifeline)
            _wait_for(process, address, said)
    return address


def _wait_for(process: "subprocess.Popen[bytes]", address: str, said: BinaryIO) -> None:
    until = time.monotonic() + _PATIENCE
    while not _is_there(address):
        if process.poll() is not None or time.monotonic() > until:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise CannotRun(f"Prefect's temporary server does not start: {last or f'not in {_PATIENCE:g} s'}")
        time.sleep(0.1)


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or (name.startswith(("LC_", "PREFECT_")) and name not in _NOT_PASSED_ON)
    }
    path = os.pathsep.join(each or str(Path.cwd()) for each in sys.path)
    return kept | _OF_A_TEMPORARY_ONE | {"PYTHONPATH": path}


def _is_there(address: str) -> bool:
    try:
        with urlopen(f"{address}/health", timeout=5) as answer:  # noqa: S310 - our own loopback server
            return bool(answer.status == 200)  # noqa: PLR2004
    except (URLError, OSError):
        return False


def _end(process: "subprocess.Popen[bytes]", lifeline: int) -> None:
    process.terminate()
    try:
        process.wait(_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    os.close(lifeline)


def _serve(listening: socket.socket) -> None:
    """The server's own life."""
    # What it writes is its user's alone: the database holds parameters, logs and artifacts of all runs.
    os.umask(0o077)
    threading.Thread(target=_end_with_caller, daemon=True).start()
    import uvicorn
    from prefect.settings import get_current_settings

    for path in get_current_settings().home.glob("prefect.db*"):
        path.chmod(0o600)
    config = uvicorn.Config(
        "prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on", access_log=False
    )
    uvicorn.Server(config).run(sockets=[listening])


def _end_with_caller() -> None:
    """The pipe's other end is the caller's, and nobody else's: it closes with the caller, however that ends."""
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
