"""What makes work, what is read again for nothing, and whose answer an outcome is."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, Asked, ModelServer, model_server, says
from pages import fill
from runs import rows, run

from extractors.asking import planning
from extractors.pages import rendering
from flows.cli.parser import main
from flows.run import asked as asked_for
from flows.run.dry_run import estimate_job
from flows.run.parameters import Job
from flows.settings import read_settings

TICKET = """
from typing import Annotated
from pydantic import AfterValidator, BaseModel, Field
from schemas.checks import check
from schemas.fields import Money, money

class Ticket(BaseModel):
    number: str | None = Field(None, description="as printed")
    total: Money | None = None

    @check
    def total_is_small(self):
        return None
"""


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two documents, beside a store and a schema."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "inbox"
    folder.mkdir()
    fill(folder, 2)
    Path("ticket.py").write_text(TICKET, "utf-8")
    return folder


def _answers(asked: Asked) -> Answer:
    return says({"number": "T1", "total": "12.50"}) if "number" in asked.text else says({"merchant": "A"})


def _taken(inbox: Path, server: ModelServer, **wishes: Any) -> tuple[int, int]:
    """Documents that ended, and calls that were made, in one run."""
    before = len(server.asked)
    summary = run(inbox, server.base_url, **{"schema_name": "ticket.py:Ticket", **wishes})
    assert summary.documents["pending"] == 0
    ended = summary.documents["complete"] + summary.documents["partial"] + summary.documents["quarantined"]
    return ended, len(server.asked) - before


def _changed(old: str, new: str) -> None:
    text = Path("ticket.py").read_text("utf-8")
    assert old in text
    Path("ticket.py").write_text(text.replace(old, new), "utf-8")


def test_an_upgrade_pays_for_nothing(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another prompt, render or reading version makes no new work; `--rerun outdated` takes it, and tells why."""
    with model_server(_answers) as server:
        assert _taken(inbox, server) == (2, 2)
        with monkeypatch.context() as patched:
            patched.setattr(planning, "PROMPT_VERSION", "next")
            patched.setattr(planning, "SYSTEM", planning.SYSTEM + "\nBe exact.")
            patched.setattr(asked_for, "RENDER_VERSION", "next")
            assert _taken(inbox, server) == (0, 0)
            job = Job(
                sources=(str(inbox),), schema_name="ticket.py:Ticket", base_url=server.base_url, model="test-model",
                rerun="outdated",
            )  # fmt: skip
            found, _ = asyncio.run(estimate_job(job, read_settings()))
            assert dict(found.to_do) == {"outdated": 2}
            assert "prompt 1 before, next now" in str(found.details)
            assert _taken(inbox, server, rerun="outdated") == (2, 2)
            assert _taken(inbox, server, rerun="outdated") == (0, 0)
        patched_versions = rows("select distinct versions from extractions where superseded_by is null")
        assert [json.loads(told)["prompt"] for (told,) in patched_versions] == ["next"]
    assert rendering.RENDER_VERSION != "next"


def _failing_checks() -> list[tuple[int]]:
    """How many checks fail of each record; the small pages print none of the values, which is another issue."""
    told = rows("select records.issues from records join extractions on extractions.id = extraction_id "
                "where superseded_by is null")  # fmt: skip
    return [(sum(issue["kind"] == "check_failed" for issue in json.loads(issues)),) for (issues,) in told]


def test_only_what_is_read_otherwise_is_read_again_free_of_charge(inbox: Path) -> None:
    """A comment is nothing; a type, a validator, a check read the stored answers again; a description asks."""
    with model_server(_answers) as server:
        assert _taken(inbox, server) == (2, 2)
        _changed("class Ticket", "# a comment\nclass Ticket")
        assert _taken(inbox, server) == (0, 0)
        assert rows("select total from ticket") == [(12.5,)] * 2
        _changed("total: Money", "total: Annotated[Money, AfterValidator(lambda amount: amount * 2)]")
        job = Job(
            sources=(str(inbox),), schema_name="ticket.py:Ticket", base_url=server.base_url, model="test-model"
        )  # fmt: skip
        found, _ = asyncio.run(estimate_job(job, read_settings()))
        assert (dict(found.to_do), found.requests) == ({"reread": 2}, 0)
        assert _taken(inbox, server) == (2, 0)
        assert _taken(inbox, server) == (0, 0)
        assert rows("select total from ticket") == [(25,)] * 2
        _changed("        return None", '        return "always too much"')
        assert _taken(inbox, server) == (2, 0)
        assert _failing_checks() == [(1,)] * 2
        _changed("as printed", "with its letter")
        assert _taken(inbox, server) == (2, 2)
        assert _taken(inbox, server) == (0, 0)
    assert rows("select count(*) from extractions where superseded_by is null") == [(2,)]


