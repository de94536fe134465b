"""`octavo doctor`: what is configured, what is reachable, what is missing and how to get it."""

import asyncio
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from extractors.errors import CannotRun
from extractors.pages.einvoices import can_be_read
from extractors.pages.ocr_words import reader_name
from extractors.vision import Probed, reach
from extractors.vision import probe as ask_once
from extractors.vision.endpoints import PROFILES, Endpoint
from extractors.vocabulary import Ground
from flows.cli.compared import compared
from flows.cli.options import BaseUrl, Endpoints, Model, StoreUrl, command, settings_with
from flows.prefect.configured import prefect_is_configured
from flows.run.endpoints import choose, local_app_for, unused_settings
from flows.settings import FILE, Settings
from flows.store.store import Store

_SHOWN_MODELS = 5


@dataclass(frozen=True)
class _Finding:
    """One thing looked at: `good`, `bad` (a run would fail) or `note`."""

    what: str
    state: str
    told: str


app = command(
    "doctor",
    """
octavo doctor
octavo doctor --endpoint openrouter,local --probe
octavo doctor --endpoints
octavo doctor --base-url http://localhost:8000/v1 --model my-model
""",
)


@app.default
def doctor(
    *,
    endpoint: Endpoints = None,
    probe: Annotated[bool, Parameter(help="send each endpoint one tiny question, which it may bill")] = False,
    endpoints: Annotated[
        bool, Parameter(name="--endpoints", help="compare the endpoints by your own calls of the last 30 days")
    ] = False,
    base_url: BaseUrl = None,
    model: Model = None,
    store: StoreUrl = None,
) -> int:
    """Tells what is configured, reachable and missing; exit code 1 when something is in a run's way."""
    findings, settings = [*_installed()], None
    try:
        settings = settings_with(store=store)
    except CannotRun as error:
        findings.append(_Finding("settings", "bad", str(error)))
    else:
        findings += [
            _settings(settings),
            *_grounding(settings),
            _store(settings.store),
            *_endpoints(endpoint or (), base_url, model, settings, ask=probe),
        ]
    findings += [*_sources(), *_prefect()]
    table = Table(title="octavo doctor", title_justify="left")
    for heading in ("what", "", "how it is"):
        table.add_column(heading, overflow="fold")
    marks = {"good": Text("ok", "green"), "bad": Text("missing", "bold red"), "note": Text("note", "yellow")}
    for finding in findings:
        table.add_row(finding.what, marks[finding.state], Text(finding.told))
    console = Console(highlight=False)
    console.print(table)
    if endpoints and settings is not None:
        for shown in compared(settings):
            console.print(shown)
    return 1 if any(finding.state == "bad" for finding in findings) else 0


def _installed() -> Iterator[_Finding]:
    yield _Finding("python", "good", ".".join(str(part) for part in sys.version_info[:3]))
    missing = [
        name for name in ("rapidocr", "onnxruntime", "starlette", "uvicorn") if not importlib.util.find_spec(name)
    ]
    if missing:
        yield _Finding(
            "built-in model",
            "note",
            f"not installed ({', '.join(missing)}): make env, or pip install '.[local]'; "
            "without it, scans are not read for evidence (--ground ocr)",
        )
    else:
        told = "installed; a baseline for a first run, not for real work; reads scans for evidence (--ground ocr)"
        yield _Finding("built-in model", "good", told)
    if can_be_read():
        yield _Finding(
            "e-invoices", "good", "their own data (Factur-X, ZUGFeRD, XRechnung) is held against the pages"
        )
    else:
        told = "their own data is not read (factur-x is not installed): pip install '.[einvoice]'"
        yield _Finding("e-invoices", "note", told)


def _grounding(read: Settings) -> Iterator[_Finding]:
    if read.ground != Ground.OCR:
        return
    try:
        yield _Finding("grounding", "good", f"scans are read by {reader_name()}, which takes seconds of CPU a page")
    except CannotRun as error:
        yield _Finding("grounding", "bad", str(error))


def _settings(read: Settings) -> _Finding:
    named = sorted(name for name in os.environ if name.startswith("OCTAVO_"))
    where = [*([str(FILE)] if FILE.exists() else []), *named]
    told = f"from {', '.join(where)}" if where else "defaults: no OCTAVO_* variable and no octavo.toml here"
    return _Finding("settings", "good", f"{told}; {read.concurrency} calls in flight")


def _store(url: str) -> _Finding:
    try:
        with Store.open(url) as store:
            return _Finding("store", "good", store.shown_url)
    except CannotRun as error:
        return _Finding("store", "bad", str(error))


def _endpoints(
    names: tuple[str, ...], base_url: str | None, model: str | None, settings: Settings, *, ask: bool
) -> Iterator[_Finding]:
    try:
        chosen = choose(names, base_url, model, settings)
    except CannotRun as error:
        yield _Finding("endpoint", "bad", str(error))
        return
    for endpoint in chosen:
        yield _reach(endpoint)
        if ask:
            yield _probe(endpoint, settings)
    if unused := unused_settings(chosen, settings):
        yield _Finding("settings", "note", unused)
    used = {endpoint.name for endpoint in chosen}
    keys = [
        f"{p.name} ({p.key_env})"
        for p in PROFILES.values()
        if p.key_env and p.name not in used and p.key_env not in os.environ
    ]
    if keys:
        yield _Finding("other endpoints", "note", f"no key is set for {', '.join(keys)}")


