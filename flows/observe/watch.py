"""Who looks on while a run goes: the terminal, the log. Prefect's artifacts look on in `flows.prefect.extract`."""

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


class Several:
    """All of some watches look on."""

    def __init__(self, *watches: Watch) -> None:
        self._watches = watches

    def started(self, endpoints: Sequence[Endpoint], schema_name: str) -> None:
        """Each is told."""
        for each in self._watches:
            each.started(endpoints, schema_name)

    def progressed(self, summary: Summary, outcome: Outcome | None) -> None:
        """Each is told."""
        for each in self._watches:
            each.progressed(summary, outcome)

    def notice(self, line: str) -> None:
        """Each is told."""
        for each in self._watches:
            each.notice(line)

    def finished(self, summary: Summary) -> None:
        """Each is told."""
        for each in self._watches:
            each.finished(summary)
