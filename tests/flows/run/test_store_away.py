"""PostgreSQL that goes away in the middle of a run: waited for, then a pause; what is stored is not paid again."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pages
import pytest
from fakes import Answer, Asked, model_server, says
from gates import Gate, How, gate
from runs import TOTAL, run
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from stores import fresh_url

COUNT = 12


@contextmanager
def store_behind_a_gate(folder: Path) -> Iterator[tuple[Gate, str, str]]:
    """A gate, the store's URL through it, and the one without."""
    behind = fresh_url("postgresql", folder)
    url = make_url(behind)
    with gate(str(url.query["host"]) + "/.s.PGSQL.5432") as made:
        # 2 s is the least that libpq knows.
        through = url.set(host="127.0.0.1", port=made.port, query={"sslmode": "disable", "connect_timeout": "2"})
        yield made, through.render_as_string(hide_password=False), behind


def complete(url: str) -> int:
    """Documents that are complete in a store."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text("select count(*) from extractions where status = 'complete'"))
    engine.dispose()
    return int(found or 0)


@pytest.fixture(autouse=True)
def inbox(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Documents, no two alike."""
    monkeypatch.setenv("OCTAVO_RENDER_WORKERS", "1")
    monkeypatch.setenv("OCTAVO_CONCURRENCY", "3")
    folder = Path("inbox")
    folder.mkdir()
    pages.fill(folder, COUNT)
    return folder


def test_an_outage_is_waited_for(tmp_path: Path, inbox: Path) -> None:
    """Paid replies are kept until the store is back: all is read, each asked for once."""
    with store_behind_a_gate(tmp_path) as (door, store, behind), model_server(lambda _: says(TOTAL)) as model:
        shut = threading.Event()

        def outage() -> None:
            shut.wait(60)
            with door.shut():
                threading.Event().wait(3)

        def answer(_: Asked) -> Answer:
            if len(model.asked) == COUNT // 3:
                shut.set()
            return Answer(text=says(TOTAL).text, delay=0.1)

        model.script = answer
        away = threading.Thread(target=outage)
        away.start()
        summary = run(inbox, model.base_url, store=store)
        away.join()
        assert (summary.exit_code, summary.documents["complete"], len(model.asked)) == (0, COUNT, COUNT)
        assert complete(behind) == COUNT


@pytest.mark.parametrize("how", ["refuse", "hang"])
def test_away_for_good_is_a_pause(how: How, tmp_path: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 4 with its counts and its cause; the same command then asks only what was in flight once more.

    So does a store that takes connections and answers nothing.
    """
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "1")
    with store_behind_a_gate(tmp_path) as (door, store, behind), model_server(lambda _: says(TOTAL)) as model:
        over, shut = threading.Event(), threading.Event()

        def outage() -> None:
            shut.wait(60)
            with door.shut(how):
                over.wait(120)

        def answer(_: Asked) -> Answer:
            if len(model.asked) == COUNT // 2:
                shut.set()
            return Answer(text=says(TOTAL).text, delay=0.1)

        model.script = answer
        away = threading.Thread(target=outage)
        away.start()
        summary = run(inbox, model.base_url, store=store)
        over.set()
        away.join()
        assert (summary.exit_code, "run the same command again" in str(summary.paused)) == (4, True)
        assert summary.documents["pending"] > 0
        done = complete(behind)
        summary = run(inbox, model.base_url, store=store)
        assert (summary.exit_code, complete(behind)) == (0, COUNT)
        asked = Counter(each.fingerprint for each in model.asked)
        # Concurrency, and what was answered while the store was away and could not be kept.
        assert sum(asked.values()) - COUNT <= COUNT - done
        assert summary.documents["skipped"] == done
