"""Whose fault a failure is: what the server does -> exit code, states, calls at most, and what is said."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fakes import Answer, Asked, ModelServer, model_server, says
from pages import digital_pdf, fill
from runs import TOTAL, rows, run, states

from extractors.errors import EndpointRefused
from extractors.vision import sending
from flows.cli.parser import main

Script = Callable[[Asked], Answer]


def refuses(status: int, message: str, **more: Any) -> Answer:
    """A refusal in OpenAI's shape."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}
    return Answer(status=status, body=json.dumps({"error": error}).encode())


def always(answer: Answer) -> Callable[[], Script]:
    """The same, whatever is asked."""
    return lambda: lambda _: answer


def for_some(bad: Answer, *, numbers: set[int], late: float = 0.0) -> Callable[[], Script]:
    """A bad answer to the documents of these numbers, in order of arrival; a good one, so much later, to others.

    Where good answers are late, the bad ones come while one of those is awaited, however busy the machine is.
    """

    def make() -> Script:
        seen: list[bytes] = []
        lock, awaited = threading.Lock(), threading.Event()

        def script(asked: Asked) -> Answer:
            (picture,) = asked.images
            with lock:
                if picture not in seen:
                    seen.append(picture)
            if seen.index(picture) in numbers:
                if late:
                    awaited.wait(30)
                return bad
            awaited.set()
            return Answer(text=json.dumps(TOTAL), delay=late)

        return script

    return make


def from_the(number: int, bad: Answer) -> Callable[[], Script]:
    """Good answers before that call, bad ones from then on."""

    def make() -> Script:
        calls = iter(range(1, 10_000))
        return lambda _: bad if next(calls) >= number else says(TOTAL)

    return make


def unless(
    good: Callable[[dict[str, Any]], bool], refusal: Callable[[dict[str, Any]], Answer]
) -> Callable[[], Script]:
    """A refusal of every body that is not as the endpoint wants it."""
    return lambda: lambda asked: says(TOTAL) if good(asked.body) else refusal(asked.body)


def counted() -> Script:
    """A refusal that names another request each time."""
    numbers = iter(range(10_000))
    return lambda _: refuses(400, f"tenant 17 has no such route (request req_{next(numbers)}ab, see https://x.y/{1})")


@dataclass(frozen=True)
class Case:
    """What a server does to some documents, and what must come of it.

    Attributes:
        server: makes the script.
        exits: the exit code.
        ends: (status, kind) -> how many documents; None as kind for `pending` stands for any.
        said: texts in what is printed.
        calls: at most.
        documents: how many there are.
        more: options of the command.
    """

    server: Callable[[], Script]
    exits: int
    ends: dict[str, int]
    said: tuple[str, ...] = ()
    calls: int = 100
    documents: int = 5
    more: tuple[str, ...] = field(default=())


ALL_PENDING = {"pending": 5}
ALL_GOOD = {"complete": 5}
NO_ROUTE = Answer(status=404, body=b"<html>404 page not found</html>")

