"""`octavo cost` tells what the ledger of calls holds."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from stores import call, draft, extract, fresh_url, outcome

from extractors.documents import Usage
from flows.cli.parser import main
from flows.store.costs import GROUPS
from flows.store.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store with two documents that were paid for, and a call that belongs to none."""
    url = fresh_url(request.param, tmp_path)
    with Store.open(url) as store:
        for name, cost in (("a", 0.25), ("b", 0.5)):
            extract(store, name, name, outcome("complete", draft(text=name)), usage=Usage(100, 10, 5, cost))
        call(store, None, Usage(7, 1, 0, 0.125))
    return url


@pytest.mark.parametrize("by", GROUPS)
def test_each_grouping_adds_up(by: str, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever calls are told by, it is the same money."""
    assert main(["cost", "--by", by, "--store", url, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(each["cost_usd"] for each in found) == pytest.approx(0.875)
    assert sum(each["calls"] for each in found) == 3
    names = {
        "day": {f"{datetime.now(UTC):%Y-%m-%d}"},
        "run": {"run"},
        "endpoint": {"vllm mistral-small"},
        "schema": {"note", "(none)"},
        "document": {"s3://bucket/a", "s3://bucket/b", "(none)"},
    }
    assert {each[by] for each in found} == names[by]


def test_a_person_sees_a_table(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The dearest documents first."""
    assert main(["cost", "--by", "document", "--limit", "1", "--store", url]) == 0
    told = capsys.readouterr().out
    assert "$0.5000" in told
    assert "$0.2500" not in told
    assert main(["cost", "--since", "2999-01-01", "--store", url]) == 0
    assert "nothing was paid" in capsys.readouterr().out
