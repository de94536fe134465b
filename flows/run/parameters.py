"""What a run can be asked for, declared once: a new option of a run is one field here.

The command line, the flows' parameters in Prefect, shards, `listen`, `consume` and `quarantine retry` all take
their options from `Job`: names, types, bounds, defaults and help. What an option does stands where it is read.
"""

from collections.abc import Collection
from inspect import Parameter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from extractors.vocabulary import Ground, Records
from flows.run.deleted import Deleted
from flows.run.rerun import Rerun


class Job(BaseModel):
    """What a person asked for; the settings fill in what is None. It holds no secret: Prefect keeps parameters.

    Each field's description is its help, on the command line and in Prefect's form.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[str, ...] = Field(
        description="s3://bucket/prefix, s3://bucket/key, a folder, a file, or @list.txt with one of them a line"
    )
    schema_name: str = Field(
        description="a built-in name, package.module:Model, path/to/file.py:Model, or a JSON Schema file"
    )
    endpoints: tuple[str, ...] | None = Field(
        None, description="vision endpoints, in order of preference; their keys come from the environment"
    )
    base_url: str | None = Field(None, description="an OpenAI-compatible server")
    model: str | None = Field(None, description="the model's name there")
    store: str | None = Field(
        None,
        description="database (SQLAlchemy URL) instead of OCTAVO_STORE, which is the place for one with a password",
    )
    max_cost: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="USD: stop before more than this is spent"
    )
    concurrency: int | None = Field(None, ge=1, description="calls in flight (64)")
    pages_per_request: int | None = Field(None, ge=1, description="pages sent together at most (8)")
    records: Records = Field(
        Records.ONE, description="a document is one record, holds many, or each of its pages is one"
    )
    ground: Ground | None = Field(
        None,
        description="look for values on their pages: not at all, in the text layer (the default), or where that says "
        "nothing in what the built-in OCR reads, which takes seconds of CPU a page",
    )
    limit: int | None = Field(None, ge=1, description="take at most so many documents")
    rerun: Rerun = Field(
        Rerun.CHANGED,
        description="take what is new or changed; what failed too; what another endpoint than the first answered "
        "(weaker) or another version of Octavo made (outdated); or everything (stored replies are used again)",
    )
    fresh: bool = Field(default=False, description="ask anew, whatever replies are stored: all is paid again")
    deleted: Deleted = Field(
        Deleted.KEEP,
        description="records of objects that the source does not show any more stay, or leave the views and exports",
    )
    fail_over: str | None = Field(
        None,
        pattern=r"^\d+(\.\d+)?%?$",
        description="end well (exit code 0) with up to so many documents not complete: 5, or 1% of those taken",
    )
    split: bool = Field(
        default=False,
        description="a file holds several documents, each of one of the schemas, named with commas between them",
    )


ONCE = frozenset({"sources", "limit", "rerun", "fresh", "max_cost", "deleted", "fail_over"})
"""Fields of one run over sources, which mean nothing where micro-batches of uploads go on for ever."""


def parameters(without: Collection[str] = ()) -> list[Parameter]:
    """The job's fields as parameters of a function, typed and bounded, to be given by name.

    Args:
        without: fields that make no sense there, or that the caller fills in.
    """
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.is_required() else field.get_default(call_default_factory=True),
            annotation=bounded(name),
        )
        for name, field in Job.model_fields.items()
        if name not in without
    ]


def bounded(name: str) -> Any:
    """A field's type with its bounds."""
    field = Job.model_fields[name]
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
