"""Runs whole jobs against a server whose answers are mutated, and counts how their documents end.

`python tests/support/answer_fuzzing.py [COUNT] [SEED] [STORE_URL]` does 10,000 and prints the longest time for which
the event loop was held up; `test_answer_fuzzing` does 600 on both databases in every test run.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from answer_mutations import response  # noqa: E402 - after the path
from pages import fill  # noqa: E402 - likewise
from sqlalchemy import create_engine, text  # noqa: E402 - likewise

from flows.background import prepare_interpreter  # noqa: E402 - likewise
from flows.observe.summary import Summary  # noqa: E402 - likewise
from flows.observe.watch import Silent  # noqa: E402 - likewise
from flows.run.job import run_job  # noqa: E402 - likewise
from flows.run.parameters import Job  # noqa: E402 - likewise
from flows.settings import read_settings  # noqa: E402 - likewise

_TICK = 0.01
_WARM = 20
"""Documents of a first run, in which everything is imported: that is no answer's fault."""


async def _serve(seed: int) -> None:
    calls = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
                calls += 1
                headers, pieces, cut = response(random.Random(seed * 1_000_003 + calls))
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                writer.write(f"HTTP/1.1 200 OK\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode())
                for piece in pieces:
                    writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                    await writer.drain()
                if cut:
                    break
                writer.write(b"0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


@contextmanager
def _server(seed: int) -> Iterator[str]:
    command = [sys.executable, __file__, "--serve", str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"


async def _watched(job: Job, lags: list[float]) -> Summary:
    """The run; each time for which the loop was held up by this process's own work goes into `lags`, in seconds."""

    async def watch() -> None:
        while True:
            before, worked = time.monotonic(), time.process_time()
            await asyncio.sleep(_TICK)
            lags.append(min(time.monotonic() - before - _TICK, time.process_time() - worked))

    watching = asyncio.create_task(watch())
    try:
        return await run_job(job, read_settings(), Silent())
    finally:
        watching.cancel()


def ends(count: int, seed: int, store: str) -> tuple[Counter[str], float]:
    """How so many documents end (`complete`, else status and kind), and the longest lag of the loop, in seconds."""
    lags = [0.0]
    with tempfile.TemporaryDirectory(prefix="octavo-fuzz-") as folder, _server(seed) as url:
        fill(Path(folder), count)
        job = Job(sources=(folder,), schema_name="receipt", base_url=url, model="m", store=store, concurrency=32)
        asyncio.run(_watched(job.model_copy(update={"limit": _WARM}), []))
        asyncio.run(_watched(job, lags))
    engine = create_engine(store)
    with engine.connect() as connection:
        found = connection.execute(
            text("select status, kind, cause from extractions where superseded_by is null")
        ).all()
    engine.dispose()
    for status, kind, cause in found:
        if kind == "defect" or status == "pending":
            print(status, kind, cause, file=sys.stderr)
    return Counter(" ".join(filter(None, (status, kind))) for status, kind, _ in found), max(lags)


def main() -> int:
    """Prints the ends and the lag; 1 when a document ended as a defect, or not at all."""
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(_serve(int(sys.argv[2])))
    count, seed = (int(sys.argv[at]) if len(sys.argv) > at else usual for at, usual in ((1, 10_000), (2, 1)))
    with tempfile.TemporaryDirectory(prefix="octavo-fuzz-") as folder:
        store = sys.argv[3] if len(sys.argv) > 3 else f"sqlite:///{folder}/fuzz.db"
        # As the command does before its run.
        prepare_interpreter()
        os.environ |= {"OCTAVO_API_KEY": "EMPTY", "OCTAVO_TIMEOUT": "10", "OCTAVO_STREAM": "never"}
        counts, lag = ends(count, seed, store)
    for end, many in counts.most_common():
        print(f"{many:7,}  {end}")
    print(f"the loop was held up for {1000 * lag:.0f} ms at most")
    bad = sum(many for end, many in counts.items() if "defect" in end or "pending" in end)
    return int(bad > 0 or counts.total() != count)


if __name__ == "__main__":
    sys.exit(main())
