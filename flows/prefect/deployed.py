"""What is deployed on the Prefect server, looked at by `octavo doctor`."""

import asyncio
import importlib
import importlib.util
from dataclasses import dataclass

from extractors.errors import CannotRun

_OURS = "flows."
_PATIENCE = 20.0
"""Seconds that a server has for all answers."""


@dataclass(frozen=True)
class Gone:
    """A deployment whose flow is no longer where it was.

    Attributes:
        name: `flow/deployment`.
        entrypoint: module and function that it names.
    """

    name: str
    entrypoint: str


async def gone_entrypoints() -> list[Gone]:
    """The deployments of Octavo's flows whose entrypoint is no module or no function of today's.

    Raises:
        CannotRun: the server does not answer.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.responses import DeploymentResponse

    found: list[DeploymentResponse] = []
    try:
        async with asyncio.timeout(_PATIENCE), get_client() as client:
            while page := await client.read_deployments(limit=200, offset=len(found)):
                found += page
            flows = {each.flow_id: (await client.read_flow(each.flow_id)).name for each in found}
    except Exception as error:  # Prefect's client raises what its transport does, which is httpx's to name
        raise CannotRun(f"the Prefect server cannot be asked: {type(error).__name__}") from error
    return [
        Gone(f"{flows[each.flow_id]}/{each.name}", each.entrypoint)
        for each in found
        if each.entrypoint and each.entrypoint.startswith(_OURS) and not _is_there(each.entrypoint)
    ]


def _is_there(entrypoint: str) -> bool:
    """`package.module.function` or `package.module:function`, told without running more than its packages."""
    module, _, function = entrypoint.replace(":", ".").rpartition(".")
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return False
    if spec is None or spec.loader is None:
        return False
    return hasattr(importlib.import_module(module), function)
