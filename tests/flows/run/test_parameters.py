"""One declaration of a job: each of its fields is an option, a parameter in Prefect, and arrives."""

import asyncio
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App

from flows.cli import parser
from flows.cli.options import takes_job
from flows.observe.summary import Summary
from flows.run import parameters
from flows.run.parameters import ONCE, Job
from flows.store import jobs
from flows.store.store import Store

GIVEN: dict[str, Any] = {
    "sources": ("inbox", "s3://bucket/in"), "schema_name": "receipt", "endpoints": ("vllm", "local"),
    "base_url": "http://localhost:1/v1", "model": "m", "store": "sqlite:///elsewhere.db", "max_cost": 0.5,
    "concurrency": 3, "pages_per_request": 2, "records": "many", "limit": 7, "rerun": "failed", "split": True,
    "fail_over": "1%", "fresh": True, "deleted": "retire", "ground": "ocr",
}  # fmt: skip
"""A value for each field that is not its default."""

TYPED = {
    "sources": ["inbox", "s3://bucket/in"], "schema_name": ["--schema", "receipt"],
    "endpoints": ["--endpoint", "vllm,local"], "split": ["--split"], "fresh": ["--fresh"],
}  # fmt: skip
"""How they are typed, where it is not `--name value`."""


def typed(without: frozenset[str] = frozenset()) -> list[str]:
    """The options of the command line that say so."""
    return [
        word
        for name, value in GIVEN.items()
        if name not in without
        for word in TYPED.get(name, [f"--{name.replace('_', '-')}", str(value)])
    ]