def test_a_purged_reply_is_not_asked_for_again_by_reading_again(inbox: Path) -> None:
    """The outcome stands, and is not taken up in every run; a person can ask for it."""
    with model_server(_answers) as server:
        assert _taken(inbox, server) == (2, 2)
        assert main(["purge", "--replies", "--before", "2999-01-01"]) == 0
        assert rows("select count(*) from replies") == [(0,)]
        _changed("        return None", '        return "always too much"')
        assert _taken(inbox, server) == (0, 0)
        assert _taken(inbox, server) == (0, 0)
        assert _failing_checks() == [(0,)] * 2
        assert _taken(inbox, server, rerun="all") == (2, 2)
        assert _failing_checks() == [(1,)] * 2


def test_a_kill_while_reading_again_leaves_it_to_do(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was begun and not finished is still read in the old way, and the next run goes on."""
    with model_server(_answers) as server:
        assert _taken(inbox, server) == (2, 2)
        _changed("        return None", '        return "always too much"')
        with monkeypatch.context() as patched:

            def killed(*_: Any, **__: Any) -> None:
                raise KeyboardInterrupt

            patched.setattr("flows.store.finishing.finish", killed)
            with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever a kill looks like
                _taken(inbox, server)
        assert _failing_checks() == [(0,)] * 2
        assert _taken(inbox, server) == (2, 0)
        assert _failing_checks() == [(1,)] * 2


@pytest.mark.parametrize(
    "setting",
    ['extra_body = { "reasoning" = "low" }', 'schema_by = "json_object"', 'provider = { "only" = ["x"] }'],
)
def test_whom_is_asked_counts(setting: str, inbox: Path) -> None:
    """Another way to ask the same model is another question; its price and its address are not."""
    with model_server(_answers) as server, model_server(_answers) as moved:
        assert _taken(inbox, server) == (2, 2)
        Path("octavo.toml").write_text("[endpoint.custom]\nprice_input = 1.0\n", "utf-8")
        assert _taken(inbox, server) == (0, 0)
        assert _taken(inbox, moved) == (0, 0)
        Path("octavo.toml").write_text(f"[endpoint.custom]\n{setting}\n", "utf-8")
        assert _taken(inbox, server) == (2, 2)
        Path("octavo.toml").unlink()
        assert _taken(inbox, server) == (0, 0)  # what is paid for is there when one goes back


def test_a_stand_ins_answer_is_its_own(inbox: Path) -> None:
    """What fell to the second endpoint says so; `--rerun weaker` asks the first again, once it is back."""
    with model_server(lambda _: Answer(status=503)) as first, model_server(_answers) as second:
        Path("octavo.toml").write_text(
            f'give_up_after = 0.5\n[endpoint.vllm]\nbase_url = "{second.base_url}"\nmodel = "small"\n', "utf-8"
        )
        wishes: dict[str, Any] = {"endpoints": ("custom", "vllm"), "model": "big"}
        assert _taken(inbox, first, **wishes)[0] == 2
        told = rows("select endpoint, model, stand_in from extractions")
        assert told == [("vllm", "small", 1)] * 2
        first.script = _answers
        assert _taken(inbox, first, **wishes) == (0, 0)
        assert len(second.asked) == 2
        assert _taken(inbox, first, **wishes, rerun="all") == (2, 0)  # a stored reply counts, whoever gave it
        assert _taken(inbox, first, **wishes, rerun="weaker") == (2, 2)
        assert rows("select endpoint, model, stand_in from extractions") == [("custom", "big", 0)] * 2
        assert _taken(inbox, first, **wishes, rerun="weaker") == (0, 0)
        assert len(second.asked) == 2


def test_fresh_asks_whatever_is_stored(inbox: Path) -> None:
    """Everything is paid again; without it nothing is."""
    with model_server(_answers) as server:
        assert _taken(inbox, server) == (2, 2)
        assert _taken(inbox, server, rerun="all") == (2, 0)
        assert _taken(inbox, server, rerun="all", fresh=True) == (2, 2)
        assert _taken(inbox, server, fresh=True) == (0, 0)
