"""What a job asks for: one schema, or with `--split` several, under the one name that the ledger has for them."""

from dataclasses import dataclass, replace
from typing import Any

from extractors import bundles
from extractors.asking import planning, splitting
from extractors.errors import BadConfiguration
from extractors.fitting import fitted, room_for_looks
from extractors.pages.rendering import RENDER_VERSION
from extractors.vision import VisionClient
from flows.run.parameters import Job
from flows.schema_lookup import find_schema
from flows.settings import Settings
from flows.store.keys import Key
from flows.store.splits import split_name


@dataclass(frozen=True)
class Asked:
    """What documents are read for.

    Attributes:
        name: in the ledger: the schema's, or `split:` and those of all, sorted.
        plans: one for each schema, in the order of their names.
        split: whether a file holds several documents.
        look_tokens: what one look at such a file's pages may hold (`extractors.fitting`), once that is known.
    """

    name: str
    plans: tuple[planning.Plan, ...]
    split: bool
    look_tokens: tuple[int, ...] = ()

    def recipe(self, whom: dict[str, Any]) -> planning.Recipe:
        """How they are asked for and read; `whom` is who is asked first (`VisionClient.whom`)."""
        versions = {"render": RENDER_VERSION, **(bundles.SPLIT_VERSIONS if self.split else {})}
        return planning.recipe(self.plans, whom=whom, versions=versions)


async def fitting(asked: Asked, vision: VisionClient) -> Asked:
    """The same, its plans as the run's endpoints take them; the recipe is that of the plans as they were asked for.

    Raises:
        BadConfiguration: no endpoint holds a single page.
    """
    plans = [await fitted(plan, vision) for plan in asked.plans]
    looks = await room_for_looks(plans, vision) if asked.split else ()
    return replace(asked, plans=tuple(plans), look_tokens=looks)


def key_of(name: str, recipe: planning.Recipe) -> Key:
    """A recipe in the ledger."""
    return Key(
        schema_name=name, recipe=recipe.digest, asking=recipe.asking, reading=recipe.reading,
        schema_content=recipe.schema_content, versions=recipe.versions,
    )  # fmt: skip


def asked_for(job: Job, settings: Settings) -> Asked:
    """What a job's parameters mean.

    Args:
        job: `schema_name` is one, or with `split` several with commas between them, in any order.
        settings: what it does not say.

    Raises:
        BadConfiguration: an unknown schema, one that cannot be asked for, several without `split`, or twice the same.
    """
    said, pages = job.schema_name, job.pages_per_request or settings.pages_per_request
    if not job.split and several(said):
        raise BadConfiguration(f"several schemas ({said}) need --split, which reads each part with the one it fits")
    specs = said.split(",") if job.split else [said]
    found = {each.name: each for each in (find_schema(spec.strip()) for spec in specs)}
    if len(found) < len(specs):
        raise BadConfiguration(f"a schema is named twice in {said}")
    if job.split and splitting.NONE in found:
        raise BadConfiguration(f"with --split no schema can be called {splitting.NONE!r}: that is a page without one")
    plans = tuple(planning.plan(found[name], job.records, pages) for name in sorted(found))
    return Asked(split_name(found) if job.split else plans[0].schema.name, plans, job.split)


def several(schema: str) -> bool:
    """Whether `--schema` names more than one."""
    return "," in schema