CASES = {
    "a model without eyes": Case(
        always(refuses(400, "m is not a multimodal model")), 1, ALL_PENDING,
        ("m is not a multimodal model", "choose a model that reads images"), 5,
    ),
    "no images at all": Case(
        always(refuses(400, "At most 0 image(s) may be provided in one prompt.")), 1, ALL_PENDING,
        ("At most 0 image(s)", "--model"), 5,
    ),
    "one document, and that refused": Case(
        always(refuses(400, "bad request")), 1, {"pending": 1}, ("bad request", "--base-url"), 1, documents=1
    ),
    "two documents, refused in other words": Case(
        for_some(refuses(400, "first"), numbers={0}), 3, {"quarantined rejected_request": 1, "complete": 1},
        documents=2, calls=2, more=("--concurrency", "1"),
    ),
    "no pictures, as llama.cpp says it": Case(
        always(refuses(500, "image input is not supported - hint: you may need to provide the mmproj")), 1,
        ALL_PENDING, ("image input is not supported", "choose a model that reads images"), 5,
    ),
    "a refusal inside a 200": Case(
        always(Answer(body=b'{"status": "error", "message": "m is not a multimodal model"}')), 1, ALL_PENDING,
        ("not a multimodal model", "choose a model that reads images"), 5,
    ),
    "a 404 without a word": Case(always(NO_ROUTE), 1, ALL_PENDING, ("does not know the model or the address",), 5),
    "422 about what every request has": Case(
        always(Answer(status=422, body=b'{"detail": [{"loc": ["body", "messages"], "msg": "Field required"}]}')),
        1, ALL_PENDING, ("Field required",), 5,
    ),
    "moved for good": Case(
        always(Answer(status=301, body=b"", headers={"Location": "https://new.example/v1/chat/completions"})),
        1, ALL_PENDING, ("redirects to https://new.example/v1", "OCTAVO_BASE_URL"), 5,
    ),
    "moved, and to be posted there": Case(
        always(Answer(status=308, body=b"", headers={"Location": "/other"})), 1, ALL_PENDING,
        ("redirects to /other (HTTP 308)",), 5,
    ),
    "a gateway's 400 for a wrong key": Case(
        always(refuses(400, "API key not valid. Please pass a valid API key.")), 1, ALL_PENDING,
        ("API key not valid", "OCTAVO_API_KEY"), 5,
    ),
    "equal but for numbers, one at a time": Case(
        counted, 1, {"pending": 40}, ("has no such route",), 3, documents=40, more=("--concurrency", "1")
    ),
    "a larger run, all at once": Case(
        always(refuses(400, "no")), 1, {"pending": 40}, (), 12, documents=40, more=("--concurrency", "8")
    ),
    "a document's own, after others were answered": Case(
        for_some(refuses(400, "cannot decode image"), numbers={3}), 3,
        {"complete": 4, "quarantined rejected_request": 1}, ("cannot decode image",), 5, more=("--concurrency", "1"),
    ),
    "a document's own, before others are answered": Case(
        for_some(refuses(400, "cannot decode image"), numbers={0, 1}), 3,
        {"complete": 3, "quarantined rejected_request": 2}, (), 5, more=("--concurrency", "1"),
    ),
    "not found, and the next one is": Case(
        for_some(NO_ROUTE, numbers={2}), 3, {"complete": 4, "quarantined rejected_request": 1}, (), 5,
        more=("--concurrency", "1"),
    ),
    "forbidden, the last of all": Case(
        for_some(refuses(403, "blocked by a rule"), numbers={4}), 3,
        {"complete": 4, "quarantined rejected_request": 1}, (), 5, more=("--concurrency", "1"),
    ),
    "the model goes while it is used": Case(
        from_the(3, refuses(404, "The model `m` does not exist.")), 1, {"complete": 2, "pending": 6},
        ("does not know the model",), 5, documents=8, more=("--concurrency", "1"),
    ),
    "the credit ends": Case(
        from_the(3, refuses(403, "insufficient_user_quota")), 1, {"complete": 2, "pending": 3}, ("quota",), 3,
        more=("--concurrency", "1"),
    ),
    "refusals that are faster than answers": Case(
        for_some(refuses(400, "cannot decode image"), numbers={0, 1, 2, 3}, late=0.7), 3,
        {"complete": 4, "quarantined rejected_request": 4}, (), 8, documents=8,
    ),
    "one document, and that declined": Case(
        always(refuses(403, "Your input was flagged by moderation")), 3, {"quarantined rejected_request": 1}, (), 1,
        documents=1,
    ),
    "no seed": Case(
        unless(lambda body: "seed" not in body, lambda _: refuses(400, "Unsupported parameter.", param="seed")),
        0, ALL_GOOD, ("does not take seed",), 10,
    ),
    "no seed, in pydantic's words, one at a time": Case(
        unless(
            lambda body: "seed" not in body,
            lambda _: Answer(
                status=422,
                body=b'{"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not '
                b'permitted", "input": 7}]}',
            ),
        ),
        0, ALL_GOOD, ("does not take seed",), 6, more=("--concurrency", "1"),
    ),
    "no temperature, no seed, no schema": Case(
        unless(
            lambda body: not {"seed", "temperature", "response_format"} & body.keys(),
            lambda body: refuses(
                400,
                "'temperature' does not support 0.15 with this model. Only the default (1) value is supported."
                if "temperature" in body
                else 'Unknown name "seed": Cannot find field.' if "seed" in body
                else "This model does not support response format `json_schema`.",
            ),
        ),
        0, ALL_GOOD, ("does not take temperature", "does not take seed", "cannot hold the model to this schema"), 8,
        more=("--concurrency", "1"),
    ),
    "another name for the answer's limit": Case(
        unless(
            lambda body: "max_completion_tokens" in body and "max_tokens" not in body,
            lambda _: refuses(
                400,
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
                "instead.", param="max_tokens", code="unsupported_parameter",
            ),
        ),
        0, ALL_GOOD, ("max_completion_tokens",), 6, more=("--concurrency", "1"),
    ),
    "no limit of the answer at all": Case(
        unless(lambda body: "max_tokens" not in body, lambda _: refuses(400, "unknown parameter: max_tokens")),
        1, ALL_PENDING, ("max_completion_tokens",), 5,
    ),
    "an answer that is too large": Case(
        unless(
            lambda body: body["max_tokens"] <= 200,
            lambda body: refuses(
                400, f"max_tokens is too large: {body['max_tokens']}. This model supports at most 200 completion "
                f"tokens, whereas you provided {body['max_tokens']}.",
            ),
        ),
        0, ALL_GOOD, ("answers of 200 tokens at most",), 6, more=("--concurrency", "1"),
    ),
    "an answer that is too large, who knows for what": Case(
        unless(lambda body: body["max_tokens"] <= 300, lambda _: refuses(400, "max_tokens is too large")),
        0, ALL_GOOD, ("tokens at most",), 10, more=("--concurrency", "1"),
    ),
    "a context that is too small for both": Case(
        unless(
            lambda body: body["max_tokens"] <= 300,
            lambda body: refuses(
                400, f"This model's maximum context length is 4096 tokens. However, you requested "
                f"{3796 + body['max_tokens']} tokens (3796 in the messages, {body['max_tokens']} in the completion).",
            ),
        ),
        0, ALL_GOOD, (), 10,
    ),
}  # fmt: skip


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def ended() -> dict[str, int]:
    """How many documents are in each state; `pending` for those that nobody has finished."""
    found = Counter(
        f"{status} {kind}" if status in {"quarantined", "partial"} else status or "pending"
        for status, kind in states().values()
    )
    return dict(found)


