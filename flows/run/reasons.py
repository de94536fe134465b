"""Why each listed object is to be done, or that it is not: what `--rerun` selects, told before anything is paid.

`flows.run.document` selects by the same states while a run goes; this module says them in words, for `--dry-run`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extractors.documents import ObjectRef
from extractors.vocabulary import FINAL, DocumentStatus
from flows.run.rerun import Rerun, is_done
from flows.store.keys import Key
from flows.store.objects import Before, Known
from flows.store.store import Store

_PARTS = {
    "schema": "the schema", "reading": "its validators or checks", "window": "pages per request",
    "model": "the model", "sampling": "the sampling", "endpoint": "how the endpoint is asked",
}  # fmt: skip
_SHOWN = {"model"}
"""Parts short enough to be told with what they were and are."""


@dataclass(frozen=True)
class Reason:
    """Why an object is to be done.

    Attributes:
        kind: `new` (never read under this schema), `changed` (other bytes under the same name), `recipe`
            (done, but with another schema, model or setting), `reread` (only how answers are read has changed: the
            stored ones are read again, nothing is asked), `pending` (begun and not finished), `failed` (partial or
            quarantined, and `--rerun failed` or `all`), `weaker` and `outdated` (as `--rerun` has them), `again`
            (complete, and `--rerun all`).
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
    about = _About(key, parts, rerun)
    return {ref.uri: _reason(ref, known.get(ref.uri), before.get(ref.uri), about) for ref in refs}


@dataclass(frozen=True)
class _About:
    key: Key
    parts: dict[str, Any]
    rerun: Rerun


def _reason(ref: ObjectRef, entry: Known | None, before: Before | None, about: _About) -> Reason | None:
    if entry is None or entry.etag != ref.etag:
        return Reason("new" if entry is None else "changed")
    if is_done(entry, about.rerun, about.key.versions):
        return None
    if entry.status in FINAL:
        return _once_more(entry, about)
    if entry.status is not None:
        return Reason("pending", entry.kind or "")
    if before is None or not before.done:
        return Reason("new" if before is None else "changed")
    kind = "reread" if before.asking is not None and before.asking == about.key.asking else "recipe"
    return Reason(kind, _difference(before.parts, about.parts))


def _once_more(entry: Known, about: _About) -> Reason:
    """Why what has an outcome is taken all the same."""
    if about.rerun == Rerun.OUTDATED:
        return Reason("outdated", _versions(entry.versions, about.key))
    if about.rerun == Rerun.WEAKER:
        return Reason("weaker")
    if entry.status == DocumentStatus.COMPLETE:
        return Reason("again")
    return Reason("failed", f"{entry.status}: {entry.kind}")


def _versions(of: Mapping[str, str] | None, key: Key) -> str:
    then = of or {}
    told = (f"{name} {then.get(name, 'unknown')} before, {now} now" for name, now in key.versions.items()
            if then.get(name) != now)  # fmt: skip
    return ", ".join(told)


def _difference(before: dict[str, Any] | None, now: dict[str, Any]) -> str:
    if before is None:
        return "done with other settings"
    changed = [part for part in _PARTS if before.get(part) != now.get(part)]
    told = (
        f"{_PARTS[part]} ({before.get(part)} before, {now.get(part)} now)" if part in _SHOWN else _PARTS[part]
        for part in changed
    )
    return ", ".join(told)
