"""The Prefect flow: states that tell the truth, artifacts, and a refusal of what cannot be."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pages
import pytest
from fakes import model_server, says
from runs import TOTAL, run

from flows.cli.parser import main
from flows.run.rerun import Rerun

pytestmark = pytest.mark.filterwarnings("ignore")  # Prefect's own server and client warn at will


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with one good document."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "good.pdf").write_bytes(pages.digital_pdf(["Corner Shop"]))
    return folder


def run_flow(**parameters: Any) -> Any:
    """One flow run's final state."""
    from flows.prefect.extract import extract

    return asyncio.run(extract(**parameters, return_state=True))


async def artifacts(key: str) -> list[Any]:
    """The artifacts under a key, newest last."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return sorted(found, key=lambda each: each.created)


@pytest.mark.usefixtures("prefect_server")
def test_completed_only_when_every_document_is(inbox: Path) -> None:
    """Completed, then Completed with nothing to do, then Failed with how many are not; with a table artifact."""
    before = [len(asyncio.run(artifacts(key))) for key in ("octavo-troubles", "octavo-summary")]
    with model_server(lambda _: says(TOTAL)) as server:
        wishes = {"sources": [str(inbox)], "schema_name": "receipt", "base_url": server.base_url, "model": "m"}
        first, again = run_flow(**wishes), run_flow(**wishes)
        (inbox / "locked.pdf").write_bytes(pages.encrypted_pdf("secret"))
        third = run_flow(**wishes)
    assert (first.is_completed(), first.message) == (True, "1 documents complete, 0 skipped")
    assert (again.is_completed(), again.message) == (True, "0 documents complete, 1 skipped")
    assert third.is_failed()
    assert third.message == "1 of 1 documents are not complete: 1 quarantined"
    troubles, summaries = (asyncio.run(artifacts(key)) for key in ("octavo-troubles", "octavo-summary"))
    assert "encrypted" in str(troubles[-1].data)
    assert [len(troubles), len(summaries)] == [before[0] + 1, before[1] + 3]


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("how", ["flow", "--prefect"])
def test_a_failed_runs_logs_name_documents_kinds_and_what_to_do(
    how: str, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In Prefect's own logs of that run, as many documents as `MOST_NAMED`; the tables link to the run's page."""
    from flows.prefect.run_logs import MOST_NAMED

    for number in range(MOST_NAMED + 3):
        (inbox / f"broken-{number}.pdf").write_bytes(b"%PDF-1.7 no more than that " + bytes([number]))
    with model_server(lambda _: says(TOTAL)) as server:
        wishes = {"sources": [str(inbox)], "schema_name": "receipt", "base_url": server.base_url, "model": "m"}
        if how == "--prefect":
            arguments = ["--schema", "receipt", "--base-url", server.base_url, "--model", "m", "--prefect"]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("flows.cli.extract.prefect_is_configured", lambda: True)
                assert main(["extract", str(inbox), *arguments]) == 3
            assert "quarantined: file" not in capsys.readouterr().err
        else:
            assert run_flow(**wishes).is_failed()
    logs = asyncio.run(logs_of_last_run())
    named = [line for line in logs if line.startswith("quarantined: file")]
    assert len(named) == MOST_NAMED
    assert ": damaged: " in named[0]
    assert named[-1].endswith("no further documents are named here")
    (following,) = [line for line in logs if "Next: " in line]
    assert "`octavo quarantine list`" in following
    assert f"{MOST_NAMED + 3} damaged" in following
    assert any(line.startswith("run ended: ") for line in logs)
    newest = asyncio.run(artifacts("octavo-troubles"))[-1]
    assert "](/runs/flow-run/" in newest.description
    assert all(row["next"] for row in json.loads(newest.data))


async def logs_of_last_run() -> list[str]:
    """What Prefect's server has of the run that began last, once all of it is there."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.logging.handlers import APILogHandler

    await APILogHandler.aflush()
    async with get_client() as client:
        (run,) = await client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
        found = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])))
    return [each.message for each in sorted(found, key=lambda each: each.timestamp)]


@pytest.mark.usefixtures("prefect_server")
def test_a_run_that_had_nothing_to_read_is_red(inbox: Path, tmp_path: Path) -> None:
    """No sources, an empty folder, no documents, or only such as failed before: the message says which."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "read.me").write_text("nothing to see")
    (inbox / "good.pdf").write_bytes(pages.encrypted_pdf("secret"))
    with model_server(lambda _: says(TOTAL)) as server:
        wishes = {"schema_name": "receipt", "base_url": server.base_url, "model": "m"}
        told = {}
        for name, sources in {
            "none": [], "empty": [str(tmp_path / "empty")], "notes": [str(tmp_path / "notes")],
            "quarantined": [str(inbox)], "failed before": [str(inbox)],
        }.items():  # fmt: skip
            state = run_flow(sources=sources, **wishes)
            assert state.is_failed(), name
            told[name] = state.message
    assert told["none"] == "no sources were named: nothing was read"
    assert told["empty"] == f"there is nothing under {tmp_path / 'empty'}: nothing was read"
    assert "none of the 1 objects" in told["notes"]
    assert told["quarantined"] == "1 of 1 documents are not complete: 1 quarantined"
    assert "all 1 documents failed before" in told["failed before"]
    assert server.asked == []