def parsed(said: Sequence[str], without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What a command that takes a job is given."""
    arrived: dict[str, Any] = {}
    app = App(name="some", result_action="return_value")

    @app.default
    @takes_job(without=without)
    def some(wishes: dict[str, Any], *, own: bool = False) -> int:
        arrived.update(wishes)
        return 0

    app(list(said), exit_on_error=False)
    return arrived


def flows() -> dict[str, Any]:
    """Prefect's flows that take a job."""
    from flows.prefect.bulk import bulk_extract, extract_shard
    from flows.prefect.deployments import on_upload
    from flows.prefect.extract import extract

    return {each.name: each for each in (extract, bulk_extract, extract_shard, on_upload)}


def test_each_field_has_a_value_here() -> None:
    """A field that is added later is tried here too."""
    assert set(GIVEN) == set(Job.model_fields)
    plain = Job(sources=(), schema_name="x").model_dump(mode="json")
    assert [name for name in GIVEN if plain[name] == GIVEN[name]] == []


@pytest.mark.parametrize("without", [frozenset[str](), ONCE])
def test_each_option_arrives(without: frozenset[str]) -> None:
    """From the command line into the job, as it was typed; what a command leaves out is no option of it."""
    wishes = parsed(typed(without), without)
    assert set(wishes) == set(GIVEN) - without
    assert Job(**{"sources": (), **wishes}) == Job(
        **{"sources": (), **{name: value for name, value in GIVEN.items() if name not in without}}
    )


@pytest.mark.parametrize("command", ["extract", "listen", "consume"])
def test_the_help_names_each_field(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the field's own words."""
    without = frozenset[str]() if command == "extract" else ONCE
    assert parser.main([command, "--help"]) == 0
    told = " ".join(word for word in capsys.readouterr().out.split() if word != "│")
    for name in set(Job.model_fields) - without:
        option = "SOURCE" if name == "sources" else TYPED.get(name, [f"--{name.replace('_', '-')}"])[0]
        assert option in told
        assert str(Job.model_fields[name].description) in told


@pytest.mark.parametrize(
    ("flow", "without"),
    [
        ("extract", set()), ("bulk-extract", {"store"}),
        ("extract-shard", {"sources", "store", "limit", "deleted", "fail_over"}),
        ("on-upload", {"sources", "store", "limit", "rerun", "fresh", "max_cost", "deleted", "fail_over"}),
    ],
)  # fmt: skip
def test_each_field_is_a_parameter_in_prefect(flow: str, without: set[str]) -> None:
    """Flat, with its help, its bounds and its default; only those without a default are asked for."""
    schema = flows()[flow].parameters
    for name, field in Job.model_fields.items():
        if name in without:
            assert name not in schema.properties
            continue
        assert schema.properties[name]["description"] == field.description
        assert (name in schema.required) == field.is_required()
    assert '"minimum": 1' in str(schema.properties["concurrency"]).replace("'", '"')


def test_each_parameter_arrives_at_the_shards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the flow's parameters into the job, and from there into what each shard is told and takes."""
    from flows.prefect import bulk

    seen: dict[str, Any] = {}

    class Pool:
        def __init__(self, _store: Any, wishes: dict[str, Any], sources: Any, *_: Any) -> None:
            seen.update(wishes=wishes, sources=sources)

        def watching(self, _notice: Any) -> Any:
            from contextlib import nullcontext

            return nullcontext()

        def __getattr__(self, _name: str) -> Any:
            return lambda *_: asyncio.sleep(0)

    async def run_job(job: Job, *_: Any, **more: Any) -> Summary:
        seen.setdefault("jobs", []).append((job, more.get("objects"), more.get("job_id")))
        return Summary("run", meter=None)

    class Artifacts:
        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *_: object) -> None: ...

        notice = print

    monkeypatch.setenv("OCTAVO_STORE", f"sqlite:///{tmp_path / 'octavo.db'}")
    monkeypatch.setattr(bulk, "Pool", Pool)
    monkeypatch.setattr(bulk, "run_job", run_job)
    monkeypatch.setattr(bulk, "Artifacts", lambda _watch, _links: Artifacts())
    monkeypatch.setattr(bulk, "concluded", lambda *_: asyncio.sleep(0))
    monkeypatch.setattr(bulk, "_shard_state", lambda *_: asyncio.sleep(0))
    monkeypatch.setattr(bulk, "link_to_parent", lambda *_: asyncio.sleep(0))
    parameters = {**GIVEN, "shards_at_once": 3}
    del parameters["store"]
    asyncio.run(bulk.bulk_extract.fn(**bulk.bulk_extract.validate_parameters(parameters)))
    told = seen["wishes"]
    assert told == {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in {**GIVEN, "concurrency": 1}.items()
        if name not in {"sources", "store", "limit", "deleted", "fail_over"}
    }
    assert seen["sources"] == GIVEN["sources"]
    listed = {"uri": "s3://bucket/in/a.pdf", "size": 1, "etag": "e"}
    shard = bulk.extract_shard.validate_parameters({**told, "job_id": "whole", "objects": [listed]})
    with Store.open(f"sqlite:///{tmp_path / 'octavo.db'}") as store:
        store.transact(jobs.want, ["whole"])
    asyncio.run(bulk.extract_shard.fn(**shard))
    (whole, _, _), (part, objects, job_id) = seen["jobs"]
    assert whole == Job(**{**GIVEN, "store": None})
    own = {"sources": (), "store": None, "limit": None, "fail_over": None, "concurrency": 1, "deleted": "keep"}
    assert part == Job(**{**GIVEN, **own})
    assert [ref.uri for ref in objects] == ["s3://bucket/in/a.pdf"]
    assert job_id == "whole"  # the budget is one


@pytest.mark.parametrize(
    ("name", "value"), [("concurrency", 0), ("limit", -1), ("max_cost", -0.5), ("max_cost", "inf"), ("rerun", "x")]
)
def test_what_is_out_of_bounds_is_refused_by_name(name: str, value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """On the command line with exit code 2, and by the flow before anything runs."""
    from prefect.exceptions import ParameterTypeError

    said = ["extract", "inbox", "--schema", "receipt", f"--{name.replace('_', '-')}={value}"]
    with pytest.raises(SystemExit) as stopped:
        parser.main(said)
    assert stopped.value.code == 2
    assert f"--{name.replace('_', '-')}" in capsys.readouterr().err
    with pytest.raises(ParameterTypeError, match=name):
        flows()["extract"].validate_parameters({"sources": ["inbox"], "schema_name": "receipt", name: value})


def test_a_new_option_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that a subclass adds is an option, a flow's parameter and its help, with nothing else written."""
    from pydantic import Field

    from flows.prefect.parameters import takes_job as flow_takes_job

    class Wider(Job):
        colour: str = Field("grey", max_length=5, description="of the pages")

    monkeypatch.setattr(parameters, "Job", Wider)
    monkeypatch.setattr("flows.cli.options.Job", Wider)
    monkeypatch.setattr("flows.prefect.parameters.Job", Wider)
    assert parsed(["a", "--schema", "receipt", "--colour", "red"])["colour"] == "red"

    @flow_takes_job()
    async def some(**wishes: Any) -> None:
        """Some.

        Args:
            **wishes: the job.
        """

    assert inspect.signature(some).parameters["colour"].default == "grey"
    assert "colour: of the pages" in str(some.__doc__)
