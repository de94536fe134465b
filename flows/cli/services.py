"""`octavo listen` and `octavo consume` as commands: what they need, their signals, and how they end."""

import argparse
import asyncio
import contextlib
import logging
import signal
from collections.abc import Coroutine, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from extractors.errors import BadConfiguration
from flows.cli.extract import prefect_is_configured
from flows.events.batch import Batch, TakeUploads, take_uploads
from flows.observe import telemetry
from flows.observe.logs import Logged, start_logging, tell
from flows.run.endpoints import choose
from flows.run.job import Job
from flows.schema_lookup import find_schema
from flows.settings import Settings, settings
from flows.store import inbox
from flows.store.inbox import Arrival
from flows.store.store import Store
from flows.store.views import make_views

if TYPE_CHECKING:
    from flows.events.sqs import Consumer

_NEEDS = "octavo {} needs {}: install the `{}` extra"


def listen_command(options: argparse.Namespace) -> int:
    """Receives webhooks until SIGTERM or Ctrl-C; returns the exit code.

    Raises:
        BadConfiguration: no token and no secret is set, or a library is missing.
        CannotRun: a schema, an endpoint or the store is not what it should be.
    """
    known = settings()
    if known.listen_token is None and known.listen_secret is None:
        raise BadConfiguration("set OCTAVO_LISTEN_TOKEN (bearer token) or OCTAVO_LISTEN_SECRET (HMAC of the body)")
    try:
        import uvicorn

        from flows.events.webhook import Listener, create_app
    except ModuleNotFoundError as error:
        raise BadConfiguration(_NEEDS.format("listen", error.name, "listen")) from None
    with _prepared(options, known) as (job, store, schema_name):
        listener = Listener(
            store, schema_name, job, _taking(known), token=known.listen_token, secret=known.listen_secret
        )
        # Ends calls that wait for a body that never comes; the loop's drain has its own time (lifespan).
        served = uvicorn.Config(
            create_app(listener), host=options.host, port=options.port, log_config=None, access_log=False,
            timeout_graceful_shutdown=10,
        )  # fmt: skip
        tell(f"listening on http://{options.host}:{options.port} for {schema_name}")
        server = uvicorn.Server(served)
        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn raises the signal once more after its orderly end: then there is nothing left to do.
            signal.signal(number, lambda *_: None)
        server.run()
        telemetry.finish()
    if not server.started:
        raise BadConfiguration(f"cannot listen on {options.host}:{options.port}: see the line above")
    return 0


def consume_command(options: argparse.Namespace) -> int:
    """Reads a queue until SIGTERM or Ctrl-C; returns the exit code.

    Raises:
        CannotRun: a schema, an endpoint, the store or the queue is not what it should be.
    """
    known = settings()
    from flows.events.sqs import Consumer, consume

    with _prepared(options, known) as (job, store, schema_name):
        consumer = Consumer(options.queue, store, schema_name, job, _taking(known))
        tell(f"consuming {options.queue} for {schema_name}")
        asyncio.run(_until_signalled(consumer.stopping, _watched(consumer, consume(consumer), options)))
        telemetry.finish()
    return 0


async def _watched(consumer: "Consumer", work: Coroutine[None, None, None], options: argparse.Namespace) -> None:
    """The work, with its health answered beside it where a port is named."""
    if options.port is None:
        await work
        return
    from flows.events.health import answering

    with answering(options.host, options.port, lambda: consumer.unreachable or consumer.stuck):
        await work


async def _until_signalled(stopping: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await work


@contextlib.contextmanager
def _prepared(options: argparse.Namespace, known: Settings) -> Iterator[tuple[Job, Store, str]]:
    """Everything checked before the first upload comes: schema, endpoints, store."""
    start_logging(known.log_format)
    if not telemetry.start():
        tell("no metrics: install the `telemetry` extra", level=logging.WARNING)
    job = Job(
        (), options.schema, options.endpoint, options.base_url, options.model, options.store,
        concurrency=options.concurrency,
    )  # fmt: skip
    schema = find_schema(job.schema)
    first = choose(job.endpoints, job.base_url, job.model, known)[0]
    with Store.open(job.store or known.store) as store:
        make_views(store, schema)
        store.transact(inbox.make_table)
        tell(f"{schema.name} with {first.name} ({first.model}) into {store.shown_url}")
        yield job, store, schema.name


def _taking(known: Settings) -> TakeUploads:
    """One run a micro-batch: as a Prefect flow run where a Prefect API is configured, directly otherwise."""
    if prefect_is_configured():
        from flows.prefect.deployments import take_as_flow_run

        return take_as_flow_run
    return partial(_take_directly, known)


async def _take_directly(known: Settings, arrived: Sequence[Arrival], job: Job, stopping: asyncio.Event) -> Batch:
    return await take_uploads(arrived, job, known, telemetry.measured(Logged()), stopping)