@pytest.mark.usefixtures("prefect_server")
def test_what_cannot_run_fails_with_its_line(inbox: Path) -> None:
    """The state's message says what happened and what to do."""
    state = run_flow(sources=[str(inbox)], schema_name="nothing")
    assert state.is_failed()
    assert "unknown schema 'nothing'" in state.message


@pytest.mark.usefixtures("prefect_server")
def test_parameters_are_typed(inbox: Path) -> None:
    """A wrong parameter is refused with its name before anything runs."""
    state = run_flow(sources=[str(inbox)], schema_name="receipt", rerun="sometimes")
    assert state.is_failed()
    assert "rerun" in state.message


def test_the_flow_runs_without_prefect_too(inbox: Path) -> None:
    """The parameters have types and descriptions for the UI."""
    from flows.prefect.extract import extract

    properties = extract.parameters.properties
    assert set(properties) >= {"sources", "schema_name", "endpoints", "max_cost", "records", "rerun"}
    assert "s3://bucket/prefix" in properties["sources"]["description"]
    assert extract.parameters.definitions["Rerun"]["enum"] == [each.value for each in Rerun]


@pytest.mark.usefixtures("prefect_server")
def test_an_evaluation_leaves_its_table(inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployment `evaluate`: Completed whatever share is right, Failed where labels cannot be read."""
    from flows.prefect.deployments import evaluate_records

    monkeypatch.setenv("OCTAVO_STORE", f"sqlite:///{tmp_path / 'octavo.db'}")
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url)
    (tmp_path / "labels.csv").write_text("file,merchant,total\ngood.pdf,corner shop,13\n")
    state: Any = asyncio.run(evaluate_records(str(tmp_path / "labels.csv"), "receipt", return_state=True))
    assert state.is_completed()
    assert state.message == "receipt: 1 of 2 labels right"
    (table,) = asyncio.run(artifacts("octavo-evaluation"))
    assert [row["right %"] for row in json.loads(table.data)] == ["100.0", "0.0", "50.0"]
    failed: Any = asyncio.run(evaluate_records("nowhere.csv", "receipt", return_state=True))
    assert failed.is_failed()
    assert "labels nowhere.csv cannot be read" in failed.message


@pytest.mark.usefixtures("prefect_server")
def test_deployments_of_modules_that_are_gone_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`octavo doctor` says which of a server's deployments have to be deployed again; others are left alone."""
    from prefect.client.orchestration import get_client

    entrypoints = {
        "old-bulk": "flows.sharding.bulk_extract", "old-upload": "flows.deployed.on_upload",
        "old-extract": "flows.extract.extract", "renamed": "flows.prefect.bulk.extract_bulk",
        "good": "flows.prefect.bulk.bulk_extract", "another": "elsewhere.py:flow",
    }  # fmt: skip

    async def deploy() -> None:
        async with get_client() as client:
            flow = await client.create_flow_from_name("some")
            for name, entrypoint in entrypoints.items():
                await client.create_deployment(flow, name, entrypoint=entrypoint)

    asyncio.run(deploy())
    monkeypatch.setattr("flows.cli.doctor.prefect_is_configured", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["doctor", "--endpoint", "local"]) == 1
    told = {line.split("some/")[1] for line in capsys.readouterr().out.splitlines() if "some/" in line}
    assert {line.split(",")[0] for line in told} == {
        f"{name} runs {entrypoints[name]}" for name in ("old-bulk", "old-upload", "old-extract", "renamed")
    }
    assert all("deploy again" in line for line in told)


@pytest.mark.usefixtures("prefect_server")
def test_a_deployment_refuses_bad_parameters_by_name() -> None:
    """The server answers 409 before any run is made, and says which parameter it is; good ones are taken."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    from flows.prefect.extract import extract

    async def told() -> dict[str, tuple[int, bool]]:
        answers = {}
        async with get_client() as client:
            made = await client.create_deployment(
                await client.create_flow(extract),
                "checked",
                parameter_openapi_schema=extract.parameters.model_dump_for_openapi(),
                enforce_parameter_schema=True,
            )
            good = {"sources": ["s3://bucket/in"], "schema_name": "receipt", "records": "many", "limit": 3}
            await client.create_flow_run_from_deployment(made, parameters=good)
            for name, value in {"limit": 0, "records": "some", "endpoints": "local"}.items():
                with pytest.raises(PrefectHTTPStatusError) as refused:
                    await client.create_flow_run_from_deployment(made, parameters={**good, name: value})
                answers[name] = (refused.value.response.status_code, name in refused.value.response.text)
        return answers

    assert asyncio.run(told()) == dict.fromkeys(("limit", "records", "endpoints"), (409, True))