def _probe(endpoint: Endpoint, settings: Settings) -> _Finding:
    """One tiny question with an image and a schema."""
    what = f"probe {endpoint.name}"
    try:
        probed = asyncio.run(ask_once(endpoint, settings.sampling, local_app_for([endpoint])))
    except CannotRun as error:
        return _Finding(what, "bad", str(error))
    if probed.failure is not None:
        return _Finding(what, "bad", f"{endpoint.model}: {probed.failure}")
    streams = {None: "is not streamed", True: "streams", False: "does not stream when asked to"}[probed.streams]
    told = [
        *_read(probed),
        streams,
        "tells its usage" if probed.tells_usage else "tells no usage: it is estimated",
    ]
    if probed.left_out:
        told.append(f"does not take {', '.join(probed.left_out)}: left out")
    if probed.counted is not None:
        told.append(f"counts {probed.counted} tokens ({probed.estimated} estimated)")
    good = probed.honours_schema and probed.reads_image
    priced = probed.cost_usd or None not in {endpoint.price_input, endpoint.price_output}
    paid = f"${probed.cost_usd:.6f}" if priced else "cost unknown"
    return _Finding(what, "good" if good else "note", f"{', '.join(told)}; {probed.seconds:.1f} s, {paid}")


def _read(probed: Probed) -> list[str]:
    """What the answer shows of the schema and the image; one without an end shows nothing of the schema."""
    reads = "reads the image" if probed.reads_image else "did not read the image"
    if probed.honours_schema:
        return ["honours the schema", reads]
    if probed.unended is not None:
        seen = [reads] if probed.reads_image else []
        return [f"whether it honours the schema is not known: {probed.unended}, {probed.answer[:60]!r}", *seen]
    return [f"ignores the schema (it said {probed.answer[:60]!r})", reads]


def _reach(endpoint: Endpoint) -> _Finding:
    what = f"endpoint {endpoint.name}"
    if endpoint.in_process:
        return _Finding(what, "good", f"runs inside Octavo ({endpoint.model})")
    reached = reach(endpoint)
    if reached.status is None:
        return _Finding(
            what,
            "bad",
            f"{endpoint.base_url} does not answer ({reached.error}): is the server up, and the URL right?",
        )
    if not reached.is_good:
        return _Finding(what, *_status_told(endpoint, reached.status))
    if not reached.lists(endpoint.model):
        some = ", ".join(sorted(reached.models, key=lambda name: "mistral" not in name.lower())[:_SHOWN_MODELS])
        more = f" and {len(reached.models) - _SHOWN_MODELS} more" if len(reached.models) > _SHOWN_MODELS else ""
        return _Finding(
            what, "note", f"{endpoint.base_url} does not list the model {endpoint.model}; it lists {some}{more}"
        )
    return _Finding(what, "good", f"{endpoint.base_url} answers (HTTP {reached.status}); model {endpoint.model}")


def _status_told(endpoint: Endpoint, status: int) -> tuple[str, str]:
    """What a status means with which an endpoint answers the question for its models."""
    key, where = endpoint.key_env or "OCTAVO_API_KEY", f"{endpoint.base_url}/models"
    if status in {401, 403}:
        return "bad", f"{endpoint.base_url} refuses the key (HTTP {status}): set {key}"
    if status in {404, 405}:
        told = f"{where} is not there (HTTP {status}): is the URL right (most end with /v1)?"
        return "note", f"{told} A server that lists no models may answer all the same: --probe asks it one question"
    if status == 429:  # noqa: PLR2004 - too many requests
        return "note", f"{where} is asked too often (HTTP 429): the key's limit is used up for now"
    if status >= 500:  # noqa: PLR2004 - the server's own errors
        return (
            "bad",
            f"{where} has a fault of its own (HTTP {status}): look into its log, or try again later",
        )
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        return "bad", f"{where} redirects (HTTP {status}): set the URL to where it is"
    return "note", f"{where} answers HTTP {status}, which says nothing of the model: --probe asks it one question"


def _sources() -> Iterator[_Finding]:
    where = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if "AWS_ACCESS_KEY_ID" in os.environ or "AWS_PROFILE" in os.environ:
        yield _Finding("s3 sources", "good", f"credentials from the environment, server {where or 'AWS'}")
    else:
        yield _Finding(
            "s3 sources",
            "note",
            "no AWS_ACCESS_KEY_ID or AWS_PROFILE: boto3 looks in its files and the machine's role",
        )


def _prefect() -> Iterator[_Finding]:
    if not prefect_is_configured():
        yield _Finding(
            "prefect", "note", "no API is configured: runs go directly; --prefect starts a server for one run"
        )
        return
    yield _Finding("prefect", "good", "an API is configured: runs are Prefect flow runs")
    from flows.prefect.deployed import gone_entrypoints

    try:
        gone = asyncio.run(gone_entrypoints())
    except CannotRun as error:
        yield _Finding("deployments", "note", str(error))
        return
    for each in gone:
        yield _Finding("deployments", "bad", f"{each.name} runs {each.entrypoint}, which is gone: deploy again")
    if not gone:
        yield _Finding("deployments", "good", "none on the server points at a module that is gone")
