"""`octavo worker`: takes runs of the deployments from a Prefect work pool."""

import asyncio
import os
from typing import Annotated

from cyclopts import Parameter

from extractors.errors import BadConfiguration
from flows.cli.options import Positive, command
from flows.prefect.configured import prefect_is_configured

app = command(
    "worker",
    """
octavo worker
octavo worker --pool octavo --limit 4
""",
)


@app.default
def _worker(
    *,
    pool: Annotated[str, Parameter(help="the work pool", show_default=True)] = "octavo",
    limit: Annotated[int, Parameter(help="runs at once at most", show_default=True, validator=Positive)] = 2,
    name: Annotated[str | None, Parameter(help="the worker's name in Prefect's pages")] = None,
) -> int:
    """Takes runs of the deployments from a Prefect work pool until SIGTERM or Ctrl-C, which drain."""
    if not prefect_is_configured():
        raise BadConfiguration("no Prefect server is named: set PREFECT_API_URL, for example http://HOST:4200/api")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from flows.prefect.worker import work

    try:
        asyncio.run(work(pool, limit, name, print))
    except asyncio.CancelledError:
        raise KeyboardInterrupt(
            "its runs were killed: what was in flight may be billed, and is asked again"
        ) from None
    return 0
