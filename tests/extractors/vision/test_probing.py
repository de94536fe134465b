"""`octavo doctor --probe`: one tiny question shows what an endpoint can do."""

import json
from pathlib import Path

import pytest
from fakes import Answer, Asked, model_server, streams
from strict_servers import KEY, SERVERS, script

from flows.cli.parser import main

GOOD = json.dumps({"total": "42", "colour": "green"})


def doctor(capsys: pytest.CaptureFixture[str], base_url: str, *more: str) -> tuple[int, str]:
    """The command's exit code, and what it printed on one line."""
    capsys.readouterr()
    code = main(["doctor", "--base-url", base_url, "--probe", *(more or ("--model", "m"))])
    return code, " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_a_good_endpoint_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    """It honours the schema, reads the image, streams, and tells its usage; two calls are enough to know."""
    usage = {"prompt_tokens": 100, "completion_tokens": 10}

    def rules(asked: Asked) -> Answer:
        return streams(GOOD, usage=usage) if asked.body.get("stream") else Answer(text=GOOD, usage=usage)

    with model_server(rules) as server:
        code, told = doctor(capsys, server.base_url)
    assert code == 0
    assert "honours the schema, reads the image, streams, tells its usage" in told
    assert len(server.asked) == 2
    assert server.asked[0].body["response_format"]["json_schema"]["strict"] is True


def test_what_an_endpoint_drops_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """One that ignores the schema, never streams and reports no usage is usable, and no surprise later."""
    with model_server(lambda _: Answer(text="It is 42.", usage={})) as server:
        code, told = doctor(capsys, server.base_url)
    assert code == 0
    assert "ignores the schema (it said 'It is 42.')" in told
    assert "does not stream when asked to" in told
    assert "tells no usage" in told


def test_a_refusal_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint's own words, and exit code 1."""
    monkeypatch.setenv("MISTRAL_API_KEY", KEY)
    with model_server(script(SERVERS["mistral"])) as server:
        code, told = doctor(capsys, server.base_url, "--endpoint", "mistral", "--model", "retired-model")
    assert code == 1
    assert "does not know the model" in told
    assert "Invalid model: retired-model" in told


def test_the_built_in_model_can_be_probed(capsys: pytest.CaptureFixture[str]) -> None:
    """It runs inside Octavo, and answers like any other."""
    assert main(["doctor", "--endpoint", "local", "--probe"]) == 0
    assert "honours the schema" in " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert Path("octavo.db").exists()


def test_an_endpoint_that_counts_tokens_is_compared_with_the_estimate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anthropic's dialect counts a question without answering it: what a dry run would say can be checked."""
    monkeypatch.setenv("MODELSLAB_API_KEY", KEY)
    with model_server(script(SERVERS["modelslab-messages"])) as server:
        base = server.base_url.removesuffix("/v1") + "/api/v7/llm/v1"
        _, told = doctor(capsys, base, "--endpoint", "modelslab-messages")
    assert "counts 77 tokens (" in told
    assert [asked.path.rpartition("/")[2] for asked in server.asked].count("count_tokens") == 1


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (("m", "other"), "answers (HTTP 200); model m"),
        (("m:latest",), "answers (HTTP 200); model m"),
        ((), "answers (HTTP 200); model m"),
        (
            ("a", "b", "mistral-small", "c", "d", "e"),
            "does not list the model m; it lists mistral-small, a, b, c, d and 1 more",
        ),
    ],
)
def test_a_model_that_is_not_listed_is_told(
    listed: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong name shows before the first page is sent; lists may be incomplete, so a run could start."""
    with model_server(lambda _: Answer(text=GOOD)) as server:
        server.models = listed
        assert main(["doctor", "--base-url", server.base_url, "--model", "m"]) == 0
    assert told in " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(text='{"total": "4', finish_reason="length"), "the answer is cut off at 100 tokens"),
        (Answer(text='{"total": "42",' + "\n" * 9000, finish_reason="length"), "the answer ran away"),
        (Answer(text="Let me think about the image", finish_reason="max_tokens"), "the answer is cut off"),
    ],
)
def test_an_answer_without_an_end_shows_nothing_of_the_schema(
    answer: Answer, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that thinks or runs away may honour the schema all the same: that is told apart from ignoring it."""
    with model_server(lambda _: answer) as server:
        code, told = doctor(capsys, server.base_url)
    assert code == 0
    assert f"whether it honours the schema is not known: {why}" in told
    assert "ignores the schema" not in told


def test_what_a_run_would_leave_out_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A parameter that is refused does not end the probe, as it would not end a run."""

    def rules(asked: Asked) -> Answer:
        if "seed" in asked.body:
            return Answer(status=400, body=b'{"error": {"message": "Unknown field: seed"}}')
        return streams(GOOD) if asked.body.get("stream") else Answer(text=GOOD)

    with model_server(rules) as server:
        code, told = doctor(capsys, server.base_url)
    assert code == 0
    assert "honours the schema" in told
    assert "does not take seed: left out" in told
