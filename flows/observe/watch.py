"""Who looks on while a run goes: the terminal. Prefect's artifacts look on in `flows.prefect.extract`."""

from collections.abc import Sequence
from typing import Protocol

from extractors.vision.endpoints import Endpoint
from flows.observe.summary import Outcome, Summary


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
