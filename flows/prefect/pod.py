"""One flow run in a pod of its own: `python -m flows.prefect.pod`, which a job of Kubernetes runs.

`prefect flow-run execute` kills its run when the pod is told to end. This passes the signal on and waits: the run
finishes what is in flight and ends as `Interrupted` (`flows.prefect.stopping`), as under `octavo worker`.
"""

import asyncio
import os
import sys
from uuid import UUID

from prefect.client.orchestration import get_client

from flows.background import first_signal
from flows.prefect.worker import WhereItIs, Worker

_WHICH = "PREFECT__FLOW_RUN_ID"


async def run_of(flow_run_id: UUID) -> int:
    """Runs a flow run in a process of its own to its end; the process's exit code."""
    async with get_client() as client:
        flow_run = await client.read_flow_run(flow_run_id)
    configuration = WhereItIs()
    configuration.prepare_for_flow_run(flow_run)
    worker = Worker(work_pool_name=None)
    with first_signal(worker.drain):
        return (await worker.run(flow_run, configuration)).status_code


if __name__ == "__main__":
    if _WHICH not in os.environ:
        sys.exit(f"{_WHICH} does not say which flow run this is: a worker's job does")
    sys.exit(asyncio.run(run_of(UUID(os.environ[_WHICH]))))
