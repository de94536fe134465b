"""Counters in a file for node_exporter's textfile collector: what runs without a port have counted, all together.

Each process adds what it has counted since it wrote last, under a lock, so that the numbers only ever rise, over
processes and restarts, as counters do: a rule sees the nightly run's bill.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.observe.logs import tell

_EVERY = 15.0
"""Seconds between two writes: Prometheus looks no more often."""

_MOST = 16 << 20
"""Bytes of a file of counters at most: what is larger, or has no end, is another's."""

_TRIES, _BETWEEN = 20, 0.1
"""How often the lock is asked for, and the seconds between: a process that was stopped may hold it for good."""

_OURS, _NEVER = "octavo_", "_created"
_Sample = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class _Kept:
    """The file, and what this process has added to it.

    Attributes:
        file: where.
        added: each sample's value then.
        lock: held while it is written.
        told: why it could not be added to last time; None when it could.
    """

    file: Path
    added: dict[_Sample, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    told: str | None = None


_kept: list[_Kept] = []


def keep(file: Path) -> None:
    """Adds to a file from here on, at once and every few seconds: counters begin at zero there, too."""
    if _kept:
        return
    _kept.append(_Kept(file))
    write()
    threading.Thread(target=_write_on, name="octavo-metrics", daemon=True).start()


def _write_on() -> None:
    resting = threading.Event()
    while not resting.wait(_EVERY):
        write()


def write() -> None:
    """Adds what was counted since the last time. A file that cannot be added to is told once, and stops no run."""
    for kept in _kept:
        with kept.lock:
            try:
                _add(kept)
                why = None
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            if why and why != kept.told:
                tell(f"OCTAVO_METRICS_FILE {kept.file} cannot be added to: {why}", level=logging.WARNING)
            kept.told = why


def _add(kept: _Kept) -> None:
    from prometheus_client import CollectorRegistry, generate_latest

    counted = list(_counted())
    now = {_name(sample): sample.value for family in counted for sample in family.samples}
    if kept.file.exists() and not kept.file.is_file():
        raise OSError("it is no file")  # a device has no end, and would be replaced by one
    with _locked(kept.file):
        there = _there(kept.file)
        before = {_name(sample): sample.value for family in there for sample in family.samples}
        total = before | {name: before.get(name, 0.0) + now[name] - kept.added.get(name, 0.0) for name in now}
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Summed(list(_summed(there, counted, total))))
        beside = kept.file.with_name(f".{kept.file.name}.new")
        beside.write_bytes(generate_latest(registry))
        beside.chmod(0o644)
        beside.replace(kept.file)
    kept.added = now


class _Summed:
    """Families of samples, as the library's own writer takes them."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        return self._families


def _counted() -> Iterator[Any]:
    """What this process has counted: counters and histograms, which add up; a gauge would outlive its run."""
    from prometheus_client import REGISTRY

    for family in REGISTRY.collect():
        if family.name.startswith(_OURS) and family.type in {"counter", "histogram"}:
            yield family


def _there(file: Path) -> list[Any]:
    """What the file holds; one that nobody can read is moved aside, and the counters begin anew, as after a reset."""
    if not file.exists():
        return []
    with file.open("rb") as opened:
        held = opened.read(_MOST + 1)
    if len(held) > _MOST:
        raise OSError(f"it is larger than {_MOST >> 20} MiB")
    try:
        return _families(held.decode())
    except ValueError as error:
        aside = file.with_name(f"{file.name}.damaged")
        file.replace(aside)
        why = str(error) or "no metrics"
        tell(f"OCTAVO_METRICS_FILE {file} could not be read ({why}): it is {aside} now", level=logging.WARNING)
        return []


def _families(text: str) -> list[Any]:
    """The families of the text format.

    Raises:
        ValueError: it is none, or lacks the types: its numbers would be written beside ours.
    """
    from prometheus_client.parser import text_string_to_metric_families

    try:
        found = list(text_string_to_metric_families(text))
    except (IndexError, KeyError) as error:
        raise ValueError(f"no metrics: {error}") from None
    for family in found:
        if family.type == "unknown":
            raise ValueError(f"{family.name} has no type")
    return found


def _summed(there: list[Any], counted: list[Any], total: dict[_Sample, float]) -> Iterator[Any]:
    from prometheus_client.metrics_core import Metric

    for family in {each.name: each for each in (*there, *counted)}.values():
        samples = {
            _name(sample): sample
            for each in (*there, *counted)
            if each.name == family.name
            for sample in each.samples
        }
        made = Metric(family.name, family.documentation, family.type)
        for name, sample in samples.items():
            if not sample.name.endswith(_NEVER):
                made.add_sample(sample.name, sample.labels, total[name])
        yield made


def _name(sample: Any) -> _Sample:
    return sample.name, tuple(sorted(sample.labels.items()))


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process, however it ends.

    Raises:
        OSError: it cannot be had: another process holds it, and does nothing.
    """
    held = os.open(file.with_name(f".{file.name}.lock"), os.O_CREAT | os.O_RDWR, 0o644)
    try:
        for _ in range(_TRIES):
            with suppress(BlockingIOError):
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(_BETWEEN)
        else:
            raise OSError(f"another process has held its lock for {_TRIES * _BETWEEN:g} s")
        yield
    finally:
        os.close(held)
