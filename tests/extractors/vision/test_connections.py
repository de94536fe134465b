"""Connections to endpoints: kept apart by host, through the proxy that the environment names."""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fakes import Answer, model_server, says
from pages import fill
from runs import TOTAL, rows, run, states

from extractors.vision.connections import proxy_for
from flows.cli.parser import main

DEAD = "http://127.0.0.1:9"
"""Where nobody listens."""


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with one document."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    fill(folder, 1)
    return folder


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_calls_go_through_the_proxy_that_the_environment_names(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's network lets nothing out directly."""
    with model_server(lambda _: says(TOTAL)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        summary = run(inbox, "http://models.company.test/v1")
    assert summary.exit_code == 0
    assert {asked.path for asked in proxy.asked} == {"http://models.company.test/v1/chat/completions"}


def test_this_machine_is_reached_without_a_proxy(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model on loopback is served whatever the environment says of the world outside."""
    monkeypatch.setenv("HTTP_PROXY", DEAD)
    with model_server(lambda _: says(TOTAL)) as server:
        assert run(inbox, server.base_url).exit_code == 0
        assert main(["doctor", "--base-url", server.base_url, "--model", "m"]) == 0


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p:3128"}, "https://api.test/v1", "http://p:3128"),
        ({"https_proxy": "p:3128"}, "https://api.test/v1", "http://p:3128"),
        ({"ALL_PROXY": "http://p:1"}, "https://api.test/v1", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://api.test/v1", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.test,.api.test"}, "https://eu.api.test/v1", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://api.test/v1", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://localhost:8000/v1", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://[::1]:8000/v1", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://10.0.0.7:8000/v1", "http://p:1"),
    ],
)
def test_which_proxy_it_is(
    environment: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As other programs read the same variables."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(httpx.URL(url))
    assert (str(found.url) if found else None) == proxy


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("gopher://user:hidden@p:1", "the proxy that the environment names for m.test is none that can be used"),
        ("socks5://user:hidden@p:1", "the proxy for m.test speaks SOCKS: pip install 'httpx[socks]'"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told(
    proxy: str, why: str, inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its password is not; `octavo doctor` says the same."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    endpoint = ("--base-url", "http://m.test/v1", "--model", "m")
    assert main(["extract", str(inbox), "--schema", "receipt", *endpoint]) == 1
    extracting = capsys.readouterr().err
    assert main(["doctor", "--probe", *endpoint]) == 1
    for told in (extracting, capsys.readouterr().out.replace("│", " ")):
        assert why in " ".join(told.split())
        assert "hidden" not in told
    assert main(["doctor", *endpoint]) == 1


def test_two_endpoints_keep_their_connections(inbox: Path) -> None:
    """Calls that go to one and the other in turn do not close each other's connections."""
    fill(inbox, 12)
    turns = iter(range(100))

    def every_other(_: object) -> Answer:
        return Answer(status=503, body=b"busy") if next(turns) % 2 else says(TOTAL)

    with model_server(every_other) as first, model_server(lambda _: says(TOTAL)) as second:
        with Path("octavo.toml").open("a", encoding="utf-8") as file:
            file.write(f'[endpoint.vllm]\nbase_url = "{second.base_url}"\n')
        run(inbox, first.base_url, endpoints=("custom", "vllm"), concurrency=1)
    assert {status for status, _ in states().values()} == {"complete"}
    assert len({asked.port for asked in first.asked}) == 1


@pytest.mark.parametrize(
    ("encode", "headers"),
    [
        (gzip.compress, {"Content-Encoding": "gzip"}),
        (zlib.compress, {"Content-Encoding": "deflate"}),
        (lambda raw: raw.decode().encode("latin-1"), {"Content-Type": "application/json; charset=iso-8859-1"}),
        (lambda raw: b"\xef\xbb\xbf" + raw, {"Content-Type": "text/plain; charset=utf-8"}),
        (lambda raw: raw, {"Connection": "close", "Set-Cookie": "a=1; Path=/"}),
    ],
    ids=["gzip", "deflate", "latin-1", "byte order mark", "closed"],
)
def test_answers_in_any_dress_are_read_at_once(
    encode: Callable[[bytes], bytes], headers: dict[str, str], inbox: Path
) -> None:
    """What a gateway does to a body on its way costs no second call."""
    text = json.dumps({**TOTAL, "merchant": "Caf\u00e9 M\u00fcller"}, ensure_ascii=False)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    body = encode(json.dumps({"choices": [choice], "usage": usage}, ensure_ascii=False).encode())
    with model_server(lambda _: Answer(body=body, headers=headers)) as server:
        summary = run(inbox, server.base_url)
    assert (summary.exit_code, len(server.asked)) == (0, 1)
    assert rows("select merchant from receipt") == [("Caf\u00e9 M\u00fcller",)]
