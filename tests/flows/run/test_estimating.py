"""What a run would take, told before anything is sent."""

import json
import random
from pathlib import Path

import pytest
from fakes import Answer, Asked, model_server, says
from pages import digital_pdf, encrypted_pdf
from runs import TOTAL, run

from flows.cli.parser import main


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Two documents of 12 pages together, and one that is locked."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "one.pdf").write_bytes(digital_pdf(2))
    (folder / "ten.pdf").write_bytes(digital_pdf(10))
    (folder / "locked.pdf").write_bytes(encrypted_pdf("secret"))
    return folder


def estimated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    """The JSON line of a dry run."""
    capsys.readouterr()
    assert main(["extract", *arguments, "--schema", "receipt", "--dry-run", "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_a_dry_run_tells_and_does_nothing(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Documents, pages, requests, tokens and cost for each endpoint; no store is made and nothing is sent."""
    found = estimated(capsys, str(inbox), "--pages-per-request", "4")
    assert found["documents"] == {"to_do": {"new": 3}, "done": 0, "skipped": 0, "quarantined": {"encrypted": 1}}
    assert (found["pages"], found["requests"]) == (12, 1 + 3)
    costs = found["endpoints"]
    assert isinstance(costs, dict)
    # The prompt four times, and 12 pages of a few lines each.
    assert 4 * 1_000 < costs["openrouter"]["input_tokens"] < 12 * 400 + 4 * 2_500
    usage = costs["mistral"]
    expected = (usage["input_tokens_at_most"] * 0.10 + usage["output_tokens_at_most"] * 0.30) / 1e6
    assert usage["cost_usd_at_most"] == pytest.approx(expected)
    assert not Path("octavo.db").exists()


def test_what_is_done_is_not_told_again_and_a_change_is(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After a run there is nothing to do; another model makes work of every document, and says so."""
    with model_server(lambda _: says(TOTAL)) as server:
        run(inbox, server.base_url)
        calls = len(server.asked)
        wishes = ("--base-url", server.base_url, "--model")
        done = estimated(capsys, str(inbox), *wishes, "test-model")
        other = estimated(capsys, str(inbox), *wishes, "other-model")
        assert len(server.asked) == calls
    assert done["documents"] == {"to_do": {}, "done": 3, "skipped": 0, "quarantined": {}}
    assert other["documents"] == {"to_do": {"recipe": 3}, "done": 0, "skipped": 0, "quarantined": {"encrypted": 1}}


def test_people_are_told_why(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In words: how many and why, what cannot be opened, and that nothing was sent."""
    assert main(["extract", str(inbox), "--schema", "receipt", "--dry-run"]) == 0
    told = capsys.readouterr().out
    for line in ("3 documents to do: 3 new", "1 cannot be opened: encrypted", "openrouter", "Nothing was sent"):
        assert line in told


@pytest.mark.parametrize("seed", range(4))
def test_the_bill_never_exceeds_what_is_told_as_the_most(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that plays the worst (cut, hollow, unreadable, invalid, empty answers) bills less than "at most"."""
    dice, billed = random.Random(seed), [0, 0]
    folder = tmp_path / "worst"
    folder.mkdir()
    (folder / "one.pdf").write_bytes(digital_pdf(dice.randint(1, 3)))

    def worst(asked: Asked) -> Answer:
        limit = asked.body["max_tokens"]
        sent = len(asked.text) // 3 + 2_300 * len(asked.images)
        billed[0] += sent
        billed[1] += limit
        usage = {"prompt_tokens": sent, "completion_tokens": limit}
        kind = dice.choice(("cut", "cut", "hollow", "unread", "invalid", "empty"))
        if kind == "unread":
            return Answer(body=json.dumps({"said": "what", "usage": usage}).encode())
        text = {"hollow": None, "invalid": '{"total": []}', "empty": "{}"}.get(kind, '{"total": "1')
        return Answer(text=text, finish_reason="length" if kind == "cut" else "stop", usage=usage)

    with model_server(worst) as server:
        wishes = (str(folder), "--base-url", server.base_url, "--model", "m")
        found = estimated(capsys, *wishes)
        main(["extract", *wishes, "--schema", "receipt", "--json"])
        calls = len(server.asked)
    custom = found["endpoints"]["custom"]  # type: ignore[index]
    assert calls <= custom["calls_at_most"]
    assert billed[0] <= custom["input_tokens_at_most"]
    assert billed[1] <= custom["output_tokens_at_most"]
    # No price is known for it: that is told, and is not nothing.
    assert custom["cost_usd"] is None
    assert custom["cost_usd_at_most"] is None
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["cost_usd"] is None
