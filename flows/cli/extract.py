"""`octavo extract`: runs the job directly, or as a Prefect flow run where a Prefect API is configured."""

import argparse
import asyncio
import gc
import json
import os
import tomllib
from pathlib import Path
from typing import Any

from extractors.errors import BadConfiguration
from flows.cli.show import show_summary
from flows.cli.terminal import Terminal
from flows.observe.watch import looking_on
from flows.run.job import Job, run_job
from flows.settings import settings

_QUIET = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # On a busy machine the server of one run takes longer than Prefect's own 20 s.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
}


def extract_command(options: argparse.Namespace) -> int:
    """Runs the job and tells how it went; returns the exit code."""
    job = Job(
        sources=tuple(options.source),
        schema=options.schema,
        endpoints=options.endpoint,
        base_url=options.base_url,
        model=options.model,
        store=options.store,
        max_cost=options.max_cost,
        concurrency=options.concurrency,
        pages_per_request=options.pages_per_request,
        records=options.records,
        limit=options.limit,
        rerun=options.rerun,
        split=options.split,
    )
    take_passwords(options)
    if options.dry_run:
        return _dry_run(job, json_wanted=options.json)
    flow_run = options.prefect or prefect_is_configured()
    watch = Terminal(json=options.json, how=", as a Prefect flow run" if flow_run else "")
    looking_on.set(watch)
    # What the imports made stays: the collector need not walk through it again and again.
    gc.freeze()
    gc.set_threshold(10_000)  # and a page's words alone are hundreds of objects
    try:
        asyncio.run(_as_flow_run(job) if flow_run else run_job(job, settings(), watch))
    except asyncio.CancelledError:
        # By a second signal.
        raise KeyboardInterrupt(
            "interrupted at once: calls in flight may be billed, and are asked again; run the same command to go on"
        ) from None
    finally:
        watch.close()
    if watch.summary is None:
        raise BadConfiguration("the flow run ended before anything was listed; see its logs in Prefect")
    show_summary(watch.summary, job, watch.console)
    if options.json:
        print(json.dumps(watch.summary.as_json()))
    return watch.summary.exit_code


def _dry_run(job: Job, *, json_wanted: bool) -> int:
    """Tells what the run would take; returns the exit code."""
    from rich.console import Console

    from flows.cli.dry_run import show_estimate
    from flows.run.dry_run import as_json, estimate_job

    found, endpoints = asyncio.run(estimate_job(job, settings()))
    show_estimate(found, endpoints, Console(stderr=json_wanted, highlight=False))
    if json_wanted:
        print(json.dumps(as_json(found)))
    return 0


def take_passwords(options: argparse.Namespace) -> None:
    """Passwords of the command line become settings of this process: Prefect keeps a job's parameters."""
    if options.password is not None:
        os.environ["OCTAVO_PASSWORD"] = options.password
    if options.passwords is not None:
        os.environ["OCTAVO_PASSWORDS_FILE"] = str(options.passwords)
    settings.cache_clear()


def prefect_is_configured() -> bool:
    """Whether a Prefect API is named by the environment or the active profile, told without importing Prefect."""
    if os.environ.get("PREFECT_API_URL"):
        return True
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml"))
    try:
        declared = tomllib.loads(profiles.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return False
    active = os.environ.get("PREFECT_PROFILE") or declared.get("active")
    return bool(declared.get("profiles", {}).get(active, {}).get("PREFECT_API_URL"))


async def _as_flow_run(job: Job) -> None:
    """Calls the flow in this process; what the run itself cannot do is raised as it would be without Prefect.

    Raises:
        CannotRun: as `run_job`.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if job.store is not None:
        # Not as a parameter: Prefect keeps those, and the URL may hold a password.
        os.environ["OCTAVO_STORE"] = job.store
    from flows.prefect.extract import extract

    parameters: dict[str, Any] = {
        "sources": list(job.sources),
        "schema_name": job.schema,
        "endpoints": list(job.endpoints) or None,
        "base_url": job.base_url,
        "model": job.model,
        "max_cost": job.max_cost,
        "concurrency": job.concurrency,
        "pages_per_request": job.pages_per_request,
        "records": job.records,
        "limit": job.limit,
        "rerun": job.rerun,
        "split": job.split,
    }
    state: Any = await extract(**parameters, return_state=True)
    outcome = await state.result(raise_on_failure=False)
    if isinstance(outcome, BaseException):
        raise outcome
