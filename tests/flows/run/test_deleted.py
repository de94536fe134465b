"""What becomes of the records of objects that their source does not show any more (`--deleted`)."""

from collections.abc import Iterator
from pathlib import Path

import pages
import pytest
from fakes import ModelServer, model_server, says
from runs import TOTAL, rows, run
from s3_servers import moto_server

from flows.export.export import export
from flows.storage import s3
from flows.store.store import Store


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with two documents."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.pdf").write_bytes(pages.digital_pdf([f"Shop {name}"]))
    return folder


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A model that reads the same everywhere."""
    with model_server(lambda _: says(TOTAL)) as served:
        yield served


def shown() -> list[str]:
    """The names of the documents in the view."""
    return sorted(uri.rsplit("/", 1)[-1] for (uri,) in rows("select document_uri from receipt"))


def gone() -> list[str]:
    """The names of the documents that are known to be gone."""
    return sorted(uri.rsplit("/", 1)[-1] for (uri,) in rows("select uri from documents where gone_at is not null"))


def test_a_deleted_objects_record_stays_or_leaves_and_comes_back(inbox: Path, server: ModelServer) -> None:
    """Kept unless asked for; retired, it leaves the view and the next export; its bytes bring it back, unpaid."""
    run(inbox, server.base_url)
    with Store.open("sqlite:///octavo.db") as store:
        export(store, schema_name="receipt", place="lake", form="jsonl")
    bytes_of_a = (inbox / "a.pdf").read_bytes()
    (inbox / "a.pdf").unlink()
    run(inbox, server.base_url)
    assert (shown(), gone()) == (["a.pdf", "b.pdf"], ["a.pdf"])
    run(inbox, server.base_url, deleted="retire")
    assert (shown(), gone()) == (["b.pdf"], ["a.pdf"])
    with Store.open("sqlite:///octavo.db") as store:
        done = export(store, schema_name="receipt", place="lake", form="jsonl")
    assert (done.added, done.removed) == (0, 1)
    (inbox / "again.pdf").write_bytes(bytes_of_a)
    run(inbox, server.base_url, deleted="retire")
    assert shown() == ["again.pdf", "b.pdf"]
    assert len(server.asked) == 2


def test_an_object_that_is_there_again_as_it_was_is_not_gone(inbox: Path, server: ModelServer) -> None:
    """Same name, same bytes, same time: its record is in the view again without a look at its bytes."""
    run(inbox, server.base_url)
    (inbox / "a.pdf").rename(inbox.parent / "aside.pdf")
    run(inbox, server.base_url, deleted="retire")
    assert shown() == ["b.pdf"]
    (inbox.parent / "aside.pdf").rename(inbox / "a.pdf")
    run(inbox, server.base_url, deleted="retire")
    assert (shown(), gone()) == (["a.pdf", "b.pdf"], [])
    assert len(server.asked) == 2


def test_a_view_names_the_path_that_is_still_there(inbox: Path, server: ModelServer) -> None:
    """A moved file, and one of two copies deleted: the live name shows, whatever is asked for deleted ones."""
    (inbox / "z.pdf").write_bytes((inbox / "a.pdf").read_bytes())
    run(inbox, server.base_url)
    assert shown() == ["a.pdf", "b.pdf"]
    (inbox / "a.pdf").unlink()
    (inbox / "b.pdf").rename(inbox / "c.pdf")
    run(inbox, server.base_url, deleted="retire")
    assert shown() == ["c.pdf", "z.pdf"]


def test_only_a_whole_listing_tells_that_something_is_gone(inbox: Path, server: ModelServer) -> None:
    """A limit, a single file, a folder that is passed over, an empty folder: nothing of them is gone."""
    (inbox / ".hidden").mkdir()
    (inbox / ".hidden" / "h.pdf").write_bytes(pages.digital_pdf(["Shop h"]))
    (inbox.parent / "inbox2").mkdir()
    (inbox.parent / "inbox2" / "s.pdf").write_bytes(pages.digital_pdf(["Shop s"]))
    for source in (inbox, inbox / ".hidden", inbox.parent / "inbox2"):
        run(source, server.base_url)
    (inbox / "a.pdf").unlink()
    (inbox.parent / "inbox2" / "s.pdf").unlink()
    run(inbox / "b.pdf", server.base_url, deleted="retire")
    run(inbox.parent / "inbox2", server.base_url, deleted="retire")  # an empty folder: perhaps not mounted
    (inbox / "n.pdf").write_bytes(pages.digital_pdf(["Shop n"]))
    (inbox / "o.pdf").write_bytes(pages.digital_pdf(["Shop o"]))
    run(inbox, server.base_url, deleted="retire", limit=1)
    assert gone() == []
    run(inbox, server.base_url, deleted="retire")
    assert gone() == ["a.pdf"]
    assert shown() == ["b.pdf", "h.pdf", "n.pdf", "o.pdf", "s.pdf"]


def test_a_prefix_that_answers_with_nothing_is_a_whole_listing(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket's last object deleted is known to be gone; a mistyped prefix takes nothing away."""
    with moto_server() as bucket:
        bucket.settle_in(monkeypatch)
        client = bucket.client()
        client.create_bucket(Bucket="box")
        client.put_object(Bucket="box", Key="in/a.pdf", Body=pages.digital_pdf(["Shop a"]))
        run("s3://box/in/", server.base_url)
        run("s3://box/ni/", server.base_url, deleted="retire")
        assert shown() == ["a.pdf"]
        client.delete_object(Bucket="box", Key="in/a.pdf")
        run("s3://box/in/", server.base_url, deleted="retire")
        assert (shown(), gone()) == ([], ["a.pdf"])
    s3._shared_client.cache_clear()
