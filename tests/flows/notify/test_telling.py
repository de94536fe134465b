"""Told when something needs a person: what is posted, how it is signed, and that nothing of it touches the run."""

import asyncio
import hashlib
import hmac
import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pages
import pytest
from fakes import Asked, ModelServer, model_server, says
from receivers import Post, Receiver, receiver
from runs import TOTAL, rows, states

from extractors.errors import BadConfiguration
from flows.cli.parser import main
from flows.notify import telling
from flows.notify.messages import MOST_NAMED, Notice
from flows.notify.telling import Teller
from flows.observe.watch import Silent
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.settings import read_settings
from flows.store import inbox, notices
from flows.store.inbox import Arrival
from flows.store.store import Store

SECRET = "a-secret-made-up-for-tests"  # noqa: S105 - it opens nothing
KEYS = {
    "version", "id", "event", "at", "run", "schema", "kind", "reason", "counts", "documents", "more", "next",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good document and a locked one."""
    made = tmp_path / "in"
    made.mkdir()
    (made / "good.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    (made / "locked.pdf").write_bytes(pages.encrypted_pdf("secret"))
    return made


def settle(monkeypatch: pytest.MonkeyPatch, url: str, **settings: str) -> None:
    """The environment of a run that tells."""
    for name, value in {"OCTAVO_NOTIFY_URL": url, "OCTAVO_NOTIFY_SECRET": SECRET, **settings}.items():
        monkeypatch.setenv(name, value)


def extract(folder: Path, model: ModelServer, *more: str) -> int:
    """`octavo extract` in this process: its exit code."""
    return main(
        ["extract", str(folder), "--schema", "receipt", "--base-url", model.base_url, "--model", "m", "--json", *more]
    )


def is_signed(post: Post) -> bool:
    """Whether the secret's holder sent this very body, told as `octavo listen` would have it."""
    content = post.headers["X-Octavo-Timestamp"].encode() + b"." + post.body
    return (
        post.headers["X-Octavo-Signature"]
        == "sha256=" + hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest()
    )


def test_a_failure_is_told_once_signed_and_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message for the run: names, kinds, the next command; nothing of what documents say; none is kept."""
    with model_server(lambda _: says(TOTAL)) as model, receiver() as hook:
        settle(monkeypatch, hook.url + "/hook")
        assert extract(folder, model) == 3
    (post,) = hook.got
    assert is_signed(post)
    told = post.told
    assert told.keys() == KEYS
    assert (told["version"], told["event"], told["schema"], told["more"]) == (1, "documents", "receipt", 0)
    assert told["counts"]["quarantined"] == 1
    ((named),) = told["documents"]
    assert named["uri"].endswith("locked.pdf")
    assert (named["status"], named["kind"]) == ("quarantined", "encrypted")
    assert "--password" in named["reason"]
    assert told["next"] == "octavo quarantine list"
    assert b"Corner Shop" not in post.body
    assert rows("select * from notices") == []


def test_a_good_run_is_told_only_where_all_is_wanted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`failures` is silent on it; `all` tells the end."""
    (folder / "locked.pdf").unlink()
    (folder / "good.pdf").write_bytes(pages.digital_pdf(["Corner Shop 12.00 EUR"]))
    with model_server(lambda _: says(TOTAL)) as model, receiver() as hook:
        settle(monkeypatch, hook.url)
        assert extract(folder, model) == 0
        assert hook.got == []
        monkeypatch.setenv("OCTAVO_NOTIFY", "all")
        assert extract(folder, model, "--fresh", "--rerun", "all") == 0
    assert hook.events() == ["ended"]


def test_records_with_issues_wait_for_a_look(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`all` counts the documents whose records stand with issues."""
    (folder / "locked.pdf").unlink()
    (folder / "good.pdf").write_bytes(pages.digital_pdf(["Corner Shop total 12.00 EUR"]))
    with model_server(lambda _: says({**TOTAL, "total": "a lot"})) as model, receiver() as hook:
        settle(monkeypatch, hook.url, OCTAVO_NOTIFY="all")
        extract(folder, model)
    assert {"documents", "review", "ended"} >= set(hook.events())
    (review,) = [each.told for each in hook.got if each.told["event"] == "review"]
    assert review["counts"] == {"documents": 1}


def test_a_burst_of_bad_documents_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some are named, the rest is counted."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(MOST_NAMED + 5):
        (folder / f"{number}.pdf").write_bytes(b"%PDF-1.7 no more than that " + bytes([number]))
    with model_server(lambda _: says(TOTAL)) as model, receiver() as hook:
        settle(monkeypatch, hook.url)
        assert extract(folder, model) == 3
    (post,) = hook.got
    assert (len(post.told["documents"]), post.told["more"]) == (MOST_NAMED, 5)


def test_a_limit_of_cost_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `budget`, with the command that shows what was paid."""
    (folder / "locked.pdf").unlink()
    prices = json.dumps({"custom": {"price_input": 1000, "price_output": 1000}})
    with model_server(lambda _: says(TOTAL)) as model, receiver() as hook:
        settle(monkeypatch, hook.url, OCTAVO_ENDPOINT=prices)
        assert extract(folder, model, "--max-cost", "0.000001") == 4
    assert [(each.told["event"], each.told["next"]) for each in hook.got] == [("budget", "octavo cost")]


def test_an_endpoint_that_is_away_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `paused`."""
    (folder / "locked.pdf").unlink()
    with receiver() as hook, receiver(always=503) as away:
        settle(monkeypatch, hook.url, OCTAVO_GIVE_UP_AFTER="0.2")
        code = main(["extract", str(folder), "--schema", "receipt", "--base-url", away.url + "/v1", "--model", "m"])
    assert code == 4
    assert [(each.told["event"], each.told["next"]) for each in hook.got] == [("paused", "octavo doctor --probe")]


def test_a_run_that_cannot_run_is_told_and_makes_no_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, one message, no file."""
    with receiver() as hook:
        settle(monkeypatch, hook.url)
        assert main(["extract", str(folder), "--schema", "nothing"]) == 1
    assert [(each.told["event"], each.told["kind"]) for each in hook.got] == [("cannot_run", "bad_configuration")]
    assert not Path("octavo.db").exists()


def test_it_is_tried_again_under_the_same_id(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that errs gets the same message again, signed anew; where a redirect points to gets nothing."""
    with model_server(lambda _: says(TOTAL)) as model, receiver(302, 500) as hook:
        settle(monkeypatch, hook.url)
        assert extract(folder, model) == 3
    assert [each.path for each in hook.got] == ["/", "/", "/"]
    assert len({each.told["id"] for each in hook.got}) == 1
    assert all(is_signed(each) for each in hook.got)


@pytest.mark.parametrize("how", ["hangs", "errs", "refuses"])
def test_whatever_the_receiver_does_the_run_is_the_same(
    how: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Exit code and ledger as without one; the message stays in the store, and the next run delivers it.

    Neither the terminal nor a log that takes all that libraries say at INFO has its whole address.
    """
    monkeypatch.setattr(telling, "AT_THE_END", 0.5)
    caplog.set_level("INFO")
    with ExitStack() as stack:
        model = stack.enter_context(model_server(lambda _: says(TOTAL)))
        stand_in = stack.enter_context(receiver(always=0 if how == "hangs" else 500))
        address = "http://127.0.0.1:9" if how == "refuses" else stand_in.url
        settle(monkeypatch, address.replace("//", "//name:pass-word@") + "/path-of-it")
        assert extract(folder, model) == 3
        assert states() == {"good.pdf": ("complete", None), "locked.pdf": ("quarantined", "encrypted")}
        told = capsys.readouterr()
        assert "1 notices are not delivered" in told.err
        assert rows("select count(*) from calls") == [(len(model.asked),)] == [(1,)]
        said = told.err + told.out + caplog.text
        assert "pass-word" not in said
        assert "path-of-it" not in said
        ((kept,),) = rows("select id from notices")
    with receiver() as hook:
        settle(monkeypatch, hook.url)
        asyncio.run(_later())
    assert [each.told["id"] for each in hook.got] == [kept]


def test_what_a_killed_run_had_found_is_told_by_the_next(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A draft that nobody renews any more is due."""

    def answer(asked: Asked) -> Any:
        while not (Path("octavo.db").exists() and _drafts()):
            time.sleep(0.02)
        return says(TOTAL)

    with model_server(answer) as model, receiver() as hook:
        settle(monkeypatch, hook.url)

        async def killed_run() -> None:
            job = Job(sources=(str(folder),), schema_name="receipt", base_url=model.base_url, model="m")
            teller = Teller(read_settings(), print, "receipt")
            monkeypatch.setattr(teller, "tell", lambda *_, **__: None)  # nothing after the kill
            async with teller.delivering():
                await run_job(job, read_settings(), teller.watching(Silent()))

        asyncio.run(killed_run())
        assert hook.got == []
        asyncio.run(_later())
    ((post),) = hook.got
    assert post.told["event"] == "documents"
    assert "has not come to its end" in post.told["reason"]
    assert [each["uri"].rsplit("/", 1)[-1] for each in post.told["documents"]] == ["locked.pdf"]


def test_a_draft_that_was_told_meanwhile_hides_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run taken for dead that comes to its end tells that under an id of its own; no draft of it is left."""
    with receiver() as hook:

        def answer(_: Asked) -> Any:
            while not hook.got:
                if Path("octavo.db").exists() and _drafts():
                    asyncio.run(_later())
                time.sleep(0.02)
            return says(TOTAL)

        with model_server(answer) as model:
            settle(monkeypatch, hook.url)
            assert extract(folder, model) == 3
    draft, final = (post.told for post in hook.got)
    assert draft["id"] != final["id"]
    assert "has not come to its end" in draft["reason"]
    assert (final["reason"], final["counts"]["complete"]) == ("documents are partial or in quarantine", 1)
    assert rows("select * from notices") == []


def test_a_run_that_prefect_tries_again_tells_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the same run's id and another notice's: who drops doubles hears of what failed the second time, too."""

    async def run(model: ModelServer) -> None:
        job = Job(sources=(str(folder),), schema_name="receipt", base_url=model.base_url, model="m")
        teller = Teller(read_settings(), print, "receipt")
        async with teller.delivering():
            await run_job(job, read_settings(), teller.watching(Silent()), run_id="the-same")

    with model_server(lambda _: says(TOTAL)) as model, receiver() as hook:
        settle(monkeypatch, hook.url)
        asyncio.run(run(model))
        (folder / "locked-2.pdf").write_bytes(pages.encrypted_pdf("another"))
        asyncio.run(run(model))
    told = [post.told for post in hook.got]
    assert [each["run"] for each in told] == ["the-same", "the-same"]
    assert len({each["id"] for each in told}) == 2
    assert [each["uri"].rsplit("/", 1)[-1] for each in told[1]["documents"]] == ["locked-2.pdf"]


def test_a_store_that_is_away_keeps_nobody_from_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is posted from memory."""
    with receiver(503) as hook:
        settle(monkeypatch, hook.url, OCTAVO_STORE="sqlite:////nowhere/octavo.db")

        async def tell() -> None:
            teller = Teller(read_settings(), print, "receipt", has_store=True)
            async with teller.delivering():
                teller.has_store = True
                teller.tell(Notice("one", "paused", json.dumps({"id": "one"})))

        asyncio.run(tell())
    assert [each.told["id"] for each in hook.got] == ["one", "one"]


def test_a_service_tells_of_an_outage_once_and_of_arrivals_in_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it looks; the next outage is another one."""
    monkeypatch.setattr(telling, "_LOOK_EVERY", 0.05)
    monkeypatch.setattr(telling, "_LOOK_FOR_OTHERS", 0.05)
    trouble: list[str | None] = [None]

    async def until(count: int, hook: Receiver) -> None:
        while len(hook.got) < count:  # noqa: ASYNC110 - what is awaited happens in a server's thread
            await asyncio.sleep(0.02)

    async def serve(hook: Receiver, store: Store) -> None:
        teller = Teller(read_settings(), print, "receipt", lambda: trouble[0])
        async with teller.delivering():
            for outage in (1, 2):
                trouble[0] = "paused: the endpoint does not answer"
                await until(outage, hook)
                await asyncio.sleep(0.2)
                trouble[0] = None
                await asyncio.sleep(0.2)
            poison = {f"sqs:{number}": ("no notification", "a body") for number in range(30)}
            store.transact(inbox.note_all, "receipt", "poison", poison)
            await until(3, hook)

    with receiver() as hook, Store.open("sqlite:///octavo.db") as store:
        settle(monkeypatch, hook.url, OCTAVO_GIVE_UP_AFTER="0.1")
        store.transact(inbox.make_table)
        store.transact(inbox.accept, "receipt", [Arrival("s3://b/waits")])
        asyncio.run(serve(hook, store))
    assert hook.events() == ["paused", "paused", "arrivals"]
    assert len({each.told["id"] for each in hook.got}) == 3
    assert hook.got[2].told["counts"] == {"poison": 30}
    assert hook.got[2].told["next"] == "octavo arrivals"
    assert b"a body" not in hook.got[2].body


def test_a_week_in_vain_is_given_up_aloud() -> None:
    """The body is handed back, for the log."""
    with Store.open("sqlite:///octavo.db") as store:
        store.transact(notices.make_tables)
        store.transact(notices.keep, {"old": "body of old"}, {"young": "draft"})
        with store.writing() as connection:
            connection.exec_driver_sql("update notices set created_at = '2020-01-01 00:00:00' where id = 'old'")
        assert store.transact(notices.give_up) == ["body of old"]
        assert store.transact(notices.take) is None


@pytest.mark.parametrize("url", ["ftp://host/", "hooks.example.com", "https:///x"])
def test_an_address_that_cannot_be_posted_to_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, by the setting's name and without its value."""
    monkeypatch.setenv("OCTAVO_NOTIFY_URL", url)
    with pytest.raises(BadConfiguration, match="OCTAVO_NOTIFY_URL") as refused:
        read_settings()
    assert url not in str(refused.value)


def _drafts() -> list[tuple[Any, ...]]:
    return rows("select id from notices") if rows("select 1 from sqlite_master where name = 'notices'") else []


async def _later() -> None:
    """The next run or service of this store, after the time that a notice is held or postponed for."""
    with Store.open("sqlite:///octavo.db") as store, store.writing() as connection:
        connection.exec_driver_sql("update notices set not_before = created_at")
    teller = Teller(read_settings(), print, "receipt")
    async with teller.delivering():
        teller.has_store = True
