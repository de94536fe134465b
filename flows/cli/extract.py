"""`octavo extract`: runs the job directly, or as a Prefect flow run where a Prefect API is configured."""

import asyncio
import json as json_text
import os
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from extractors.errors import BadConfiguration, CannotRun
from flows.cli.options import AsJson, Password, Passwords, command, settings_with, takes_job
from flows.cli.parser import stop
from flows.prefect.configured import prefect_is_configured
from flows.run.parameters import Job

if TYPE_CHECKING:
    from flows.observe.watch import Watch
    from flows.settings import Settings

_QUIET = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

app = command(
    "extract",
    """
octavo extract inbox/ --schema invoice
octavo extract s3://bucket/inbox/ --schema invoice --max-cost 5
octavo extract scan.pdf --schema mine.py:Ticket --endpoint vllm,openrouter
octavo extract mail/ --schema invoice,receipt --split
octavo extract inbox/ --schema invoice --dry-run
""",
)


@app.default
@takes_job()
def extract(
    wishes: dict[str, Any],
    *,
    dry_run: Annotated[bool, Parameter(help="tell what it would take and cost at most; send nothing")] = False,
    prefect: Annotated[
        bool, Parameter(help="run as a Prefect flow run even when no Prefect API is configured")
    ] = False,
    password: Password = None,
    passwords: Passwords = None,
    json: AsJson = False,
) -> int:
    """Reads documents into records."""
    from flows.background import prepare_interpreter
    from flows.cli.summary import show_summary
    from flows.cli.terminal import Terminal
    from flows.observe import telemetry
    from flows.run.asked import several

    job = Job(**wishes)
    if several(job.schema_name) and not job.split:
        return stop("several schemas need --split, which reads each part of a file with the one that it fits", 2)
    settings = settings_with(store=job.store, password=password, passwords=passwords)
    # The settings have it from here on: Prefect keeps parameters, and the URL may hold a password.
    job = job.model_copy(update={"store": None})
    if dry_run:
        return _dry_run(job, settings, json_wanted=json)
    flow_run = prefect or prefect_is_configured()
    watch = Terminal(json=json, how=", as a Prefect flow run" if flow_run else "")
    telemetry.start_for_run(settings.metrics_file)
    measured = telemetry.measured(watch)
    prepare_interpreter()
    try:
        asyncio.run(_as_flow_run(job, settings, measured) if flow_run else _directly(job, settings, measured))
    except asyncio.CancelledError:
        # By a second signal.
        raise KeyboardInterrupt(
            "interrupted at once: calls in flight may be billed, and are asked again; run the same command to go on"
        ) from None
    except CannotRun:
        # What was done until then is told all the same.
        if json and watch.summary is not None:
            print(json_text.dumps(watch.summary.as_json()))
        raise
    finally:
        watch.close()
        telemetry.finish()
    if watch.summary is None:
        raise BadConfiguration("the flow run ended before anything was listed; see its logs in Prefect")
    show_summary(watch.summary, job, watch.console)
    if json:
        print(json_text.dumps(watch.summary.as_json()))
    return watch.summary.exit_code


def _dry_run(job: Job, settings: "Settings", *, json_wanted: bool) -> int:
    """Tells what the run would take; returns the exit code."""
    from rich.console import Console

    from flows.cli.dry_run import show_estimate
    from flows.run.dry_run import as_json, estimate_job

    found, endpoints = asyncio.run(estimate_job(job, settings))
    console = Console(stderr=json_wanted, highlight=False)
    for notice in found.notices:
        console.print(notice)
    show_estimate(found, endpoints, console)
    if json_wanted:
        print(json_text.dumps(as_json(found)))
    return 0


async def _directly(job: Job, settings: "Settings", watch: "Watch") -> None:
    from flows.notify.telling import Teller
    from flows.run.job import run_job

    teller = Teller(settings, watch.notice, job.schema_name)
    async with teller.delivering():
        await run_job(job, settings, teller.watching(watch))


async def _as_flow_run(job: Job, settings: "Settings", watch: "Watch") -> None:
    """The flow in this process; Prefect reads its own settings from the environment, before it is imported."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if not prefect_is_configured():
        from flows.prefect.temporary import temporary_server

        os.environ["PREFECT_API_URL"] = temporary_server()
    from flows.prefect.extract import extract_here

    await extract_here(job, settings, watch)
