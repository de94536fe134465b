"""Who looks on while a run goes: the terminal. Prefect's artifacts look on in `flows.prefect.extract`."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Protocol

from extractors.vision.endpoints import Endpoint
from flows.observe.summary import Outcome, Summary

"""Seconds between two lines of progress where there is no terminal to draw a bar on."""


class Watch(Protocol):
    """Who looks on: a progress bar, Prefect's artifacts, both or nobody."""

    def started(self, endpoints: Sequence[Endpoint], schema_name: str) -> None:
        """The run knows whom it asks."""

    def progressed(self, summary: Summary, outcome: Outcome | None) -> None:
        """An object was listed, skipped or ended."""

    def notice(self, line: str) -> None:
        """Something that a person waiting should know."""

    def finished(self, summary: Summary) -> None:
        """The run is over."""


class Silent:
    """Nobody looks on."""

    def started(self, endpoints: Sequence[Endpoint], schema_name: str) -> None:
        """Nothing is shown."""

    def progressed(self, summary: Summary, outcome: Outcome | None) -> None:
        """Nothing is shown."""

    def notice(self, line: str) -> None:
        """Nothing is shown."""

    def finished(self, summary: Summary) -> None:
        """Nothing is shown."""


looking_on: ContextVar[Watch | None] = ContextVar("looking_on", default=None)
"""The command's watch, for a flow that runs inside the command's own process."""
