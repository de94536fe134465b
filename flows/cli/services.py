"""`octavo listen` and `octavo consume`: what they need, their signals, and how they end."""

import asyncio
import contextlib
import logging
import math
import signal
from collections.abc import Coroutine, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from pydantic import SecretStr

from extractors.errors import BadConfiguration
from flows.background import prepare_interpreter
from flows.cli.options import Host, Port, command, settings_with, takes_job
from flows.events.batch import Batch, TakeUploads, take_uploads
from flows.notify.telling import Teller
from flows.observe import telemetry
from flows.observe.logs import Logged, start_logging, tell
from flows.prefect.configured import prefect_is_configured
from flows.run.asked import asked_for
from flows.run.endpoints import choose
from flows.run.parameters import ONCE, Job
from flows.settings import Settings
from flows.store import inbox
from flows.store.inbox import Arrival
from flows.store.store import Store
from flows.store.views import make_views

if TYPE_CHECKING:
    from flows.events.sqs import Consumer

_NEEDS = "octavo {} needs {}: install the `{}` extra"

listen = command(
    "listen",
    """
OCTAVO_LISTEN_TOKEN=... octavo listen --schema invoice
octavo listen --schema invoice --host 0.0.0.0 --port 8400
""",
)
consume = command("consume", "octavo consume --schema invoice --queue https://sqs.../uploads")


@listen.default
@takes_job(without=ONCE)
def _listen(wishes: dict[str, Any], *, host: Host = "127.0.0.1", port: Port = 8400) -> int:
    """Receives webhooks until SIGTERM or Ctrl-C, and reads what they announce."""
    settings = settings_with(store=wishes.pop("store"))
    if not settings.listen_token and not settings.listen_secret:
        raise BadConfiguration("set OCTAVO_LISTEN_TOKEN (bearer token) or OCTAVO_LISTEN_SECRET (HMAC of the body)")
    try:
        import uvicorn

        from flows.events.callers import Impatient, Locks
        from flows.events.webhook import REST, Listener, create_app
    except ModuleNotFoundError as error:
        raise BadConfiguration(_NEEDS.format("listen", error.name, "listen")) from None
    job = Job(sources=(), **wishes)
    with _prepared(job, settings) as (store, schema_name):
        teller = Teller(settings, Logged().notice, schema_name, lambda: listener.trouble)
        listener = Listener(
            store, schema_name, job, _taking(settings, teller), Locks(settings.listen_token, settings.listen_secret),
            concurrency=job.concurrency or settings.concurrency, prefixes=settings.listen_prefixes,
            metrics_token=settings.metrics_token, rest=min(REST, settings.give_up_after), beside=teller.delivering,
        )  # fmt: skip
        telemetry.watches(lambda: listener.trouble)
        # Ends calls that wait for a body that never comes; the loop's drain has its own time (lifespan).
        served = uvicorn.Config(
            create_app(listener), host=host, port=port, log_config=None, access_log=False,
            timeout_graceful_shutdown=10, http=Impatient,
        )  # fmt: skip
        tell(f"listening on http://{host}:{port} for {schema_name}")
        server = uvicorn.Server(served)
        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn raises the signal once more after its orderly end: then there is nothing left to do.
            signal.signal(number, lambda *_: None)
        server.run()
        telemetry.finish()
    if not server.started:
        raise BadConfiguration(f"cannot listen on {host}:{port}: see the line above")
    return 0


@consume.default
@takes_job(without=ONCE)
def _consume(
    wishes: dict[str, Any],
    *,
    queue: Annotated[str, Parameter(help="the queue's URL")],
    host: Host = "127.0.0.1",
    port: Annotated[int | None, Parameter(help="answer /healthz, /readyz and /metrics there")] = None,
) -> int:
    """Reads a queue until SIGTERM or Ctrl-C, and the uploads that it announces."""
    settings = settings_with(store=wishes.pop("store"))
    from flows.events.sqs import TRY_LATER, Consumer, consume

    job = Job(sources=(), **wishes)
    with _prepared(job, settings) as (store, schema_name):
        rest = min(TRY_LATER, math.ceil(settings.give_up_after))
        teller = Teller(settings, Logged().notice, schema_name, lambda: consumer.trouble)
        consumer = Consumer(
            queue, store, schema_name, job, _taking(settings, teller), job.concurrency or settings.concurrency,
            settings.listen_prefixes, rest=rest,
        )  # fmt: skip
        telemetry.watches(lambda: consumer.unreachable or consumer.stuck)
        tell(f"consuming {queue} for {schema_name}")
        watched = _watched(consumer, consume(consumer), host, port, settings.metrics_token)
        asyncio.run(_until_signalled(consumer.stopping, watched, teller))
        telemetry.finish()
    return 0


async def _watched(
    consumer: "Consumer", work: Coroutine[None, None, None], host: str, port: int | None, token: SecretStr | None
) -> None:
    """The work, with its health answered beside it where a port is named."""
    if port is None:
        await work
        return
    from flows.events.health import answering

    with answering(host, port, lambda: consumer.trouble, token):
        await work


async def _until_signalled(stopping: asyncio.Event, work: Coroutine[None, None, None], teller: Teller) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with teller.delivering():
        await work


@contextlib.contextmanager
def _prepared(job: Job, settings: Settings) -> Iterator[tuple[Store, str]]:
    """Everything checked before the first upload comes: schema, endpoints, store."""
    start_logging(settings.log_format)
    if not telemetry.start():
        tell("no metrics: install the `telemetry` extra", level=logging.WARNING)
    asked = asked_for(job, settings)
    endpoints = choose(job.endpoints or (), job.base_url, job.model, settings)
    telemetry.expect(endpoints)
    with Store.open(settings.store) as store:
        for plan in asked.plans:
            make_views(store, plan.schema)
        store.transact(inbox.make_table)
        prepare_interpreter()
        if not settings.listen_prefixes:
            told = (
                "OCTAVO_LISTEN_PREFIXES is not set: whatever the S3 credentials reach may be announced, and is read"
            )
            tell(told, level=logging.WARNING)
        tell(f"{asked.name} with {endpoints[0].name} ({endpoints[0].model}) into {store.shown_url}")
        yield store, asked.name


def _taking(settings: Settings, teller: Teller) -> TakeUploads:
    """One run a micro-batch: as a Prefect flow run where a Prefect API is configured, directly otherwise."""
    if prefect_is_configured():
        from flows.prefect.deployments import take_as_flow_run

        return partial(take_as_flow_run, settings, teller)
    return partial(_take_directly, settings, teller)


async def _take_directly(
    settings: Settings, teller: Teller, arrived: Sequence[Arrival], job: Job, stopping: asyncio.Event
) -> Batch:
    return await take_uploads(arrived, job, settings, teller.watching(telemetry.measured(Logged())), stopping)
