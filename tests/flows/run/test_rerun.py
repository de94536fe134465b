"""What `--rerun` selects: exactly what a change concerns, with the reason in words."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pages
import pytest
from fakes import model_server, says
from runs import TOTAL, rows, run
from stores import Note, draft, extract, fresh_url, listed, outcome

from extractors.asking import planning
from extractors.vision.endpoints import Endpoint, endpoint_for
from extractors.vision.identity import whom
from flows.run.reasons import Reason, reasons
from flows.schema_lookup import find_schema
from flows.store.keys import Key
from flows.store.store import Store
from schemas.record import schema_of

PARTS = {"schema": {}, "prompt": "1", "render": "1", "window": ["one", 8], "model": "m", "sampling": "s"}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    return fresh_url(request.param, tmp_path)


def _why(store: Store, *names: str, rerun: str = "changed", etag: str = "1", **parts: Any) -> list[Reason | None]:
    """Why some objects are to be done under the schema `note` and recipe `r1`, or one of other parts."""
    refs = [listed(name, etag) for name in names]
    recipe = "r2" if parts else "r1"
    found = reasons(store, refs, key=Key(schema_name="note", recipe=recipe), parts=PARTS | parts, rerun=rerun)
    return [found[ref.uri] for ref in refs]


def test_every_state_has_its_reason(url: str) -> None:
    """New, changed, pending, failed; done is none; what failed and what is done only when asked for."""
    with Store.open(url) as store:
        store.start_run(
            run_id="run", source="s3://bucket", key=Key(schema_name="note", recipe="r1"), endpoint="vllm", parts=PARTS
        )
        extract(store, "done", "A")
        extract(store, "bad", "B", outcome("quarantined"))
        extract(store, "paused", "C", outcome("pending", kind="endpoint_down"))
        extract(store, "changed", "D")
        store.note_objects([listed("listed"), listed("changed", "2")])
        names = ("done", "bad", "paused", "listed", "never")
        assert _why(store, *names) == [None, None, Reason("pending", "endpoint_down"), Reason("new"), Reason("new")]
        assert _why(store, *names[:2], rerun="all") == [
            Reason("again"),
            Reason("failed", "quarantined: invalid_answer"),
        ]
        assert _why(store, "done", "changed", etag="2") == [Reason("changed"), Reason("changed")]


def test_another_recipe_is_told_by_what_differs(url: str) -> None:
    """The model with what it was; the others by name."""
    with Store.open(url) as store:
        store.start_run(
            run_id="run", source="s3://bucket", key=Key(schema_name="note", recipe="r1"), endpoint="vllm", parts=PARTS
        )
        extract(store, "a", "A", outcome("complete", draft(text="x")))
        extract(store, "b", "B", outcome("quarantined"))
        assert _why(store, "a", "b", model="n") == [Reason("recipe", "the model (m before, n now)")] * 2
        assert _why(store, "a", schema={"title": "t"}, window=["one", 1]) == [
            Reason("recipe", "the schema, pages per request")
        ]
        extract(store, "c", "C", recipe="r0")
        assert _why(store, "c") == [Reason("recipe", "done with other settings")]


def test_every_part_of_a_recipe_counts() -> None:
    """Schema, window plan, model and sampling each make another recipe; Octavo's own versions do not."""
    endpoint = endpoint_for("custom", {}, base_url="http://a/v1", model="m")
    plan = planning.plan(schema_of(Note))

    def digest(plan: planning.Plan, endpoint: Endpoint = endpoint, **sampling: Any) -> str:
        return planning.recipe([plan], whom=whom(endpoint, sampling), versions={}).digest

    recipes = [
        digest(plan),
        digest(plan, replace(endpoint, model="n")),
        digest(plan, replace(endpoint, routing="nitro")),
        digest(plan, replace(endpoint, extra_body={"a": 1})),
        digest(plan, replace(endpoint, schema_by="tool")),
        digest(plan, temperature=1),
        digest(planning.plan(schema_of(Note), "many")),
        digest(planning.plan(schema_of(Note), pages_per_request=1)),
        digest(planning.plan(find_schema("receipt"))),
    ]
    assert len(set(recipes)) == len(recipes)
    same = replace(endpoint, base_url="http://b/v1", name="other", price_input=1.0, images=3)
    assert digest(planning.plan(schema_of(Note)), same) == recipes[0]


def test_a_change_selects_its_documents_only(tmp_path: Path) -> None:
    """Model and schema make work for all documents of that schema; new bytes for theirs alone."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for number in range(3):
        (inbox / f"{number}.pdf").write_bytes(pages.digital_pdf([f"receipt {number}"]))
    mine = tmp_path / "ticket.json"
    mine.write_text(json.dumps({"type": "object", "properties": {"merchant": {"type": ["string", "null"]}}}))

    def taken(**wishes: Any) -> int:
        return run(inbox, server.base_url, **wishes).documents["complete"]

    with model_server(lambda asked: says(TOTAL if '"total"' in asked.text else {"merchant": "A"})) as server:
        assert [taken(), taken(), taken(schema_name=str(mine))] == [3, 0, 3]
        assert [taken(model="other"), taken(model="other")] == [3, 0]
        (inbox / "1.pdf").write_bytes(pages.digital_pdf(["changed"]))
        assert [taken(model="other"), taken(model="other"), taken(schema_name=str(mine))] == [1, 0, 1]
        mine.write_text(json.dumps({"type": "object", "properties": {"merchant": {"type": "string"}}}))
        assert [taken(schema_name=str(mine)), taken(schema_name=str(mine)), taken(model="other")] == [3, 0, 0]
        calls = len(server.asked)
        assert taken(model="other") == 0
        assert len(server.asked) == calls  # going back to an earlier recipe is paid for already
    assert rows("select count(*) from receipt") == [(3,)]


def test_what_a_listing_shows_unchanged_is_not_read(tmp_path: Path) -> None:
    """Only etags are compared: bytes that changed behind the same etag are not noticed, since nothing is fetched."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    document = inbox / "a.pdf"
    document.write_bytes(pages.digital_pdf(["receipt"]))
    before = document.stat()
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url)
        with document.open("r+b") as file:
            file.write(b"x" * before.st_size)
        os.utime(document, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert run(inbox, server.base_url).documents["skipped"] == 1
        os.utime(document, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
        assert run(inbox, server.base_url).documents["quarantined"] == 1
