"""What joins a bulk run and its shards in Prefect's pages: a tag that they share, and a link each way."""

from uuid import UUID

from prefect.artifacts import acreate_link_artifact
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run


def job_tag(job_id: str) -> str:
    """The tag that a bulk run and all its shards bear."""
    return f"octavo-run:{job_id}"


async def tag_job(job_id: str) -> None:
    """Gives the parent, which runs here, the tag of its shards; nothing outside of a flow run."""
    if flow_run.id is None:
        return
    async with get_client() as client:
        await client.update_flow_run(UUID(job_id), tags=sorted({*flow_run.tags, job_tag(job_id)}))


async def link_to_shard(name: str, shard_id: str) -> None:
    """A link on the parent's page to a shard's."""
    await acreate_link_artifact(_page_of(shard_id), name, description=f"{name} of this run")


async def link_to_parent(job_id: str) -> None:
    """A link on a shard's page to its parent's."""
    await acreate_link_artifact(_page_of(job_id), "the bulk run", description="the run that this shard is a part of")


def page_link(name: str, run_id: str) -> str:
    """A link to a flow run's page, in Markdown."""
    return f"[{name}]({_page_of(run_id)})"


def _page_of(run_id: str) -> str:
    """The path of a flow run's page, which holds wherever the server is seen from."""
    return f"/runs/flow-run/{run_id}"