def extract(inbox: Path, server: ModelServer, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    """The command's exit code, and all that it printed, on one line."""
    capsys.readouterr()
    code = main(["extract", str(inbox), "--schema", "receipt", "--base-url", server.base_url, "--model", "m", *more])
    told = capsys.readouterr()
    return code, " ".join((told.out + told.err).replace("│", " ").split())


@pytest.mark.parametrize("name", CASES)
def test_blame_is_where_it_belongs(name: str, inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each row of the table, through the command."""
    case = CASES[name]
    fill(inbox, case.documents)
    with model_server(case.server()) as server:
        code, told = extract(inbox, server, capsys, *case.more)
    assert (code, ended()) == (case.exits, case.ends), told
    assert [text for text in case.said if text not in told] == [], told
    assert len(server.asked) <= case.calls
    assert "Traceback" not in told


def test_what_was_put_right_is_read_by_the_same_command(inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that the configuration stopped leaves nothing behind that the next one trips over."""
    fill(inbox, 4)
    with model_server(lambda _: refuses(400, "m is not a multimodal model")) as server:
        assert extract(inbox, server, capsys)[0] == 1
        server.script = lambda _: says(TOTAL)
        assert extract(inbox, server, capsys)[0] == 0
    assert ended() == {"complete": 4}


def test_an_endpoint_that_refuses_all_is_passed_over(inbox: Path) -> None:
    """With another endpoint its refusals cost nothing: each document is asked there, and soon only there."""
    fill(inbox, 10)
    with (
        model_server(lambda _: refuses(400, "m is not a multimodal model")) as blind,
        model_server(lambda _: says(TOTAL)) as well,
    ):
        Path("octavo.toml").write_text(f'[endpoint.vllm]\nbase_url = "{well.base_url}"\n', "utf-8")
        summary = run(inbox, blind.base_url, endpoints=("custom", "vllm"), concurrency=1)
    assert summary.exit_code == 0
    assert (len(blind.asked), len(well.asked)) == (3, 10)


def test_all_endpoints_that_refuse_are_told(inbox: Path) -> None:
    """The line names each, with its words."""
    fill(inbox, 2)
    with model_server(lambda _: refuses(400, "blind")) as one, model_server(lambda _: refuses(422, "deaf")) as other:
        Path("octavo.toml").write_text(f'[endpoint.vllm]\nbase_url = "{other.base_url}"\n', "utf-8")
        with pytest.raises(EndpointRefused, match=r"custom .*blind.*vllm .*deaf"):
            run(inbox, one.base_url, endpoints=("custom", "vllm"))
    assert ended() == {"pending": 2}


def slow(hanging: Callable[[Asked], bool], answer: Answer) -> Script:
    """Some are never answered, the others at once."""
    return lambda asked: answer if hanging(asked) else says(TOTAL)


def first_picture() -> Callable[[Asked], bool]:
    """Whether it is the document that was asked for first."""
    seen: list[bytes] = []

    def is_first(asked: Asked) -> bool:
        seen[:] = seen or asked.images
        return asked.images == seen

    return is_first


UNANSWERED = {"hangs": Answer(delay=1.2, text="{}"), "is cut": Answer(text="{}", cut=True), "504": Answer(status=504)}


@pytest.mark.parametrize("concurrency", [1, 64])
@pytest.mark.parametrize("name", UNANSWERED)
def test_one_document_that_is_never_answered_ends(
    name: str, concurrency: int, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three calls it is quarantined, and the others are none the worse; it can be retried."""
    monkeypatch.setenv("OCTAVO_TIMEOUT", "0.6")
    fill(inbox, 6)
    with model_server(slow(first_picture(), UNANSWERED[name])) as server:
        summary = run(inbox, server.base_url, concurrency=concurrency)
        assert summary.exit_code == 3
        assert ended() == {"complete": 5, "quarantined no_answer": 1}
        # On a busy machine it is asked alone at first, before the others are drawn: that does not count.
        assert 2 <= rows("select sum(blamed) from calls where outcome = 'unanswered'")[0][0] <= 3
        server.script = lambda _: says(TOTAL)
        assert run(inbox, server.base_url, rerun="failed").exit_code == 0
    assert ended() == {"complete": 6}


def test_an_endpoint_that_hangs_is_no_documents_fault(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has answered some, and then nothing: the run pauses, and nothing is quarantined."""
    monkeypatch.setenv("OCTAVO_TIMEOUT", "0.4")
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "2")
    fill(inbox, 12)
    good = iter(range(4))
    with model_server(lambda _: says(TOTAL) if next(good, None) is not None else Answer(delay=0.8)) as server:
        summary = run(inbox, server.base_url, concurrency=4)
    assert summary.exit_code == 4
    assert summary.documents["quarantined"] == 0
    assert summary.documents["pending"] == 8


def test_a_document_alone_has_three_runs(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell whether it is the endpoint: two runs pause, the third one ends it; a retry counts anew."""
    monkeypatch.setenv("OCTAVO_TIMEOUT", "0.3")
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "1")
    fill(inbox, 1)
    with model_server(lambda _: Answer(delay=0.5)) as server:
        codes = [run(inbox, server.base_url).exit_code for _ in range(4)]
        assert codes == [4, 4, 3, 0]
        assert ended() == {"quarantined no_answer": 1}
        before = len(server.asked)
        assert run(inbox, server.base_url, rerun="failed").exit_code == 4
        assert len(server.asked) > before + 1
    assert ended() == {"quarantined no_answer": 1}


def test_a_page_that_is_never_answered_costs_no_other(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The document is partial, with the page's kind."""
    monkeypatch.setenv("OCTAVO_TIMEOUT", "0.5")
    (inbox / "a.pdf").write_bytes(digital_pdf(3))
    with model_server(slow(first_picture(), UNANSWERED["hangs"])) as server:
        run(inbox, server.base_url, pages_per_request=1)
    assert ended() == {"partial no_answer": 1}


@pytest.mark.parametrize("far", ["seconds", "milliseconds", "24h"])
def test_a_wait_is_bounded(far: str, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever moment an endpoint names, its limit is believed for so long and no longer."""
    tomorrow = int(time.time()) + 86_400
    far = {"seconds": str(tomorrow), "milliseconds": str(tomorrow * 1000)}.get(far, far)
    monkeypatch.setattr("extractors.vision.flow._LONGEST_RESET", 0.5)
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "2")
    fill(inbox, 3)
    headers = {
        "x-ratelimit-limit-requests": "1", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": far,
    }  # fmt: skip
    busy = [Answer(status=429, headers={"Retry-After": far})]

    def script(_: Asked) -> Answer:
        return busy.pop() if busy else Answer(text=json.dumps(TOTAL), headers=headers)

    began = time.monotonic()
    with model_server(script) as server:
        summary = run(inbox, server.base_url, concurrency=1)
    assert summary.exit_code == 0
    assert time.monotonic() - began < 20


def test_bad_values_demote_no_endpoint(inbox: Path) -> None:
    """An endpoint whose answers have the schema's structure is asked first, however many values are refused."""
    fill(inbox, 14)
    with (
        model_server(lambda _: says({**TOTAL, "total": "twelve"})) as honest,
        model_server(lambda _: says(TOTAL)) as other,
    ):
        Path("octavo.toml").write_text(f'[endpoint.vllm]\nbase_url = "{other.base_url}"\n', "utf-8")
        run(inbox, honest.base_url, endpoints=("custom", "vllm"), concurrency=1)
    assert (len(honest.asked), len(other.asked)) == (28, 0)


def test_a_default_is_switched_off(inbox: Path) -> None:
    """`seed = false` sends none, to an endpoint that takes one as to one that does not."""
    fill(inbox, 1)
    Path("octavo.toml").write_text("[sampling]\nseed = false\ntop_k = false\n", "utf-8")
    with model_server(lambda _: says(TOTAL)) as server:
        assert run(inbox, server.base_url).exit_code == 0
    (asked,) = server.asked
    assert "seed" not in asked.body
    assert "top_k" not in asked.body
    assert asked.body["temperature"] == 0.15


def test_the_built_in_model_may_be_slow(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works on this machine's own cores: longer than any server may take, it is neither away nor at fault."""
    monkeypatch.setenv("OCTAVO_TIMEOUT", "0.05")
    monkeypatch.setenv("OCTAVO_GIVE_UP_AFTER", "0.01")
    monkeypatch.setattr(sending, "_OWN", 2_000)
    fill(inbox, 1)
    local: dict[str, Any] = {"base_url": "", "model": None, "endpoints": ("local",)}
    assert run(inbox, **local).exit_code == 0
    monkeypatch.setattr(sending, "_OWN", 1)
    summary = run(inbox, **local, rerun="all", fresh=True)
    assert summary.exit_code == 4
    assert re.match(r"the built-in model has not answered .* too busy .*--concurrency 1", str(summary.paused))
