"""Why each listed object is to be done, or that it is not: what `--rerun` selects, told before anything is paid.

`flows.run.document` selects by the same states while a run goes; this module says them in words, for `--dry-run`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractors.documents import ObjectRef
from extractors.vocabulary import FINAL, DocumentStatus
from flows.run.rerun import Rerun, is_done
from flows.store.keys import Key
from flows.store.objects import Before, Known
from flows.store.store import Store

_PARTS = {
    "schema": "the schema", "prompt": "the prompt", "render": "the render settings", "window": "pages per request",
    "model": "the model", "sampling": "the sampling",
}  # fmt: skip
_SHOWN = {"model", "prompt", "render"}
"""Parts short enough to be told with what they were and are."""


@dataclass(frozen=True)
class Reason:
    """Why an object is to be done.

    Attributes:
        kind: `new` (never read under this schema), `changed` (other bytes under the same name), `recipe`
            (done, but with another schema, prompt, model or setting), `pending` (begun and not finished),
            `failed` (partial or quarantined, and `--rerun failed` or `all`), `again` (complete, and `--rerun all`).
        detail: what has changed, or how it failed, in words; may be empty.
    """

    kind: str
    detail: str = ""


def reasons(
    store: Store, refs: Sequence[ObjectRef], *, key: Key, parts: dict[str, Any], rerun: Rerun
) -> dict[str, Reason | None]:
    """Why each of some listed objects is to be done; None for one that is done. Nothing is written or fetched.

    Bytes that the store knows under another name are told as `new`: only reading them shows that they are known.

    Args:
        store: open, for reading at least.
        refs: as listed.
        key: what is asked for, and how.
        parts: what the recipe is made of (`planning.recipe_parts`).
        rerun: `changed`, `failed` or `all`.

    Returns:
        By uri, in the order of `refs`.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    known = store.known([ref.uri for ref in refs], key)
    undone = [uri for uri, entry in known.items() if entry.status is None]
    before = store.before(undone, key.schema_name)
    return {ref.uri: _reason(ref, known.get(ref.uri), before.get(ref.uri), parts, rerun) for ref in refs}


def _reason(
    ref: ObjectRef, entry: Known | None, before: Before | None, parts: dict[str, Any], rerun: Rerun
) -> Reason | None:
    if entry is None or entry.etag != ref.etag:
        return Reason("new" if entry is None else "changed")
    if is_done(entry.status, entry.kind, rerun):
        return None
    if entry.status in FINAL:
        return (
            Reason("again")
            if entry.status == DocumentStatus.COMPLETE
            else Reason("failed", f"{entry.status}: {entry.kind}")
        )
    if entry.status is not None:
        return Reason("pending", entry.kind or "")
    if before is None or not before.done:
        return Reason("new" if before is None else "changed")
    return Reason("recipe", _difference(before.parts, parts))


def _difference(before: dict[str, Any] | None, now: dict[str, Any]) -> str:
    if before is None:
        return "done with other settings"
    changed = [part for part in _PARTS if before.get(part) != now.get(part)]
    told = (
        f"{_PARTS[part]} ({before.get(part)} before, {now.get(part)} now)" if part in _SHOWN else _PARTS[part]
        for part in changed
    )
    return ", ".join(told)
