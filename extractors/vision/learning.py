"""What an endpoint's own counts teach about the estimates: factors by which its calls are reserved."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from extractors.documents import Usage
from extractors.vision.endpoints import Endpoint
from extractors.vision.wire import cost

_MOST, _KEPT = 100.0, 0.97
"""A factor at most; the share of its excess that the next call leaves of it."""


@dataclass(frozen=True)
class Seen:
    """A call that was answered: tokens as estimated, and tokens and cost as told."""

    estimated: Usage
    told: Usage


class Learned:
    """By how much an endpoint's calls exceed their estimates: the worst of late, which fades, and never under 1.

    Attributes:
        input: factor of the input's tokens.
        output: of the answer's limit, which some count beyond.
        price: of the price list.
        usd_per_token: that an endpoint charged whose price list says 0.
    """

    def __init__(self, endpoint: Endpoint, seen: Iterable[Seen] = ()) -> None:
        """Learns from earlier calls, the oldest first."""
        self._endpoint = endpoint
        self.input = self.output = self.price = 1.0
        self.usd_per_token = 0.0
        for each in seen:
            self.hears(each)

    def hears(self, seen: Seen) -> None:
        """Learns from a call."""
        estimated, told = seen.estimated, seen.told
        self.input = _worst(self.input, told.input, estimated.input)
        self.output = _worst(self.output, told.output, estimated.output)
        listed = cost(self._endpoint, told.input, told.output, told.cached)
        self.price = _worst(self.price, told.cost_usd, listed)
        if listed == 0:
            a_token = told.cost_usd / max(1, told.input + told.output)
            self.usd_per_token = max(a_token, self.usd_per_token * _KEPT)

    def reserved(self, expected: Usage) -> Usage:
        """An estimate with the cost that is to be reserved for it; its tokens stay, so that they can be compared."""
        return replace(expected, cost_usd=self.cost(expected.input, expected.output))

    def cost(self, sent: int, answered: int) -> float:
        """USD for so many tokens as estimated, at most."""
        sent, answered = int(sent * self.input), int(answered * self.output)
        listed = cost(self._endpoint, sent, answered) * self.price
        return listed or self.usd_per_token * (sent + answered)


def _worst(known: float, told: float, estimated: float) -> float:
    ratio = min(_MOST, told / estimated) if estimated > 0 else 1.0
    return max(ratio, 1 + (known - 1) * _KEPT)
